"""Growth: after a config's stages, as many features and points as it takes.

A further network takes the place of the sum so far and is no correction of it: what a fit by features leaves are
wiggles that more features resolve no better than anything else (Helmholtz (7, 3), 1,000 features: a correction of what
500 left gains 5 %, in their place they leave a millionth).
"""

from __future__ import annotations

import torch

from core.config import MOST_STAGES, Stage
from core.networks.solution import Solution
from core.training.climb import FACTORS, GAINS, RESOLVED, Climb
from core.training.objective import Objective
from core.training.points import HELD_OUT, collocation
from core.training.polynomial_sizes import PolynomialSizes
from core.training.recorder import Recorder
from core.training.sizes import FIRST_FEATURES, FourierSizes, Step, columns_of, in_words
from core.training.state import RunState

BETTER = 10.0
"""So many times less must one kind of features leave than the other, for the other to wait until it has ended."""
ALIKE = 1.5
"""Sizes are held against each other where one kind's has at most so many times the columns of the other's."""
HOPELESS = 1e4
"""So many times more than what has ended leaves, and a kind of features isn't tried any more: two doublings at best."""
NEARLY = 100.0
"""Where one kind has ended and leaves at most so many times what is asked for, no other is tried: it is rounding."""


class Growth:
    """Finds the next stage of a run that grows.

    Args:
        run: its state, all stages of its config trained.
        recorder: of its numbers, whose clock is the run's.
    """

    def __init__(self, run: RunState, recorder: Recorder):
        self._run, self._recorder = run, recorder
        self._growth = run.config.growth

    def next_stage(self) -> Stage | None:
        """A stage that is likely to leave less than all so far do; None where the run has grown up, which is said.

        Raises Interrupted.
        """
        run, target = self._run, self._growth.target
        before = self._left_by(run.solution)
        if before <= target:
            return self._ended(f"{before:.1e} is left at points not trained on, and {target:.1e} is asked for")
        if len(run.config.stages) >= MOST_STAGES:
            return self._ended(f"{before:.1e} is left at points not trained on, and a run has {MOST_STAGES} stages")
        if run.has_grown and run.problem.linear:
            return self._ended(f"{before:.1e} is left at points not trained on, by the best size of those that fit")
        if (size := self._features(run.config.stages[-1])) >= self._growth.most_features:
            return self._ended(f"{size} features are as many as may be (growth.most_features)")
        run.say(f"growth: {before:.2e} is left at points not trained on; the features grow until that falls no more")
        self._recorder.progress.enter("growth")
        climb = self._climbed(before)
        best = climb.best
        if best is None or not best.left * GAINS < before:
            return self._ended(climb.why)
        size = f"{in_words(best.stage)} at {best.stage.collocation.points} points"
        run.say(f"growth: {size} are likely to leave {best.left:.1e}; {climb.why}")
        run.tried = best.weights if run.ranks is None else None  # rows of several processes are solved in parts
        return best.stage

    def was_better(self, before: Solution) -> bool:
        """Whether an earlier solution left less at points not trained on than the present one."""
        return self._left_by(before.to(self._run.device)) < self._left_by(self._run.solution)

    def _ended(self, why: str) -> None:
        self._run.say(f"growth has ended: {why}")

    def _climbed(self, before: float) -> Climb:
        """The better kind of features, as far as it goes.

        Args:
            before: what the stages so far leave.
        """
        kinds = self._kinds(before)
        while (kind := self._next_of(kinds, before)) is not None:
            kind.up()
        lead = _lead(kinds)
        for kind in kinds:
            if kind is not lead and kind.last is not None and lead.best is not None:
                self._run.say(
                    f"growth: {in_words(lead.best.stage)} leave {lead.best.left:.1e}, {in_words(kind.last.stage)} "
                    f"{kind.last.left:.1e}"
                )
        return lead

    def _kinds(self, before: float) -> list[Climb]:
        """Polynomials, where a problem can have them, and Fourier features; what the last stage has leaves `before`."""
        run, progress, clock = self._run, self._recorder.progress, self._recorder.clock
        has_polynomials, kinds = run.config.stages[-1].chebyshev is not None, []
        if PolynomialSizes.fit(run):
            sizes = PolynomialSizes(run, progress, before)
            reached = Step(sizes.first(), before) if has_polynomials else None
            kinds.append(Climb(run, sizes, clock, before, reached))
        sizes = FourierSizes(run, progress, before, self._growth.target)
        first = sizes.first()
        reached = Step(first, before) if sizes.near else None
        kinds.append(Climb(run, sizes, clock, before, reached, waits=has_polynomials))
        return kinds

    def _next_of(self, kinds: list[Climb], before: float) -> Climb | None:
        """The kind whose next size is tried; None where that has come to its end."""
        run, target, lead = self._run, self._growth.target, _lead(kinds)
        gained = lead.best is not None and lead.left * GAINS < before
        if gained and lead.left <= (target if lead.goes_on else NEARLY * target):
            return None
        ready = [kind for kind in kinds if kind.goes_on and not self._waits(kind, lead)]
        if gained and not run.problem.linear:
            ready = [kind for kind in ready if kind.columns <= FACTORS[0] * self._columns]
            if not ready and lead.goes_on:
                lead.why = "an equation that is not linear is solved at this size before the next"
        return min(ready, key=lambda kind: kind.cost, default=None)

    def _waits(self, kind: Climb, lead: Climb) -> bool:
        """Whether a kind of features isn't tried before the one that leads has ended.

        One that leaves much more at a like size, or that takes many tries and has resolved nothing yet. Nor after it,
        where it leaves far more.
        """
        if kind is lead:
            return False
        if not lead.goes_on:
            return kind.last is not None and kind.last.left > HOPELESS * lead.left
        if kind.last is None:
            return kind.waits
        tried, its = (columns_of(step.stage, self._run.problem) for step in (kind.last, lead.best or lead.last))
        costly = kind.sizes.tries > 1 and kind.last.left > RESOLVED
        return (costly or its <= ALIKE * tried) and lead.left * BETTER < kind.last.left

    @property
    def _columns(self) -> int:
        """Weights of the last stage, or what features begin with where it is not linear in its weights."""
        stage, problem = self._run.config.stages[-1], self._run.problem
        return columns_of(stage, problem) if stage.is_linear else 2 * FIRST_FEATURES * problem.outputs

    def _features(self, stage: Stage) -> int:
        """Rows of B, or what has as many weights; 0 of a network that is not linear in its weights."""
        if not stage.is_linear:
            return 0
        return columns_of(stage, self._run.problem) // (2 * self._run.problem.outputs)

    @torch.no_grad()
    def _left_by(self, solution: Solution) -> float:
        """RMS of what a solution leaves at points not trained on."""
        run = self._run
        points = collocation(run.config, run.config.stages[-1], run.position.stage, HELD_OUT)
        return float(Objective(solution, points, torch.float64, run.samples).residuals().loss().sqrt())


def _lead(kinds: list[Climb]) -> Climb:
    """The kind of features that leaves the least, so far."""
    return min(kinds, key=lambda kind: kind.left)
