"""B-splines of the coordinates: their jets, which there are, their knots and cells, and what fits by them."""

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline

from core.config import Splines, Stage, parse_config, size
from core.errors import ConfigError
from core.forms import Layout, laplacian
from core.jets import Jet, coordinates
from core.jets.splines import SplineProducts, indices, splines
from core.networks.knots import cell_volumes, cells, graded, in_cells, knots_of
from core.networks.layers import splined
from core.networks.solution import Solution, Term
from core.problems.base import Narrow
from core.problems.equation import Equation
from core.runs import RunFolder
from core.training import checkpoint as checkpoints
from core.training.objective import Objective
from core.training.objective.weighing import Weighing
from core.training.train import train

DEGREE = 5
KNOTS = torch.tensor([-1.0, -0.7, -0.1, 0.2, 1.0], dtype=torch.float64)
L = {"kind": "polygon", "vertices": [[0, 0], [2, 0], [2, 1], [1, 1], [1, 2], [0, 2]],
     "sides": ["bottom", "right", "top", "wall", "roof", "left"]}  # fmt: skip
ON_L = {"kind": "equation", "domain": L, "fields": ["u"], "layers": {"right": 0.02}, "equations": ["laplacian(u) = 1"],
        "conditions": [{"on": "boundary", "that": "u = 0"}]}  # fmt: skip
SPLINES = {"degree": 5, "knots": {"x": 8, "y": 6}, "local": {"order": 1, "smooth": 1}}


def problem_on_l(**changes):
    return parse_config({"problem": ON_L | changes, "stages": [{"splines": SPLINES}]}).problem


def from_scipy(knots, degree):
    t = np.r_[[knots[0]] * degree, knots, [knots[-1]] * degree]
    return BSpline(t, np.eye(len(t) - degree - 1), degree)


def test_their_derivatives_are_those_of_a_known_library():
    x = torch.linspace(-1, 1, 41, dtype=torch.float64)
    layout = Layout.of(1, {"second": ((0, 0, 1.0),)})
    found = splines(coordinates(x[:, None], layout)[0], KNOTS, DEGREE)
    known = from_scipy(KNOTS.numpy(), DEGREE)
    for order, part in enumerate(found.data):
        np.testing.assert_allclose(part, known(x.numpy(), nu=order), atol=1e-11)


def test_the_polynomials_at_the_ends_go_on_beyond_them():
    x = torch.tensor([[-1.2], [1.1]], dtype=torch.float64)
    found = splines(coordinates(x, Layout.of(1, {}))[0], KNOTS, DEGREE).value
    known = from_scipy(KNOTS.numpy(), DEGREE)
    np.testing.assert_allclose(found, known(x[:, 0].numpy(), extrapolate=True), atol=1e-11)
    np.testing.assert_allclose(found.sum(1), 1.0)


def test_products_of_curved_inputs_follow_the_chain_rule():
    points = torch.as_tensor(np.random.default_rng(0).uniform(-0.8, 0.8, (6, 2))).requires_grad_()
    chosen = torch.tensor([[0, 3], [4, 4], [8, 0], [5, 2]])
    products = SplineProducts(DEGREE, (KNOTS, KNOTS), chosen)

    def found(at):
        x, y = coordinates(at, Layout.of(2, {"laplacian": laplacian(2)}))
        inputs = [(x * y).sin(), (x - y).tanh()]
        return products.of(Jet(torch.stack([each.data for each in inputs], dim=-1), x.layout))

    def values(at):
        return found(at[None]).value[0]

    for k, place in enumerate(points.detach()):
        bends = torch.func.hessian(values)(place).diagonal(dim1=-2, dim2=-1).sum(-1)
        torch.testing.assert_close(found(points).form("laplacian")[k], bends, rtol=1e-9, atol=1e-9)


