"""The sizes that growth goes through: of Fourier features, and of Chebyshev polynomials."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from torch import Tensor

from core.config import Collocation, Fourier, GaussNewton, Stage, lifted
from core.problems import Problem
from core.training.progress import Progress
from core.training.sigma import HALF
from core.training.sigma_search import SigmaSearch, alone
from core.training.spectrum import residual_spectrum
from core.training.state import RunState

UNDAMPED = GaussNewton(damping=1e-26, minimum_damping=1e-32)
POINTS_PER_COLUMN = 2.5
MOST_ITERATIONS = 3
"""Of a stage, after the step that it begins with."""
OF_A_SQUARE = 30.0
"""Newton's step leaves what was left squared, times so much at most: residuals are divided by their natural size."""
ROUNDS_OFF = 1e-7
"""The step after one that leaves no more than this leaves rounding."""
FIRST_FEATURES = 100
"""Where the stages have none of their own."""
WIDER = 2 ** (1 / 3)
"""σ for twice as many features over that for half, about: more of them resolve larger wave numbers."""
MOST_TRIES_FAR, MOST_TRIES_NEAR = 12, 4
"""Tries with all features of a size, from a start that may be far off and from the last size's σ."""


@dataclass(frozen=True)
class Step:
    """A size that was tried."""

    stage: Stage
    left: float
    """RMS at points not trained on, by one step of least squares."""
    resolves: bool = True
    """Whether the size may hold the solution at all; one that does not says nothing about the next."""
    weights: Tensor | None = None
    """What the try found at the stage's own points: the stage begins with it."""


class Sizes(Protocol):
    """One kind of features in all sizes."""

    tries: int
    """That a size takes at most, once one was tried."""
    share: float
    """Part of the points that a try has."""
    solves: int
    """Least squares of a stage before its first iteration: none where it begins with what its try has found."""
    seconds_per_try: float
    """Of the last size."""

    def tried(self, stage: Stage) -> Step:
        """What a size leaves, with what was found of it in the stage. Raises Interrupted."""

    def larger(self, stage: Stage, factor: float) -> Stage:
        """So many times more."""


def columns_of(stage: Stage, problem: Problem) -> int:
    """Weights of a stage's network, up to the bias."""
    polynomials = stage.chebyshev
    each = lifted(stage.fourier, problem) if polynomials is None else polynomials.products(problem.circles)
    return problem.outputs * each


def iterations(problem: Problem, left: float) -> int:
    """Of a stage after the step that it begins with: one refines the solution of a linear equation.

    Args:
        problem: what is solved.
        left: RMS of what the stages before it leave, at which the equation is linearised.
    """
    if problem.linear:
        return 1
    count, left = 1, (OF_A_SQUARE * left) * (OF_A_SQUARE * left)
    while left > ROUNDS_OFF and count < MOST_ITERATIONS:
        count, left = count + 1, left * left
    return count


class FourierSizes:
    """Fourier features, at σ found by trying.

    Args:
        run: its state.
        progress: counts the tries.
        before: what the stages so far leave.
        enough: what is left when no better σ is looked for.
    """

    share, solves = 1 / HALF, 1

    def __init__(self, run: RunState, progress: Progress, before: float, enough: float):
        self._run, self._before = run, before
        self._search = SigmaSearch(run, progress, run.position.stage, replaces=True, enough=enough)
        self.near = False
        """Whether the σ of a stage is near the best one."""

    @property
    def tries(self) -> int:
        """That the next size takes at most."""
        return MOST_TRIES_NEAR if self.near else MOST_TRIES_FAR

    @property
    def seconds_per_try(self) -> float:
        """Of the last size."""
        return self._search.seconds_per_try

    def first(self) -> Stage:
        """Where they begin: at the size of the last stage, or one beyond where that was searched for."""
        run, record = self._run, self._run.record
        k, problem, last = run.position.stage, run.problem, run.config.stages[-1]
        features = min(FIRST_FEATURES, run.config.growth.most_features)
        per_feature, sampler = 2 * POINTS_PER_COLUMN, "chebyshev"
        if last.fourier is not None and last.is_linear:
            features, sampler = last.fourier.features, last.collocation.sampler
            per_feature = max(per_feature, last.collocation.points / features)
        if last.chebyshev is not None:
            features = min(columns_of(last, problem) // (2 * problem.outputs), run.config.growth.most_features)
        stage = Stage(
            fourier=Fourier(features=features, sigma=1.0, local=last.fourier and last.fourier.local),
            optimizer=UNDAMPED,
            iterations=iterations(problem, self._before),
            collocation=Collocation(points=round(per_feature * features), sampler=sampler),
            begins="solved",
        )
        stands_alone = last.is_linear and (k == 1 or last.begins is not None)
        searched = run.has_grown or (last.fourier is not None and last.fourier.sigma == "search")
        if stands_alone and searched and record.sigma is not None:
            self.near = True
            return _with(stage, sigma=tuple(float(value) for value in np.atleast_1d(record.sigma)))
        frequencies = residual_spectrum(alone(run), run.config.seed).by_input
        return _with(stage, sigma=tuple(2 * math.pi * f for f in frequencies))

    def tried(self, stage: Stage) -> Step:
        """See `Sizes.tried`."""
        most = MOST_TRIES_NEAR if self.near else MOST_TRIES_FAR
        # a third of the features tells what each group of inputs needs, for a twentieth of the time
        found = self._search.from_few(stage, stage.fourier.sigma, most)
        self.near = True
        return Step(_with(stage, sigma=found.sigma), found.left)

    def larger(self, stage: Stage, factor: float) -> Stage:
        """See `Sizes.larger`."""
        features = round(factor * stage.fourier.features)
        points = round(stage.collocation.points * features / stage.fourier.features)
        wider = WIDER ** math.log2(features / stage.fourier.features)
        return _with(stage, features, points, tuple(float(value * wider) for value in stage.fourier.sigma))


def in_words(stage: Stage) -> str:
    """What a size is, for the log."""
    if stage.chebyshev is None:
        return f"{stage.fourier.features} Fourier features"
    return stage.chebyshev.words


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
