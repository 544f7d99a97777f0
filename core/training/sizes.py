"""The sizes that growth goes through: of Fourier features, and of Chebyshev polynomials."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from torch import Tensor

from core.config import Chebyshev, Collocation, Fourier, GaussNewton, Stage, lifted
from core.problems import Problem
from core.training.input_groups import coordinates_of_inputs
from core.training.points import HELD_OUT, collocation
from core.training.progress import Progress
from core.training.sigma import HALF, ROUNDING, as_text
from core.training.sigma_search import Interrupted, SigmaSearch, alone, damping_of
from core.training.spectrum import residual_spectrum
from core.training.state import RunState
from core.training.tries import Setting, Tries

UNDAMPED = GaussNewton(damping=1e-26, minimum_damping=1e-32)
POINTS_PER_COLUMN = 2.5
ITERATIONS = {True: 1, False: 3}
"""Of a stage, after the step that it begins with: one refines the solution of a linear equation."""
FIRST_FEATURES = 100
"""Where the stages have none of their own."""
WIDER = 2 ** (1 / 3)
"""σ for twice as many features over that for half, about: more of them resolve larger wave numbers."""
MOST_TRIES_FAR, MOST_TRIES_NEAR = 12, 4
"""Tries with all features of a size, from a start that may be far off and from the last size's σ."""
FIRST_POLYNOMIALS = 64
"""Products that polynomials begin with."""
MOST_POLYNOMIALS = 400
"""Of one input."""
MOST_INPUTS = 3
"""Coordinates of products of polynomials: with more they are too many before they resolve anything."""
UNRESOLVED = 0.1
"""Polynomials whose last coefficients are at least so large, beside all, are too few for the solution's waves."""
FEWER = 4
"""Polynomials begin with so many times fewer columns than other features before them: what they leave says of which
more are needed."""
MORE_NODES = 2
"""Gauss nodes along a coordinate beyond as many as it has polynomials."""


@dataclass(frozen=True)
class Step:
    """A size that was tried."""

    stage: Stage
    left: float
    """RMS at points not trained on, by one step of least squares."""
    resolves: bool = True
    """Whether the size may hold the solution at all; one that does not says nothing about the next."""


class Sizes(Protocol):
    """One kind of features in all sizes."""

    tries: int
    """That a size takes at most, once one was tried."""
    share: float
    """Part of the points that a try has."""
    seconds_per_try: float
    """Of the last size."""

    def tried(self, stage: Stage) -> Step:
        """What a size leaves, with what was found of it in the stage. Raises Interrupted."""

    def larger(self, stage: Stage, factor: float) -> Stage:
        """So many times more."""


def columns_of(stage: Stage, problem: Problem) -> int:
    """Weights of a stage's network, up to the bias."""
    each = lifted(stage.fourier, problem) if stage.chebyshev is None else math.prod(stage.chebyshev.degrees)
    return problem.outputs * each


class FourierSizes:
    """Fourier features, at σ found by trying.

    Args:
        run: its state.
        progress: counts the tries.
        enough: what is left when no better σ is looked for.
    """

    share = 1 / HALF

    def __init__(self, run: RunState, progress: Progress, enough: float):
        self._run = run
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
            iterations=ITERATIONS[problem.linear],
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


