"""Vorticity profiles: their layer, their gauge, features at a fixed λ, stages that begin fitted, the basin of λ."""

import numpy as np
import pytest
import torch

from core.config import Fourier, parse_config
from core.errors import ConfigError
from core.networks.layers import fourier
from core.networks.solution import Solution, Term
from core.problems.burgers_profile import BurgersProfile
from core.problems.ccf import CCF, PUBLISHED
from core.problems.gclm import GCLM
from core.problems.hilbert import operators
from core.singularity.basin import steepness, uncertainty
from core.training import checkpoint as checkpoints
from core.training.checkpoint import Checkpoint
from core.training.objective import Objective
from core.training.state import Position

TWO_STAGES = {
    "problem": {"kind": "gclm", "a": -0.5},
    "stages": [
        {"fourier": {"features": 10, "sigma": 6.0}},
        {"begins": "fitted", "fourier": {"features": 20, "sigma": 8.0}},
    ],
}


def random_solution(problem, lam, centre, scale=0.3):
    solution = Solution(problem, lam)
    generator = torch.Generator().manual_seed(3)
    network = fourier(Fourier(features=12), 3.0, problem.inputs, problem.outputs, generator)
    weights = torch.randn(network.layers[-1].weight.shape, generator=generator, dtype=torch.float64)
    network.layers[-1].weight.data.copy_(scale * weights / 12)
    solution.add(Term(network, 1.0, centre))
    solution.lam.requires_grad_(True)
    return solution


@pytest.mark.parametrize("problem", [GCLM(a=-0.5), CCF(order=1), CCF(order=2)])
def test_the_jacobian_holds_with_features_at_a_fixed_lambda(problem):
    start = problem.lambda_start()
    solution = random_solution(problem, start, start)
    objective = Objective(solution, problem.collocation(np.zeros((60, 1))))
    *_, J = objective.linearise()
    move = objective.mover()
    for column in (0, 7, J.shape[1] - 1):
        step = torch.zeros(J.shape[1], dtype=torch.float64)
        step[column] = 1e-6
        ahead, back = move.rows(step).clone(), move.rows(-step).clone()
        move.rows(torch.zeros_like(step))
        assert torch.allclose((ahead - back) / 2e-6, J[:, column], rtol=1e-5, atol=1e-7 * float(J.abs().max()))


def test_features_stay_where_lambda_was_when_the_stage_began():
    problem = GCLM(a=-0.5)
    x = problem.collocation(np.zeros((40, 1)))["interior"]
    fixed, moving = random_solution(problem, 0.6, 0.6), random_solution(problem, 0.6, None)
    before = [solution.evaluate(x[:20])["Omega"] for solution in (fixed, moving)]
    assert np.array_equal(*before)
    for solution in (fixed, moving):
        solution.lam.data.fill_(0.7)
    after = [solution.evaluate(x[:20])["Omega"] for solution in (fixed, moving)]
    assert np.abs(after[0] - after[1]).max() > 1e-4


def test_a_checkpoint_keeps_the_lambda_of_each_stages_features(tmp_path):
    solution = random_solution(GCLM(a=-0.5), 0.61, 0.6)
    path = tmp_path / "last.pt"
    checkpoints.save(Checkpoint(parse_config(TWO_STAGES), Position(), solution), path)
    again = checkpoints.load(path).solution
    assert again.centres == [0.6]
    x = np.linspace(0, 5, 9)[:, None]
    assert np.array_equal(again.evaluate(x)["Omega"], solution.evaluate(x)["Omega"])


@pytest.mark.parametrize("order", [1, 2])
def test_the_layer_is_a_node_and_the_origin_is_resolved_where_there_is_a_layer(order):
    problem = CCF(order=order)
    for n in (300, 341):
        points = problem.collocation(np.zeros((n, 1)))["interior"][:, 0]
        assert np.abs(points / (problem.layer.position * problem.width) - 1).min() < 1e-12
        assert (np.diff(points) > 0).all()
        assert (points < 1e-3).sum() > 5
    assert "HΩ = U/y" in problem.gauge
    assert CCF(order=0).gauge == "Ω′(0) = −1"


