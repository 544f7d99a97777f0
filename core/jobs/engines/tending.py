"""Looks after the runs that clusters have: hands over, follows, stops, and settles what ended. Part of the courier.

One thread for each engine, so that one which does not answer holds up no other. The job table says which attempts an
engine should have, the engine says which it has, and the run's folder says what became of them (`verdicts`); so a
courier may be killed anywhere, and the next one goes on. An attempt is in the table before it is handed over, and is
handed over again under the same name where the engine does not know it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from core.errors import LabError, StoreError
from core.jobs import events, table
from core.jobs.database import keep as keep_row
from core.jobs.database import transaction
from core.jobs.engines import kept_view
from core.jobs.engines.cluster_engine import cluster_engines, cluster_of, free_slot, slots_of
from core.jobs.engines.contract import (
    Cluster,
    RefusedError,
    Said,
    UnreachableError,
    View,
    attempt_name,
)
from core.jobs.engines.lab_mark import lab_mark
from core.jobs.engines.ordering import order_of, takes_gpu
from core.jobs.engines.verdicts import Signs, Verdict, verdict
from core.jobs.job import Job
from core.jobs.looking_thread import LookingThread
from core.jobs.state import ASKED, Away, settle
from core.jobs.sync import tell_store
from core.jobs.waiting import HELD_BY_PERSON
from core.runs.states import ACTIVE

if TYPE_CHECKING:
    from core.cluster_settings import ClusterSettings

LOOK_S = 1.0
END_S = 1.0
"""Seconds that the courier's end waits for a look that has begun."""
AGAIN_S = 5.0
"""A run whose engine lost it before it began waits for so long before it is handed over again,"""
MOST_UNSTARTED = 3
"""and is held after so many times."""
MOST_AT_ONCE = 20
"""Runs handed over in one look, so that those that are at work are looked at meanwhile."""


@contextmanager
def tending() -> Iterator[None]:
    """Look after the runs of all engines of the settings while this block lasts."""
    manager = Tending()
    manager.start()
    try:
        yield
    finally:
        manager.end()
        manager.join(END_S)


class Tending(LookingThread):
    """Has a thread for each engine that the settings name, as they are now."""

    def __init__(self) -> None:
        super().__init__("engines", LOOK_S)
        self._threads: dict[str, EngineThread] = {}

    def look(self) -> None:
        """Begin and end threads as the settings say."""
        wanted = {engine.name: engine.settings for engine in cluster_engines()}
        for name, thread in list(self._threads.items()):
            if wanted.get(name) != thread.settings or not thread.is_alive():
                thread.end()
                del self._threads[name]
        for name in wanted.keys() - self._threads.keys():
            self._threads[name] = EngineThread(wanted[name])
            self._threads[name].start()

    def end(self) -> None:
        """Begin no more looks, at any engine."""
        super().end()
        for thread in self._threads.values():
            thread.end()