def test_only_products_with_some_of_the_domain_in_their_support_are_there():
    meets = torch.zeros(6, 4, dtype=torch.bool)
    meets[0, 3] = True
    assert indices(meets, 2).tolist() == [[i, j] for i in range(3) for j in range(3, 6)]
    assert len(indices(torch.ones(6, 4, dtype=torch.bool), 2)) == 8 * 6
    problem = problem_on_l()
    config = Splines(degree=5, knots={"x": 8, "y": 6})
    own = knots_of(config, problem)
    inside = cells(problem, own)
    assert not inside.all()
    network = splined(problem, config, torch.Generator().manual_seed(0))
    assert network.layers[0].weight.shape[1] == len(indices(torch.as_tensor(inside), 5)) < config.products


def test_intervals_get_shorter_towards_what_is_narrow_and_fill_all_of_the_length():
    knots = graded(0.0, 4.0, 30, [Narrow(0, 2.0, 0.04), Narrow(0, 4.0, 0.02)])
    widths = np.diff(knots)
    assert knots[0] == 0 and knots[-1] == 4 and 2.0 in knots and len(knots) == 31
    assert widths.min() > 0 and widths[-1] < widths[0] / 5
    assert widths[np.searchsorted(knots, 2.0)] < widths[0] / 4
    np.testing.assert_allclose(np.diff(graded(0.0, 1.0, 5, [])), 0.2)


def test_a_corner_with_singular_functions_and_a_layer_are_narrow():
    found = problem_on_l().narrow
    assert {(each.coordinate, each.at) for each in found} == {(0, 1.0), (1, 1.0), (0, 2.0)}
    assert next(each.width for each in found if each.at == 2.0) == 0.02
    smooth = problem_on_l(domain={"kind": "polygon", "vertices": [[0, 0], [2, 0], [2, 2], [0, 2]]}, layers=None)
    assert smooth.narrow == ()


def test_rows_in_cells_make_the_loss_an_integral():
    problem = problem_on_l()
    own = knots_of(Splines(degree=5, knots={"x": 9, "y": 7}), problem)
    sets = in_cells(problem, own, 2000)
    stage = Stage.model_validate({"splines": {"degree": 5, "knots": {"x": 9, "y": 7}},
                                  "collocation": {"sampler": "cells", "points": 2000}})  # fmt: skip
    weights = Weighing.of(stage, problem).of_points("interior", sets["interior"])
    x, y = sets["interior"].T
    assert 1800 < len(x) < 2300
    f = x**2 * y
    exact = (2**3 / 3 * 1 / 2 + 1 / 3 * (4 - 1) / 2) / 3  # its mean over the L
    assert np.sum(weights**2 * f) / np.sum(weights**2) == pytest.approx(exact, rel=1e-2)
    assert abs(np.mean(f) / exact - 1) > 0.05  # points alone lie where cells are small
    for name, block in sets.items():
        if name != "interior":
            assert Weighing.of(stage, problem).of_points(name, block) is None
            assert len(block) >= 10


def test_no_cell_has_more_points_of_a_boundary_than_others():
    problem = problem_on_l()
    own = knots_of(Splines(degree=5, knots={"x": 9, "y": 7}), problem)
    several = in_cells(problem, own, 1000)["at_1"]
    volumes = cell_volumes(several, own)
    places = [np.searchsorted(k[1:-1], several[:, j], side="right") for j, k in enumerate(own)]
    _, counts = np.unique(np.stack(places, axis=1), axis=0, return_counts=True)
    assert counts.max() <= 1 + round(np.sqrt(1000 / cells(problem, own).sum()))
    assert volumes.min() < volumes.max() / 10


