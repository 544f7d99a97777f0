"""Features that follow the domain, as a network reads them: jets, Jacobian, checkpoints, functions of corners."""

import math

import meshio
import numpy as np
import pytest
import torch

from core.config import Fourier, Local, RunConfig, lifted, parse_config
from core.domains import local_features
from core.domains.mesh import made as made_mesh
from core.jets import coordinates
from core.networks.layers import fourier_of
from core.networks.solution import Solution, Term, features_of
from core.presets.plan import plan
from core.problems.equation import Equation
from core.training import checkpoint
from core.training.objective import Objective
from core.training.objective.weighing import Weighing
from core.training.state import Position

L_WITH_A_HOLE = {
    "kind": "difference",
    "of": {
        "kind": "polygon",
        "vertices": [[-1, -1], [1, -1], [1, 0], [0, 0], [0, 1], [-1, 1]],
        "sides": ["floor", "side", "ledge", "wall", "side", "side"],
    },
    "less": [{"kind": "disk", "centre": [-0.4, -0.4], "radius": 0.1}],
}
FOURIER = Fourier(features=20, sigma=2.0, local=Local(share=0.25, order=3, smooth=2))


def problem(**change):
    data = {"kind": "equation", "domain": L_WITH_A_HOLE, "fields": ["u"], "equations": ["laplacian(u) - u*x = 1"],
            "conditions": [{"on": "boundary", "that": "u = 0"}]}  # fmt: skip
    return Equation.model_validate(data | change)


HEAT = {"coordinates": {"x": None, "y": None, "t": [0, 1]}, "time": "t", "equations": ["u_t = laplacian(u)"],
        "conditions": [{"on": "boundary", "that": "dn(u) = 0"}, {"on": "t = 0", "that": "u = 1"}]}  # fmt: skip


def made(of, seed=0):
    solution = Solution(of, None)
    network = fourier_of(of, FOURIER, 2.0, torch.Generator().manual_seed(seed))
    torch.nn.init.normal_(network.layers[-1].weight, std=0.3, generator=torch.Generator().manual_seed(1))
    solution.add(Term(network, 1.0))
    return solution


@pytest.mark.parametrize("change", [{}, HEAT])
def test_each_hole_and_corner_has_features_of_its_own(change):
    of = problem(**change)
    d = len(of.coordinates)
    assert of.inputs == d and [block.places for block in of.blocks] == [(d, d + 1, *((2,) if d == 3 else ()))]
    assert of.functions[0].exponent == 0  # log r of the hole
    assert min(each.exponent for each in of.functions[1:]) == pytest.approx(2 / 3)
    network = made(of).networks[0]
    basis = network.basis
    rows = round(5 * of.blocks[0].weight)
    assert basis.shape == (20 + rows, d + 2) and not basis[:20, d:].any() and not basis[20:, :2].any()
    assert basis[20:, 2:].abs().min() > 0  # time, where there is time, and the inverted coordinates
    columns = network.layers[0].weight.shape[1]
    assert columns == lifted(FOURIER, of)
    assert columns == 2 * (20 + rows) + 1 + 5 * sum(0 < each.exponent <= 3 for each in of.functions)


@pytest.mark.parametrize("change", [{}, HEAT])
def test_derivatives_are_those_of_the_fields(change):
    of = problem(**change)
    solution = made(of)
    rng = np.random.default_rng(0)
    points = torch.tensor(of.collocation(rng.random((9, len(of.coordinates))))["interior"])
    x = coordinates(points, solution.layout)
    u = solution.fields(solution.raw(solution.features(x, None)), x, None)["u"]
    step, total = 1e-4, 0.0
    values = lambda at: torch.tensor(solution.fields_at(at.numpy())["u"])  # noqa: E731
    for k in range(2):
        move = torch.zeros_like(points)
        move[:, k] = step
        slope = (values(points + move) - values(points - move)) / (2 * step)
        torch.testing.assert_close(u.first(k), slope, rtol=1e-5, atol=1e-5)
        total = total + (values(points + move) - 2 * values(points) + values(points - move)) / step**2
    torch.testing.assert_close(u.form(next(iter(of.forms))), total, rtol=1e-3, atol=1e-3)


