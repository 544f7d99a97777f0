"""Networks on a grid, axis by axis: equal to each point by itself, to rounding, for every kind of network."""

import itertools

import numpy as np
import pytest
import torch

from core.config import MLP, Chebyshev, Fourier
from core.forms import Layout, biharmonic, derivative
from core.jets import Jet, WaveSums, coordinates, stack, wave_sums
from core.networks.evaluation import evaluated, sums_on_grid
from core.networks.layers import Network, fourier, mlp, polynomials
from core.networks.solution import Solution, Term
from core.problems.poisson3d import Poisson3D
from core.problems.taylor_green import TaylorGreen
from core.solution.device import device_for

LAYOUT = Layout.of(3, {"laplacian": ((0, 0, 1.0), (1, 1, 1.0), (2, 2, 1.0)), "mixed": derivative(0, 2)})
HIGH = Layout.of(3, {"plate": biharmonic(2), "xyz": derivative(0, 1, 2)})
SIDES = (7, 5, 6)


def grid(*sides):
    axes = [torch.linspace(0.1, 1 + k, side, dtype=torch.float64) for k, side in enumerate(sides)]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(-1, len(sides))


def plain_inputs(points, layout=LAYOUT):
    return stack([(x - 0.5) * (k + 1.5) for k, x in enumerate(coordinates(points, layout))])


def with_circle(points, layout=LAYOUT):
    x, y, z = coordinates(points, layout)
    return stack([z * 2, (x * 3).cos(), (x * 3).sin(), y])


def generator():
    return torch.Generator().manual_seed(0)


def waves(inputs, hidden=(), outputs=2):
    network = fourier(Fourier(features=40, hidden=hidden), 2.0, inputs, outputs, generator())
    with torch.no_grad():
        for part in network.parameters():
            part.copy_(torch.randn(part.shape, generator=generator(), dtype=torch.float64))
    return network


@pytest.mark.parametrize("layout", [LAYOUT, HIGH], ids=["second order", "fourth order"])
@pytest.mark.parametrize("hidden", [(), (9,), (9, 8)])
@pytest.mark.parametrize(("inputs", "count"), [(plain_inputs, 3), (with_circle, 4)])
@pytest.mark.parametrize("sides", [SIDES, (7, 1, 6), (1, 5, 40)])
def test_waves_are_summed_axis_by_axis(inputs, count, hidden, layout, sides):
    features, network = inputs(grid(*sides), layout), waves(count, hidden)
    with torch.no_grad():
        assert isinstance(sums_on_grid(network, features), WaveSums)
        found, known = evaluated(network, features, layout.components), network(features).data
    for a, b in zip(found, known, strict=True):
        assert torch.allclose(
            a, b, rtol=0, atol=1e-12 * float(b.abs().max() + network.layers[0].weight.detach().abs().sum())
        )


def test_many_features_are_taken_part_by_part(monkeypatch):
    monkeypatch.setattr(wave_sums, "AT_ONCE", 300)
    features, network = plain_inputs(grid(*SIDES)), waves(3)
    with torch.no_grad():
        found, known = evaluated(network, features, LAYOUT.components), network(features).data
    assert torch.allclose(found, known, rtol=0, atol=1e-12 * float(known.abs().max()))


@pytest.mark.parametrize("make", [
    lambda points: plain_inputs(points[torch.randperm(len(points), generator=generator())]),
    lambda points: plain_inputs(points[:-1]),
    lambda points: stack([a * b for a, b in itertools.pairwise(coordinates(points, LAYOUT))]),  # no product of axes
    lambda points: stack([x * x for x in coordinates(points, LAYOUT)]),  # bends
    lambda points: stack([(x * 2).cos() for x in coordinates(points, LAYOUT)]),  # a cosine without its sine
    lambda points: plain_inputs(points[:1]),
])  # fmt: skip
def test_what_is_no_grid_is_evaluated_point_by_point(make):
    features = make(grid(*SIDES))
    network = waves(features.data.shape[-1])
    with torch.no_grad():
        assert sums_on_grid(network, features) is None
        found, known = evaluated(network, features, LAYOUT.components), network(features).data
    assert torch.allclose(found, known, rtol=1e-13, atol=1e-13)