def test_a_thin_layer_is_solved_where_as_many_even_intervals_miss_it(tmp_path):
    """u'' = u/ε² with u = exp(−x/ε)."""
    problem = {"kind": "equation", "coordinates": {"x": [0, 1]}, "fields": ["u"],
                "parameters": {"delta": 0.01}, "equations": ["delta^2*u_xx = u"],
                "conditions": [{"on": "x = 0", "that": "u = 1"}, {"on": "x = 1", "that": "u = exp(-1/delta)"}],
                "exact": {"u": "exp(-x/delta)"}}  # fmt: skip

    def error(knots):
        stage = {"splines": {"degree": 7, "knots": {"x": knots}}, "iterations": 2,
                 "optimizer": {"kind": "gauss_newton", "damping": 1e-26, "minimum_damping": 1e-32},
                 "collocation": {"points": 80, "sampler": "cells"}}  # fmt: skip
        config = parse_config({"problem": problem, "stages": [stage]})
        solution = train(config, RunFolder(tmp_path / str(len(knots) if isinstance(knots, list) else knots)),
                         say=lambda line: None).solution  # fmt: skip
        points = np.linspace(0, 0.1, 101)[:, None]
        return np.abs(solution.fields_at(points)["u"] - np.exp(-100 * points[:, 0])).max()

    even, graded_ones = error(12), error([0, *np.geomspace(0.004, 1, 12).tolist()])
    assert graded_ones < 1e-3 < 30 * graded_ones < even


