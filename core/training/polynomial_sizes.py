"""The sizes of Chebyshev polynomials that growth goes through."""

from __future__ import annotations

import math
import time

import numpy as np
from torch import Tensor

from core.config import Chebyshev, Collocation, Stage, orders_of
from core.jets import Limited
from core.problems.axes import MORE_NODES, MOST_FACTORS, on_nodes
from core.training.input_groups import coordinates_of_inputs
from core.training.mirrors import found_parity, read_evenly
from core.training.points import HELD_OUT, collocation, on_cpu
from core.training.progress import Progress
from core.training.sigma import ROUNDING, as_text
from core.training.sigma_search import Interrupted, alone, damping_of
from core.training.sizes import POINTS_PER_COLUMN, UNDAMPED, Step, columns_of, in_words, iterations
from core.training.state import RunState
from core.training.stretching import best_layer
from core.training.tries import Setting, Tries

FIRST_POLYNOMIALS = 64
"""Products that polynomials begin with."""
MOST_POLYNOMIALS = 400
"""Of one input."""
FIRST_TOTAL = 3
"""Total degree that such products begin with."""
UNRESOLVED = 0.1
"""Polynomials whose last coefficients are at least so large, beside all, are too few for the solution's waves, as are
those that leave so much of the equations: few of a function that is odd may end with none at all."""
FEWER = 4
"""Polynomials begin with so many times fewer columns than other features before them: what they leave says of which
more are needed."""
SLOWEST = 0.3
"""Where coefficients don't fall yet, they are taken to fall by so much, as logarithm, while polynomials double."""
RESOLVED = 1e-2
"""What is left when the fall of coefficients means something: of too few for a solution's waves it does not."""
FEW = 1_200
"""Products up to which as many nodes are taken on one side of a mirrored coordinate as both sides would have: they cost
little, and rounding is averaged over them."""


