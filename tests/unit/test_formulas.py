"""Values of a solution that a visitor asks for: typed formulas with exact derivatives, stages, other checkpoints."""

import numpy as np
import pytest
import torch

from core.config import MLP, parse_config
from core.errors import LabError
from core.networks.layers import mlp
from core.networks.marched import Marched
from core.networks.solution import Solution, Term
from core.problems.taylor_green import TaylorGreen
from core.runs import RunFolder
from core.solution.evaluate import load_solution
from core.solution.formulas import vocabulary
from core.solution.sample import evaluated
from core.solution.wanted import Wanted, checkpoints_of
from core.training import checkpoint as checkpoints
from core.training.state import Position

DATA = {"problem": {"kind": "taylor_green"}, "stages": [{}]}


def solution_of(problem, lam=None, stages=2):
    """Random networks, the second one a small correction."""
    found = Solution(problem, lam)
    for k in range(stages):
        network = mlp(MLP(hidden=(7, 6)), problem.inputs, problem.outputs, torch.Generator().manual_seed(k))
        with torch.no_grad():
            for parameter in network.parameters():
                parameter += 0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(k + 9),
                                               dtype=parameter.dtype)  # fmt: skip
        found.add(Term(network, 10.0 ** (-k)))
    return found


@pytest.fixture
def folder(tmp_path):
    """A run's folder with three checkpoints: the newest has two stages, that of stage 1 has one."""
    config = parse_config(DATA)
    made = RunFolder(tmp_path / "a" / ("b" * 32))
    made.create(config)
    for path, stages in ((made.last, 2), (made.of_stage(1), 1), (made.best, 1)):
        checkpoints.save(checkpoints.Checkpoint(config, Position(), solution_of(config.problem, None, stages)), path)
    return made


def points_of(problem, n=60):
    low, high = np.array(problem.domain()).T
    inner = 0.1 + 0.8 * np.random.default_rng(0).random((n, len(low)))
    return low + (high - low) * inner


def at(folder, *texts, points=None, **wanted):
    solution = load_solution(folder, Wanted(formulas=texts, **wanted))
    return evaluated(solution, points_of(solution.problem) if points is None else points, None)


def differences(folder, name, coordinate, points, h=1e-4, **wanted):
    """Central differences of a field, of fourth order."""
    step = np.zeros(points.shape[1])
    step[coordinate] = h
    value = [at(folder, points=points + k * step, **wanted)[name] for k in (-2, -1, 1, 2)]
    return (value[0] - 8 * value[1] + 8 * value[2] - value[3]) / (12 * h)


def test_derivatives_in_a_formula_are_the_fields_own(folder):
    points = points_of(TaylorGreen())
    found = at(folder, "v_x - u_y", "u_xy", "laplacian(p)", "sqrt(u^2+v^2)", "u_xxt", points=points)
    slope = {(name, k): differences(folder, name, k, points) for name in "uv" for k in (0, 1)}
    np.testing.assert_allclose(found["v_x - u_y"], slope["v", 0] - slope["u", 1], atol=1e-9)
    np.testing.assert_allclose(found["sqrt(u^2+v^2)"], np.hypot(found["u"], found["v"]), rtol=1e-14)
    by_y = [at(folder, "u_y", points=points + h)["u_y"] for h in np.outer([-1e-5, 1e-5], [1, 0, 0])]
    np.testing.assert_allclose(found["u_xy"], (by_y[1] - by_y[0]) / 2e-5, atol=1e-7)
    along = [at(folder, "u_xt", points=points + h)["u_xt"] for h in np.outer([-1e-5, 1e-5], [1, 0, 0])]
    np.testing.assert_allclose(found["u_xxt"], (along[1] - along[0]) / 2e-5, atol=1e-6)


def test_the_equations_typed_as_a_formula_are_the_residuals(folder):
    found = at(folder, "u_t + u*u_x + v*u_y + p_x - viscosity*laplacian(u)", "div([u, v])", "u_exact - u + u_error")
    formula, divergence, zero = list(found.values())[-3:]
    np.testing.assert_allclose(formula, found["residual_momentum_x"], atol=1e-12)
    np.testing.assert_allclose(divergence, found["residual_divergence"], atol=1e-12)
    assert np.abs(zero).max() < 1e-14


def test_stages_add_up(folder):
    points = points_of(TaylorGreen())
    whole, first, ansatz = (at(folder, "u_x", points=points, stages=k) for k in (None, 1, 0))
    added = at(folder, "u_x", points=points, alone=True)
    for name in ("u", "v", "p", "u_x"):
        np.testing.assert_allclose(first[name] + added[name], whole[name], atol=1e-13)
    assert set(added) == {"u", "v", "p", "u_x"}  # a residual and an error are of a sum
    x, y, _ = points.T
    np.testing.assert_allclose(ansatz["u"], -np.cos(x) * np.sin(y), atol=1e-14)
    np.testing.assert_allclose(first["u"], at(folder, points=points, checkpoint="stage-1")["u"], atol=1e-14)