def test_a_checkpoint_holds_them(tmp_path):
    stage = {"splines": SPLINES, "iterations": 2, "collocation": {"points": 400, "sampler": "cells"}}
    config = parse_config({"problem": ON_L, "stages": [stage]})
    folder = RunFolder(tmp_path / "run")
    solution = train(config, folder, say=lambda line: None).solution
    points = np.random.default_rng(0).uniform(0, 1, (20, 2))
    saved = checkpoints.load(folder.last).solution
    np.testing.assert_array_equal(saved.fields_at(points)["u"], solution.fields_at(points)["u"])
    left = Objective(saved, in_cells(saved.problem, knots_of(config.stages[0].splines, saved.problem), 300))
    assert float(left.residuals().loss().detach()) < 1e-2  # of 1 without any


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"splines": {"knots": {"x": 4}}}, "for x, and the coordinates are x, y"),
        ({"splines": {"knots": {"x": 4, "y": [0, 1]}}}, "from 0 to 1; allowed: from 0 to 2"),
        ({"splines": {"knots": {"x": 4, "y": [0, 1, 1, 2]}}}, "beyond the one before it"),
        ({"splines": SPLINES, "fourier": {}}, "fourier or splines, not both"),
        ({"collocation": {"sampler": "cells"}}, "the stage has none"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(changes, said):
    with pytest.raises(ConfigError, match=said):
        parse_config({"problem": ON_L, "stages": [changes]})


def test_beside_a_streamfunction_a_pressure_has_functions_of_its_own_and_each_is_read_by_its_field_alone(tmp_path):
    """Where ψ goes as r^λ into a corner a pressure goes as r^(λ−2), and both together leave nothing of a slow flow."""
    problem = {"kind": "equation", "domain": L, "fields": ["psi", "p"], "row_weight": 10,
               "equations": ["p_x = diff(laplacian(psi), y)", "p_y = -diff(laplacian(psi), x)"],
               "conditions": [{"on": "right", "that": "psi = y^2*(3 - 2*y); dn(psi) = 0; p = 0"},
                              {"on": "top; wall", "that": "psi = 1; dn(psi) = 0"},
                              {"on": "bottom; left", "that": "psi = 0; dn(psi) = 0"},
                              {"on": "roof", "that": "psi = x^2*(3 - 2*x); dn(psi) = 0"}]}  # fmt: skip
    left = {}
    for order in (2.7, 0.0):
        stage = {"splines": {"degree": 5, "knots": {"x": 6, "y": 6}, "local": {"order": order, "smooth": 0}},
                 "optimizer": {"kind": "gauss_newton", "damping": 1e-26, "minimum_damping": 1e-32},
                 "iterations": 1, "collocation": {"points": 500, "sampler": "cells"}}  # fmt: skip
        config = parse_config({"problem": problem, "stages": [stage]})
        folder = RunFolder(tmp_path / str(order))
        solution = train(config, folder, say=lambda line: None).solution
        (network,) = solution.networks
        near = np.array([1.0, 1.0]) - 0.1 * np.random.default_rng(0).random((100, 2))
        left[order] = float(Objective(solution, {"interior": near}).residuals().loss().detach())
        saved = checkpoints.load(folder.last).solution
        np.testing.assert_array_equal(saved.fields_at(near)["p"], solution.fields_at(near)["p"])
        if order:
            assert {0, 1} <= set(network.fields) and len(network.layers) == 2
    assert left[2.7] < 0.05 * left[0.0]


def test_conditions_may_weigh_more_than_others():
    heavy = {"on": "boundary", "that": "u = 1", "weight": 7}
    one, seven = (Equation(**ON_L | {"conditions": [each], "row_weight": 2})
                  for each in ({**heavy, "weight": None}, heavy))  # fmt: skip
    assert "weight" not in one.model_dump(mode="json")["conditions"][0]
    points = one.collocation(np.random.default_rng(0).random((50, 2)))
    rows = []
    for problem in (one, seven):
        stage = {"splines": SPLINES}
        solution = Solution(parse_config({"problem": problem.model_dump(mode="json"), "stages": [stage]}).problem, None)
        network = splined(solution.problem, Splines(degree=5, knots={"x": 3, "y": 3}), torch.Generator())
        solution.add(Term(network, 1.0))
        rows.append(Objective(solution, {"at_1": points["at_1"]}).residuals().by_name["at_1"].detach())
    torch.testing.assert_close(rows[1], 7 * rows[0])


def test_near_corners_equations_weigh_less_by_what_their_functions_leave():
    """r²θ, which a plate has in every corner, leaves 1/r; a flow's corner where nothing is singular leaves nothing."""
    plate = Equation(domain=L, fields=["u"], equations=["laplacian(laplacian(u)) = 1"],
                     conditions=[{"on": "boundary", "that": "u = 0; dn(u) = 0"}])  # fmt: skip
    flow = Equation(domain=L, fields=["psi", "p"],
                    equations=["p_x = diff(laplacian(psi), y)", "p_y = -diff(laplacian(psi), x)"],
                    conditions=[{"on": "boundary", "that": "psi = x; dn(psi) = 0"},
                                {"on": "(1, 0)", "that": "p = 0"}])  # fmt: skip
    near = [Jet(torch.tensor([[0.01, 0.99]], dtype=torch.float64), Layout.of(2, {})) for _ in range(2)]
    convex, re_entrant = plate.compiled.local.weight(near).tolist()
    assert convex < 0.2 and re_entrant < 0.1
    convex, re_entrant = flow.compiled.local.weight(near).tolist()
    assert convex == 1 and re_entrant < 0.5


def test_an_integral_condition_weighs_too():
    texts = [{"on": "boundary", "that": "dn(u) = 0"}, {"on": "everywhere", "that": "int(u) = 1", "weight": 7}]
    problem = Equation(domain=L, fields=["u"], equations=["laplacian(u) = 0"], conditions=texts)
    (name,) = (row for row, label in problem.compiled.labels.items() if label == "condition 2")
    assert problem.compiled.sets[name].quadrature is not None


def test_periodic_coordinates_have_none():
    problem = {"kind": "equation", "coordinates": {"x": [0, 1], "t": [0, 1]}, "time": "t", "fields": ["u"],
               "equations": ["u_t + u_x = 0"],
               "conditions": [{"on": "periodic in x"}, {"on": "t = 0", "that": "u = sin(2*pi*x)"}]}  # fmt: skip
    with pytest.raises(ConfigError, match="inputs other than its coordinates"):
        parse_config({"problem": problem, "stages": [{"splines": {"knots": {"x": 4, "t": 4}}}]})


def test_a_system_that_is_too_large_is_told_a_smaller_one():
    stage = {"splines": SPLINES, "collocation": {"points": 400, "sampler": "cells"}}
    config = parse_config({"problem": ON_L, "stages": [stage]})
    assert size(config) > 0
    assert hash(config) == hash(parse_config(config.model_dump(mode="json", by_alias=True)))
    given = Splines(degree=5, knots={"x": [0, 0.1, 0.2, 0.5, 1, 2], "y": 6})
    fewer = given.with_part(0.5)
    assert fewer.knots["y"] == 3 and len(fewer.knots["x"]) == 3
    assert (fewer.knots["x"][0], fewer.knots["x"][-1]) == (0, 2)
