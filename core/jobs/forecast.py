"""When waiting runs are due, and when those at work end: from what was measured, or unknown, never guessed.

`Experience` knows how long whole runs take, `ends` where a run at work stands, and `forecast` plays the slots through
the queue as workers will. What is unknown stays so for all that depends on it.
"""

from __future__ import annotations

import bisect
import heapq
import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from core.config import size
from core.jobs.engines.contract import Slot
from core.jobs.job import Finished, Job
from core.presets import presets
from core.runs.states import ENDED

LATEST = 5
"""So many finished runs say how long another takes: the last of the same config, or those nearest in size."""
SIMILAR = 4.0
"""Runs of one problem are held against each other within this factor of their sizes."""
LEAST_S = 1.0
"""Nothing that is still at work ends sooner."""
STOPPING_S = 5.0
"""Seconds that a run takes to write its checkpoint and end, once it was asked to."""
EARLY = 0.02
"""Of a run's progress; before that its own pace says nothing."""


@dataclass(frozen=True)
class Expected:
    """Seconds that something takes, and what says so in words; None and the words why not."""

    seconds: float | None
    source: str


UNKNOWN = Expected(None, "no run like it has finished yet")


@dataclass(frozen=True)
class Due:
    """When a run begins and ends, in Unix seconds; None where that is unknown."""

    starts: float | None
    ends: float | None
    slot: str = ""
    why: str = ""
    """Why something is unknown."""
    source: str = ""
    """What its duration is taken from."""
    latest: bool = False
    """It may begin sooner: a slot that could take it is free at an unknown time."""


def kind_of(slot: str) -> str:
    """`gpu` or `cpu`: times in slots of one kind say nothing about the other."""
    return "gpu" if slot.rpartition("/")[2].startswith("gpu") else "cpu"


class Experience:
    """How long whole runs take, by those that have finished and, for a CPU, by the presets.

    Args:
        finished: the newest first.
    """

    def __init__(self, finished: Iterable[Finished]):
        self._same: dict[tuple[str, str], list[float]] = defaultdict(list)
        self._problem: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
        for run in finished:
            kind = kind_of(run.slot)
            if len(same := self._same[run.config_hash, kind]) < LATEST:
                same.append(run.seconds)
            if run.size:
                self._problem[run.problem, kind].append((run.size, run.seconds))
        for runs in self._problem.values():
            runs.sort()
        self._known: dict[tuple[str, float | None, str], Expected] = {}

    def whole(self, job: Job, kind: str) -> Expected:
        """The whole of a run in a slot of this kind: as the same config took, else similar ones, else a preset."""
        if same := self._same.get((job.config_hash, kind)):
            return Expected(statistics.median(same), f"{_count(len(same))} of the same config")
        key = (job.problem, job.size, kind)
        if key not in self._known:
            self._known[key] = self._similar(*key)
        found = self._known[key]
        if found.seconds is None and kind == "cpu":
            return _preset(job)
        return found

    def _similar(self, problem: str, size: float | None, kind: str) -> Expected:
        if not size:
            return UNKNOWN
        runs = self._problem.get((problem, kind), [])
        at = bisect.bisect_left(runs, (size,))
        about = runs[max(0, at - LATEST) : at + LATEST]
        near = [(abs(math.log(other / size)), seconds * size / other) for other, seconds in about]
        nearest = [seconds for apart, seconds in heapq.nsmallest(LATEST, near) if apart <= math.log(SIMILAR)]
        if not nearest:
            return UNKNOWN
        return Expected(statistics.median(nearest), f"{_count(len(nearest))} of this problem and about this size")


def _count(runs: int) -> str:
    return f"{runs} finished run{'s' * (runs > 1)}"


@cache
def _of_presets(problem: str) -> list[tuple[str, str, float, float]]:
    """(name, hash, size, seconds) of each for a kind of problem; a config and its hash take a while."""
    return [
        (name, preset.config.hash, size(preset.config), preset.expected_seconds)
        for name, preset in presets().items()
        if preset.kind == problem
    ]