class PolynomialSizes:
    """Products of Chebyshev polynomials, of each input as many as the fall of its coefficients says.

    Args:
        run: its state.
        progress: counts the tries.
    """

    tries, share = 1, 1.0

    def __init__(self, run: RunState, progress: Progress):
        self._run, self._progress = run, progress
        self._profiles: list[np.ndarray] | None = None
        self.seconds_per_try = math.nan
        corner = np.zeros((4, len(run.problem.coordinates)))
        self._on_nodes = len(run.problem.collocation_towards_walls(corner)) == 1 and run.problem.is_box

    @staticmethod
    def fit(run: RunState) -> bool:
        """Whether a problem can have them: each is one coordinate's own, within [−1, 1], and they are few."""
        problem = run.problem
        made_of, reach = coordinates_of_inputs(alone(run))
        sines = [circle + 1 for circle in problem.circles]
        own = sorted(of for index, of in enumerate(made_of) if index not in sines)
        return own == [(axis,) for axis in range(len(problem.coordinates))][:MOST_INPUTS] and reach <= 1 + 1e-9

    def first(self) -> Stage:
        """Where they begin: where the last stage ended, if it has them, else with few."""
        run, last = self._run, self._run.config.stages[-1]
        factors = run.problem.inputs - len(run.problem.circles)
        products = FIRST_POLYNOMIALS
        if last.is_linear:
            products = max(products, columns_of(last, run.problem) / run.problem.outputs / FEWER)
        degrees = (max(2, round(products ** (1 / factors))),) * factors
        if last.chebyshev is not None:
            degrees = last.chebyshev.degrees
        stage = Stage(
            chebyshev=Chebyshev(degrees=degrees),
            optimizer=UNDAMPED,
            iterations=ITERATIONS[run.problem.linear],
            collocation=Collocation(sampler="chebyshev"),
            begins="solved",
        )
        return self._of_degrees(stage, degrees)

    def tried(self, stage: Stage) -> Step:
        """See `Sizes.tried`."""
        run, k = self._run, self._run.position.stage
        if wanted := run.wanted():
            raise Interrupted(wanted)
        began = time.perf_counter()
        count = stage.collocation.points
        training, held_out = (collocation(run.config, stage, k, draw, count) for draw in (0, HELD_OUT))
        setting = Setting(stage.chebyshev, training, held_out)
        seed = run.seed_of(k)
        with Tries(run.solution, setting, 1.0, run.samples, damping_of(stage), seed, replaces=True) as tries:
            left, coefficients = tries.by_polynomials()
        self._profiles = _profiles(coefficients)
        tails = np.array([profile[-1] for profile in self._profiles])
        self.seconds_per_try = time.perf_counter() - began
        self._progress.write(1)
        run.say(
            f"  {in_words(stage)} at {count} points: one step leaves {left:.2e} at points not trained on; last "
            f"coefficients {as_text(tails)}"
        )
        return Step(stage, left, resolves=bool(tails.max() < UNRESOLVED))

    def larger(self, stage: Stage, factor: float) -> Stage:
        """See `Sizes.larger`."""
        degrees = np.array(stage.chebyshev.degrees)
        wanted = self._wanted(degrees)
        most = math.log(factor) / max(np.log(wanted / degrees).sum(), math.log(factor))
        grown = np.maximum(degrees + (wanted > degrees), np.round(degrees * (wanted / degrees) ** most))
        return self._of_degrees(stage, tuple(int(count) for count in np.minimum(grown, MOST_POLYNOMIALS)))

    def _wanted(self, degrees: np.ndarray) -> np.ndarray:
        """How many polynomials of each input (d,) would hold the solution to rounding, by how its coefficients fall.

        At most twice as many, as where they don't fall yet.
        """
        if self._profiles is None:
            return 2.0 * degrees
        more = np.array([_until_rounding(profile) for profile in self._profiles])
        return np.minimum(degrees + more, np.maximum(2 * degrees, degrees + 1))

    def _of_degrees(self, stage: Stage, degrees: tuple[int, ...]) -> Stage:
        """A stage with these, at Gauss nodes where they alone are the points: hardly more than there are unknowns."""
        if self._on_nodes:
            shape = tuple(count + MORE_NODES for count in degrees)
            points = Collocation(sampler="gauss", shape=shape, points=math.prod(shape))
        else:
            points = Collocation(sampler="chebyshev", points=round(POINTS_PER_COLUMN * math.prod(degrees)))
        return stage.model_copy(update={"chebyshev": Chebyshev(degrees=degrees), "collocation": points})


def in_words(stage: Stage) -> str:
    """What a size is, for the log."""
    if stage.chebyshev is None:
        return f"{stage.fourier.features} Fourier features"
    return f"{' × '.join(map(str, stage.chebyshev.degrees))} Chebyshev polynomials"


def _profiles(coefficients: Tensor) -> list[np.ndarray]:
    """For each input, the norm of the coefficients at each polynomial of it, over that of all, the largest output's.

    Of two polynomials in a row, since a function that is even or odd has none of every other one.
    """
    c = coefficients.detach().abs().cpu().numpy()
    whole = np.sqrt((c**2).sum(axis=tuple(range(1, c.ndim)), keepdims=True))
    whole[whole == 0] = 1.0
    found = []
    for axis in range(1, c.ndim):
        others = tuple(other for other in range(1, c.ndim) if other != axis)
        squares = ((c / whole) ** 2).sum(axis=others)
        squares[:, 1:] = squares[:, 1:] + squares[:, :-1]
        found.append(np.sqrt(squares).max(axis=0))
    return found


def _until_rounding(profile: np.ndarray) -> float:
    """How many more polynomials until the last ones are rounding, if they fall on as they do in the last third."""
    last = len(profile) - 1
    if profile[last] <= ROUNDING:
        return 0.0
    since = max(1, len(profile) // 3)
    fall = math.log(max(profile[last - since], ROUNDING) / profile[last]) / since
    return math.log(profile[last] / ROUNDING) / fall if fall > 0 else math.inf


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
