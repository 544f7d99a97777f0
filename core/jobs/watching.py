"""Holds active runs against their rules, once a second, and follows the events for whom to tell.

Part of the courier's process, on a thread of its own: the store may take its time. What a rule does is in the job
table's file before it is done, so that a courier that is killed fires nothing twice and misses nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from core.errors import LabError, RunNotFoundError, StoreError
from core.jobs import actions, events, notices, table
from core.jobs.database import Connection, reading, transaction
from core.jobs.events import Event
from core.jobs.job import Job
from core.jobs.looking_thread import LookingThread
from core.jobs.notifying import Notifier
from core.jobs.sweeping import first_trial
from core.plain_text import traceback_of
from core.problems import CATALOGUE, Problem
from core.rules import Failed, Finished, Rule
from core.runs.soundness import is_config
from core.runs.states import ACTIVE
from core.settings import Settings, settings
from core.watchers.rules_in_force import rules_in_force
from core.watchers.watched_run import Attempt, Finding, WatchedRun

LOOK_S = 1.0
END_S = 1.0
"""Seconds that the courier's end waits for a look that has begun."""


@contextmanager
def watching() -> Iterator[None]:
    """Watch runs and tell channels while this block lasts."""
    threads = (Watching(), Notifier())
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.end()
        for thread in threads:
            thread.join(END_S)


@dataclass
class _Known:
    """A run that is watched, and what it was made from."""

    of: tuple[object, ...]
    run: WatchedRun


