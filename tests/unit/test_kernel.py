"""The compiled kernel computes what torch does, and torch takes over where there is none."""

import ctypes
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from core import kernel
from core.config import MLP, parse_config
from core.forms import Layout, derivative, laplacian
from core.jets import Jet, coordinates
from core.kernel import compiling, library
from core.networks.layers import mlp
from core.networks.solution import Solution, Term
from core.optimizers.adam import Adam
from core.problems.poisson2d import Poisson2D
from core.training.affine_loss import AffineLoss
from core.training.objective import Objective

MIXED = (((0, 0, 2.0), (0, 1, 0.5), (1, 1, -1.0)), ((0, 1, 1.0),))
FIVE = (laplacian(5), ((0, 3, 2.5), (2, 2, -1.0)), ((1, 4, 1.0),))
CASES = {
    "1 input, odd": (1, (laplacian(1),), (5,), 2, 7),
    "2 inputs": (2, (laplacian(2),), (32, 32), 1, 1000),
    "2 inputs, mixed terms": (2, MIXED, (33, 6, 12), 2, 101),
    "5 inputs": (5, FIVE, (17, 30), 3, 333),
    "no forms, one sample": (3, (), (8, 8), 1, 1),
}

compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler on this machine")


@pytest.fixture
def forgetful():
    """Kernels are looked for again, in the test and after it."""
    library.kernel.cache_clear()
    yield
    library.kernel.cache_clear()


def network_of(case, activation, dtype=torch.float64):
    """A network with its parameters, and inputs that are no mere coordinates, so that every component takes part."""
    dimension, forms, hidden, outputs, samples = CASES[case]
    generator = torch.Generator().manual_seed(3)
    layout = Layout(dimension, forms, tuple(map(str, range(len(forms)))))
    network = mlp(MLP(hidden=hidden, activation=activation), dimension + 1, outputs, generator).to(dtype)
    shape = (layout.components, samples, dimension + 1)
    features = torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()
    return network, Jet(features, layout), list(network.parameters())


@pytest.fixture(autouse=True)
def same_numbers():
    torch.manual_seed(0)


def relative(a, b):
    return float((a - b).detach().norm() / b.detach().norm())


@compiler
@pytest.mark.parametrize("activation", ["tanh", "sine"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float32, 5e-6)])
def test_values_and_gradients_are_torchs(case, activation, dtype, tolerance):
    network, features, parameters = network_of(case, activation, dtype)
    assert kernel.available(features.data, features.layout, parameters), kernel.about(dtype)
    ours, theirs = network(features).data, network(features, []).data
    assert type(ours.grad_fn).__name__ == "_FusedBackward"
    assert relative(ours, theirs) < tolerance
    generator = torch.Generator().manual_seed(1)
    cotangent = torch.randn(theirs.shape, generator=generator, dtype=torch.float64).to(dtype)
    wanted = [*parameters, features.data]
    gradients = torch.autograd.grad(ours, wanted, cotangent)
    for gradient, expected in zip(gradients, torch.autograd.grad(theirs, wanted, cotangent), strict=True):
        assert relative(gradient, expected) < tolerance


@compiler
@pytest.mark.parametrize("activation", ["tanh", "sine"])
def test_activations_where_they_are_hard(activation):
    layout = Layout(1, (laplacian(1),), ("xx",))
    network = mlp(MLP(hidden=(1,), activation=activation), 1, 1, torch.Generator())
    with torch.no_grad():
        for layer in network.layers:
            layer.weight.fill_(1)
            layer.bias.zero_()
    hard = [0.0, -0.0, 1e-300, 1e-17, -1e-9, 0.1, 0.54, -3.0, 20.0, -45.0, 700.0, -9e4, 3e5, 1e18]
    x = torch.tensor(hard, dtype=torch.float64)
    with torch.no_grad():
        value = network(Jet(_column(x, layout), layout)).data[0, :, 0]
    expected = x.tanh() if activation == "tanh" else x.sin()
    assert torch.allclose(value, expected, rtol=1e-15, atol=0) or relative(value, expected) < 3e-16
    broken = _column(torch.tensor([float("nan"), float("inf"), -float("inf")], dtype=torch.float64), layout)
    with torch.no_grad():
        value = network(Jet(broken, layout)).data[0, :, 0]
    expected = broken[0, :, 0].tanh() if activation == "tanh" else broken[0, :, 0].sin()
    assert torch.equal(value.isnan(), expected.isnan())
    assert torch.equal(value.nan_to_num(), expected.nan_to_num())