class PolynomialSizes:
    """Products of Chebyshev polynomials, of each input as many as the fall of its coefficients says.

    Args:
        run: its state.
        progress: counts the tries.
        before: what the stages so far leave.
    """

    tries, share = 1, 1.0

    def __init__(self, run: RunState, progress: Progress, before: float):
        self._run, self._progress, self._before = run, progress, before
        self._profiles: list[np.ndarray] | None = None
        self._resolved = False
        """Whether the profiles are the solution's own."""
        self._layers: dict[int, tuple[float | None, np.ndarray]] = {}
        """By coordinate, another layer that spares polynomials, and the profile in those."""
        self.seconds_per_try = math.nan
        self.solves = 0 if run.ranks is None else 1
        self._on_nodes = on_nodes(run.problem)
        self._parity = found_parity(run.problem, None if run.problem.linear else on_cpu(run))
        """Of each coordinate which polynomials there are; None: all."""
        self._evenly = read_evenly(run.problem) if self._on_nodes else ()
        """Of each coordinate whether polynomials of it may follow a layer; none may where there are no nodes to."""

    @staticmethod
    def fit(run: RunState) -> bool:
        """Whether a problem can have them: each input is one coordinate's own, within [−1, 1]."""
        problem = run.problem
        made_of, reach = coordinates_of_inputs(alone(run))
        sines = [circle + 1 for circle in problem.circles]
        own = sorted(of for index, of in enumerate(made_of) if index not in sines)
        return own == [(axis,) for axis in range(len(problem.coordinates))] and reach <= 1 + 1e-9

    def first(self) -> Stage:
        """Where they begin: where the last stage ended, if it has them, else with few."""
        run, last = self._run, self._run.config.stages[-1]
        factors = run.problem.inputs - len(run.problem.circles)
        products = FIRST_POLYNOMIALS
        if last.is_linear:
            products = max(products, columns_of(last, run.problem) / run.problem.outputs / FEWER)
        if last.chebyshev is not None:
            first, weight = last.chebyshev, run.solution.networks[-1].layers[0].weight
            self._profiles = _profiles(weight, first, run.problem.circles)
            self._resolved = self._before < RESOLVED
            if self._resolved:
                self._layers = self._steeper(weight, first)
            if first.parity is None and first.total is None and self._parity is not None:
                # of each pair of polynomials in a row one is kept, and profiles are of pairs
                halved = [each != "all" for each in self._parity]
                degrees = [max(2, n // 2) if half else n for n, half in zip(first.degrees, halved, strict=True)]
                first = Chebyshev(degrees=tuple(degrees), parity=self._parity)
                kept = zip(self._profiles, halved, strict=True)
                self._profiles = [profile[1::2] if half else profile for profile, half in kept]
        elif factors > MOST_FACTORS:
            first = self._of_total(max(FIRST_TOTAL, self._total_of(products, factors)), factors)
        else:
            first = Chebyshev(degrees=(max(2, round(products ** (1 / factors))),) * factors, parity=self._parity)
        stage = Stage(
            chebyshev=first,
            optimizer=UNDAMPED,
            iterations=iterations(run.problem, self._before),
            collocation=Collocation(sampler="chebyshev"),
            begins="solved",
        )
        return self._with(stage, first)

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
        self._profiles = _profiles(coefficients, stage.chebyshev, run.problem.circles)
        self._resolved = left < RESOLVED
        self._layers = self._steeper(coefficients, stage.chebyshev) if self._resolved else {}
        tails = np.array([profile[-1] for profile in self._profiles])
        self.seconds_per_try = time.perf_counter() - began
        self._progress.write(1)
        run.say(
            f"  {in_words(stage)} at {count} points: one step leaves {left:.2e} at points not trained on; last "
            f"coefficients {as_text(tails)}"
        )
        resolves = bool(tails.max() < UNRESOLVED and left < UNRESOLVED)
        return Step(stage, left, resolves, coefficients.flatten())

    def larger(self, stage: Stage, factor: float) -> Stage:
        """See `Sizes.larger`."""
        if stage.chebyshev.total is not None:
            return self._larger_total(stage, factor)
        before = stage.chebyshev
        degrees, profiles, layers = list(before.degrees), self._profiles, list(before.layers or ())
        if self._layers:
            profiles, layers = list(profiles), layers or [None] * len(degrees)
            for k, (layer, profile) in self._layers.items():
                degrees[k], profiles[k], layers[k] = len(profile), profile, layer
        grown = grown_by(np.array(degrees), profiles, factor, self._resolved)
        degrees = tuple(int(count) for count in np.minimum(grown, MOST_POLYNOMIALS))
        return self._with(stage, before.model_copy(update={"degrees": degrees, "layers": tuple(layers) or None}))

    def _steeper(self, coefficients: Tensor, polynomials: Chebyshev) -> dict[int, tuple[float | None, np.ndarray]]:
        """Layers that spare polynomials, of coordinates that may have them."""
        found = _steeper(coefficients, polynomials, self._run.problem.circles)
        return {k: layer for k, layer in found.items() if self._evenly and self._evenly[k]}

    def _larger_total(self, stage: Stage, factor: float) -> Stage:
        """A total degree higher by one, or by more where that is at most so many times more products."""
        before, factors = stage.chebyshev, len(stage.chebyshev.degrees)
        most = factor * before.products(self._run.problem.circles)
        total = max(before.total + 1, self._total_of(most, factors))
        if self._profiles is not None:
            total = min(total, before.total + math.ceil(_until_rounding(self._profiles[0])))
        return self._with(stage, self._of_total(min(total, MOST_POLYNOMIALS - 1), factors))

    def _total_of(self, products: float, factors: int) -> int:
        """The highest total degree of at most so many products."""
        total = 0
        while self._of_total(total + 1, factors).products(self._run.problem.circles) <= products:
            total += 1
        return total

    def _of_total(self, total: int, factors: int) -> Chebyshev:
        """All products up to a total degree; of a periodic coordinate there are two functions of each degree but 0."""
        circles, degrees, place = self._run.problem.circles, [], 0
        for parity in self._parity or ("all",) * factors:
            on_circle = place in circles
            count = {"all": (1 + on_circle) * total + 1, "even": total // 2 + 1, "odd": (total + 1) // 2}[parity]
            degrees.append(max(2, count))
            place += 1 + on_circle
        return Chebyshev(degrees=tuple(degrees), total=total, parity=self._parity)

    def _with(self, stage: Stage, polynomials: Chebyshev) -> Stage:
        """A stage with these, at Gauss nodes where they alone are the points: hardly more than there are unknowns."""
        if self._on_nodes and polynomials.total is None:
            shape = tuple(count + MORE_NODES for count in polynomials.degrees)
            if polynomials.parity is not None and math.prod(polynomials.degrees) <= FEW:
                mirrored = (parity != "all" for parity in polynomials.parity)
                shape = tuple(side * (1 + each) for side, each in zip(shape, mirrored, strict=True))
            points = Collocation(sampler="gauss", shape=shape, points=math.prod(shape))
        else:
            # nearly all of a cube of many dimensions is wall: pulled points would leave its inside empty
            sampler = "chebyshev" if polynomials.total is None else "sobol"
            count = round(POINTS_PER_COLUMN * polynomials.products(self._run.problem.circles))
            points = Collocation(sampler=sampler, points=count)
        return stage.model_copy(update={"chebyshev": polynomials, "collocation": points})


def _profiles(coefficients: Tensor, polynomials: Chebyshev, circles: tuple[int, ...]) -> list[np.ndarray]:
    """For each input, the norm of the coefficients at each polynomial of it, over that of all, the largest output's.

    Of two polynomials in a row, since a function that is even or odd has none of every other one. Of products whose
    total degree is limited there is one profile, by total degree.

    Args:
        coefficients: (outputs, products).
        polynomials: what they are of.
        circles: see `Chebyshev.products`.
    """
    c = coefficients.detach().abs().cpu().numpy()
    whole = np.sqrt((c**2).sum(axis=1, keepdims=True))
    shares = (c / np.where(whole > 0, whole, 1.0)) ** 2
    if polynomials.total is None:
        places = np.unravel_index(np.arange(c.shape[1]), polynomials.degrees)
        counts = polynomials.degrees
    else:
        orders = orders_of(polynomials.degrees, circles, polynomials.parity)
        products = Limited.of(polynomials.degrees, circles, orders, polynomials.total).orders
        places = [sum(each[products[:, k]] for k, each in enumerate(orders))]
        counts = [polynomials.total + 1]
    found = []
    for place, count in zip(places, counts, strict=True):
        squares = np.array([np.bincount(place, weights=each, minlength=count) for each in shares])
        squares[:, 1:] = squares[:, 1:] + squares[:, :-1]
        found.append(np.sqrt(squares).max(axis=0))
    return found


def _steeper(
    coefficients: Tensor, polynomials: Chebyshev, circles: tuple[int, ...]
) -> dict[int, tuple[float | None, np.ndarray]]:
    """By factor, a layer in whose polynomials the solution takes fewer, and its profile in those; see `best_layer`.

    Args:
        coefficients: (outputs, products).
        polynomials: what they are of.
        circles: see `Chebyshev.products`; nothing is steep at the end of a periodic coordinate.
    """
    if polynomials.total is not None:
        return {}
    c, found, place = coefficients.detach().cpu().numpy(), {}, 0
    whole = np.linalg.norm(c, axis=1)
    shares = (c / np.where(whole > 0, whole, 1.0)[:, None]).reshape(len(c), *polynomials.degrees)
    for k, (parity, layer) in enumerate(polynomials.kinds or (("all", None),) * len(polynomials.degrees)):
        if place not in circles:
            along = np.moveaxis(shares, 1 + k, 0).reshape(polynomials.degrees[k], -1)
            if (other := best_layer(along, layer, parity)) is not None:
                found[k] = other
        place += 1 + (place in circles)
    return found


def grown_by(
    degrees: np.ndarray, profiles: list[np.ndarray] | None, factor: float, resolved: bool = True
) -> np.ndarray:
    """So many times more products, of each input as many polynomials as make the last ones of all equally small.

    Args:
        degrees: how many there are of each input (d,).
        profiles: of each input, the size of its coefficients, see `_profiles`; None: nothing is known of them.
        factor: at most so many times more products, and fewer where all last ones would be rounding.
        resolved: whether coefficients fall as the solution's do; if not, inputs with the largest last ones grow.
    """
    if profiles is None:
        return np.round(degrees * factor ** (1 / len(degrees)))
    tails = np.log([max(profile[-1], ROUNDING) for profile in profiles])
    falls = np.array([_fall(profile) if resolved else SLOWEST / len(profile) for profile in profiles])

    def at(level: float) -> np.ndarray:
        """How many leave that much, as logarithm, at most twice as many as there are."""
        return np.clip(degrees + (tails - level) / falls, degrees, 2 * degrees)

    # where twice as many of an input still leave so much, more of the others would gain nothing
    low, high = max(math.log(ROUNDING), float((tails - falls * degrees).max())), float(tails.max())
    if np.prod(at(low) / degrees) > factor:
        for _ in range(50):
            level = (low + high) / 2
            low, high = (low, level) if np.prod(at(level) / degrees) <= factor else (level, high)
    else:
        high = low
    return np.round(at(high))


def _fall(profile: np.ndarray) -> float:
    """By how much the logarithm of coefficients falls from one polynomial to the next in the last third."""
    last = len(profile) - 1
    since = max(1, len(profile) // 3)
    before, after = (max(float(profile[place]), ROUNDING) for place in (last - since, last))
    return max(math.log(before / after) / since, SLOWEST / len(profile))


def _until_rounding(profile: np.ndarray) -> float:
    """How many more polynomials until the last ones are rounding, if they fall on as they do in the last third."""
    return math.log(max(float(profile[-1]), ROUNDING) / ROUNDING) / _fall(profile)
