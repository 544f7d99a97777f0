"""The run's own side of its job: obeys stop and pause, keeps a heartbeat, says how it ended."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from types import FrameType, TracebackType
from typing import Any, Literal, Protocol

from core.errors import LabError, RankLostError, StoreError, sentence
from core.jobs import table
from core.jobs.death import heartbeat
from core.jobs.detached import ensure_courier
from core.jobs.engines.away import FolderDesk, engine_here
from core.jobs.process import boot_id, leader, started_at
from core.jobs.state import conclude
from core.jobs.sync import tell_store
from core.runs import RunFolder
from core.runs.states import ACTIVE

HEARTBEAT_S = 2.0
BEATS_PER_COURIER = 5
"""A run that lives so many heartbeats sees to it that there is a courier."""
OBEYED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Signals that mean stop; the last one comes when a terminal or its connection is gone."""
UNREPORTED = "It was trained and its checkpoint kept; its process ended before its report was written."

LOOK_S = 1.0
"""The table is asked at most this often: a run whose worker died still obeys, and no iteration waits for a disk."""


class Desk(Protocol):
    """Where a run's process hears what is wanted of it, and says what it does: the job table, or the run's folder."""

    def begin(self) -> bool:
        """Whether this process has the attempt."""

    def wanted(self) -> Literal["stop", "pause"] | None:
        """What is wanted of it. Raises StoreError."""

    def look_after(self) -> None:
        """Every few seconds, on a thread of its own: see to what must go on beside the run."""

    def conclude(self, state: str, reason: str) -> None:
        """The attempt has ended. Raises StoreError."""

    def tell(self) -> None:
        """There is something for the store."""


class TableDesk:
    """The job table, for a run of this machine."""

    def __init__(self, folder: RunFolder, attempt: int):
        self._run_id, self._attempt = folder.run_id, attempt
        self._looks = 0

    def begin(self) -> bool:
        """Note this process in the job's row; False where the table does not expect the attempt."""
        return table.update(
            self._run_id,
            only_if={"attempt": self._attempt, "state": ACTIVE},
            pid=leader(),
            pid_started=started_at(leader()),
            boot=boot_id(),
        )

    def wanted(self) -> Literal["stop", "pause"] | None:
        """As the row says. Raises StoreError."""
        job = table.get(self._run_id)
        if job.attempt != self._attempt or not job.active:
            return "stop"  # another attempt has taken over
        return job.wanted

    def look_after(self) -> None:
        """See to it that there is a courier, once the run has lived for a while."""
        if self._looks and self._looks % BEATS_PER_COURIER == 0:
            ensure_courier()
        self._looks += 1

    def conclude(self, state: str, reason: str) -> None:
        """End the attempt in the table. Raises StoreError."""
        conclude(self._run_id, self._attempt, state, reason)

    def tell(self) -> None:
        """Have the store told."""
        tell_store(self._run_id)


class RunControl:
    """Context of a run's process, in its main thread. Leaving it by an exception ends the run `failed`.

    Args:
        folder: the run's.
        attempt: which attempt this is.

    Raises:
        LabError: on entry, when the table does not expect this attempt.
    """

    def __init__(self, folder: RunFolder, attempt: int):
        self.folder = folder
        self.run_id = folder.run_id
        self.attempt = attempt
        self._desk: Desk = FolderDesk(folder, attempt) if engine_here() else TableDesk(folder, attempt)
        self._signalled = False
        self._wanted: Literal["stop", "pause"] | None = None
        self._looked = float("-inf")
        self._said = False
        self._trained: Literal["finished", "stopped", "paused"] | None = None
        self._done = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> RunControl:
        mine = self._desk.begin()
        if not mine:
            raise LabError(f"Run {self.run_id} is not waiting for attempt {self.attempt}; another process has it.")
        with contextlib.suppress(OSError):  # a full disk ends the run soon, and says so itself
            self.folder.take_room()
        for number in OBEYED:
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                self._previous[number] = signal.signal(number, self._on_signal)
        self._heart.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._trained:
                why = [sentence(error)] if isinstance(error, Exception) else []
                self.finish(self._trained, " ".join([UNREPORTED, *why]))
            elif isinstance(error, KeyboardInterrupt):
                self.finish("stopped", "Interrupted before it could write another checkpoint.")
            elif isinstance(error, RankLostError):
                self._crashed(sentence(error))
            elif error is not None:
                self.finish("failed", sentence(error))
            else:
                self.finish("failed", "It ended without a result.")
        finally:
            self._done.set()
            self._heart.join()
            for number, handler in self._previous.items():
                signal.signal(number, handler or signal.SIG_DFL)

    def wanted(self) -> Literal["stop", "pause"] | None:
        """What the run has been asked to do; cheap enough for every iteration."""
        now = time.monotonic()
        if self._wanted is None and (self._signalled or now - self._looked >= LOOK_S):
            self._looked = now
            self._wanted = self._asked()
        return self._wanted

    def _asked(self) -> Literal["stop", "pause"] | None:
        try:
            wanted = self._desk.wanted()
        except StoreError as error:  # no reason to end hours of training: ask again later
            print(error, file=sys.stderr, flush=True)
            wanted = None
        # a signal that nobody recorded a wish for (Ctrl-C, a shutdown) means stop
        return wanted or ("stop" if self._signalled else None)

    def trained(self, state: Literal["finished", "stopped", "paused"]) -> None:
        """Training is over and its checkpoint kept: the run is `state`, whatever befalls its figures and pictures."""
        self._trained = state
        try:
            self.folder.write_exit(self.attempt, state, UNREPORTED)  # counts if the process is gone before `finish`
        except OSError as error:  # `finish` tries again
            print(f"{self.run_id}: {error}", file=sys.stderr, flush=True)

    def finish(self, state: Literal["finished", "stopped", "paused", "failed"], reason: str = "") -> None:
        """Say how the run ended, once: exit.json first, which survives everything, then the table, then the store.

        Raises OSError when the disk does not take it at all; the first word said counts.
        """
        if self._said:
            return
        self._said = True
        with contextlib.suppress(StoreError):
            if state == "paused" and self._desk.wanted() == "stop":
                state = "stopped"  # the wish changed while the checkpoint was being written
        try:
            self.folder.write_exit(self.attempt, state, reason)
        except OSError:
            self._desk.conclude(state, reason)
            raise
        try:
            self._desk.conclude(state, reason)
        except StoreError as error:  # whoever looks next finds the word in the folder
            print(error, file=sys.stderr, flush=True)
        self.folder.leave_room()
        self._desk.tell()

    def _crashed(self, reason: str) -> None:
        """Say why in the folder alone: whoever sees the process gone settles it, and may try again."""
        self._said = True
        self.folder.write_exit(self.attempt, "crashed", reason)
        self.folder.leave_room()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signalled = True
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # a second Ctrl-C does not wait for the step

    def _beat(self) -> None:
        waiting = True
        while waiting:
            self._desk.look_after()
            with contextlib.suppress(OSError):  # the next beat tries again
                self.folder.beat(heartbeat(self.attempt, self.folder.path))
            waiting = not self._done.wait(HEARTBEAT_S)
