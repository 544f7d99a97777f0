"""Curves of a run: thinned for a page without losing a spike, and read with a cursor."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from core.runs.history_stream import HistoryPart, read_history


@dataclass(frozen=True)
class Curve:
    """A thinned curve."""

    x: np.ndarray
    y: np.ndarray
    shown: int
    """Points in x and y."""
    total: int
    """Points of the full curve."""
    not_finite: np.ndarray
    """x of the points that are NaN or infinite; they are marked, never joined."""
    not_positive: int = 0
    """Points at or below zero that a log axis can't show, in x or in y; they are left out, never remapped."""


def bucket(x: np.ndarray, y: np.ndarray, limit: int, *, log: bool = False, log_x: bool = False) -> Curve:
    """At most `limit` points: the ends, and the first minimum and maximum of buckets that are equally wide as shown.

    Bucket edges are multiples of a power-of-two width in x, so they stay where they are while a live curve grows
    and the drawn points do not jump. On a log axis the extremes of log y are those of y, so y needs no transform; on a
    log x axis the buckets are equal in log x.

    Args:
        x: positions (n,); they are put in order.
        y: values (n,), NaN and infinities allowed.
        limit: most points, at least 4.
        log: the y axis is logarithmic.
        log_x: the x axis is logarithmic.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    total = len(x)
    finite = np.isfinite(y)
    not_finite = x[~finite]
    positive = ((y > 0) | (not log)) & ((x > 0) | (not log_x))
    hidden = int((finite & ~positive).sum())
    kept = finite & positive & np.isfinite(x)
    x, y = x[kept], y[kept]
    if (np.diff(x) < 0).any():
        order = np.argsort(x, kind="stable")
        x, y = x[order], y[order]
    if len(x) > limit:
        index = _bucket_of(np.log(x) if log_x else x, (limit - 2) // 2)
        starts = np.append(0, np.flatnonzero(np.diff(index)) + 1)
        low = _first_where(y, np.minimum.reduceat(y, starts), starts)
        high = _first_where(y, np.maximum.reduceat(y, starts), starts)
        keep = np.unique(np.concatenate([low, high, [0, len(x) - 1]]))
        x, y = x[keep], y[keep]
    return Curve(x, y, len(x), total, not_finite, hidden)


def _bucket_of(position: np.ndarray, most: int) -> np.ndarray:
    """The bucket of each of the increasing positions (n,), at most `most` of them."""
    if most < 2 or position[0] == position[-1]:
        return np.zeros(len(position))
    width = 2.0 ** np.ceil(np.log2((position[-1] - position[0]) / (most - 1)))
    index = np.floor(position / width)
    return index if index[-1] - index[0] < most else np.floor(position / (2 * width))  # log2 rounds


def _first_where(y: np.ndarray, extreme: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Index of the first point of each bucket that has the bucket's extreme value."""
    lengths = np.diff(np.append(starts, len(y)))
    hits = np.flatnonzero(y == np.repeat(extreme, lengths))
    bucket_of_hit = np.searchsorted(starts, hits, side="right") - 1
    _, first = np.unique(bucket_of_hit, return_index=True)
    return hits[first]


@dataclass(frozen=True)
class Attempts:
    """Which of the points of a curve hold, where a run was resumed and logged steps again."""

    of: np.ndarray
    """The attempt that each point (n,) is of, from 0."""
    in_force: np.ndarray
    """Whether each point (n,) holds: no later attempt went on from its step or before."""
    repeated: np.ndarray
    """Whether each point (n,) says again what an earlier one said of the same step."""


def attempts(step: np.ndarray, value: np.ndarray) -> Attempts:
    """A curve's attempts. One begins where steps go back to some that were logged, with other values than before.

    It also begins where steps go back and then fall between earlier ones again and again: what was thinned by time has
    other steps after a resume. Steps that go back without that are none: whoever logs from several threads, or adds a
    point later, does so.

    Args:
        step: steps (n,) in the order in which they were logged.
        value: values (n,).
    """
    chunk = np.cumsum(np.diff(step, prepend=step[:1]) < 0)  # of steps that don't go back
    _, first, place = np.unique(step, return_index=True, return_inverse=True)
    before = first[place]
    again = chunk[before] < chunk
    alike = (value == value[before]) | (np.isnan(value) & np.isnan(value[before]))
    starts = np.flatnonzero(np.diff(chunk, prepend=-1))
    begins = np.logical_or.reduceat(again & ~alike, starts) if len(starts) else np.zeros(0, dtype=bool)
    begins = _or_between(step, starts, begins) if len(starts) > 1 else begins
    of = np.cumsum(begins)[chunk]
    from_step = np.append(step[starts[begins]], np.inf)  # of attempt 1, 2, …; after the last there is none
    earliest = np.minimum.accumulate(from_step[::-1])[::-1]
    return Attempts(of, step < earliest[of], again & alike)


BETWEEN = 4
"""Gaps between earlier steps that a later attempt falls into, at least; a few points out of order don't."""


