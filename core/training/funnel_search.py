"""λ by the funnel, inside a second-order stage: the network relaxes at a frozen λ, then λ moves by the secant."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from core.config import Lambda
from core.runs import RunFolder
from core.runs.funnel import FunnelPoint, bracket
from core.training import secant

if TYPE_CHECKING:
    from core.optimizers.report import StepReport
    from core.training.checkpoint import Position
    from core.training.objective import Objective

STEP = 0.002
"""From the funnel's first λ to its second, where the config names none."""
RELAX = 30
"""Most iterations at each λ likewise; at the first, where everything is found, three times as many."""
STALLED = 4
"""A λ is relaxed once so many iterations did not lower the loss by 1 %; the first one has plateaus, so that it takes
as many as it may."""
MOST_POINTS = 30


class FunnelSearch:
    """What a funnel knows and does next; all of it is in `funnel.json` and in the position, so that a run resumes.

    Args:
        config: of λ.
        folder: the run's; every point is kept there.
        say: receives a line for each point.
    """

    def __init__(self, config: Lambda, folder: RunFolder, say: Callable[[str], None]):
        self._step = STEP if config.step is None else config.step
        self._relax = RELAX if config.relax is None else config.relax
        self._folder, self._say = folder, say
        self.points = folder.funnel()
        self.failed = ""
        """Why no λ was found, in one sentence; empty while there is hope."""

    def after(self, objective: Objective, position: Position, step: StepReport) -> str | None:
        """Take note of an iteration, and move λ when the network has relaxed; how the search ended, if it did."""
        position.at_lambda += 1
        first = not self.points
        stalled = position.since_best >= STALLED and not first
        if step.accepted and not stalled and position.at_lambda < self._relax * (3 if first else 1):
            return None
        lam = float(objective.solution.lam.detach())
        with torch.no_grad():
            residuals = objective.residuals()
        point = FunnelPoint(lam, objective.origin_residual(), float(residuals.maximum()), float(residuals.rms()))
        self.points.append(point)
        self._folder.write_funnel(self.points)
        self._say(f"  λ = {lam:.10g}: r̂ = {point.r_hat:+.2e}, max residual {point.max_residual:.2e}")
        if secant.settled(self.points):
            return f"the funnel closed after {len(self.points)} values of λ"
        low, high = objective.solution.problem.lambda_range
        proposed = secant.next_lambda(self.points, self._step)
        if not low < proposed < high:
            self.failed = (
                f"the funnel's next λ would be {proposed:.6g}, and only λ from {low:g} to {high:g} mean something; "
                f"{secant.summary(self.points)}"
            )
        elif len(self.points) >= MOST_POINTS:
            self.failed = self.without_root()
        if self.failed:
            return "the funnel found no λ"
        with torch.no_grad():
            objective.solution.lam.fill_(proposed)
        objective.forget_frozen()
        position.best_loss, position.since_best, position.at_lambda = float("inf"), 0, 0
        return None

    def without_root(self) -> str:
        """What to say when the iterations are used up."""
        if bracket(self.points) is None:
            return secant.without_root(self.points)
        return f"the funnel did not close; {secant.summary(self.points)}"
