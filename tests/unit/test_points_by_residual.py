"""Points drawn by the residual: for which stages, and on which nodes of a grid."""

import numpy as np
import pytest
import torch

from core.config import Chebyshev, parse_config
from core.networks.layers import polynomials
from core.networks.solution import Solution, Term
from core.training.points import HELD_OUT, adapted, collocation, present
from core.training.state import RunState


def at_stage(index, parent=None, sampler="gauss", begins="fitted"):
    """A run with a solution, at one of two stages."""
    stage = {"chebyshev": {"degrees": [6, 6]}, "collocation": {"points": 400, "sampler": sampler, "adaptive": 0.5}}
    config = parse_config(
        {"problem": {"kind": "poisson2d"}, "parent": parent, "stages": [stage | {"begins": begins}] * 2}
    )
    solution = Solution(config.problem, None)
    network = polynomials(Chebyshev(degrees=(6, 6)), 1)
    network.layers[0].weight.data.normal_(generator=torch.Generator().manual_seed(0))
    solution.add(Term(network, 1.0))
    run = RunState(config, torch.device("cpu"), solution, None, lambda: None, print)
    run.position.stage = index
    return run


@pytest.mark.parametrize(
    ("index", "parent", "begins", "by_residual"),
    [(0, None, "fitted", False), (1, None, "fitted", True), (0, "0" * 32, "fitted", True), (1, None, None, False)],
)
def test_a_stage_fitted_to_others_begins_at_points_where_they_leave_most(index, parent, begins, by_residual):
    run = at_stage(index, parent, begins=begins)
    plain = collocation(run.config, run.stage, index, 0)["interior"]
    points = present(run)["interior"]
    assert points.shape == plain.shape
    assert np.array_equal(points, plain) == (not by_residual)
    assert np.array_equal(points, present(run)["interior"])  # drawn once
    assert np.array_equal(points, present(at_stage(index, parent, begins=begins))["interior"])  # and alike


@pytest.mark.parametrize("sampler", ["gauss", "grid", "sobol", "chebyshev", "uniform"])
def test_no_other_draw_has_points_of_the_first(sampler):
    run = at_stage(1, sampler=sampler)
    nodes, *others = (collocation(run.config, run.stage, 1, draw)["interior"] for draw in (0, 1, HELD_OUT))
    for other in others:
        assert other.shape == nodes.shape
        assert not {tuple(point) for point in nodes} & {tuple(point) for point in other}


@pytest.mark.parametrize("sampler", ["gauss", "grid", "sobol", "chebyshev", "uniform"])
def test_those_that_are_kept_are_of_the_whole_domain(sampler):
    run = at_stage(1, sampler=sampler)
    plain = {tuple(point) for point in collocation(run.config, run.stage, 1, 0)["interior"]}
    drawn = adapted(run.config, run.stage, 1, 0, run.solution)["interior"]
    kept = np.array([point for point in drawn if tuple(point) in plain])
    assert len(kept) >= 200
    low, high = np.array(run.problem.domain()).T
    quarters = ((kept - low) / (high - low) > 0.5) @ [1, 2]
    assert np.bincount(quarters, minlength=4).min() > 25
