"""Growth: after a config's stages, as many features and points as it takes.

A further network takes the place of the sum so far and is no correction of it: what a fit by features leaves are
wiggles that more features resolve no better than anything else (Helmholtz (7, 3), 1,000 features: a correction of what
500 left gains 5 %, in their place they leave a millionth).
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from core.config import MOST_STAGES, Stage
from core.networks.solution import Solution
from core.training.objective import SHARE, Objective, free_memory
from core.training.points import HELD_OUT, collocation
from core.training.recorder import Recorder
from core.training.room import needs
from core.training.sizes import FourierSizes, PolynomialSizes, Sizes, Step, columns_of, in_words
from core.training.state import RunState

GAINS = 2.0
"""So many times less must be left for the next doubling to be worth its time."""
RESOLVED = 1e-2
"""What is left where features resolve the solution at all: before that, a doubling may gain nothing yet."""
BETTER = 10.0
"""So many times less must polynomials leave than Fourier features, to be taken instead."""
FACTORS = (2.0, 1.4)
"""How many times more features a step takes: the larger where memory and time allow it."""
LEAST_FACTOR = 1.2
"""A step of fewer times more features is none."""
OF_AN_ITERATION = 1.5
"""Time of an iteration over that of its least squares alone: residuals are asked for again."""
OVERHEAD = 500
"""Columns whose share of the least squares takes as long as the making of a row's entry does."""


