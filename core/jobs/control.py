"""The run's own side of its job: obeys stop and pause, keeps a heartbeat, says how it ended."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from pathlib import Path
from typing import Literal

from core.errors import LabError
from core.home import home
from core.jobs import table
from core.jobs.job import write_json
from core.jobs.process import boot_id, started_at

HEARTBEAT_S = 2.0
LOOK_S = 1.0
"""The table is asked at most this often: a run whose worker died still obeys, and no iteration waits for a disk."""


class RunControl:
    """Context of a run's process.

    Args:
        run_id: the run.
        attempt: which attempt this is.
    """

    def __init__(self, run_id: str, attempt: int):
        self.run_id = run_id
        self.attempt = attempt
        self._folder: Path = home().run_dir(run_id)
        self._signalled = False
        self._wanted: Literal["stop", "pause"] | None = None
        self._looked = 0.0
        self._said: str | None = None
        self._done = threading.Event()
        self._previous: dict[int, object] = {}

    def __enter__(self) -> RunControl:
        mine = table.update(
            self.run_id,
            only_if={"attempt": self.attempt, "state": ("running", "pausing", "stopping")},
            pid=os.getpid(),
            pid_started=started_at(os.getpid()),
            boot=boot_id(),
        )
        if not mine:
            raise LabError(f"Run {self.run_id} is not waiting for attempt {self.attempt}; another process has it.")
        for number in (signal.SIGTERM, signal.SIGINT):
            self._previous[number] = signal.signal(number, self._on_signal)
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None and self._said is None:
            if not isinstance(error, LabError):
                traceback.print_exception(error)
            self.finish("failed", _sentence(error))
        self._done.set()
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def wanted(self) -> Literal["stop", "pause"] | None:
        """What the run has been asked to do; cheap enough for every iteration."""
        now = time.monotonic()
        if self._wanted is None and (self._signalled or now - self._looked >= LOOK_S):
            self._looked = now
            asked = table.get(self.run_id).wanted
            # a signal that nobody recorded a wish for (Ctrl-C, a shutdown) means stop
            self._wanted = asked if asked in ("stop", "pause") else ("stop" if self._signalled else None)
        return self._wanted

    def finish(self, state: str, reason: str) -> None:
        """Say how the run ended: exit.json first, which survives everything, then the table, then the store."""
        self._said = state
        write_json(self._folder / "exit.json", {"state": state, "reason": reason, "attempt": self.attempt})
        table.update(
            self.run_id,
            only_if={"attempt": self.attempt},
            state=state,
            reason=reason,
            ended=time.time(),
            wanted=None,
            synced=0,
        )
        from core.jobs.local import tell_store

        tell_store(self.run_id, state, reason)

    def _on_signal(self, number: int, frame: object) -> None:
        self._signalled = True

    def _beat(self) -> None:
        heartbeat = self._folder / "heartbeat"
        while not self._done.wait(HEARTBEAT_S):
            heartbeat.touch()


def _sentence(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, LabError) else f"{type(error).__name__}: {text}"[:500]
