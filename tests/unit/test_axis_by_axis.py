"""Polynomials and harmonics on a grid: summed axis by axis, and solved for without a Jacobian."""

import itertools
import math

import numpy as np
import pytest
import torch

from core.config import Chebyshev, parse_config
from core.forms import Layout, biharmonic, derivative
from core.jets import Jet, TensorSums, chebyshev_sums, coordinates, stack
from core.jets.grids import blocks_of, nodes_of, sides_of
from core.networks.layers import polynomials
from core.networks.solution import Solution, Term
from core.optimizers.conjugate_gradient import ConjugateGradient
from core.problems.poisson2d import Poisson2D
from core.training import room
from core.training.choose import choose
from core.training.meter import peak_bytes
from core.training.objective import Objective, averaged
from core.training.objective.averaged import Averaged, block_bytes
from core.training.objective.by_axes import ProductsByAxes
from core.training.points import collocation
from core.training.room import needs
from core.training.state import RunState
from tests.training import curve, train

LAYOUT = Layout.of(
    3,
    {
        "laplacian": ((0, 0, 1.0), (1, 1, 1.0)),
        "mixed": derivative(0, 2),
        "plate": biharmonic(2),
        "yyy": derivative(1, 1, 1),
    },
)
CELLS = {
    "kind": "equation",
    "coordinates": {"x": [0, 1], "y": [-1, 1], "t": [0, 1]},
    "time": "t",
    "fields": ["u", "v"],
    "equations": ["u_t + u*u_x/3 = 0.05*laplacian(u) - u*v^2", "v_t = 0.03*laplacian(v) + v_y/5 + u*v^2 - v"],
    "conditions": [
        {"on": "periodic in x", "that": "u, v"},
        {"on": "periodic in y", "that": "u, v"},
        {"on": "t = 0", "that": "u = 1; v = 1"},
    ],
    "exact": {"u": "1 + sin(2*pi*x + t)*cos(pi*y)/2", "v": "exp(sin(pi*y - t))*(1 + cos(2*pi*x)/3)"},
    "manufactured": True,
}
STAGE = {
    "chebyshev": {"degrees": [9, 17, 7]},
    "optimizer": {"kind": "conjugate_gradient", "damping": 1e-6, "tolerance": 1e-3},
    "iterations": 6,
    "collocation": {"sampler": "gauss", "points": 10 * 20 * 8, "shape": [10, 20, 8]},
}


def inputs(points):
    """(C, N, 5): circles of x and y, and a scaled t."""
    x, y, t = coordinates(points, LAYOUT)
    a, b = x * 3.0 + 0.2, (y - 0.1) * (2 * np.pi)
    return stack([a.cos(), a.sin(), b.cos(), b.sin(), t * 0.7 - 0.1])


def grid(*axes):
    return torch.cartesian_prod(*(torch.as_tensor(axis, dtype=torch.float64) for axis in axes))


def around(n, period, start=0.05):
    return start + period * np.arange(n) / n


def test_a_grid_is_recognised_by_its_points_alone():
    rng = np.random.default_rng(0)
    a, b, c = rng.random(4), rng.random(3), rng.random(5)
    points = grid(a, b, c)
    columns = points.unsqueeze(-1).unbind(1)
    assert sides_of(columns) == (4, 3, 5, 1)
    assert sides_of(columns[:2]) == (4, 3, 5)  # each node of two axes stands five times
    np.testing.assert_array_equal(nodes_of(columns[1], (4, 3, 5, 1), 1)[:, 0], b)
    assert sides_of(points[15:45].unsqueeze(-1).unbind(1)) == (2, 3, 5, 1)
    assert sides_of(points[:44].unsqueeze(-1).unbind(1)) is None
    assert sides_of(points[:1].unsqueeze(-1).unbind(1)) == (1, 1, 1, 1)
    assert sides_of(points[:0].unsqueeze(-1).unbind(1)) is None
    moved = points.clone()
    moved[37, 1] += 1e-15
    assert sides_of(moved.unsqueeze(-1).unbind(1)) is None
    assert sides_of(torch.as_tensor(rng.random((60, 3))).unsqueeze(-1).unbind(1)) is None
    assert sides_of(points[rng.permutation(60)].unsqueeze(-1).unbind(1)) is None


