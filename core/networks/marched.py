"""The solution of a run in time windows: one solution a window, evaluated as one over all of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from torch import Tensor, nn

from core.forms import MultiIndex
from core.networks.solution import Solution
from core.problems import Problem

ROUNDING = 1e-12
"""Part of all time by which a moment may be past the end."""


class Marched(nn.Module):
    """Solutions of windows that lie one after the other; what is asked of it, `Solution` is asked too.

    A moment between two windows belongs to the earlier one. After the last one's end, where nothing was trained yet,
    all values are NaN.

    Args:
        problem: over all of time.
        windows: each one's end and solution, in order; at least one.
    """

    def __init__(self, problem: Problem, windows: Sequence[tuple[float, Solution]]):
        super().__init__()
        self.problem = problem
        self.ends = [end for end, _ in windows]
        self.windows = nn.ModuleList(solution for _, solution in windows)

    @property
    def lam(self) -> Tensor | None:
        """Of the last window: once all are trained, they have the same."""
        return self.windows[-1].lam

    def values_of_unknowns(self) -> dict[str, float]:
        """See `Solution.values_of_unknowns`; likewise."""
        return self.windows[-1].values_of_unknowns()

    @property
    def networks(self) -> list[nn.Module]:
        """Of all windows."""
        return [network for window in self.windows for network in window.networks]

    def reaches(self, points: np.ndarray) -> np.ndarray:
        """Whether points (N, d) lie in the time that is trained, (N,)."""
        clock = self.problem.coordinates.index(self.problem.time)
        low, high = self.problem.domain()[clock]
        return np.asarray(points)[:, clock] <= self.ends[-1] + ROUNDING * (high - low)

    def blocks_on_grid(self, points: np.ndarray) -> list[slice] | None:
        """See `Solution.blocks_on_grid`; what a window has of a grid is a grid."""
        return self.windows[0].blocks_on_grid(points)

    def fields_at(self, points: np.ndarray) -> dict[str, np.ndarray]:
        """See `Solution.fields_at`."""
        return self._joined(points, lambda window, block, _: window.fields_at(block))

    def first_stages(self, stop: int | None) -> Marched:
        """See `Solution.first_stages`; of each window."""
        return Marched(self.problem, [(end, window.first_stages(stop))
                                      for end, window in zip(self.ends, self.windows, strict=True)])  # fmt: skip

    def derivatives_at(self, points: np.ndarray, wanted: Iterable[tuple[str, MultiIndex]]) -> np.ndarray:
        """See `Solution.derivatives_at`."""
        wanted = tuple(wanted)
        found = self._joined(points, lambda window, block, _: dict(enumerate(window.derivatives_at(block, wanted))))
        return np.stack([found[k] for k in range(len(wanted))])

    def evaluate(
        self, points: np.ndarray, point_set: str | None = "interior", seen: Callable[[float], None] = lambda share: None
    ) -> dict[str, np.ndarray]:
        """See `Solution.evaluate`."""
        count = len(points)

        def part(window: Solution, block: np.ndarray, done: int) -> dict[str, np.ndarray]:
            return window.evaluate(block, point_set, lambda share: seen((done + share * len(block)) / count))

        return self._joined(points, part)

    def gradients(self, points: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """See `Solution.gradients`."""

        def part(window: Solution, block: np.ndarray, done: int) -> dict[str, np.ndarray]:
            fields, steep = window.gradients(block)
            return {("field", name): each for name, each in fields.items()} | {
                ("slope", name): each for name, each in steep.items()
            }

        found = self._joined(points, part)
        fields, slopes = ({name: each for (kind, name), each in found.items() if kind == wanted}
                          for wanted in ("field", "slope"))  # fmt: skip
        return fields, slopes

    def _joined(self, points: np.ndarray, part: Callable[[Solution, np.ndarray, int], dict]) -> dict:
        points = np.array(points, dtype=np.float64)
        clock = self.problem.coordinates.index(self.problem.time)
        trained = self.reaches(points)
        points[trained, clock] = np.minimum(points[trained, clock], self.ends[-1])
        window_of = np.searchsorted(self.ends, points[:, clock])
        found: dict = {}
        done = 0
        if len(points) and not trained.any():  # all beyond: one point says what there would be
            point = points[:1].copy()
            point[:, clock] = self.ends[-1]
            one = part(self.windows[-1], point, 0)
            return {name: np.full((len(points), *values.shape[1:]), np.nan) for name, values in one.items()}
        for k, window in enumerate(self.windows):
            chosen = np.flatnonzero(window_of == k)
            if not len(chosen):
                continue
            for name, values in part(window, points[chosen], done).items():
                if name not in found:
                    found[name] = np.full((len(points), *values.shape[1:]), np.nan)
                found[name][chosen] = values
            done += len(chosen)
        return found
