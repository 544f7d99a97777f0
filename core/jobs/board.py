"""All runs at a glance: what is at work and until when, what waits and when it is due, what has ended."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.home import home
from core.jobs import table
from core.jobs.actions import capacity
from core.jobs.engines.contract import Slot
from core.jobs.forecast import Due, Expected, Experience, ends, forecast, remaining
from core.jobs.job import Job
from core.jobs.waiting import FREE_SLOT, waits_because
from core.plain_text import lasting

MOST_WAITING, MOST_ENDED = 10_000, 2_000
"""Runs on a board: those that wait, and the newest of the others."""
FINISHED = 3_000
"""So many finished runs are asked how long runs take."""
PLAY_EVERY_S = 5.0
"""A forecast is made anew so often while nothing happens; at once when something does."""
STEADY = 0.03
"""A moment that was told stays until it is off by this part of the time until then, so that lists don't flicker,"""
STEADY_S = 3.0
"""and by this many seconds at least."""


@dataclass(frozen=True)
class Entry:
    """A run on the board."""

    job: Job
    fraction: float | None
    """How much of it is done; None before it says so."""
    phase: str
    max_residual: float | None
    due: Due | None
    """When it begins and ends; None for what has ended."""

    def when(self, board: Board) -> str:
        """When it is due, and what it waits for, in a few words; empty for what has ended."""
        due = self.due
        if due is None:
            return ""
        if self.job.active and self.job.engine_word:
            return f"{self.job.engine}: {self.job.engine_word}"
        if self.job.active:
            where = due.slot or "outside the slots"
            return f"{where}, {lasting(due.ends - board.made)} left" if due.ends else f"{where}, no ETA yet"
        waits = waits_because(self.job, board.slots)
        if due.starts is None:
            return due.why if waits == FREE_SLOT else waits
        starts = f"in {'at most ' if due.latest else 'about '}{lasting(max(0.0, due.starts - board.made))}"
        return starts if waits == FREE_SLOT else f"{starts}, {waits}"


@dataclass(frozen=True)
class Board:
    """The runs of this lab at one moment."""

    entries: dict[str, Entry]
    """By run id: at work (newest first), waiting (in the queue's order), the others (newest first)."""
    slots: tuple[Slot, ...]
    counts: dict[str, int]
    """State → runs in it, also those that are too old to be among the entries."""
    held: int
    event: int
    """Id of the newest event that it knows of."""
    made: float
    """Unix time."""


class BoardReader:
    """Reads the board again and again, and only what may have changed: one reader serves a whole server."""

    def __init__(self) -> None:
        self._home: Path | None = None
        self._seen: table.Overview | None = None
        self._experience = Experience(())
        self._progress: dict[str, tuple[int, str, dict[str, Any] | None]] = {}
        self._due: dict[str, Due] = {}
        self._played = float("-inf")

    def read(self) -> Board:
        """The board as it is now. Raises StoreError when the job table can't be read."""
        if home().root != self._home:  # another lab, in a test
            self.__init__()
            self._home = home().root
        now = time.time()
        event = table.newest_event()
        news = self._seen is None or event != self._seen.event
        if news:
            self._seen = table.overview(MOST_WAITING, MOST_ENDED)
            self._experience = Experience(table.finished(FINISHED))
        seen = self._seen
        slots = tuple(capacity())
        progress = self._read_progress(seen)
        if news or abs(now - self._played) >= PLAY_EVERY_S:
            self._due = steady(self._due, self._play(seen, slots, progress, now), now)
            self._played = now
        entries = {job.run_id: _entry(job, progress.get(job.run_id), self._due.get(job.run_id)) for job in seen.jobs}
        held = sum(job.held for job in seen.waiting)
        return Board(entries, slots, seen.counts, held, seen.event, now)

    def _read_progress(self, seen: table.Overview) -> dict[str, dict[str, Any] | None]:
        """Progress of all that ever began; what is not at work is read once."""
        found = {}
        for job in seen.jobs:
            if not job.attempt:
                continue
            known = self._progress.get(job.run_id)
            if job.active or known is None or known[:2] != (job.attempt, job.state):
                known = (job.attempt, job.state, job.folder.progress())
            found[job.run_id] = known
        self._progress = found
        return {run_id: known[2] for run_id, known in found.items()}

    def _play(
        self, seen: table.Overview, slots: tuple[Slot, ...], progress: Mapping[str, dict[str, Any] | None], now: float
    ) -> dict[str, Due]:
        def takes(job: Job, kind: str) -> Expected:
            whole = self._experience.whole(job, kind)
            if job.attempt and not job.fresh:  # it goes on from its checkpoint
                return remaining(job, progress.get(job.run_id), whole, now)
            return whole

        active = {job.run_id: ends(job, progress.get(job.run_id), self._experience, now) for job in seen.active}
        return active | forecast(slots, active, seen.waiting, takes, seen.awaited, now)


def entry_of(job: Job) -> Entry:
    """A job that has ended, as the board has it; also one that is too old to be there."""
    return _entry(job, job.folder.progress(), None)


def _entry(job: Job, progress: Mapping[str, Any] | None, due: Due | None) -> Entry:
    progress = progress or {}
    return Entry(job, progress.get("fraction"), progress.get("phase") or "", progress.get("max_residual"), due)


def read() -> Board:
    """The board as it is now, for whoever asks once. Raises StoreError when the job table can't be read."""
    return BoardReader().read()


def steady(before: Mapping[str, Due], now_due: Mapping[str, Due], now: float) -> dict[str, Due]:
    """A forecast in which a moment stays what it was told to be for as long as it is about right.

    Args:
        before: what was told.
        now_due: what is known now.
        now: Unix seconds.
    """
    told = {}
    for run_id, due in now_due.items():
        known = before.get(run_id)
        if known is not None:
            due = replace(due, starts=_kept(known.starts, due.starts, now), ends=_kept(known.ends, due.ends, now))
            due = known if due == known else due
        told[run_id] = due
    return told


def _kept(told: float | None, moment: float | None, now: float) -> float | None:
    if told is None or moment is None or told <= now:
        return moment
    return told if abs(moment - told) <= max(STEADY_S, STEADY * (told - now)) else moment
