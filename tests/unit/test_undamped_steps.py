"""Undamped Gauss–Newton steps that raise the loss for a while, or hardly change it: both lead somewhere."""

from itertools import pairwise

import pytest
import torch

from core.errors import NotFiniteError
from core.optimizers.gauss_newton import MOST_AHEAD, UNDAMPED, GaussNewton


class Residuals:
    """The rows of a valley somewhere."""

    def __init__(self, rows):
        self.rows = rows

    def loss(self):
        """|r|²."""
        return self.rows.square().sum()


class Slopes:
    """[J r] there."""

    def __init__(self, rows, x):
        self.shape, self.r = (len(rows(x)), len(x)), rows(x)
        self.joined = torch.cat([torch.autograd.functional.jacobian(rows, x), self.r[:, None]], dim=1)

    def whole(self):
        """Column-major, as where it is factorised."""
        return self.joined.T.contiguous().T


class Valley:
    """r = (x − y², 0.01·(y − 1)): Newton's step along it leaves the valley at first."""

    def __init__(self, *x):
        self.x, self.asked = torch.tensor(x, dtype=torch.float64), 0

    def rows(self, x):
        return torch.stack([x[0] - x[1] ** 2, 1e-2 * (x[1] - 1)])

    def loss(self):
        return float(Residuals(self.rows(self.x)).loss())

    def slopes(self):
        self.asked += 1
        return Residuals(self.rows(self.x)), Slopes(self.rows, self.x)

    def mover(self):
        base = self.x.clone()

        def move(step):
            self.x = base + step
            return self.loss()

        return move


class Cliff(Valley):
    """Where its bend is so sharp that further steps find nothing."""

    def rows(self, x):
        bend = (x[1] * 40).cos() - (120 * torch.ones_like(x[0])).cos()
        return torch.stack([(x[0] - x[1] ** 2) * 3 + bend, x[1] * 1e-2])


class Flat(Valley):
    """A floor of one, beside which what x does is a part of 1e-8."""

    def rows(self, x):
        return torch.stack([torch.ones_like(x[0]), 1e-4 * (x[0] ** 2 - 2)])


class Ripples(Valley):
    """A floor of one with ripples, over which Newton's steps go astray without gaining or losing anything."""

    def rows(self, x):
        return torch.stack([1 + 1e-9 * (50 * x[0]).cos(), 1e-4 * x[0]])


def undamped():
    return GaussNewton(1e-32, 1e-32)


def test_newton_s_steps_go_through_a_loss_that_is_higher_within_one_iteration():
    valley = Valley(9.0, 3.0)
    before = valley.loss()
    _, report = undamped().iterate(valley)
    assert report.accepted
    assert valley.asked > 1  # where it stood after the first step, which had raised it
    assert report.loss == valley.loss() < 1e-20 * before
    torch.testing.assert_close(valley.x, torch.ones(2, dtype=torch.float64), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("broken", [False, True])
def test_where_they_lead_nowhere_nothing_has_moved_and_damping_takes_over(monkeypatch, broken):
    cliff, optimizer = Cliff(9.0, 3.0), undamped()
    if broken:
        onward = GaussNewton._onward

        def not_finite(self, objective, limit):
            monkeypatch.setattr(objective, "slopes", lambda: (_ for _ in ()).throw(NotFiniteError("inf")))
            found = onward(self, objective, limit)
            monkeypatch.undo()
            return found

        monkeypatch.setattr(GaussNewton, "_onward", not_finite)
    losses = [cliff.loss()]
    for _ in range(4):
        asked = cliff.asked
        _, report = optimizer.iterate(cliff)
        losses.append(cliff.loss())
        assert cliff.asked - asked <= 2 + MOST_AHEAD
    assert all(after <= before for before, after in pairwise(losses))
    assert report.damping > UNDAMPED or not report.accepted or losses[-1] < losses[0]


def test_steps_along_what_the_loss_hardly_knows_are_taken_while_they_shrink():
    flat, optimizer = Flat(1.6), undamped()
    accepted = [optimizer.iterate(flat)[1].accepted for _ in range(5)]
    assert abs(float(flat.x[0]) - 2**0.5) < 1e-6
    assert not accepted[-1]


def test_a_resumed_optimizer_knows_how_long_the_last_step_was():
    flat, optimizer = Flat(1.6), undamped()
    optimizer.iterate(flat)
    resumed = undamped()
    resumed.restore(optimizer.state())
    assert resumed.last == optimizer.last > 0


def test_where_nothing_is_promised_here_or_there_no_further_system_is_solved():
    ripples = Ripples(0.01)
    _, report = undamped().iterate(ripples)
    assert not report.accepted
    assert float(ripples.x[0]) == 0.01
    assert ripples.asked == 2