def _preset(job: Job) -> Expected:
    near = []
    for name, config_hash, whole, seconds in _of_presets(job.problem):
        if config_hash == job.config_hash:
            return Expected(seconds, f"the preset {name}, measured on two cores")
        if job.size and 1 / SIMILAR <= job.size / whole <= SIMILAR:
            near.append((abs(math.log(job.size / whole)), seconds * job.size / whole, name))
    if not near:
        return UNKNOWN
    _, seconds, name = min(near)
    return Expected(seconds, f"the preset {name}, measured on two cores, and their sizes")


def remaining(job: Job, progress: Mapping[str, Any] | None, whole: Expected, now: float) -> Expected:
    """What is left of a run that has begun, from the moment at which its progress was written.

    Its own pace counts the more the further it is, what runs like it took the more the earlier it is.

    Args:
        job: one at work, or one that waits to go on from its checkpoint.
        progress: what it says, `progress.json`.
        whole: what the whole of it is expected to take.
        now: Unix seconds.
    """
    if job.state in ("stopping", "pausing"):
        return Expected(STOPPING_S, "it writes its checkpoint and ends")
    progress = progress or {}
    done = min(1.0, progress.get("fraction", 0.0))
    pace = _own_pace(progress, done)
    taken = progress.get("wall_time_s", 0.0)
    if job.active and job.attempt == 1 and job.started is not None:
        taken = max(taken, progress.get("time", now) - job.started)
    before = None if whole.seconds is None or taken >= whole.seconds else whole.seconds - taken
    if before is None and pace is None:
        return Expected(None, whole.source if whole.seconds is None else "it takes longer than runs like it did")
    if before is None:
        return Expected(pace, "its own pace")
    if pace is None:
        return Expected(before, whole.source)
    return Expected((1 - done) * before + done * pace, f"its own pace and {whole.source}")


def _own_pace(progress: Mapping[str, Any], done: float) -> float | None:
    """Seconds left as the run itself says: its phase at the pace of now, later ones by their weight."""
    left, share = progress.get("eta_s"), progress.get("share")
    if left is not None and math.isfinite(left) and left >= 0 and share and progress.get("of"):
        phase = share * max(0.0, 1 - progress["done"] / progress["of"])
        later = max(0.0, 1 - done - phase)
        if phase > 0:
            return left + later * left / phase
    taken = progress.get("wall_time_s", 0.0)
    return taken * (1 - done) / done if done >= EARLY and taken > 0 else None


def ends(job: Job, progress: Mapping[str, Any] | None, experience: Experience, now: float) -> Due:
    """When a run at work ends."""
    slot = job.slot or ""
    whole = experience.whole(job, kind_of(slot))
    left = remaining(job, progress, whole, now)
    if left.seconds is None:
        return Due(job.started, None, slot, left.source)
    written = (progress or {}).get("time", now)
    since = now if job.state in ("stopping", "pausing") else max(written, job.started or 0)
    return Due(job.started, max(now + LEAST_S, since + left.seconds), slot, "", left.source)


def forecast(
    slots: Sequence[Slot],
    active: Mapping[str, Due],
    waiting: Sequence[Job],
    takes: Callable[[Job, str], Expected],
    ended: Mapping[str, str],
    now: float,
) -> dict[str, Due]:
    """When each waiting run begins and ends: the slots are played through the queue as their workers will.

    Args:
        slots: of the machine.
        active: run id → `ends` of each run at work.
        waiting: in the queue's order.
        takes: what a run takes in a slot of a kind.
        ended: run id → state of what waiting runs wait for and is neither active nor waiting.
        now: Unix seconds.
    """
    return _Play(slots, active, waiting, takes, ended, now).result()