def test_the_assembled_jacobian_is_that_of_autograd():
    solution = made(problem())
    points = solution.problem.collocation(np.random.default_rng(0).random((11, 2)))
    objective = Objective(solution, points)
    _, r, J = objective.linearise()
    direct = objective.residuals()
    assert math.isclose(direct.loss().item(), float(r @ r), rel_tol=1e-12)
    rows = torch.cat([value / math.sqrt(len(value)) for value in direct.by_name.values()])
    slopes = [torch.autograd.grad(row, objective.parameters(), retain_graph=True) for row in rows]
    expected = torch.stack([torch.cat([g.reshape(-1) for g in slope]) for slope in slopes])
    torch.testing.assert_close(J, expected, rtol=1e-9, atol=1e-10 * float(expected.abs().max()))


def test_a_checkpoint_has_them(tmp_path):
    of = problem()
    stages = [{"fourier": FOURIER.model_dump()}, {"fourier": {"features": 8}}]
    config = RunConfig.model_validate({"problem": of.model_dump(by_alias=True), "stages": stages})
    solution = made(of)
    plain = fourier_of(of, config.stages[1].fourier, 3.0, torch.Generator().manual_seed(5))
    torch.nn.init.ones_(plain.layers[-1].weight)
    solution.add(Term(plain, 0.1))  # a stage that has none of them reads the coordinates alone
    checkpoint.save(checkpoint.Checkpoint(config, Position(), solution), tmp_path / "last.pt")
    again = checkpoint.load(tmp_path / "last.pt").solution
    points = of.collocation(np.random.default_rng(0).random((50, 2)))["interior"]
    assert np.array_equal(again.fields_at(points)["u"], solution.fields_at(points)["u"])


@pytest.mark.parametrize(
    "ledge, wall, exponents",
    [
        ("u = 0", "u = 0", [2 / 3, 4 / 3]),
        ("dn(u) = 0", "dn(u) = 0", [2 / 3, 4 / 3]),
        ("u = 0", "dn(u) = 0", [1 / 3, 1]),
        ("dn(u) + u = 0", "u = 0", [1 / 3, 1]),
    ],
)
def test_a_corner_has_the_functions_of_its_conditions(ledge, wall, exponents):
    rest = [{"on": "floor; side; hole 1", "that": "u = 0"}]
    of = problem(conditions=[{"on": "ledge", "that": ledge}, {"on": "wall", "that": wall}, *rest])
    corner = next(each for each in of.compiled.local.corners if each.features.place == (0, 0))
    assert corner.exponents[:2] == pytest.approx(exponents)
    s = torch.linspace(0.1, 0.9, 7, dtype=torch.float64)
    for side, points, across in (("ledge", (s, 0 * s - 1e-14), 1), ("wall", (0 * s - 1e-14, s), 0)):
        x = coordinates(torch.stack(points, dim=1), Solution(of, None).layout)
        is_value = {"ledge": ledge, "wall": wall}[side].startswith("u")
        for function in corner.functions(x)[:1]:
            assert (function.value if is_value else function.first(across)).abs().max() < 1e-10


def test_the_plan_and_the_config_have_them():
    (stage, *_) = plan(problem()).stages
    assert stage.fourier.local == Local()
    square = {"kind": "equation", "coordinates": {"x": [0, 1], "y": [0, 1]}, "fields": ["u"],
              "equations": ["laplacian(u) = 1"], "conditions": [{"on": "boundary", "that": "u = 0"}]}  # fmt: skip
    plain = plan(Equation.model_validate(square)).stages[0]
    assert plain.fourier.local is None and "local" not in plain.model_dump()["fourier"]
    of = problem()
    config = parse_config({"problem": of.model_dump(mode="json", by_alias=True), "stages": [stage.model_dump()]})
    assert parse_config(config.model_dump(mode="json", by_alias=True)).hash == config.hash


