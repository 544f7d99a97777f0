"""Growth: after a config's stages, as many features and points as it takes, at σ found by trying.

A further network takes the place of the sum so far and is no correction of it: what a fit by features leaves are
wiggles that more features resolve no better than anything else (Helmholtz (7, 3), 1,000 features: a correction of what
500 left gains 5 %, in their place they leave a millionth).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from core.config import Collocation, Fourier, GaussNewton, Stage, lifted
from core.networks.solution import Solution
from core.training.need import Need
from core.training.objective import SHARE, Objective, free_memory
from core.training.points import HELD_OUT, collocation
from core.training.recorder import Recorder
from core.training.room import needs
from core.training.sigma import HALF
from core.training.sigma_search import SigmaSearch, alone
from core.training.spectrum import residual_spectrum
from core.training.state import RunState

GAINS = 2.0
"""So many times less must be left for the next doubling to be worth its time."""
FACTORS = (2.0, 1.4)
"""How many times more features a step takes: the larger where memory and time allow it."""
FIRST_FEATURES, POINTS_PER_FEATURE = 100, 5
"""Where the stages have no features of their own."""
WIDER = 2 ** (1 / 3)
"""σ for twice as many features over that for half, about: more of them resolve larger wave numbers."""
MOST_TRIES_FAR, MOST_TRIES_NEAR = 12, 4
"""Tries with all features of a step, from a start that may be far off and from the last step's σ."""
ITERATIONS = {True: 1, False: 3}
"""Of a step, after the one that it begins with: one refines the solution of a linear equation."""
OF_AN_ITERATION = 1.5
"""Time of an iteration over that of its least squares alone: residuals are asked for again."""
OVERHEAD = 500
"""Columns whose share of the least squares takes as long as the making of a row's entry does."""


@dataclass(frozen=True)
class Step:
    """A size that was tried."""

    stage: Stage
    left: float
    """RMS at points not trained on, by one step of least squares."""


