"""Rules on a run's curve, told of its rows part after part: each says in a sentence with figures what it found."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np

from core.rules import Diverged, Drifting, Stalled
from core.watchers.rows import Rows

LEAST = 1e-28
"""A loss below this is what rounding leaves of residuals in float64: its ups and downs say nothing."""
MENDED = 26
"""Rows that are not finite after which a phase in reduced precision will not mend itself any more: the trainer looks
at its loss every 25 iterations, and goes on in float64."""
NEAR = 3
"""Iterates in a row that are near the λ of another order, until λ is said to drift there and not to pass by."""


class CurveWatch(Protocol):
    """One rule at work on one attempt of a run."""

    def look(self, rows: Rows) -> str | None:
        """Take note of the next rows; what was found, in one sentence."""

    def wait(self) -> str | None:
        """Nothing new came for some seconds; what is to be said now."""


class DivergedWatch:
    """The loss is not finite, or so many times its best in the segment."""

    def __init__(self, rule: Diverged):
        self._factor = rule.factor
        self._best = np.inf
        self._row = 0  # of those in a row that are not finite and may yet be mended, the newest
        self._unmended = ""  # and what is to be said of the first

    def look(self, rows: Rows) -> str | None:
        """Take note of the next rows."""
        for part in _segments(rows):
            if rows.starts[part.start]:
                self._best = np.inf
            if found := self._within(rows, part):
                return found
        return None

    def wait(self) -> str | None:
        """A loss that is not finite is the last that there is."""
        return self._unmended or None

    def _within(self, rows: Rows, part: slice) -> str | None:
        loss, iteration, at = rows.loss[part], rows.iteration[part], np.arange(part.stop - part.start)
        finite = np.isfinite(loss)
        best = np.minimum(np.minimum.accumulate(np.where(finite, loss, np.inf)), self._best)
        with np.errstate(over="ignore", invalid="ignore"):
            above = finite & (loss - best > (self._factor - 1) * np.maximum(np.abs(best), LEAST))
        bad = rows.own[part] & ~finite
        good = np.maximum.accumulate(np.where(bad, -1, at))
        in_a_row = np.where(bad, at - good + np.where(good < 0, self._row, 0), 0)
        if (hits := np.flatnonzero(rows.own[part] & above | bad & (~rows.coarse[part] | (in_a_row > MENDED)))).size:
            k = hits[0]
            if above[k]:
                return _far_above(loss[k], best[k], iteration[k])
            if self._unmended and good[k] < 0:
                return self._unmended
            first = good[k] + 1
            return _not_finite(loss[first], iteration[first])
        self._best, self._row = float(best[-1]), int(in_a_row[-1])
        if not self._row:
            self._unmended = ""
        elif good[-1] >= 0 or not self._unmended:
            self._unmended = _not_finite(loss[good[-1] + 1], iteration[good[-1] + 1])
        return None


class StalledWatch:
    """The best loss of the segment fell too little in the last minutes of training."""

    def __init__(self, rule: Stalled):
        self._rule = rule
        self._bests: deque[tuple[float, float]] = deque()  # (seconds of training, best loss from there on)
        self._began = np.inf

    def look(self, rows: Rows) -> str | None:
        """Take note of the next rows."""
        for part in _segments(rows):
            wall, loss = rows.wall_time_s[part], rows.loss[part]
            if rows.starts[part.start] or not np.isfinite(self._began):
                self._bests.clear()
                self._began = wall[0]
            best = self._bests[-1][1] if self._bests else np.inf
            lowest = np.minimum(np.minimum.accumulate(np.where(np.isfinite(loss), loss, np.inf)), best)
            better = lowest < np.concatenate([[best], lowest])[:-1]
            self._bests.extend(zip(wall[better].tolist(), lowest[better].tolist(), strict=True))
        if not len(rows) or not rows.own[-1] or not self._bests:
            return None
        now = float(rows.wall_time_s[-1])
        since = now - 60 * self._rule.minutes
        if not self._began <= since:
            return None
        while len(self._bests) > 1 and self._bests[1][0] <= since:
            self._bests.popleft()
        (when, before), best = self._bests[0], self._bests[-1][1]
        if when > since or before <= 0 or best * self._rule.factor <= before:
            return None  # nothing finite before, or nothing left that a factor could be said of
        fell = f"fell by no more than a factor of {_digits(before / best)}" if best < before else "did not fall"
        return (
            f"the best loss {fell} in {_digits(self._rule.minutes)} min of training: it is {figure(best)} "
            f"at iteration {rows.iteration[-1]:,.0f}"
        )

    def wait(self) -> str | None:
        """Nothing: a run that writes nothing is looked at by its clock."""
        return None


class DriftingWatch:
    """λ comes near to that of a known profile of another order, and nearer than to its own."""

    def __init__(self, rule: Drifting, own: float | None, others: Mapping[int, float]):
        self._tolerance, self._own = rule.tolerance, own
        self._orders, self._lams = list(others), np.array(list(others.values()), dtype=float)
        self._near: tuple[int, int, float] | None = None
        """The order that λ is near to, for how many rows, and λ in the first of them."""

    def look(self, rows: Rows) -> str | None:
        """Take note of the next rows."""
        lam = rows.lam
        if not len(lam) or not len(self._lams):
            return None
        away = np.abs(lam[:, None] - self._lams)
        nearest = np.argmin(np.where(np.isnan(away), np.inf, away), axis=1)
        distance = away[np.arange(len(lam)), nearest]
        near = rows.own & (distance < self._tolerance)
        if self._own is not None:
            near &= distance < np.abs(lam - self._own)
        if not near.any():
            self._near = None
            return None
        for k in range(len(lam)):
            order = self._orders[nearest[k]]
            if not near[k]:
                self._near = None
                continue
            same = self._near is not None and self._near[0] == order
            _, count, first = self._near = (order, self._near[1] + 1, self._near[2]) if same else (order, 1, lam[k])
            if count >= NEAR and lam[k] != first:  # a λ that is held where it began drifts nowhere
                return (
                    f"λ is {lam[k]:.7g} at iteration {rows.iteration[k]:,.0f}, near that of the known profile of "
                    f"order {order}, {self._lams[nearest[k]]:.7g}"
                )
        return None

    def wait(self) -> str | None:
        """Nothing: λ drifts by iterations."""
        return None


def figure(value: float) -> str:
    """A number with two digits: 3.2e4."""
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def _digits(value: float) -> str:
    return f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"


def _segments(rows: Rows) -> Iterator[slice]:
    """The rows' parts, each within one segment."""
    if not len(rows):
        return
    ends = [*np.flatnonzero(rows.starts[1:]) + 1, len(rows)]
    begin = 0
    for end in ends:
        yield slice(begin, int(end))
        begin = int(end)


def _not_finite(loss: float, iteration: float) -> str:
    return f"the loss became {'NaN' if np.isnan(loss) else 'infinite'} at iteration {iteration:,.0f}"


def _far_above(loss: float, best: float, iteration: float) -> str:
    """How far a loss is above its best; one at or below zero has no multiples."""
    if best < LEAST:
        how = f"is far above its best {figure(best)}"
    else:
        times = loss / best
        how = f"is {f'{times:,.0f}' if times < 1e6 else figure(times)} times its best {figure(best)}"
    return f"the loss {figure(loss)} {how} at iteration {iteration:,.0f}"