def test_checkpoints_are_named_and_others_refused(folder):
    assert list(checkpoints_of(folder)) == ["last", "best", "stage-1"]
    for wanted, told in (
        ({"checkpoint": "stage-7"}, "has no checkpoint 'stage-7' here; it has last, best, stage-1"),
        ({"checkpoint": "../last"}, "has no checkpoint"),
        ({"stages": 3}, "sum of 2 stages; 3"),
        ({"stages": 0, "alone": True}, "no last stage"),
    ):
        with pytest.raises(LabError, match=told):
            at(folder, **wanted)
    assert Wanted().digest == ""
    asked = (Wanted(checkpoint="best"), Wanted(stages=1), Wanted(formulas=("u",)), Wanted(alone=True))
    assert len({"", *(each.digest for each in asked)}) == 5


@pytest.mark.parametrize(
    "text, told",
    [
        ("", "formula"),
        ("u +", "formula"),
        ("q + u", "q"),
        ("u_exact_x", "derivatives of u_exact are not known"),
        ("diff(residual_divergence, x)", "derivatives of residual_divergence"),
        ("u_xxxxx", "order 5"),
        ("[u, v]", "scalar"),
        ("u = v", "formula"),
        ("__import__('os')", "formula"),
        ("u.__class__", "formula"),
        ("dn(u)", "conditions only"),
    ],
)
def test_what_is_no_formula_is_refused_in_words(folder, text, told):
    with pytest.raises(LabError, match=told):
        at(folder, text)


def test_where_a_formula_has_no_value_it_is_not_finite_and_the_rest_stands(folder):
    found = at(folder, "log(u)", "sqrt(-1 - u^2)", "sqrt(x - 3)", "7")
    x = points_of(TaylorGreen())[:, 0]
    assert (np.isfinite(found["log(u)"]) == (found["u"] > 0)).all()
    assert not np.isfinite(found["sqrt(-1 - u^2)"]).any()
    assert (np.isnan(found["sqrt(x - 3)"]) == (x < 3)).all()
    assert (found["7"] == 7).all() and np.isfinite(found["u"]).all()


def test_windows_of_time_know_formulas_too():
    problem = TaylorGreen()
    halves = [solution_of(problem), solution_of(problem)]
    whole, points = Marched(problem, [(0.5, halves[0]), (1.0, halves[1])]), points_of(problem)
    wanted = [("u", (0, 0)), ("v", (1,))]
    np.testing.assert_allclose(whole.derivatives_at(points, wanted), halves[0].derivatives_at(points, wanted))
    early = points[:, 2] <= 0.5
    first = whole.first_stages(1).evaluate(points)["u"]
    np.testing.assert_allclose(first[early], halves[0].first_stages(1).evaluate(points[early])["u"])


def test_names_that_nobody_can_type_are_left_out_and_greek_ones_have_words():
    from core.problems import BUILT_IN

    for kind in BUILT_IN:
        problem = kind()
        words = vocabulary(problem)
        assert set(words.places.values()) <= set(range(len(problem.coordinates)))
        (node,) = words.read(["0" if not words.fields else next(iter(words.fields))])
        assert node is not None


def test_the_stream_function_of_a_plane_flow(folder, monkeypatch):
    from core.solution.sample import sample
    from core.solution.streamfunction import streamfunction

    x, y = np.linspace(0, 2, 41), np.linspace(-1, 1, 51) ** 3
    a, b = np.meshgrid(x, y, indexing="ij")
    psi = np.sin(a) * np.exp(b)
    found, off = streamfunction(psi, -np.cos(a) * np.exp(b), x, y, (0, 1))
    np.testing.assert_allclose(found, psi - psi[0, 0], atol=1e-5)
    assert off < 1e-5
    grid = sample(folder, 9, Wanted(streamfunction=True))  # random networks: a flow with sources
    assert grid.values["streamfunction"].shape == (9, 9, 9)
    assert (grid.values["streamfunction"][0, 0] == 0).all() and grid.about["streamfunction_uncertainty"] > 0.01
    for u, told in ((psi[:2], "4 points"), (np.full_like(psi, np.nan), "some have none")):
        with pytest.raises(LabError, match=told):
            streamfunction(u, u, x[: len(u)], y, (0, 1))


def test_fields_can_be_had_without_residuals(folder):
    whole, fields = at(folder), at(folder, residuals=False)
    residuals = {name for name in whole if name.startswith("residual_")}
    assert residuals and set(whole) - set(fields) == residuals
    for name, value in fields.items():
        np.testing.assert_allclose(value, whole[name], rtol=0, atol=1e-12)
    with pytest.raises(LabError, match="residual_divergence is not known for what is shown"):
        at(folder, "residual_divergence^2", residuals=False)