class EngineThread(LookingThread):
    """Looks after one engine.

    Args:
        settings: of the engine.
        cluster: who asks it.
        program: the run's program on a node, without its arguments (run id, attempt, perhaps `--fresh`).
    """

    def __init__(self, settings: ClusterSettings, cluster: Cluster | None = None, program: tuple[str, ...] = ()):
        super().__init__(f"engine {settings.name}", LOOK_S)
        self.settings = settings
        self.cluster = cluster or cluster_of(settings)
        self._program = program
        self._signs: dict[tuple[str, int], tuple[Any, float]] = {}
        """(run id, attempt) → its last sign of life, and when it was new by our own clock."""

    def look(self) -> None:
        """Ask the engine once, settle what ended, and hand over what may begin. Raises StoreError."""
        with events.acting_as(f"engine {self.settings.name}"):
            view = self._view()
            jobs = table.at_engine(self.settings.name)
            for job in jobs:
                try:
                    self._look_at(job, view)
                except StoreError:
                    raise
                except (LabError, OSError) as error:  # one run holds up no other
                    self.say(job.run_id, f"run {job.run_id[:8]} at {self.settings.name}: {error}")
            self._forget(jobs)
            if view is not None:
                self._hand_over(view)

    def _view(self) -> View | None:
        """The engine as it is; None where it can't be asked, which is kept for all to see."""
        try:
            view, trouble = self.cluster.look(), ""
        except (UnreachableError, RefusedError) as error:
            view, trouble = None, str(error)
        self.say("engine", trouble or f"engine {self.settings.name} answers")
        try:
            kept_view.keep(self.settings.name, view, trouble)
        except OSError as error:  # a full disk: what was seen is seen again
            print(f"what was seen of {self.settings.name} can't be kept: {error}", file=sys.stderr, flush=True)
        return view

    # -- an attempt that it has ---------------------------------------------------------------------------------------

    def _look_at(self, job: Job, view: View | None) -> None:
        said = None if view is None else view.attempts.get(attempt_name(job))
        if said is not None and said.lab and said.lab != lab_mark():
            self._back(job, self._foreign())
            return
        found = verdict(self._signs_of(job, view, said))
        match found.what:
            case "refused":
                self._back(job, found.word)
            case "unsubmitted":
                self._unsubmitted(job)
            case "pending":
                self._pending(job, found, said)
            case "at work":
                self._at_work(job, found, said)
            case "unstarted":
                self._back(job, found.word, held=job.retries >= MOST_UNSTARTED)
            case "gone":
                settle(job, found.returncode, away=Away(found.word, found.lost))

    def _signs_of(self, job: Job, view: View | None, said: Said | None) -> Signs:
        folder, now = job.folder, time.monotonic()
        beat = folder.heartbeat()
        sign = (beat["time"], beat["pid"]) if beat is not None and beat["attempt"] == job.attempt else None
        key = job.run_id, job.attempt
        if self._signs.get(key, (object(), 0.0))[0] != sign:
            self._signs[key] = sign, now
        return Signs(
            answers=view is not None,
            said=said,
            begun=folder.begun(job.attempt) is not None,
            word=folder.exit(job.attempt) is not None,
            refused=folder.refusal(job.attempt),
            silent_s=now - self._signs[key][1],
            killed=job.killed is not None,
        )

    def _forget(self, jobs: list[Job]) -> None:
        known = {(job.run_id, job.attempt) for job in jobs}
        for key in self._signs.keys() - known:
            del self._signs[key]

    def _unsubmitted(self, job: Job) -> None:
        """The engine does not know it and it has not begun: a courier was killed, or the engine forgot it."""
        if job.wanted:
            self._never_began(job)
        else:
            self._submit(job)

    def _pending(self, job: Job, found: Verdict, said: Said | None) -> None:
        if job.wanted:
            # the engine may let go of it only when its turn comes; it begins nothing then, as its row says
            self._never_began(job)
            if said is not None:
                self.cluster.terminate(attempt_name(job), pending=said.what == "pending")
            return
        self._note(job, found.word)

    def _at_work(self, job: Job, found: Verdict, said: Said | None) -> None:
        begun = job.folder.begun(job.attempt) or {}
        if job.engine_word or job.slot is None:
            node = said.node if said is not None and said.node else str(begun.get("host") or "unknown")
            slot = free_slot(self.settings, node, takes_gpu(job, self.settings), table.at_engine(self.settings.name))
            fields = {"engine_word": "", "slot": slot, "started": begun.get("time") or time.time()}
            event = ("engine", f"It began on {node}.")
            table.update(job.run_id, only_if=self._still(job), event=event, synced=0, **fields)
        if found.word:
            self.say(job.run_id, f"run {job.run_id[:8]}: {found.word}")
        if job.wanted:
            self._climb(job, said is not None)

    def _climb(self, job: Job, known: bool) -> None:
        """The next rung of the ladder that is due; its time is written down first, so that it is climbed once.

        The run's process reads its row too: it stops, and ends by the last rung, also where the engine does not answer
        or has lost it (`known` is false).
        """
        if job.terminated is None and known:
            rung = "terminated"
        elif job.killed is None and time.time() - (job.terminated or job.requested or 0.0) >= job.grace:
            rung = "killed"
        else:
            return
        still = self._still(job) | {"terminated": job.terminated, "killed": job.killed}
        if not (table.update(job.run_id, only_if=still, **{rung: time.time()}) and known):
            return
        try:
            if rung == "terminated":
                self.cluster.terminate(attempt_name(job), pending=False)
            else:
                self.cluster.kill(attempt_name(job))
        except UnreachableError:  # it is sent at the next look
            table.update(job.run_id, only_if={"attempt": job.attempt}, **{rung: None})
            raise

    def _note(self, job: Job, word: str) -> None:
        word = word or "pending"
        if word != job.engine_word:
            event = ("engine", f"{self.settings.name}: {word}")
            table.update(job.run_id, only_if=self._still(job), event=event, engine_word=word)

    def _never_began(self, job: Job) -> None:
        state = ASKED[job.wanted or "stop"]
        fields = {"state": state, "ended": time.time(), "wanted": None, "engine_word": "", "synced": 0}
        if table.update(job.run_id, only_if=self._still(job) | {"wanted": job.wanted}, **fields):
            tell_store(job.run_id)

    def _back(self, job: Job, why: str, held: bool = True) -> None:
        """Put an attempt that could not begin back into the queue: held with the reason, or for another place."""
        state = ASKED.get(job.wanted or "", "queued")
        with transaction() as connection:
            now = connection.execute("SELECT state, attempt FROM jobs WHERE run_id = ?", (job.run_id,)).fetchone()
            if now["attempt"] != job.attempt or now["state"] not in ACTIVE:
                return
            held = held and state == "queued"
            fields = {"state": state, "reason": why, "wanted": None, "slot": None, "engine_word": "", "synced": 0}
            fields |= {"held": HELD_BY_PERSON} if held else {}
            fields |= {"ended": time.time()} if state != "queued" else {}
            fields |= (
                {"retries": job.retries + 1, "due": time.time() + AGAIN_S} if state == "queued" and not held else {}
            )
            table.set_fields(connection, job.run_id, **fields)
            events.record(connection, job.run_id, "held" if held else "state", now["state"], state, why)
            keep_row(connection, job.run_id)
        tell_store(job.run_id)

    def _foreign(self) -> str:
        return (
            f"{self.settings.name} has an attempt of this name from another lab, one that this home was copied from or "
            "to, so it was not handed over. Release it to try again under the next name."
        )

    @staticmethod
    def _still(job: Job) -> dict[str, Any]:
        return {"attempt": job.attempt, "state": ACTIVE}

    # -- what may begin -----------------------------------------------------------------------------------------------

    def _hand_over(self, view: View) -> None:
        for _ in range(MOST_AT_ONCE):
            room = self._room(view)
            job = table.claim_for(self.settings.name, lambda device, asked, room=room: _takes(room, device, asked))
            if job is None or not self._submit(job):
                return

    def _room(self, view: View) -> tuple[set[str], bool, bool]:
        """(kinds of device requests that it serves, whether it takes one more that asks for it, one more at all)."""
        slots = slots_of(self.settings, (node for node in view.nodes if node.up))
        at_work = len(table.at_engine(self.settings.name))
        most = self.settings.most or len(slots) + 1
        kinds = {kind for _, served in slots for kind in served}
        return kinds, at_work < most, at_work < min(most, len(slots))

    def _submit(self, job: Job) -> bool:
        """Hand an attempt over; False where the engine did not take it, and others are not to be tried now."""
        try:
            self.cluster.submit(order_of(job, self.settings, lab_mark(), self._program))
        except RefusedError as error:
            self._back(job, f"{self.settings.name} did not take it. {error} Put that right, then release the run.")
            return False
        except UnreachableError as error:  # it may have it; the next look tells
            self.say(job.run_id, f"run {job.run_id[:8]}: {error}")
            return False
        return True


def _takes(room: tuple[set[str], bool, bool], device: str, asked: bool) -> bool:
    kinds, one_more, free = room
    kind, _, index = device.partition(":")
    return kind in kinds and not index and (one_more if asked else free)