def _or_between(step: np.ndarray, starts: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """`begins` (chunks,), and where a chunk of increasing steps alternates with the steps that held before it."""
    begins = begins.copy()
    held, used = np.empty(len(step)), 0  # steps in force so far, in order
    for k, chunk in enumerate(np.split(step, starts[1:])):
        at = np.searchsorted(held[:used], chunk[0])
        tail = held[at:used]
        if len(tail) and not begins[k]:
            gaps = np.searchsorted(tail, chunk[chunk < tail[-1]])
            begins[k] = len(np.unique(gaps)) >= BETWEEN
        kept = chunk if begins[k] or not len(tail) else np.sort(np.concatenate([tail, chunk]))
        held[at : at + len(kept)], used = kept, at + len(kept)
    return begins


NOT_CURVES = ("iteration", "stage", "phase", "wall_time_s")
"""Columns of a history that say where a row stands."""


class Curves(Protocol):
    """The curves of one run, wherever they come from."""

    source: str
    """`history` where they are every point of the run's own history, `MLflow` where they are what it was given."""

    def update(self) -> bool:
        """Read what is new since the last call; True if there was something."""

    def column(self, name: str) -> np.ndarray:
        """All values of a column so far, (n,); empty when there is none of this name."""

    def points(self, name: str, axis: str = "iteration") -> tuple[np.ndarray, np.ndarray]:
        """X and y of a curve, each (n,); both empty for what this run does not have.

        Args:
            name: a column.
            axis: iteration or wall_time_s (seconds of training).
        """

    def superseded(self, name: str, axis: str = "iteration") -> list[tuple[np.ndarray, np.ndarray]]:
        """What was logged before a resume took the run back to an earlier step, (x, y) of each attempt."""

    @property
    def names(self) -> tuple[str, ...]:
        """Columns there are."""

    def curve_names(self) -> list[str]:
        """What can be drawn of this run: residuals of each equation, λ, damping and so on."""

    def stage_starts(self, axis: str = "iteration") -> list[tuple[int, float]]:
        """(stage, where on the axis it began), in order."""

    def warnings(self, finished: bool) -> list[str]:
        """What is missing or damaged, a sentence each, as of the last `update`; `finished`: the run ended by itself."""


class _Growing:
    """An array that is appended to; its memory doubles, so that a long live curve is not copied at each tick."""

    def __init__(self) -> None:
        self._room = np.empty(0)
        self._used = 0

    def extend(self, values: np.ndarray) -> None:
        end = self._used + len(values)
        if end > len(self._room):
            room = np.empty(max(end, 2 * len(self._room)))
            room[: self._used] = self._room[: self._used]
            self._room = room
        self._room[self._used : end] = values
        self._used = end

    def view(self) -> np.ndarray:
        return self._room[: self._used]


class RunCurves:
    """The history of one run from a history file, kept up to date by reading only what is new."""

    source = "history"

    def __init__(self, path: Path):
        self._path = path
        self._read: HistoryPart | None = None
        self._columns: dict[str, _Growing] = {}
        self._lock = threading.Lock()  # one reader a run serves all visitors

    def update(self) -> bool:
        """Read what the trainer appended since the last call; True if there was something."""
        with self._lock:
            part = self._read = read_history(self._path, self._read and self._read.cursor)
            if part.restarted:
                self._columns = {}
            for name, values in part.columns.items():
                self._columns.setdefault(name, _Growing()).extend(values)
            return bool(part.columns) or part.restarted

    def column(self, name: str) -> np.ndarray:
        """All values of a column so far, (n,); empty when there is none of this name."""
        return self._columns[name].view() if name in self._columns else np.empty(0)

    def points(self, name: str, axis: str = "iteration") -> tuple[np.ndarray, np.ndarray]:
        """X and y of a curve, each (n,), NaN in rows without it; both empty for what this run does not have."""
        x, y = self.column(axis), self.column(name)
        n = min(len(x), len(y))  # another thread may be appending
        x, y = x[:n], y[:n]
        return (x, y) if self._has(y) else (np.empty(0), np.empty(0))

    def superseded(self, name: str, axis: str = "iteration") -> list[tuple[np.ndarray, np.ndarray]]:
        """Nothing: a resumed run cuts its history at the checkpoint."""
        return []

    @staticmethod
    def _has(y: np.ndarray) -> bool:
        """Columns that a method or a problem has no use for are NaN all over, which is no curve of NaN."""
        return bool(len(y)) and not (np.isnan(y[0]) and np.isnan(y).all())

    @property
    def names(self) -> tuple[str, ...]:
        """Columns there are."""
        return tuple(self._columns)

    def curve_names(self) -> list[str]:
        """What can be drawn of this run: residuals of each equation, λ, damping and so on."""
        return [name for name in self._columns if name not in NOT_CURVES and self._has(self.column(name))]

    def stage_starts(self, axis: str = "iteration") -> list[tuple[int, float]]:
        """(stage, where on the axis it began), in order."""
        stages, where = self.column("stage"), self.column(axis)
        first = np.flatnonzero(np.diff(stages[: len(where)], prepend=-1))  # another thread may be appending
        return [(int(stages[i]), float(where[i])) for i in first]

    def warnings(self, finished: bool) -> list[str]:
        """What is missing or damaged, a sentence each, as of the last `update`; `finished`: the run ended by itself."""
        if self._read is None:
            return []
        found = self._read.cut_off if finished else self._read.damage
        return [*map(str, self._read.holes), *([found] if found else [])]


def was_recorded(y: np.ndarray, loss: np.ndarray) -> np.ndarray:
    """Which rows of a history's column were recorded, (n,) as both are.

    It has NaN where a method has no use for the column. A run that diverges has no loss there either, so NaN beside a
    loss that is a number is no divergence.
    """
    return ~(np.isnan(y) & np.isfinite(loss))


def recorded(curves: Curves, name: str, axis: str = "iteration") -> tuple[np.ndarray, np.ndarray]:
    """X and y of a curve, each (n,), without the rows in which it was not recorded; both empty where it never was."""
    x, y = curves.points(name, axis)
    if curves.source == "MLflow":  # each metric at steps of its own, none logged where there was none
        return x, y
    loss = curves.column("loss")
    n = min(len(y), len(loss))  # another thread may be appending
    here = was_recorded(y[:n], loss[:n])
    return x[:n][here], y[:n][here]