def networks():
    basis = polynomials(Chebyshev(degrees=[4, 5, 3]), 1)
    limited = polynomials(Chebyshev(degrees=[4, 5, 3], total=5), 1)
    with torch.no_grad():
        for part in (basis, limited):
            part.layers[0].weight.normal_(generator=generator())
    return {"mlp": mlp(MLP(hidden=(8, 8)), 3, 1, generator()), "waves": waves(3, outputs=1), "polynomials": basis,
            "limited": limited}  # fmt: skip


@pytest.mark.parametrize("kind", networks())
def test_values_alone_are_those_with_derivatives(kind):
    network: Network = networks()[kind]
    features = plain_inputs(grid(*SIDES) / 4)
    with torch.no_grad():
        whole, values = evaluated(network, features, LAYOUT.components), evaluated(network, features, 1)
    assert values.shape == (1, len(features.data[0]), 1)
    assert torch.allclose(values[0], whole[0], rtol=1e-12, atol=1e-12)


def solution(problem):
    found = Solution(problem, None)
    inputs, outputs = problem.inputs, problem.outputs
    found.add(Term(mlp(MLP(hidden=(8, 8)), inputs, outputs, generator()), 1.0))
    found.add(Term(waves(inputs, outputs=outputs), 0.1))
    return found


@pytest.mark.parametrize("problem", [Poisson3D(), TaylorGreen()], ids=["poisson3d", "taylor-green"])
def test_a_sum_of_stages_on_a_grid_is_that_at_points(problem):
    found = solution(problem)
    axes = [problem.axis(k, side) for k, side in enumerate(SIDES)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    order = np.random.default_rng(0).permutation(len(points))
    assert found.blocks_on_grid(points) and not found.blocks_on_grid(points[order])
    whole, by_point, fields = found.evaluate(points), found.evaluate(points[order]), found.evaluate(points, None)
    assert set(fields) == set(problem.fields) < set(whole)
    for name, values in whole.items():
        scale = 1e-11 * np.abs(values).max()
        np.testing.assert_allclose(values[order], by_point[name], rtol=0, atol=scale)
        if name in fields:
            np.testing.assert_allclose(fields[name], values, rtol=0, atol=scale)


def test_a_large_grid_is_cut_into_grids():
    found = solution(Poisson3D())
    axes = [np.linspace(0, 1, side) for side in (40, 120, 120)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    blocks = found.blocks_on_grid(points)
    assert len(blocks) > 1
    assert [block.start for block in blocks[1:]] == [block.stop for block in blocks[:-1]]
    assert all(found.blocks_on_grid(points[block]) for block in blocks)


def test_a_field_that_is_made_of_derivatives_is_evaluated_with_them():
    class Sloped(Poisson3D):
        def ansatz(self, raw, x, lam):
            return {"u": Jet(raw[0].first(0).expand(raw[0].data.shape), raw[0].layout)}

    found = solution(Sloped())
    points = grid(*SIDES).numpy() / 4
    np.testing.assert_array_equal(found.evaluate(points, None)["u"], found.evaluate(points)["u"])


def test_a_circle_that_does_not_turn_evenly_is_no_wave_on_an_axis_of_one_node():
    """Its slopes there are those of one that does."""
    x, y, z = coordinates(grid(1, 5, 6), LAYOUT)
    features, network = stack([(x * x).cos(), (x * x).sin(), y, z]), waves(4)
    with torch.no_grad():
        found, known = evaluated(network, features, LAYOUT.components), network(features).data
    assert torch.allclose(found, known, rtol=1e-12, atol=1e-12 * float(known.abs().max()))


def test_a_gpu_that_takes_no_further_process_is_left_alone(monkeypatch):
    def refused(device):
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", refused)
    assert device_for("auto") == torch.device("cpu")


@pytest.mark.parametrize(("asked", "free", "devices", "taken"), [
    ("auto", 2**34, 1, "cuda"), ("cuda:1", 2**34, 2, "cuda:1"), ("cuda:1", 2**34, 1, "cuda"),
    ("cpu", 2**34, 1, "cpu"), ("auto", 2**20, 1, "cpu"), ("cuda", 2**34, 0, "cpu"),
])  # fmt: skip
def test_a_solution_is_evaluated_where_there_is_room(monkeypatch, asked, free, devices, taken):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: devices > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: devices)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 2**35))
    assert device_for(asked) == torch.device(taken)