@pytest.mark.parametrize(
    ("x", "y", "waves"),
    [
        (around(9, 2 * np.pi / 3), around(8, 1.0), True),
        (around(7, 2 * np.pi / 3), around(8, 1.0) ** 2, False),  # not even
        (np.array([0.3]), around(8, 1.0), False),
    ],
    ids=["even", "uneven", "one node"],
)
def test_sums_on_a_grid_are_those_point_by_point_with_all_derivatives(x, y, waves):
    jet, degrees = inputs(grid(x, y, np.linspace(-1, 1, 5))), (7, 5, 4)
    sums = TensorSums.of(jet, degrees, (0, 2))
    assert (sums.waves is not None) is waves
    weight = torch.randn(2, 140, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    expected, found = chebyshev_sums(jet, degrees, weight, (0, 2)).data, sums(weight).data
    largest = expected.detach().abs().amax((1, 2), keepdim=True)
    torch.testing.assert_close(found / largest, expected / largest, rtol=0, atol=1e-13)
    cotangent = torch.randn_like(found) / largest
    wanted = torch.autograd.grad(expected, weight, cotangent)[0]
    near = {"rtol": 0, "atol": 1e-12 * float(wanted.abs().max())}
    torch.testing.assert_close(torch.autograd.grad(found, weight, cotangent)[0], wanted, **near)
    with torch.no_grad():
        torch.testing.assert_close(sums.transposed(cotangent.transpose(1, 2), range(LAYOUT.components)), wanted, **near)
        assert torch.equal(sums.components(weight, [3, 0]).transpose(1, 2), found[[3, 0]])


def test_reduced_precision_stays_what_it_is():
    jet = inputs(grid(around(9, 2 * np.pi / 3), around(8, 1.0), np.linspace(-1, 1, 5)))
    weight = torch.randn(2, 140, generator=torch.Generator().manual_seed(1))
    single = Jet(jet.data.float(), LAYOUT)
    sums = TensorSums.of(single, (7, 5, 4), (0, 2))
    if sums is not None:  # rounded nodes may be no grid any more
        assert sums(weight).data.dtype == torch.float32
    network = polynomials(Chebyshev(degrees=(7, 5, 4)), 2, (0, 2)).float()
    network.layers[0].weight.data.copy_(weight)
    expected = chebyshev_sums(jet, (7, 5, 4), weight.double(), (0, 2)).value
    found = network(single).value
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-4 * float(expected.abs().max()))