def _column(x, layout):
    return coordinates(x[:, None], layout)[0].data[..., None]


@compiler
def test_not_a_bit_depends_on_repetition_threads_or_company():
    network, features, parameters = network_of("2 inputs", "tanh")
    threads = torch.get_num_threads()

    def gradients(_=None):
        return torch.autograd.grad(network(features).data.square().sum(), parameters)

    try:
        torch.set_num_threads(1)
        alone = gradients()
        torch.set_num_threads(3)
        together = [gradients() for _ in range(20)]
        with ThreadPoolExecutor(3) as pool:
            together += pool.map(gradients, range(20))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(a, b) for others in together for a, b in zip(alone, others, strict=True))


class Reusing:
    """The kernel, but memory that was freed before a call is used for something else before it begins."""

    def __init__(self, compiled):
        self._compiled = compiled

    def __getattr__(self, name):
        function = getattr(self._compiled, name)

        def call(*arguments):
            sizes = {a.numel() for a in arguments if isinstance(a, torch.Tensor)} | {32 * 32, 32 * 3, 32}
            others = [torch.full((n,), float("nan"), dtype=torch.float64) for n in sizes for _ in range(8)]
            result = function(*arguments)
            assert all(bool(other.isnan().all()) for other in others)
            return result

        return call


@pytest.fixture
def reusing(monkeypatch):
    compiled, line = library.kernel(torch.float64)
    monkeypatch.setattr(library, "kernel", lambda dtype: (Reusing(compiled), line))


def turned(tensor):
    """Equal, but the last axis is the slowest in memory."""
    return tensor.detach().movedim(-1, 0).contiguous().movedim(0, -1).requires_grad_()


@compiler
@pytest.mark.parametrize("repeat", range(3))
def test_what_a_network_is_given_is_copied_where_it_must_be_and_kept_while_it_is_read(reusing, repeat):
    network, features, parameters = network_of("2 inputs", "tanh")
    own = [*parameters, features.data]
    given = [turned(tensor) for tensor in own]
    plain = network(features, []).data
    ours = kernel.network(given[-1], features.layout, "tanh", given[:-1])
    assert relative(ours, plain) < 1e-13
    for total in (torch.sum, lambda out: out.sum((0, 2)).square().sum()):  # cotangents that are expanded
        gradients = torch.autograd.grad(total(ours), given, retain_graph=True)
        for gradient, expected in zip(
            gradients, torch.autograd.grad(total(plain), own, retain_graph=True), strict=True
        ):
            assert relative(gradient, expected) < 1e-13

    slope = torch.randn(2, 1, *plain.shape[:2], dtype=torch.float64)
    constant = torch.randn(2, 1000, dtype=torch.float64)
    r = torch.einsum("eocn,cno->en", slope, plain) + constant
    expected = torch.cat([part.flatten() for part in torch.autograd.grad(r.square().mean(1).sum(), parameters)])
    with torch.no_grad():
        residuals, gradient = kernel.affine_gradient(
            given[-1], features.layout, "tanh", given[:-1], turned(slope), turned(constant)
        )
    assert relative(residuals, r) < 1e-13
    assert relative(gradient, expected) < 1e-13


@compiler
@pytest.mark.parametrize("repeat", range(3))
def test_what_a_product_is_given_is_too(reusing, repeat):
    layout = Layout(2, MIXED, ("a", "b"))
    f, g = (torch.randn(layout.components, 50, dtype=torch.float64) for _ in range(2))
    ones = torch.ones(1, 1, dtype=torch.float64).expand_as(f)
    for other in (g, ones):
        plain, given = other.detach().clone().requires_grad_(), turned(other) if other is g else ones
        given.requires_grad_()
        expected, ours = (Jet(f, layout) * Jet(plain, layout)).data, kernel.product(turned(f).detach(), given, layout)
        assert relative(ours, expected) < 1e-14
        (slope,), (ours,) = torch.autograd.grad(expected.sum(), plain), torch.autograd.grad(ours.sum(), given)
        assert relative(ours, slope) < 1e-14


