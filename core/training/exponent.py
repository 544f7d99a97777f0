"""λ while a run trains: waiting at its start, released, said by the origin condition, or found by the funnel.

In the funnel, inside a second-order stage, the network relaxes at a frozen λ, then λ moves by the secant.
"""

from __future__ import annotations

import math

import torch

from core.config import Lambda
from core.optimizers.report import StepReport
from core.runs import RunFolder
from core.runs.funnel import FunnelPoint, bracket
from core.runs.history import MAIN
from core.training import secant
from core.training.objective import Objective
from core.training.state import RunState

STEP = 0.002
"""From the funnel's first λ to its second, where the config names none."""
RELAX = 30
"""Most iterations at each λ likewise; at the first, where everything is found, three times as many."""
STALLED = 4
"""A λ is relaxed once so many iterations did not lower the loss by 1 %; the first one has plateaus, so that it takes
as many as it may."""
MOST_POINTS = 30


class Exponent:
    """What is done about λ. All that a funnel knows is in its points and in the position, so that a run resumes.

    Args:
        run: its state.
        folder: the run's; every point of a funnel is kept there.
    """

    def __init__(self, run: RunState, folder: RunFolder):
        self.run = run
        self._folder = folder
        self._points = folder.funnel() if self.config.mode == "funnel" else []

    @property
    def config(self) -> Lambda:
        """What is asked for; a window of time has its own."""
        return self.run.config.lambda_

    @property
    def in_funnel(self) -> bool:
        """Whether the present stage looks for λ by the funnel: the first one does; later ones release λ."""
        return self.config.mode == "funnel" and self.run.problem.has_lambda and self.run.position.stage == 0

    @property
    def analytic(self) -> bool:
        """Whether λ is what the origin condition makes it."""
        return self.run.problem.has_lambda and self.config.mode == "analytic"

    @property
    def held(self) -> bool:
        """Whether a later stage releases λ: this one ends as if λ were known."""
        return self._trainable and self.run.position.stage + 1 < (self.config.release_stage or 1)

    @property
    def pending(self) -> bool:
        """Whether the present stage releases λ, and has not done so yet."""
        return self._trainable and not self.held and not self.run.solution.free_lambda

    @property
    def waits(self) -> bool:
        """Whether λ is still to be released."""
        position, stage = self.run.position, self.config.release_stage
        if self.held or not self._trainable or position.relaxed or (stage and position.stage + 1 > stage):
            return self.held
        if not stage:
            return position.total < self.config.release_after
        return (position.iteration if position.phase == MAIN else 0) < self.config.release_after

    @property
    def _trainable(self) -> bool:
        return self.run.problem.has_lambda and self.config.mode == "trainable"

    def release(self) -> bool:
        """Make λ trainable when it is meant to be; True if that changed now."""
        lam, position = self.run.solution.lam, self.run.position
        if lam is None or lam.requires_grad or self.config.mode == "fixed" or self.in_funnel or self.waits:
            return False
        self.run.solution.free_unknowns()
        position.best_loss, position.since_best = math.inf, 0
        return True

    # -- funnel -------------------------------------------------------------------------------------------------------

    def after(self, objective: Objective, step: StepReport) -> str | None:
        """Take note of an iteration, and move λ when the network has relaxed; how the search ended, if it did."""
        points, position = self._points, self.run.position
        position.at_lambda += 1
        if not self._relaxed(step):
            return None
        points.append(_point(objective))
        self._folder.write_funnel(points)
        newest = points[-1]
        self.run.say(f"  λ = {newest.lambda_:.10g}: r̂ = {newest.r_hat:+.2e}, max residual {newest.max_residual:.2e}")
        if secant.settled(points):
            return f"the funnel closed after {len(points)} values of λ"
        low, high = self.run.problem.lambda_range
        proposed = secant.next_lambda(points, STEP if self.config.step is None else self.config.step)
        if not low < proposed < high:
            self.run.failed = (
                f"the funnel's next λ would be {proposed:.6g}, and only λ from {low:g} to {high:g} mean something; "
                f"{secant.summary(points)}"
            )
        elif len(points) >= MOST_POINTS:
            self.run.failed = self._without_root()
        if self.run.failed:
            return "the funnel found no λ"
        with torch.no_grad():
            objective.solution.lam.fill_(proposed)
        objective.forget_frozen()
        position.best_loss, position.since_best, position.at_lambda = math.inf, 0, 0
        return None

    def iterations_used_up(self) -> None:
        """The stage has no iterations left: a funnel that has not closed by now found no λ."""
        if self.in_funnel:
            self.run.failed = self._without_root()

    def _relaxed(self, step: StepReport) -> bool:
        """Whether the network has come as far as it will at this λ."""
        position, first = self.run.position, not self._points
        most = (RELAX if self.config.relax is None else self.config.relax) * (3 if first else 1)
        stalled = position.since_best >= STALLED and not first
        return not step.accepted or stalled or position.at_lambda >= most

    def _without_root(self) -> str:
        if bracket(self._points) is None:
            return secant.without_root(self._points)
        return f"the funnel did not close; {secant.summary(self._points)}"


def _point(objective: Objective) -> FunnelPoint:
    """What relaxing at the present λ left."""
    with torch.no_grad():
        residuals = objective.residuals()
    lam = float(objective.solution.lam.detach())
    return FunnelPoint(lam, objective.origin_residual(), float(residuals.maximum()), float(residuals.rms()))