def test_what_reads_coordinates_alone_is_not_given_more():
    of = problem()
    x = coordinates(torch.zeros(3, 2, dtype=torch.float64) - 0.7, Solution(of, None).layout)
    assert features_of(of, x, None).data.shape[-1] == 2
    assert len(of.features(x, None)) == 2 + 2 + len(of.functions)


def test_at_a_corner_fields_have_values_and_nobody_judges_their_equations():
    of = problem()
    corner = np.array([[-1.0, -1.0], [0.0, 0.0]])
    assert np.isfinite(made(of).fields_at(corner)["u"]).all()
    assert not of.contains(corner).any() and of.holds(corner).all()
    assert list(of.lacks_value(corner)) == [False, True], "r^(2/3) has no second derivatives, r² log r nearly has"
    assert not of.lacks_value(np.array([[-1.0, 0.5], [0.5, 0.0], [1e-6, -1e-6]])).any()


def test_blocks_read_both_inputs_of_a_time_that_is_periodic():
    of = problem(
        **HEAT | {"conditions": [{"on": "boundary", "that": "dn(u) = 0"}, {"on": "periodic in t", "that": ""}]}
    )
    assert of.inputs == 4 and of.circles == (2,)
    assert [block.places for block in of.blocks] == [(4, 5, 2, 3)]
    network = made(of).networks[0]
    assert network.basis[20:, 2:4].abs().min() > 0
    ends = np.array([[0.5, -0.6, 0.2], [0.5, -0.6, 0.3]])  # the same sine
    assert np.isfinite(made(of).fields_at(ends)["u"]).all()


RING_AND_ISLAND = [
    "disk((0, 0), 2) - (disk((0, 0), 1) - disk((0, 0), 0.4))",
    "disk((0, 0), 2) - annulus((0, 0), 0.4, 1)",
    "ball((0, 0, 0), 2) - annulus((0, 0, 0), 0.4, 1)",
]


@pytest.mark.parametrize("domain", RING_AND_ISLAND)
def test_a_ring_around_an_island_has_no_singularity_in_the_island(domain):
    of = problem(domain=domain, equations=["laplacian(u) = 1"])
    assert not any(of.shape.contains(np.array([each.place])).any() for each in local_features(of.shape))
    middle = np.full((1, len(of.coordinates)), 0.0)
    assert of.contains(middle).all() and np.isfinite(made(of).fields_at(middle)["u"]).all()


def test_a_value_at_a_corner_is_a_finite_row():
    square = {"domain": "box((0, 0), (1, 1))", "equations": ["laplacian(u) = 1"]}
    for change in (square, {}):
        at = "(1, 1)" if change else "(0, 0)"
        of = problem(**change | {"conditions": [{"on": "boundary", "that": "dn(u) = 0"}, {"on": at, "that": "u = 2"}]})
        points = of.collocation(np.random.default_rng(0).random((40, 2)))
        name = next(name for name, rows in of.compiled.sets.items() if rows.names == (name,) and len(points[name]) == 1)
        objective = Objective(made(of), {name: points[name]}, torch.float64, None, Weighing(0.0))
        assert np.isfinite(objective.sizes()[name].double().numpy()).all()


def test_nor_has_a_ring_in_a_mesh():
    axis = np.linspace(-1, 1, 8)
    points = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    ring = lambda i, j: max(abs(i - 3), abs(j - 3)) == 2  # noqa: E731
    hole = lambda i, j: max(abs(i - 3), abs(j - 3)) <= 2  # noqa: E731
    for without in (ring, hole):
        cells = [[8 * i + j, 8 * i + j + 8, 8 * i + j + 9, 8 * i + j + 1]
                 for i in range(7) for j in range(7) if not without(i, j)]  # fmt: skip
        mesh = made_mesh(meshio.Mesh(points, [("quad", np.array(cells))]), "plate")
        (found,) = (each for each in mesh.local_features() if each.kind == "hole")
        assert not mesh.contains(np.array([found.place])).any()