def test_what_is_no_product_of_axes_is_summed_point_by_point():
    x, y, t = coordinates(grid(around(4, 1), around(3, 1), [0.1, 0.5]), LAYOUT)
    assert TensorSums.of(stack([x, y, t]), (3, 3, 3), ()) is not None
    assert TensorSums.of(stack([x * x, y, t]), (3, 3, 3), ()) is None  # bends
    assert TensorSums.of(stack([x + y, y, t]), (3, 3, 3), ()) is None
    assert TensorSums.of(stack([x, x * 2.0, t]), (3, 3, 3), ()) is None
    scattered = torch.rand(24, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert TensorSums.of(stack(coordinates(scattered, LAYOUT)), (3, 3, 3), ()) is None


def test_equations_that_are_the_same_along_periodic_coordinates_are_levelled_exactly():
    sums = TensorSums.of(
        inputs(grid(around(8, 2 * np.pi / 3), around(10, 1.0), np.linspace(-1, 1, 5))), (7, 5, 3), (0, 2)
    )
    generator = torch.Generator().manual_seed(0)
    components = [0, 1, 2, 3, 4]
    slopes = torch.randn(2, 5, 2, 1, 1, 5, dtype=torch.float64, generator=generator).expand(2, 5, 2, 8, 10, 5)
    slopes = slopes.reshape(2, 5, 2, -1)
    levelling, one = Averaged.of(sums, slopes, components), torch.eye(2 * 7 * 5 * 3, dtype=torch.float64)

    def columns(product):
        return torch.stack([product(each.view(2, -1)).reshape(-1) for each in one], dim=1)

    jacobian = columns(lambda weight: torch.einsum("rcon,con->rn", slopes, sums.components(weight, components)))
    inverse = columns(levelling.solved)
    np.testing.assert_allclose(columns(levelling.transposed), inverse.T, atol=1e-12)
    levelled = jacobian @ inverse
    np.testing.assert_allclose(levelled.T @ levelled, one, atol=1e-9)
    assert np.linalg.cond(jacobian) > 30


def test_without_waves_or_with_wide_blocks_nothing_is_levelled():
    circles = inputs(grid(around(8, 2 * np.pi / 3), around(10, 1.0), np.linspace(-1, 1, 300)))
    for degrees in [(6, 5, 3), (7, 5, 250)]:  # a cosine without its sine; 500 unknowns a wave
        sums = TensorSums.of(circles, degrees, (0, 2))
        slopes = torch.ones(1, 1, 2, 8 * 10 * 300, dtype=torch.float64)
        assert Averaged.of(sums, slopes, [0]) is None


def test_blocks_of_too_many_waves_are_not_made():
    assert block_bytes((127, 48, 8), (0,), 1) > 16 * 64 * 384**2
    assert block_bytes((127, 127, 48, 8), (0, 1), 1) == 0  # 20 GB
    assert block_bytes((127, 8), (), 1) == block_bytes((7, 500), (0,), 1) == 0


def test_blocks_are_factorised_few_at_a_time_with_the_same_result(monkeypatch):
    objective = objective_of(CELLS, SMALL)
    g = torch.randn(objective.shape()[1], dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    whole = objective.products()[1].levelled_transposed(g)
    monkeypatch.setattr(averaged, "AT_ONCE", 1)
    torch.testing.assert_close(objective.products()[1].levelled_transposed(g), whole, rtol=1e-9, atol=1e-12)
    monkeypatch.setattr(averaged, "MOST", 1)
    assert objective.products()[1].levelled_transposed(g) is g
    assert "nothing levels them" in objective.how_multiplied()


def test_a_grid_is_cut_into_grids_along_any_axis():
    for sides, most in [((4, 3, 5, 1), 30), ((4, 3, 5, 1), 7), ((1, 3, 50, 1), 20), ((7, 1, 1), 2), ((2, 3, 1), 100)]:
        blocks = blocks_of(sides, most)
        numbers = np.arange(math.prod(sides))
        np.testing.assert_array_equal(np.concatenate([numbers[block] for block in blocks]), numbers)
        points = grid(*(range(side) for side in sides[:-1]))
        for block in blocks:
            assert 0 < len(points[block]) <= most
            assert sides_of(points[block].unsqueeze(-1).unbind(1)) is not None


def test_a_rejected_trial_does_not_make_the_products_on_a_grid_again(monkeypatch):
    objective, made = objective_of(CELLS, SMALL), []
    products = objective.products
    monkeypatch.setattr(objective, "products", lambda: made.append(1) or products())
    mover = objective.mover()
    monkeypatch.setattr(objective, "mover", lambda: lambda step: mover(step) * 0 + math.inf)
    _, report = ConjugateGradient(1e-3, 1e-14, 1e-3, 2).iterate(objective)
    assert not report.accepted and len(made) == 1


def objective_of(problem, stage=STAGE):
    config = parse_config({"problem": problem, "stages": [stage]})
    solution = Solution(config.problem, None)
    network = polynomials(config.stages[0].chebyshev, config.problem.outputs, config.problem.circles)
    network.layers[0].weight.data.normal_(std=0.05, generator=torch.Generator().manual_seed(3))
    solution.add(Term(network, 1.0))
    return Objective(solution, collocation(config, config.stages[0], 0, 0))


SMALL = STAGE | {
    "chebyshev": {"degrees": [3, 5, 3]},
    "collocation": {"sampler": "gauss", "points": 4 * 6 * 4, "shape": [4, 6, 4]},
}
ROWS = (
    CELLS
    | {  # a condition with rows of its own, at points of a side
        "conditions": [*CELLS["conditions"][:2], {"on": "t = 0", "that": "u + v = 2; v + u_x = 1"}],
    }
)
FLAT = STAGE | {
    "chebyshev": {"degrees": [5, 6]},
    "collocation": {"sampler": "gauss", "points": 63, "shape": [7, 9]},
}


@pytest.mark.parametrize(
    ("problem", "stage"),
    [(CELLS, SMALL), (ROWS, SMALL), ({"kind": "poisson2d"}, FLAT)],
    ids=["cells", "rows", "poisson"],
)
def test_products_axis_by_axis_are_those_of_the_jacobian(problem, stage):
    objective = objective_of(problem, stage)
    residuals, system = objective.products()
    assert isinstance(system, ProductsByAxes)
    expected, r, jacobian = objective_of(problem, stage).linearise()
    assert residuals.by_name.keys() == expected.by_name.keys()
    torch.testing.assert_close(system.r, r, rtol=1e-10, atol=1e-10)
    generator = torch.Generator().manual_seed(5)
    v = torch.randn(jacobian.shape[1], dtype=torch.float64, generator=generator)
    w = torch.randn(jacobian.shape[0], dtype=torch.float64, generator=generator)
    torch.testing.assert_close(system.times(v), jacobian @ v, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(system.transposed(w), jacobian.T @ w, rtol=1e-9, atol=1e-9)


def test_scattered_points_go_by_autograd():
    points = STAGE | {"collocation": {"points": 50}, "chebyshev": {"degrees": [3, 5, 3]}}
    assert not isinstance(objective_of(CELLS, points).products()[1], ProductsByAxes)
    solution = Solution(Poisson2D(), None)
    solution.add(Term(polynomials(Chebyshev(degrees=(3, 3)), 1), 1.0))
    assert (
        solution.networks[0].on_grid(
            solution.features_at(coordinates(torch.rand(9, 2).double(), solution.layout), None)
        )
        is None
    )


def test_auto_multiplies_axis_by_axis_what_is_too_large_to_factorise():
    large = STAGE | {
        "chebyshev": {"degrees": [33, 31, 7]},
        "collocation": {"sampler": "gauss", "points": 34 * 32 * 8, "shape": [34, 32, 8]},
    }
    choice = choose(objective_of(CELLS, large), "auto")
    assert choice.config.kind == "conjugate_gradient"
    assert "axis by axis" in choice.reason
    assert choose(objective_of(CELLS, SMALL), "auto").config.kind == "gauss_newton"


def test_what_is_not_levelled_is_said():
    assert "nothing levels them" not in objective_of(CELLS, SMALL).how_multiplied()
    even = SMALL | {"chebyshev": {"degrees": [4, 5, 3]}}  # a cosine without its sine
    assert "an odd number of harmonics" in objective_of(CELLS, even).how_multiplied()
    assert objective_of(CELLS, STAGE | {"collocation": {"points": 50}}).how_multiplied() == ""


def test_a_nonlinear_system_is_solved_in_windows_and_goes_on_bit_for_bit(tmp_path):
    stage = STAGE | {
        "chebyshev": {"degrees": [5, 13, 6]},
        "collocation": {"sampler": "gauss", "points": 6 * 14 * 7, "shape": [6, 14, 7]},
        "iterations": 5,
    }
    config = parse_config({"problem": CELLS, "windows": {"count": 2, "target_residual": 3e-3}, "stages": [stage]})
    said = []
    outcome = train(config, tmp_path / "straight", say=said.append)
    assert any("axis by axis" in line for line in said)
    points = np.random.default_rng(2).random((200, 3)) * [1, 2, 1] + [0, -1, 0]
    exact = config.problem.exact(points)
    found = outcome.solution.fields_at(points)
    for name, wanted in exact.items():
        assert np.linalg.norm(found[name] - wanted) < 1e-5 * np.linalg.norm(wanted)
    straight = curve(tmp_path / "straight")
    seen = itertools.count()
    folder = tmp_path / "broken"
    assert train(config, folder, wanted=lambda: "pause" if next(seen) == 7 else None).wanted == "pause"
    train(config, folder, resume=True)
    for name, column in curve(folder).items():
        np.testing.assert_array_equal(column, straight[name], err_msg=name)


def test_a_grid_of_the_solution_is_that_of_its_points(tmp_path):
    solution = objective_of(CELLS).solution
    axes = [np.linspace(0, 1, 7), np.linspace(-1, 1, 6), np.linspace(0, 1, 5)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    order = np.random.default_rng(0).permutation(len(points))
    at_once, scattered = solution.evaluate(points), solution.evaluate(points[order])
    for name, values in at_once.items():
        np.testing.assert_allclose(values[order], scattered[name], atol=1e-11 * np.abs(values).max())


def test_memory_of_products_on_a_grid_is_said_without_their_square():
    stage = STAGE | {
        "chebyshev": {"degrees": [127, 127, 8]},
        "collocation": {"sampler": "gauss", "points": 128 * 128 * 10, "shape": [128, 128, 10]},
    }
    config = parse_config({"problem": CELLS, "stages": [stage]})
    run = RunState(config, torch.device("cpu"), Solution(config.problem, None), None, lambda: None, print)
    (need,) = needs(run)
    jets = 8 * 128 * 128 * 10 * 5 * 2
    assert 5 * jets < need.total < 100 * jets


HEAT = {
    "kind": "equation",
    "coordinates": {"x": [-1, 1], "y": [-1, 1], "t": [0, 1]},
    "time": "t",
    "fields": ["u"],
    "equations": ["u_t = 0.05*laplacian(u) - u^3"],
    "conditions": [{"on": "boundary", "that": "u = 0"}, {"on": "t = 0", "that": "u = (1-x^2)*(1-y^2)"}],
}
MIRRORED = HEAT | {"conditions": [{"on": "everywhere", "that": "u even in x"}, *HEAT["conditions"]]}
PERIODIC = HEAT | {
    "conditions": [
        {"on": "periodic in x"},
        {"on": "y = -1; y = 1", "that": "u = 0"},
        {"on": "t = 0", "that": "u = 1-y^2"},
    ]
}


@pytest.mark.parametrize(
    ("problem", "degrees", "shape"),
    [(PERIODIC, (31, 30, 8), (32, 32, 10)), (MIRRORED, (12, 12, 6), (16, 16, 8))],
    ids=["blocks of waves", "mirrored"],
)
def test_what_a_step_on_a_grid_takes_is_no_more_than_is_said(monkeypatch, problem, degrees, shape):
    monkeypatch.setattr(room, "SURELY", 0)
    stage = STAGE | {
        "chebyshev": {"degrees": degrees},
        "collocation": {"sampler": "gauss", "points": math.prod(shape), "shape": shape},
    }
    config = parse_config({"problem": problem, "stages": [stage]})
    (need,) = needs(RunState(config, torch.device("cpu"), Solution(config.problem, None), None, lambda: None, print))

    def step():
        objective = objective_of(problem, stage)
        ConjugateGradient(1e-3, 1e-14, 1e-3, 1).iterate(objective)
        return objective

    assert need.total / 4 < peak_bytes(step) < need.total


def test_a_grid_that_is_summed_point_by_point_is_evaluated_few_points_at_a_time():
    axes = [np.linspace(-1, 1, 10), np.linspace(-1, 1, 20), np.linspace(0, 1, 30)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    mirrored, plain = (objective_of(problem).solution for problem in (MIRRORED, HEAT))
    few = np.random.default_rng(0).permutation(len(points))
    assert len(mirrored._blocks(points)) == len(mirrored._blocks(points[few])) > len(plain._blocks(points)) == 1
    assert not mirrored._by_axes(points, (10, 20, 30, 1)) and plain._by_axes(points, (10, 20, 30, 1))