class Growth:
    """Finds the next stage of a run that grows.

    Args:
        run: its state, all stages of its config trained.
        recorder: of its numbers, whose clock is the run's.
    """

    def __init__(self, run: RunState, recorder: Recorder):
        self._run, self._recorder = run, recorder
        self._growth = run.config.growth
        self._rate = math.nan

    def next_stage(self) -> Stage | None:
        """A stage that is likely to leave less than all so far do; None where the run has grown up, which is said.

        Raises Interrupted.
        """
        run, target = self._run, self._growth.target
        last = run.config.stages[-1]
        before = self._left_by(run.solution)
        if before <= target:
            return self._ended(f"{before:.1e} is left at points not trained on, and {target:.1e} is asked for")
        if run.has_grown and run.problem.linear:
            return self._ended(f"{before:.1e} is left; the last size was the best of those that fit")
        run.say(f"growth: {before:.2e} is left at points not trained on; the features grow until that falls no more")
        self._recorder.progress.enter("growth")
        best, why = self._climbed(self._first(last), before)
        if best is None:
            return self._ended(why)
        run.say(
            f"growth: {best.stage.fourier.features} features at {best.stage.collocation.points} points are likely to "
            f"leave {best.left:.1e}; {why}"
        )
        return best.stage

    def was_better(self, before: Solution) -> bool:
        """Whether an earlier solution left less at points not trained on than the present one."""
        return self._left_by(before.to(self._run.device)) < self._left_by(self._run.solution)

    def _ended(self, why: str) -> None:
        self._run.say(f"growth has ended: {why}")

    def _climbed(self, first: tuple[Stage, bool], before: float) -> tuple[Step | None, str]:
        """The best size, and why no larger one was tried.

        Args:
            first: size, and whether its σ is known about.
            before: what the stages so far leave.
        """
        run, target = self._run, self._growth.target
        search = SigmaSearch(run, self._recorder.progress, run.position.stage, replaces=True, enough=target)
        best: Step | None = None
        (stage, near), least = first, before
        while True:
            if why := self._too_much(stage):
                return best, why
            found = self._tried(search, stage, near)
            stage = _with(stage, sigma=found.sigma)
            gained = found.left * GAINS < least
            if gained:
                best, least = Step(stage, found.left), found.left
            if found.left <= target:
                return best, f"{target:.1e} is asked for"
            if not gained and (near or best is not None):
                features = stage.fourier.features
                return best, f"{features} features leave {found.left:.1e}, hardly less than fewer do"
            if best is not None and not run.problem.linear:
                return best, "an equation that is not linear is solved at this size before the next"
            if stage.fourier.features >= self._growth.most_features:
                return best, f"no more than {self._growth.most_features} features are allowed"
            stage, near = self._next(stage), True

    def _tried(self, search: SigmaSearch, stage: Stage, near: bool):
        start = np.atleast_1d(np.array(stage.fourier.sigma, dtype=float))
        found = search.near(stage, start, MOST_TRIES_NEAR) if near else search.from_few(stage, start, MOST_TRIES_FAR)
        points = stage.collocation.points // HALF
        self._rate = search.seconds_per_try / _work(self._run, stage, points)
        return found

    def _first(self, last: Stage) -> tuple[Stage, bool]:
        """The first size to try, with σ to start from, and whether that is near the best."""
        run, record = self._run, self._run.record
        k, problem = run.position.stage, run.problem
        optimizer = GaussNewton(damping=1e-26, minimum_damping=1e-32)
        features, per_feature, sampler, local = FIRST_FEATURES, POINTS_PER_FEATURE, "chebyshev", None
        if last.fourier is not None and last.is_linear:
            features, sampler, local = last.fourier.features, last.collocation.sampler, last.fourier.local
            per_feature = max(POINTS_PER_FEATURE, last.collocation.points / features)
        stage = Stage(
            fourier=Fourier(features=features, sigma=1.0, local=local),
            optimizer=optimizer,
            iterations=ITERATIONS[problem.linear],
            collocation=Collocation(points=round(per_feature * features), sampler=sampler),
            begins="solved",
        )
        stands_alone = last.is_linear and (k == 1 or last.begins is not None)
        searched = run.has_grown or (last.fourier is not None and last.fourier.sigma == "search")
        if stands_alone and searched and record.sigma is not None:
            return self._next(_with(stage, sigma=tuple(np.atleast_1d(record.sigma)))), True
        frequencies = residual_spectrum(alone(run), run.config.seed).by_input
        return _with(stage, sigma=tuple(2 * math.pi * f for f in frequencies)), False

    def _next(self, stage: Stage) -> Stage:
        """More features: twice as many where that fits."""
        tried = [self._larger(stage, factor) for factor in FACTORS]
        return next((larger for larger in tried if not self._too_much(larger)), tried[-1])

    def _larger(self, stage: Stage, factor: float) -> Stage:
        features = min(self._growth.most_features, round(factor * stage.fourier.features))
        points = round(stage.collocation.points * features / stage.fourier.features)
        wider = WIDER ** math.log2(features / stage.fourier.features)
        sigma = tuple(float(value * wider) for value in np.atleast_1d(stage.fourier.sigma))
        return _with(stage, features=features, points=points, sigma=sigma)

    def _too_much(self, stage: Stage) -> str:
        """Why a size is not tried, in words; empty where it may be."""
        features = f"{stage.fourier.features} features"
        if stage.fourier.features > self._growth.most_features:
            return f"{features} are more than the {self._growth.most_features} that are allowed"
        spent, ahead = self._recorder.clock(), self._ahead(stage)
        if spent + ahead > self._growth.seconds:
            return (
                f"{features} would take about {ahead:.0f} s more, {spent:.0f} s are gone and "
                f"{self._growth.seconds:g} s are the run's"
            )
        run = self._run
        room = free_memory(run.device)
        for need in self._needs(stage, room):
            if need.total > SHARE * room:
                return f"{features} would need {need.total / 2**30:.3g} GiB, and {room / 2**30:.3g} GiB are free"
        return ""

    def _needs(self, stage: Stage, room: float) -> list[Need]:
        run = self._run
        config = run.config.model_copy(update={"stages": (*run.config.stages, stage)})
        return needs(replace(run, config=config), room)

    def _ahead(self, stage: Stage) -> float:
        """Seconds that tries and training of a size will take, by the rate of the last tries; 0 before any."""
        if not math.isfinite(self._rate):
            return 0.0
        points = stage.collocation.points
        tries = MOST_TRIES_NEAR * _work(self._run, stage, points // HALF)
        training = OF_AN_ITERATION * (1 + stage.iterations) * _work(self._run, stage, points)
        return self._rate * (tries + training)

    @torch.no_grad()
    def _left_by(self, solution: Solution) -> float:
        """RMS of what a solution leaves at points not trained on."""
        run = self._run
        points = collocation(run.config, run.config.stages[-1], run.position.stage, HELD_OUT)
        return float(Objective(solution, points, torch.float64, run.samples).residuals().loss().sqrt())


def _work(run: RunState, stage: Stage, points: int) -> float:
    """What one least squares takes, up to a factor."""
    columns = lifted(stage.fourier, run.problem) * run.problem.outputs
    return points * columns * (columns + OVERHEAD)


def _with(
    stage: Stage,
    features: int | None = None,
    points: int | None = None,
    sigma: tuple[float, ...] | None = None,
) -> Stage:
    fourier = {"features": features, "sigma": sigma}
    return stage.model_copy(
        update={
            "fourier": stage.fourier.model_copy(update={k: v for k, v in fourier.items() if v is not None}),
            "collocation": stage.collocation.model_copy(update={} if points is None else {"points": points}),
        }
    )
