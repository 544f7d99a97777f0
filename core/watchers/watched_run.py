"""One attempt of a run under its rules: what is new in its history is read once, and each rule is asked."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.problems import Problem
from core.rules import Diverged, Drifting, Rule, Stalled
from core.runs import RunFolder
from core.runs.history_stream import Begun, HistoryCursor, read_history
from core.watchers.curve import CurveWatch, DivergedWatch, DriftingWatch, StalledWatch
from core.watchers.machine import machine_finding
from core.watchers.rows import Segments

QUIET_S = 5.0
"""Without new rows for so long, the last one is taken for the last."""
TRAINING = ("main", "warm-up", "path", "search for σ", "search for layers")
"""Phases in which a run that says nothing has stalled."""


@dataclass(frozen=True)
class Attempt:
    """One attempt of a run, as the job table has it."""

    folder: RunFolder
    number: int
    pid: int | None
    started: float | None
    """Unix time."""
    on_cpu: bool
    problem: Problem | None
    """None for one that this process can't load."""


@dataclass(frozen=True)
class Finding:
    """What a rule found."""

    key: str
    rule: Rule
    why: str
    """One sentence with figures, without a capital and a full stop."""


class WatchedRun:
    """Rules at work on one attempt.

    Args:
        attempt: of which run.
        config: of the run, as it was written.
        rules: the rules by their keys; those that have fired in this attempt are left out.
        fired_before: keys of rules that fired in an earlier attempt; whoever resumed the run since then did so all the
            same, and they begin anew.
    """

    def __init__(
        self, attempt: Attempt, config: Mapping[str, Any], rules: Mapping[str, Rule], fired_before: frozenset[str]
    ):
        self._attempt, self._config, self._rules, self._anew = attempt, config, dict(rules), fired_before
        self._found: dict[str, Finding] = {}
        self._cursor: HistoryCursor | None = None
        self._mark: tuple[int, int, int] | None = None
        self._sign: object = None
        self._quiet_since = time.monotonic()
        self._start()

    def _start(self) -> None:
        self._rows_seen = 0
        self._segments = Segments(self._config, self._attempt.on_cpu)
        made = {key: self._watch(rule) for key, rule in self._rules.items()}
        self._watches = {key: watch for key, watch in made.items() if watch is not None}

    def _watch(self, rule: Rule) -> CurveWatch | None:
        if isinstance(rule, Diverged):
            return DivergedWatch(rule)
        if isinstance(rule, Stalled):
            return StalledWatch(rule)
        problem = self._attempt.problem
        if isinstance(rule, Drifting) and problem is not None and problem.has_lambda:
            return DriftingWatch(rule, problem.reference_lambda(), problem.other_lambdas())
        return None

    def done(self, key: str) -> None:
        """Ask a rule no more: it has fired."""
        for known in (self._rules, self._watches, self._found):
            known.pop(key, None)

    def look(self, last: bool = False) -> list[Finding]:
        """What the rules have found and nobody has said to be `done` with. Raises OSError.

        Args:
            last: the run has ended: only what is left of its curve counts.
        """
        self._curve()
        now = time.monotonic()
        if (sign := (self._mark, _mark(self._attempt.folder.progress_file))) != self._sign:
            self._sign, self._quiet_since = sign, now
        if last or now - self._quiet_since > QUIET_S:
            self._note({key: watch.wait() for key, watch in self._watches.items()})
        if not last:
            self._silent((now - self._quiet_since) / 60)
            folder, number = self._attempt.folder, self._attempt.number
            self._note({key: machine_finding(rule, folder, number) for key, rule in self._rules.items()})
        return list(self._found.values())

    def _note(self, found: Mapping[str, str | None]) -> None:
        for key, why in found.items():
            if why:
                self._found.setdefault(key, Finding(key, self._rules[key], why))

    def _curve(self) -> None:
        """Have each rule look at the rows that are new."""
        mark = _mark(self._attempt.folder.history)
        if not self._watches or mark is None or mark == self._mark:
            return
        part = read_history(self._attempt.folder.history, self._cursor)
        self._mark = mark
        if part.restarted:
            self._start()
        if not self._is_ours(part.begun):
            self._cursor = None  # an earlier attempt's file, which this one is about to replace
            return
        self._cursor = part.cursor
        if not (count := len(part.columns.get("iteration", ()))):
            return
        own = np.arange(self._rows_seen, self._rows_seen + count) >= (part.begun.rows if part.begun else 0)
        self._rows_seen += count
        rows = self._segments.rows(part.columns, own)
        anew = rows.from_own() if self._anew else rows
        for key, watch in self._watches.items():
            seen = anew if key in self._anew else rows
            if key not in self._found and seen is not None:
                self._note({key: watch.look(seen)})

    def _is_ours(self, begun: Begun | None) -> bool:
        """Whether the present attempt has begun to write: before that, the file is what an earlier one left."""
        attempt = self._attempt
        if begun is None or attempt.number <= 1 or attempt.started is None:
            return True
        return begun.pid == attempt.pid or begun.time >= attempt.started

    def _silent(self, minutes: float) -> None:
        """Note rules that ask for progress, where the run has written nothing for so many minutes."""
        asked = {
            key: rule for key, rule in self._rules.items() if isinstance(rule, Stalled) and minutes >= rule.minutes
        }
        phase = (self._attempt.folder.progress() or {}).get("phase") if asked else None
        if phase in TRAINING:
            self._note(dict.fromkeys(asked, f"nothing was written for {minutes:,.0f} min, in the phase {phase}"))


def _mark(path: Path) -> tuple[int, int, int] | None:
    """What tells one content of a file from the next; None where there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
