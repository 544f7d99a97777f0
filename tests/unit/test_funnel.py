"""The funnel's arithmetic: roots by sign, and what is said without one."""

import numpy as np
import pytest

from core.runs import RunFolder
from core.runs.funnel import FunnelPoint, bracket
from core.training import secant


def search(r_hat, start, step, most=30):
    """Points of a funnel whose network relaxes to a residual of `r_hat`(λ) at the origin and 1e-9 elsewhere."""
    points, lam = [], start
    while len(points) < most:
        r = r_hat(lam)
        points.append(FunnelPoint(lam, r, max(abs(r), 1e-9), 1e-9))
        if secant.settled(points):
            break
        lam = secant.next_lambda(points, step)
    return points


@pytest.mark.parametrize("start", [0.55, 0.6, 0.61, 0.7])
@pytest.mark.parametrize("step", [0.002, -0.02])
def test_the_root_is_found_from_either_side(start, step):
    points = search(lambda lam: -0.3 * (lam - 0.6057337) + 0.8 * (lam - 0.6057337) ** 2, start, step)
    assert secant.settled(points)
    assert abs(points[-1].lambda_ - 0.6057337) < 1e-8
    assert len(points) <= 12
    low, high = bracket(points)
    assert low.r_hat < 0 <= high.r_hat


def test_a_root_is_never_left_once_it_is_between_two_points():
    points = search(lambda lam: np.tanh(400 * (lam - 0.4)), 0.38, 0.05)
    assert secant.settled(points)
    found = [point.lambda_ for point in points]
    first = next(k for k in range(1, len(found) + 1) if bracket(points[:k]))
    low, high = sorted(point.lambda_ for point in bracket(points[:first]))
    assert all(low <= lam <= high for lam in found[first:])


def test_without_a_sign_change_nothing_is_claimed():
    points = search(lambda lam: 1e-3 + (lam - 0.5) ** 2, 0.6, 0.002, most=12)
    assert bracket(points) is None
    assert not secant.settled(points)
    sentence = secant.without_root(points)
    assert "no sign change" in sentence and "positive" in sentence and "12 values" in sentence
    assert "used up" in secant.without_root([])


def test_points_survive_in_the_runs_folder(tmp_path):
    assert RunFolder(tmp_path).funnel() == []
    points = search(lambda lam: lam - 0.5, 0.6, 0.01)
    RunFolder(tmp_path).write_funnel(points)
    assert RunFolder(tmp_path).funnel() == points
    assert "between" in secant.summary(points)