class Watching(LookingThread):
    """Looks at all active runs once a second."""

    def __init__(self) -> None:
        super().__init__("watching", LOOK_S)
        self._known: dict[str, _Known] = {}
        self._configs: dict[str, tuple[object, dict[str, Any]]] = {}

    def look(self) -> None:
        """Hold each active run against its rules, and follow what happened since. Raises StoreError."""
        lab = settings()
        active = table.find(ACTIVE, -1)
        for job in active:
            self._look_at(job, lab)
        self._stop()
        self._follow(lab)
        at_work = {job.run_id for job in active}
        for known in (self._known, self._configs):
            for run_id in known.keys() - at_work:
                del known[run_id]

    # -- a run under its rules ------------------------------------------------------------------------------------

    def _look_at(self, job: Job, lab: Settings, last: bool = False) -> None:
        """One run under its rules; what goes wrong with it holds up no other. Raises StoreError."""
        try:
            rules = self._rules(job, lab)
            watched = self._watched(job, rules)
            for finding in watched.look(last) if watched else ():
                self._fire(job, finding, lab)
                watched.done(finding.key)
        except StoreError:
            raise
        except Exception as error:  # a folder that is gone, a history that nobody foresaw
            self.say(job.run_id, f"run {job.run_id[:8]} can't be watched: {traceback_of(error)}")

    def _rules(self, job: Job, lab: Settings) -> dict[str, Rule]:
        try:
            return rules_in_force(self._config(job), lab.watch)
        except ValueError as error:
            self.say(job.run_id, f"run {job.run_id[:8]}: {error}; the lab's rules hold for it")
            return rules_in_force(None, lab.watch)

    def _config(self, job: Job) -> dict[str, Any]:
        """The run's config as it was written, read again where it was changed."""
        try:
            found = job.folder.file("config.json").stat()
            mark: object = (found.st_ino, found.st_mtime_ns, found.st_size)
        except OSError:
            mark = None
        if (known := self._configs.get(job.run_id)) is None or known[0] != mark:
            try:
                data = job.folder.config_data() or {}
                data = data if is_config(data) else {"watch": data.get("watch")}
            except LabError as error:
                self.say(job.run_id, f"run {job.run_id[:8]}: {error}")
                data = {}
            known = self._configs[job.run_id] = (mark, data)
        return known[1]

    def _watched(self, job: Job, rules: Mapping[str, Rule]) -> WatchedRun | None:
        """The run under those of its rules that have not fired in this attempt; None where there are none."""
        of = (job.attempt, job.pid, *sorted((key, rule.model_dump_json()) for key, rule in rules.items()))
        known = self._known.get(job.run_id)
        if known is None or known.of != of:
            with reading() as connection:
                fired = notices.fired(connection, job.run_id)
            left = {key: rule for key, rule in rules.items() if fired.get(key, 0) < job.attempt}
            attempt = Attempt(job.folder, job.attempt, job.pid, job.started, _on_cpu(job), _problem(job))
            run = WatchedRun(attempt, self._config(job), left, frozenset(fired))
            known = self._known[job.run_id] = _Known(of, run)
        return known.run if rules else None

    def _fire(self, job: Job, finding: Finding, lab: Settings) -> None:
        stop = finding.rule.stop and job.active
        why = finding.why if not finding.why[0].isascii() else finding.why[0].upper() + finding.why[1:]
        why += ". The run is stopped, with a checkpoint." if stop else "."
        with events.acting_as("the watcher"), transaction() as connection:
            event = notices.fire(connection, job.run_id, job.attempt, finding.key, finding.rule.kind, why, stop=stop)
            if job.sweep is not None:
                event = self._fire_for_sweep(connection, job, finding, why)
            if event is not None:
                notices.add(connection, event, _channels(finding.rule, lab))

    def _fire_for_sweep(self, connection: Connection, job: Job, finding: Finding, why: str) -> int | None:
        """Say once of a sweep what one of its trials found of the machine; what it found of itself is its own."""
        kind = finding.rule.kind
        if kind not in notices.OF_THE_MACHINE:
            return None
        return notices.fire(connection, job.sweep, 0, finding.key, kind, f"During {job.name}: {why}", stop=False)

    def _stop(self) -> None:
        """Stop the runs that rules want stopped, and that nobody has asked to yet."""
        with reading() as connection:
            asked = notices.stops(connection)
        for run_id, attempt in asked:
            try:
                job = table.get(run_id)
                if job.active and job.attempt == attempt and job.wanted != "stop":
                    with events.acting_as("the watcher"):
                        actions.stop(run_id)
            except StoreError:
                raise
            except LabError as error:  # it has ended in between, or is gone
                if not isinstance(error, RunNotFoundError) and table.get(run_id).active:
                    raise
            with transaction() as connection:
                notices.stop_asked(connection, run_id, attempt)

    # -- what happened --------------------------------------------------------------------------------------------

    def _follow(self, lab: Settings) -> None:
        """Look at what happened since: the last rows of runs that ended, and whom rules want told of the end."""
        with reading() as connection:
            new = notices.unfollowed(connection)
        told = [(event.id, self._told(event, lab)) for event in new if notices.ends(event)]
        if new:
            with transaction() as connection:
                for number, channels in told:
                    notices.add(connection, number, channels)
                notices.follow(connection, new[-1].id)

    def _told(self, event: Event, lab: Settings) -> list[str]:
        """The channels that are told of a run's end; what its curve said last is looked at before."""
        old = time.time() - event.time > notices.DAY_S
        if event.kind == notices.SWEEP:
            return [] if old else self._asked(event, first_trial(event.run_id), lab)
        try:
            job = table.get(event.run_id)
        except RunNotFoundError:  # deleted for good meanwhile
            return []
        if old:
            return []
        if not job.active:
            self._look_at(job, lab, last=True)
        return self._asked(event, job, lab) if job.sweep is None else []

    def _asked(self, event: Event, job: Job | None, lab: Settings) -> list[str]:
        """The channels that the rules of a run, or of a sweep by its first trial, have told of such an end."""
        if event.after not in notices.TOLD:
            return []
        kind = Finished if event.after == "finished" else Failed
        rules = self._rules(job, lab) if job is not None else rules_in_force(None, lab.watch)
        asked = [rule for rule in rules.values() if isinstance(rule, kind)]
        return list(dict.fromkeys(name for rule in asked for name in _channels(rule, lab)))


def _channels(rule: Rule, lab: Settings) -> list[str]:
    return list(rule.tell) or [channel.name for channel in lab.channels]


def _on_cpu(job: Job) -> bool:
    return job.device == "cpu" or (job.slot or "").startswith("cpu")


def _problem(job: Job) -> Problem | None:
    """The run's problem; None for one from outside this package, or whose parameters are none any more."""
    kinds = {problem.model_fields["kind"].default: problem for problem in CATALOGUE}
    try:
        return kinds[job.problem](**job.problem_parameters) if job.problem in kinds else None
    except ValueError:
        return None