@compiler
def test_the_kernel_refuses_what_it_would_read_wrongly():
    compiled, _ = library.kernel(torch.float64)
    layout = library.jet_layout(Layout(1, (), ()))
    jets = torch.ones(2, 3, dtype=torch.float64)
    for wrong in (torch.ones(3, 2, dtype=torch.float64).T, torch.ones(1, 1).expand(2, 3), jets.to("meta")):
        with pytest.raises(ctypes.ArgumentError, match=r"shape \(2, 3\)"):
            compiled.jet_product(layout, 3, jets, wrong, torch.empty_like(jets))


@compiler
def test_a_graph_can_be_used_twice_but_not_differentiated_twice():
    network, features, parameters = network_of("2 inputs, mixed terms", "tanh")
    out = network(features).data
    first = torch.autograd.grad(out.sum(), parameters, retain_graph=True)
    assert all(map(torch.equal, first, torch.autograd.grad(out.sum(), parameters, retain_graph=True)))
    (slope,) = torch.autograd.grad(out.square().sum(), features.data, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.sum().backward()


@compiler
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_products_with_constant_jets_follow_leibniz(dtype):
    layout = Layout(2, MIXED, ("a", "b"))
    points = torch.rand(50, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)
    plain, kept = coordinates(points, layout), coordinates(points, layout, constant=True)
    data = torch.randn(layout.components, 50, dtype=dtype, requires_grad=True)
    results = []
    for x, y in (plain, kept):
        bubble = 4 * x * (1 - x) * (y * 3).sin()
        results += [bubble * Jet(data, layout), Jet(data, layout) * bubble]
    gradients = [torch.autograd.grad(r.data.square().sum(), data)[0] for r in results]
    assert type(results[2].data.grad_fn).__name__ == "_ProductBackward"
    for r, gradient in zip(results[1:], gradients[1:], strict=True):
        assert relative(r.data, results[0].data) < 4 * torch.finfo(dtype).eps
        assert relative(gradient, gradients[0]) < 4 * torch.finfo(dtype).eps


def test_constants_are_computed_once_and_nothing_else_is():
    layout = Layout(1, (laplacian(1),), ("xx",))
    (x,) = coordinates(torch.rand(5, 1, dtype=torch.float64), layout, constant=True)
    assert (1 - x) * x is (1 - x) * x
    assert x.sin() is not x.cos()
    weight = torch.tensor(2.0, requires_grad=True)
    assert x * weight is not x * weight
    trained = Jet(torch.rand(3, 5, dtype=torch.float64, requires_grad=True), layout)
    assert x + trained is not x + trained
    assert (trained + x) * 2 is not (trained + x) * 2


def steps_of_adam(optimizer_of, dtype):
    parameters = [nn.Parameter(torch.linspace(-1, 1, n, dtype=dtype)) for n in (6, 1, 35)]
    optimizer = optimizer_of(parameters)
    for k in range(30):
        for p in parameters:
            p.grad = torch.sin(p.detach() * (k + 1)) + 0.1
        optimizer.step()
    return torch.cat([p.detach() for p in parameters])


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-14), (torch.float32, 1e-6)])
def test_adam_is_torchs_with_the_kernel_and_without(dtype, tolerance, forgetful, monkeypatch, tmp_path):
    expected = steps_of_adam(lambda p: torch.optim.Adam(p, lr=1e-2), dtype)
    assert relative(steps_of_adam(lambda p: Adam(p, 1e-2), dtype), expected) < tolerance
    without_compiler(monkeypatch, tmp_path)
    assert relative(steps_of_adam(lambda p: Adam(p, 1e-2), dtype), expected) < tolerance


def without_compiler(monkeypatch, folder):
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    library.kernel.cache_clear()


