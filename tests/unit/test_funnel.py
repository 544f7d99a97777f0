"""The funnel's arithmetic: roots by sign, and what is said without one."""

import numpy as np
import pytest

from core.singularity import funnel
from core.singularity.funnel import FunnelPoint


def search(r_hat, start, step, most=30):
    """Points of a funnel whose network relaxes to a residual of `r_hat`(λ) at the origin and 1e-9 elsewhere."""
    points, lam = [], start
    while len(points) < most:
        r = r_hat(lam)
        points.append(FunnelPoint(lam, r, max(abs(r), 1e-9), 1e-9))
        if funnel.settled(points):
            break
        lam = funnel.next_lambda(points, step)
    return points


@pytest.mark.parametrize("start", [0.55, 0.6, 0.61, 0.7])
@pytest.mark.parametrize("step", [0.002, -0.02])
def test_the_root_is_found_from_either_side(start, step):
    points = search(lambda lam: -0.3 * (lam - 0.6057337) + 0.8 * (lam - 0.6057337) ** 2, start, step)
    assert funnel.settled(points)
    assert abs(points[-1].lambda_ - 0.6057337) < 1e-8
    assert len(points) <= 12
    low, high = funnel.bracket(points)
    assert low.r_hat < 0 <= high.r_hat


def test_a_root_is_never_left_once_it_is_between_two_points():
    points = search(lambda lam: np.tanh(400 * (lam - 0.4)), 0.38, 0.05)
    assert funnel.settled(points)
    found = [point.lambda_ for point in points]
    first = next(k for k in range(1, len(found) + 1) if funnel.bracket(points[:k]))
    low, high = sorted(point.lambda_ for point in funnel.bracket(points[:first]))
    assert all(low <= lam <= high for lam in found[first:])


def test_without_a_sign_change_nothing_is_claimed():
    points = search(lambda lam: 1e-3 + (lam - 0.5) ** 2, 0.6, 0.002, most=12)
    assert funnel.bracket(points) is None
    assert not funnel.settled(points)
    sentence = funnel.without_root(points)
    assert "no sign change" in sentence and "positive" in sentence and "12 values" in sentence
    assert "used up" in funnel.without_root([])


def test_points_survive_in_the_runs_folder(tmp_path):
    assert funnel.read(tmp_path) == []
    points = search(lambda lam: lam - 0.5, 0.6, 0.01)
    funnel.write(points, tmp_path)
    assert funnel.read(tmp_path) == points
    assert "between" in funnel.summary(points)