class _Play:
    """One forecast in the making; ranks are places in `waiting`."""

    def __init__(
        self,
        slots: Sequence[Slot],
        active: Mapping[str, Due],
        waiting: Sequence[Job],
        takes: Callable[[Job, str], Expected],
        ended: Mapping[str, str],
        now: float,
    ):
        self._slots, self._waiting, self._takes, self._now = slots, waiting, takes, now
        self._due: dict[str, Due] = {}
        self._ready: dict[tuple[str, str], list[int]] = defaultdict(list)
        """By (device, engine) that is asked for."""
        self._coming: list[tuple[float, int]] = []
        self._children: dict[str, list[int]] = defaultdict(list)
        self._free: list[tuple[float, int]] = []
        self._idle: list[int] = []
        self._lost: list[tuple[float, Slot]] = []
        """Slots with a run of which nobody knows how long it takes, and from when on."""
        self._place_slots(active)
        places = {job.run_id for job in waiting}
        for rank, job in enumerate(waiting):
            self._place(rank, job, active, places, ended)

    def _place_slots(self, active: Mapping[str, Due]) -> None:
        taken = {due.slot: due.ends for due in active.values() if due.slot}
        for k, slot in enumerate(self._slots):
            if slot.name in taken and taken[slot.name] is None:
                self._lost.append((self._now, slot))
            elif slot.name in taken or not slot.busy:
                self._free.append((taken.get(slot.name, self._now), k))
            else:
                self._free.append((self._now, k))  # its worker is between two runs
        heapq.heapify(self._free)

    def _place(
        self, rank: int, job: Job, active: Mapping[str, Due], places: set[str], ended: Mapping[str, str]
    ) -> None:
        first = job.after_run
        if job.held:
            self._due[job.run_id] = Due(None, None, why="it is held")
        elif first is None or ended.get(first) == "finished" or (job.after_any and ended.get(first) in ENDED):
            self._comes(rank, job.due)
        elif first in active:
            if active[first].ends is not None:
                self._comes(rank, job.due, active[first].ends)
        elif first in places:
            self._children[first].append(rank)
        else:
            why = f"the run that it waits for is {ended.get(first, 'gone')}"
            self._due[job.run_id] = Due(None, None, why=why)

    def _comes(self, rank: int, *moments: float | None) -> None:
        """A run may begin once all of these have passed."""
        moment = max(self._now, *(moment or 0.0 for moment in moments))
        heapq.heappush(self._coming, (moment, rank))
        while self._idle:
            heapq.heappush(self._free, (moment, self._idle.pop()))

    def result(self) -> dict[str, Due]:
        while self._free:
            moment, k = heapq.heappop(self._free)
            while self._coming and self._coming[0][0] <= moment:
                rank = heapq.heappop(self._coming)[1]
                job = self._waiting[rank]
                heapq.heappush(self._ready[job.device, job.asked_engine], rank)
            slot = self._slots[k]
            served = [asked for asked, ranks in self._ready.items() if ranks and slot.takes(*asked)]
            if served:
                asked = min(served, key=lambda asked: self._ready[asked][0])
                self._begin(heapq.heappop(self._ready[asked]), k, moment)
            elif self._coming:
                heapq.heappush(self._free, (self._coming[0][0], k))
            else:
                self._idle.append(k)
        reached = {rank for ranks in self._ready.values() for rank in ranks}
        for rank, job in enumerate(self._waiting):
            if job.run_id not in self._due:
                self._due[job.run_id] = Due(None, None, why=self._why_never(job, rank in reached))
        return self._due

    def _begin(self, rank: int, k: int, moment: float) -> None:
        job, slot = self._waiting[rank], self._slots[k]
        takes = self._takes(job, kind_of(slot.name))
        latest = any(since <= moment and lost.takes(job.device, job.asked_engine) for since, lost in self._lost)
        if takes.seconds is None:
            self._lost.append((moment, slot))
            self._due[job.run_id] = Due(moment, None, slot.name, takes.source, latest=latest)
            return
        end = moment + max(takes.seconds, LEAST_S)
        self._due[job.run_id] = Due(moment, end, slot.name, "", takes.source, latest)
        for child in self._children.pop(job.run_id, ()):
            self._comes(child, self._waiting[child].due, end)
        heapq.heappush(self._free, (end, k))

    def _why_never(self, job: Job, reached: bool) -> str:
        """Why nobody can say when a run begins; `reached`: it has all it waits for but a slot."""
        if not any(slot.takes(job.device, job.asked_engine) for slot in self._slots):
            return f"no slot here takes a run for {job.device}"
        if reached:
            return "nobody knows when a slot is free"
        return "nobody knows when the run ends that it waits for"