class _Climb:
    """One kind of features, size after size.

    Args:
        sizes: of the kind.
        stage: the first size to try.
        least: what the next size must leave less of.
        idle: sizes in a row that gained nothing, so far.
    """

    def __init__(self, sizes: Sizes, stage: Stage, least: float = math.inf, idle: int = 0):
        self.sizes, self.stage, self.least, self.idle = sizes, stage, least, idle
        self.best: Step | None = None
        self.last: Step | None = None
        self.why = ""
        """Why it ends here, once it has ended."""
        self.rate = 0.0
        """Seconds for a unit of work, by the last size."""


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
        return best.stage

    def was_better(self, before: Solution) -> bool:
        """Whether an earlier solution left less at points not trained on than the present one."""
        return self._left_by(before.to(self._run.device)) < self._left_by(self._run.solution)

    def _ended(self, why: str) -> None:
        self._run.say(f"growth has ended: {why}")

    def _climbed(self, before: float) -> _Climb:
        """The better kind of features, as far as it goes.

        Args:
            before: what the stages so far leave.
        """
        run, progress = self._run, self._recorder.progress
        polynomials = PolynomialSizes(run, progress)
        if run.config.stages[-1].chebyshev is not None:
            climb = _Climb(polynomials, polynomials.larger(polynomials.first(), FACTORS[0]), before)
            goes_on = self._up(climb)
        else:
            climb, goes_on = self._begun(polynomials, before)
        while goes_on:
            if not run.problem.linear and climb.best is not None and climb.best.left * GAINS < before:
                climb.why = "an equation that is not linear is solved at this size before the next"
                break
            goes_on = self._up(climb)
        return climb

    def _begun(self, polynomials: PolynomialSizes, before: float) -> tuple[_Climb, bool]:
        """Fourier features at their first size, or polynomials where they leave much less; whether it goes on."""
        run = self._run
        fourier = FourierSizes(run, self._recorder.progress, self._growth.target)
        first = fourier.first()
        climb = _Climb(fourier, first, before, 0 if fourier.near else -1)
        if fourier.near:
            climb.stage = self._next(climb, first)
            if self._is_hardly_larger(climb.stage, first):
                climb.why = f"{in_words(first)} are as many as may be"
                return climb, False
        goes_on = self._up(climb)
        if climb.last is None or climb.last.left <= self._growth.target or not PolynomialSizes.fit(run):
            return climb, goes_on
        rival, rival_goes_on = _Climb(polynomials, polynomials.first()), True
        limit = FACTORS[0] * columns_of(climb.last.stage, run.problem)  # what the next size of the others would have
        while rival_goes_on and columns_of(rival.stage, run.problem) <= limit:
            rival_goes_on = self._up(rival)
        if rival.best is None or not rival.best.left * BETTER < climb.last.left:
            return climb, goes_on
        run.say(
            f"growth: {in_words(rival.best.stage)} leave {rival.best.left:.1e}, {in_words(climb.last.stage)} "
            f"{climb.last.left:.1e}: polynomials are taken instead"
        )
        return rival, rival_goes_on

    def _up(self, climb: _Climb) -> bool:
        """Try a climb's next size; whether a larger one is worth it."""
        if why := self._too_much(climb, climb.stage):
            climb.why = why
            return False
        found = climb.last = climb.sizes.tried(climb.stage)
        points = climb.sizes.share * found.stage.collocation.points
        climb.rate = climb.sizes.seconds_per_try / self._work(found.stage, points)
        climb.idle = 0 if found.left * GAINS < climb.least else climb.idle + 1
        if not climb.idle:
            climb.best, climb.least = found, found.left
        if found.left <= self._growth.target:
            climb.why = f"{self._growth.target:.1e} is asked for"
            return False
        if climb.idle >= (1 if climb.least < RESOLVED else 2):
            climb.why = f"{in_words(found.stage)} leave {found.left:.1e}, hardly less than fewer do"
            return False
        larger = self._next(climb, found.stage)
        if self._is_hardly_larger(larger, found.stage):
            climb.why = f"{in_words(found.stage)} are as many as may be"
            return False
        climb.stage = larger
        return True

    def _next(self, climb: _Climb, stage: Stage) -> Stage:
        """More features: twice as many where that fits."""
        each = columns_of(stage, self._run.problem) / self._run.problem.outputs
        most = 2 * self._growth.most_features / each
        tried = [climb.sizes.larger(stage, min(factor, most)) for factor in FACTORS]
        return next((larger for larger in tried if not self._too_much(climb, larger)), tried[-1])

    def _is_hardly_larger(self, stage: Stage, other: Stage) -> bool:
        return columns_of(stage, self._run.problem) < LEAST_FACTOR * columns_of(other, self._run.problem)

    def _too_much(self, climb: _Climb, stage: Stage) -> str:
        """Why a size is not tried, in words; empty where it may be."""
        run, size, room = self._run, in_words(stage), free_memory(self._run.device)
        spent, ahead = self._recorder.clock(), self._ahead(climb, stage)
        if spent + ahead > self._growth.seconds:
            gone = f"{spent:.0f} of the run's {self._growth.seconds:g} s are gone"
            return f"{gone}, and {size} would take about {ahead:.0f} s more" if ahead else gone
        config = run.config.model_copy(update={"stages": (*run.config.stages, stage)})
        for need in needs(replace(run, config=config), room):
            if need.total > SHARE * room:
                return f"{size} would need {need.total / 2**30:.3g} GiB, and {room / 2**30:.3g} GiB are free"
        return ""

    def _features(self, stage: Stage) -> int:
        """Rows of B, or what has as many weights; 0 of a network that is not linear in its weights."""
        if not stage.is_linear:
            return 0
        return columns_of(stage, self._run.problem) // (2 * self._run.problem.outputs)

    def _rate_of_last_stage(self) -> float:
        """Seconds for a unit of work by the last stage, where it was least squares too; 0 where it was not."""
        run, stage = self._run, self._run.config.stages[-1]
        if not stage.is_linear or stage.optimizer.kind != "gauss_newton" or not run.record.iterations:
            return 0.0
        each = run.record.seconds / run.record.iterations
        return each / (OF_AN_ITERATION * self._work(stage, stage.collocation.points))

    def _ahead(self, climb: _Climb, stage: Stage) -> float:
        """Seconds that tries and training of a size will take, by the rate of the last tries, or of the last stage."""
        points = stage.collocation.points
        tries = climb.sizes.tries * self._work(stage, climb.sizes.share * points)
        training = OF_AN_ITERATION * (1 + stage.iterations) * self._work(stage, points)
        return (climb.rate or self._rate_of_last_stage()) * (tries + training)

    def _work(self, stage: Stage, points: float) -> float:
        """What one least squares takes, up to a factor."""
        columns = columns_of(stage, self._run.problem)
        return points * columns * (columns + OVERHEAD)

    @torch.no_grad()
    def _left_by(self, solution: Solution) -> float:
        """RMS of what a solution leaves at points not trained on."""
        run = self._run
        points = collocation(run.config, run.config.stages[-1], run.position.stage, HELD_OUT)
        return float(Objective(solution, points, torch.float64, run.samples).residuals().loss().sqrt())