def test_integrals_are_exact_with_points_that_are_no_nodes():
    problem = CCF(order=2)  # H of y/(1+y²) is −1/(1+y²) up to sign: f = −y/(1+y²/4) has Hf = 2/(1+y²/4)
    points = problem.collocation(np.zeros((400, 1)))["interior"]
    targets = points[:200]
    f = -points[:, 0] / (1 + points[:, 0] ** 2 / 4)
    found = problem.integrals(targets, points)
    y = targets[:, 0]
    assert np.abs(found["HOmega"].matrix @ f - 2 / (1 + y**2 / 4)).max() < 1e-9
    assert np.abs(found["U"].matrix @ f - 4 * np.arctan(y / 2)).max() < 1e-9
    assert operators(np.array([0.3]), np.linspace(0.1, 5, 50))[0].shape == (1, 50)


def test_a_lambda_of_another_order_is_called_that():
    assert "order 0" in CCF(order=1).mistaken(PUBLISHED[0])
    assert "order 2" in CCF(order=3).mistaken(0.471324227)
    assert CCF(order=2).mistaken(0.471324227) is None
    assert "order 0" in BurgersProfile(order=1).mistaken(0.5)
    assert BurgersProfile(order=1).mistaken(0.25) is None


def test_what_nobody_knows_is_said_before_a_run():
    assert "Nobody has found" in CCF(order=3).caution()
    assert CCF(order=2).caution() is None
    assert "may have none" in GCLM(a=0.9).caution()
    assert GCLM(a=-0.5).caution() is None
    low, _ = GCLM.lambda_range
    assert all(GCLM(a=a).lambda_start() > low for a in np.linspace(-4, 1, 30))


def test_only_linear_stages_begin_fitted_and_only_known_conditions_are_asked_for():
    with pytest.raises(ConfigError, match="begins"):
        parse_config({"problem": {"kind": "gclm"}, "stages": [{"begins": "fitted"}]})
    with pytest.raises(ConfigError, match="condition at the origin"):
        parse_config({"problem": {"kind": "burgers_profile"}, "lambda": {"mode": "funnel"}})
    with pytest.raises(ConfigError, match="warm-up"):
        parse_config(TWO_STAGES | {"lambda": {"mode": "funnel"}, "stages": [{"warmup": {"iterations": 3}}]})
    assert parse_config(TWO_STAGES | {"lambda": {"mode": "funnel"}}).lambda_.mode == "funnel"


def test_the_basin_is_as_steep_as_relaxing_at_two_lambdas_says():
    """∂r/∂λ outside the range of ∂r/∂θ, against least squares at λ ± δ."""
    problem = GCLM(a=-0.5)
    solution = random_solution(problem, 0.6, 0.6)
    objective = Objective(solution, problem.collocation(np.zeros((80, 1))))
    rise = steepness(objective)
    *_, J = objective.linearise()
    network, towards = J[:, :-1], J[:, -1]
    shift = torch.linalg.lstsq(network, towards[:, None], driver="gelsd").solution[:, 0]
    assert rise == pytest.approx(float((towards - network @ shift).norm()), rel=1e-3)
    assert 0 < rise < float(towards.norm())
    assert uncertainty(1e-12, rise) == pytest.approx(1e-12 / rise)
    assert uncertainty(1e-12, 0.0) == np.inf


def test_a_profile_of_another_order_is_no_start_where_it_was_found_to_be_none():
    assert CCF(order=1).continues(CCF(order=1, focus=0.5))
    assert not CCF(order=1).continues(CCF(order=0))
    assert BurgersProfile(order=1).continues(BurgersProfile(order=0))