def test_torch_takes_over_where_there_is_no_compiler(forgetful, monkeypatch, tmp_path):
    without_compiler(monkeypatch, tmp_path)
    network, features, parameters = network_of("5 inputs", "tanh")
    assert not kernel.available(features.data, features.layout, parameters)
    assert torch.equal(network(features).data, network(features, []).data)
    assert "no C compiler" in kernel.about(torch.float64)


def test_torch_takes_over_where_the_compiler_fails(forgetful, monkeypatch, tmp_path):
    without_compiler(monkeypatch, tmp_path)
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\necho 'no such target' >&2\nexit 1\n")
    broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
    _, features, parameters = network_of("5 inputs", "tanh")
    assert not kernel.available(features.data, features.layout, parameters)
    assert "no such target" in kernel.about(torch.float64)
    assert not list((tmp_path / "cache").rglob("*.so"))


def test_each_of_its_files_makes_another_kernel(monkeypatch, tmp_path):
    copying = tmp_path / "cc"
    copying.write_text('#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done; : > "$2"\n')
    copying.chmod(copying.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(compiling, "SOURCES", shutil.copytree(compiling.SOURCES, tmp_path / "c"))
    files = sorted((tmp_path / "c").iterdir())
    made = [compiling.compiled(())]
    assert len(files) > 10
    assert compiling.compiled(()) == made[0]
    for path in files:
        path.write_text(path.read_text() + "/* changed */")
        made.append(compiling.compiled(()))
    assert len(set(made)) == len(made)


def test_what_the_kernel_is_not_for(monkeypatch):
    _, features, parameters = network_of("2 inputs", "tanh")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not kernel.available(features.data, features.layout, parameters)
    assert not kernel.available(features.data.half(), features.layout, parameters)
    assert not kernel.available(features.data, features.layout, parameters[:2])
    with torch.autograd.forward_ad.dual_level():
        assert not kernel.available(features.data, features.layout, parameters)
    assert not kernel.available(features.data, Layout.of(2, {"xxx": derivative(0, 0, 0)}), parameters)


def problem_objective(kind, dtype=torch.float64, problem=None):
    """An objective of a problem with a first and a second, smaller stage, and the parameters of the second."""
    problem = problem or parse_config({"problem": {"kind": kind}}).problem
    solution = Solution(problem, problem.lambda_start() if problem.has_lambda else None)
    for seed, epsilon in ((0, 1.0), (1, 0.25)):
        config = MLP(hidden=(9, 14))
        network = mlp(config, problem.inputs, problem.outputs, torch.Generator().manual_seed(seed))
        solution.add(Term(network, epsilon))
    solution.to(dtype)
    unit = np.random.default_rng(0).random((107, len(problem.coordinates)))
    return Objective(solution, problem.collocation(unit), dtype), list(solution.networks[-1].parameters())


@compiler
@pytest.mark.parametrize("kind", ["poisson2d", "poisson5d", "helmholtz", "heat2d", "wave"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-4)])
def test_linear_equations_in_one_pass_are_what_autograd_gives(kind, dtype, tolerance):
    objective, parameters = problem_objective(kind, dtype)
    affine = AffineLoss.of(objective)
    assert affine is not None
    plain = objective.residuals()
    expected = torch.autograd.grad(plain.loss(), parameters)
    ours = affine.backward()
    for name, r in plain.by_name.items():
        assert relative(ours.by_name[name], r) < tolerance
    for p, gradient in zip(parameters, expected, strict=True):
        assert relative(p.grad, gradient) < tolerance
    first = [p.grad for p in parameters]
    affine.backward()
    assert all(torch.equal(p.grad, gradient) for p, gradient in zip(parameters, first, strict=True))


@compiler
def test_an_equation_that_is_not_linear_goes_by_autograd_even_if_it_says_so():
    assert AffineLoss.of(problem_objective("allen_cahn")[0]) is None

    class Bent(Poisson2D):
        def residuals(self, points, u, x, lam):
            return {"poisson": u["u"].second("laplacian") / 20 + 0.01 * u["u"].value ** 2}

    assert Bent.linear
    assert AffineLoss.of(problem_objective("", problem=Bent())[0]) is None
