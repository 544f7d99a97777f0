"""One kind of features in growing sizes, tried one after another while that pays and fits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from core.config import Stage
from core.training.objective import SHARE, free_memory
from core.training.room import needs
from core.training.sizes import Sizes, Step, columns_of, in_words
from core.training.state import RunState

GAINS = 2.0
"""So many times less must be left for the next doubling to be worth its time."""
RESOLVED = 1e-2
"""What is left where features resolve the solution at all: before that, a doubling may gain nothing yet."""
FACTORS = (2.0, 1.4)
"""How many times more features a step takes: the larger where memory and time allow it."""
LEAST_FACTOR = 1.2
"""A step of fewer times more features is none."""
OF_AN_ITERATION = 1.5
"""Time of an iteration over that of its least squares alone: residuals are asked for again."""
OVERHEAD = 500
"""Columns whose share of the least squares takes as long as the making of a row's entry does."""


class Climb:
    """One kind of features, size after size.

    Args:
        run: its state.
        sizes: of the kind.
        clock: seconds that the run has trained.
        least: what the first size must leave less of.
        reached: a size that the run's last stage has, and what it leaves; None: the first one is yet to be tried.
        waits: whether it isn't tried before another kind has ended.
    """

    def __init__(
        self,
        run: RunState,
        sizes: Sizes,
        clock: Callable[[], float],
        least: float,
        reached: Step | None = None,
        waits: bool = False,
    ):
        self._run, self._clock, self.sizes, self._least, self.waits = run, clock, sizes, least, waits
        self.best: Step | None = None
        self.last = reached
        self.why = ""
        """Why it ends here, once it has ended."""
        self._idle = 0
        """Sizes in a row that gained nothing, so far."""
        self._rate = 0.0
        """Seconds for a unit of work, by the last size."""
        self.stage = sizes.first()
        """The next size to try, where it goes on."""
        if reached is not None:
            self._go_on(reached.stage)

    @property
    def goes_on(self) -> bool:
        """Whether there is a next size to try."""
        return not self.why

    @property
    def left(self) -> float:
        """What the best size leaves, or the one that the run has; infinity before any."""
        return min((step.left for step in (self.best, self.last) if step is not None), default=math.inf)

    @property
    def columns(self) -> int:
        """Weights of the next size."""
        return columns_of(self.stage, self._run.problem)

    @property
    def cost(self) -> float:
        """What trying the next size takes, up to a factor that all kinds share."""
        return self.sizes.tries * self._work(self.stage, self.sizes.share * self.stage.collocation.points)

    def up(self) -> None:
        """Try the next size. Raises Interrupted."""
        if why := self._too_much(self.stage):
            self.why = why
            return
        target = self._run.config.growth.target
        found = self.sizes.tried(self.stage)
        points = self.sizes.share * found.stage.collocation.points
        self._rate = self.sizes.seconds_per_try / self._work(found.stage, points)
        before, self.last = self.last, found
        gained = found.left * GAINS < self._least
        falls = before is not None and found.left * GAINS < before.left  # though another kind may leave less as yet
        if gained:
            self.best, self._least, self._idle = found, found.left, 0
        elif found.resolves and before is not None and not falls:
            self._idle += 1
        if found.left <= target:
            self.why = f"{target:.1e} is asked for"
        elif self._idle >= (1 if self._least < RESOLVED else 2):
            self.why = f"{in_words(found.stage)} leave {found.left:.1e}, hardly less than fewer do"
        else:
            self._go_on(found.stage)

    def _go_on(self, stage: Stage) -> None:
        """Let the next size be twice as many where that fits."""
        each = columns_of(stage, self._run.problem) / self._run.problem.outputs
        most = 2 * self._run.config.growth.most_features / each
        tried = [self.sizes.larger(stage, min(factor, most)) for factor in FACTORS]
        self.stage = next((larger for larger in tried if not self._too_much(larger)), tried[-1])
        if self.columns < LEAST_FACTOR * columns_of(stage, self._run.problem) and not _otherwise(stage, self.stage):
            self.why = f"{in_words(stage)} are as many as may be"

    def _too_much(self, stage: Stage) -> str:
        """Why a size is not tried, in words; empty where it may be."""
        run, size, room = self._run, in_words(stage), free_memory(self._run.device)
        seconds, spent, ahead = run.config.growth.seconds, self._clock(), self._ahead(stage)
        if spent + ahead > seconds:
            gone = f"{spent:.0f} of the run's {seconds:g} s are gone"
            return f"{gone}, and {size} would take about {ahead:.0f} s more" if ahead else gone
        config = run.config.model_copy(update={"stages": (*run.config.stages, stage)})
        for need in needs(replace(run, config=config), room):
            if need.total > SHARE * room:
                return f"{size} would need {need.total / 2**30:.3g} GiB, and {room / 2**30:.3g} GiB are free"
        return ""

    def _ahead(self, stage: Stage) -> float:
        """Seconds that tries and training of a size will take, by the rate of the last tries, or of the last stage."""
        points = stage.collocation.points
        tries = self.sizes.tries * self._work(stage, self.sizes.share * points)
        training = OF_AN_ITERATION * (self.sizes.solves + stage.iterations) * self._work(stage, points)
        return (self._rate or self._rate_of_last_stage()) * (tries + training)

    def _rate_of_last_stage(self) -> float:
        """Seconds for a unit of work by the last stage, where it was least squares too; 0 where it was not."""
        run, stage = self._run, self._run.config.stages[-1]
        if not stage.is_linear or stage.optimizer.kind != "gauss_newton" or not run.record.iterations:
            return 0.0
        each = run.record.seconds / run.record.iterations
        return each / (OF_AN_ITERATION * self._work(stage, stage.collocation.points))

    def _work(self, stage: Stage, points: float) -> float:
        """What one least squares takes, up to a factor."""
        columns = columns_of(stage, self._run.problem)
        return points * columns * (columns + OVERHEAD)


def _otherwise(before: Stage, after: Stage) -> bool:
    """Whether polynomials follow other layers: as many of those leave less."""
    return before.chebyshev is not None and before.chebyshev.layers != after.chebyshev.layers
