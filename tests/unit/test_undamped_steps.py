"""Undamped Gauss–Newton steps that raise the loss for a while, or hardly change it: both lead somewhere."""

import torch

from core.optimizers.gauss_newton import MOST_AHEAD, GaussNewton
from core.optimizers.rows import Whole


class Curved:
    """A valley r = (x − y², 0.01·(y − 1)) with a small floor; Newton's step along it leaves the valley at first."""

    def __init__(self, y, hopeless=False):
        self.start, self.x, self.hopeless = None, torch.tensor([y * y, y], dtype=torch.float64), hopeless

    def rows(self, x):
        bent = x[0] - x[1] ** 2 if not self.hopeless else (x[0] - x[1].sin() * 2) * 30 + (x[1] * 40).cos()
        return torch.stack([bent, 1e-2 * (x[1] - 1)])

    def step(self, optimizer):
        x = self.x.clone()
        r, J = self.rows(x), torch.autograd.functional.jacobian(self.rows, x)

        def after(step):
            self.x = x + step
            return float(self.rows(self.x).square().sum())

        return float(r @ r), optimizer.step(Whole.of(r, J), after)


def undamped():
    return GaussNewton(1e-32, 1e-32)


def test_newton_s_steps_go_through_a_loss_that_is_higher_for_a_while():
    valley, optimizer, losses = Curved(3.0), undamped(), []
    for _ in range(3):
        before, report = valley.step(optimizer)
        assert report.accepted or before < 1e-20
        losses.append(before)
    assert losses[1] > 1e4 * losses[0]
    torch.testing.assert_close(valley.x, torch.ones(2, dtype=torch.float64), rtol=1e-12, atol=1e-12)
    assert optimizer.way_back is None


def test_where_they_lead_nowhere_the_best_is_gone_back_to():
    valley, optimizer = Curved(0.3, hopeless=True), undamped()
    losses = [valley.step(optimizer)[0] for _ in range(30)]
    best = losses[0]
    for k, loss in enumerate(losses):
        assert min(losses[max(0, k - MOST_AHEAD) : k + 1]) <= best * (1 + 1e-12)  # never away from it for longer
        best = min(best, loss)


def test_a_stage_that_ends_on_the_way_goes_back_and_a_resumed_one_knows_the_way():
    valley, optimizer = Curved(3.0), undamped()
    best, _ = valley.step(optimizer)
    resumed = undamped()
    resumed.restore(optimizer.state())
    x = valley.x.clone()

    def after(step):
        valley.x = x + step
        return float(valley.rows(valley.x).square().sum())

    assert resumed.return_to_best(after) == best
    assert resumed.return_to_best(after) is None


def test_steps_along_what_the_loss_hardly_knows_are_taken_while_they_shrink():
    x, optimizer, accepted = torch.tensor([1.6], dtype=torch.float64), undamped(), []

    def rows(x):  # a floor of one, beside which what x does is a part of 1e-8
        return torch.stack([torch.ones_like(x[0]), 1e-4 * (x[0] ** 2 - 2)])

    for _ in range(5):
        at = x.clone()

        def after(step, at=at):
            nonlocal x
            x = at + step
            return float(rows(x).square().sum())

        J = torch.autograd.functional.jacobian(rows, at)
        accepted.append(optimizer.step(Whole.of(rows(at), J), after).accepted)
    assert abs(float(x[0]) - 2**0.5) < 1e-6
    assert not accepted[-1]
