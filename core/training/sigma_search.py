"""The search for σ of a run: few features first, then as many as there are to be, each try said in the log."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np

from core.config import Fourier, Stage
from core.networks.solution import Solution
from core.training.input_groups import input_groups
from core.training.points import HELD_OUT, collocation
from core.training.progress import Progress
from core.training.sigma import HALF, LARGER, ROUNDING, Found, as_text, best_sigma, smaller
from core.training.state import RunState, Wanted
from core.training.tries import Setting, Tries

DAMPING = 1e-14
"""Of a try where the stage's optimizer has none."""


class Interrupted(Exception):  # noqa: N818  a wish, no error
    """The run was asked to stop or pause while it looked for σ; nothing has changed by then."""

    def __init__(self, wanted: Wanted):
        self.wanted = wanted


class SigmaSearch:
    """Tries σ of the features of one stage.

    Args:
        run: its state; the solution so far.
        progress: counts the tries.
        index: of the stage, which its points and features are drawn by.
        epsilon: its scale.
        replaces: whether its features take the place of the stages so far.
        enough: what is left (RMS at points not trained on) when no better σ is looked for.
    """

    def __init__(
        self,
        run: RunState,
        progress: Progress,
        index: int,
        epsilon: float = 1.0,
        replaces: bool = False,
        enough: float = ROUNDING,
    ):
        self._run, self._progress, self._index = run, progress, index
        self._epsilon, self._replaces, self._enough = epsilon, replaces, enough
        self.made = 0
        """Tries so far."""
        self.seconds_per_try = math.nan
        """Of the quickest one of the last search: the first may load what it needs."""

    def from_few(self, stage: Stage, start: Sequence[float], most: int) -> Found:
        """σ of the stage's features from a start that may be far off; first with a third of them where they are many.

        Raises Interrupted.
        """
        groups = input_groups(alone(self._run))
        start = _in_groups(start, groups)
        fewer = smaller(stage.fourier, stage.collocation.points)
        if fewer is None:
            return self.search(stage, stage.fourier, stage.collocation.points, start, groups)
        first = self.search(stage, *fewer, start, groups)
        return self.near(stage, [value * LARGER for value in first.sigma], most, first.unclear)

    def near(self, stage: Stage, start: Sequence[float], most: int, groups: Sequence[Sequence[int]] = ()) -> Found:
        """The same from a start that is near, at half of the stage's points. Raises Interrupted."""
        points = stage.collocation.points // HALF
        return self.search(stage, stage.fourier, points, start, groups, near=True, most=most)

    def search(
        self,
        stage: Stage,
        features: Fourier,
        count: int,
        start: Sequence[float],
        groups: Sequence[Sequence[int]],
        **how: int | bool,
    ) -> Found:
        """`best_sigma` with these features at so many points. Raises Interrupted."""
        run, k = self._run, self._index
        training, held_out = (self._points(stage, draw, count) for draw in (0, HELD_OUT))
        setting = Setting(features, training, held_out)
        run.say(f"  search for σ with {features.features} features at {count} points")
        seconds: list[float] = []
        seed = run.seed_of(k)
        with Tries(run.solution, setting, self._epsilon, run.samples, damping_of(stage), seed, self._replaces) as tries:

            def left_by(sigma: tuple[float, ...]) -> float:
                if wanted := run.wanted():
                    raise Interrupted(wanted)
                began = time.perf_counter()
                left = tries.left_by(sigma)
                seconds.append(time.perf_counter() - began)
                self.made += 1
                self._progress.write(self.made)
                run.say(f"  σ = {as_text(sigma)}: one step leaves {left:.2e} at points not trained on")
                return left

            found = best_sigma(left_by, start, groups, enough=self._enough, **how)
        self.seconds_per_try = min(seconds)
        return found

    def _points(self, stage: Stage, draw: int, count: int) -> dict[str, np.ndarray]:
        """So many points of a draw; all of the stage's where conditions are, if it reads solutions of the equation.

        Inside these leave nothing, so rows of conditions alone tell them apart: a third were too few.
        """
        few = collocation(self._run.config, stage, self._index, draw, count)
        local = stage.fourier.local
        if local is None or local.digits is None:
            return few
        return collocation(self._run.config, stage, self._index, draw) | {"interior": few["interior"]}


def damping_of(stage: Stage) -> float:
    """Of one step of least squares for a stage: its optimizer's, where that has one."""
    return stage.optimizer.damping if stage.optimizer.kind == "gauss_newton" else DAMPING


def alone(run: RunState) -> Solution:
    """A solution of the run's problem without any stage, on the CPU: what a network of its own would begin with."""
    return Solution(run.problem, None if run.solution.lam is None else float(run.solution.lam.detach()))


def _in_groups(sigma: Sequence[float], groups: Sequence[Sequence[int]]) -> np.ndarray:
    """σ (inputs,) with one value for each group of several, their geometric mean."""
    found = np.array(sigma, dtype=float)
    for places in (list(group) for group in groups if len(group) > 1):
        found[places] = np.exp(np.log(found[places]).mean())
    return found
