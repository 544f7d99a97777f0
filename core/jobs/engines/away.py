"""A run's own side where it can't see the job table: on a node of a cluster, with the run's folder alone.

The folder has the run's row (`job.json`), which the lab writes with each change. The process begins an attempt at most
once, obeys what the row says, and ends at once when the row says that the attempt is no longer its own: whoever has it
then must not find another one writing.
"""

from __future__ import annotations

import os
import platform
import signal
import sys
import time
from typing import Any, Literal

from core.errors import LabError
from core.jobs.engines.programs import differences, versions
from core.jobs.process import boot_id, leader, started_at
from core.runs import RunFolder
from core.runs.states import ACTIVE

ENGINE = "LAB_ENGINE"
"""Variable of a run's process: the engine that has it, where that is not this machine's."""
LAG_S = 60.0
"""A shared disk may show a change so many seconds later."""
FENCED = 75
"""Exit status of a process whose attempt is another's by now."""


def engine_here() -> str:
    """The engine that has this process; empty for this machine's own."""
    return os.environ.get(ENGINE, "")


def refuse_if_differs(folder: RunFolder, attempt: int) -> None:
    """Raise LabError, and leave the reason for the lab, where this node's programs are not the lab's."""
    order = folder.order(attempt)
    known = (order or {}).get("versions")
    if not isinstance(known, dict):
        return
    if found := differences(versions(), known):
        why = (
            f"Node {platform.node()} of {engine_here()} has {found}, so the run did not begin there. "
            "Put the same there as here, then release the run."
        )
        folder.refuse_attempt(attempt, why)
        raise LabError(why)


class FolderDesk:
    """What the lab wants of an attempt, and what the attempt tells the lab, by files in the run's folder."""

    def __init__(self, folder: RunFolder, attempt: int):
        self._folder, self._attempt = folder, attempt

    def begin(self) -> bool:
        """Whether this process has the attempt; False where another has, or the lab does not expect it any more."""
        end = time.monotonic() + LAG_S
        while ((row := self._row()) is None or row["attempt"] < self._attempt) and time.monotonic() < end:
            time.sleep(0.5)
        if row is None or not self._ours(row):
            return False
        facts = {
            "engine": engine_here(),
            "host": platform.node(),
            "pid": leader(),
            "pid_started": started_at(leader()),
            "boot": boot_id(),
            "time": time.time(),
        }
        return self._folder.begin_attempt(self._attempt, facts)

    def wanted(self) -> Literal["stop", "pause"] | None:
        """What the lab wants; a row that can't be read says nothing."""
        row = self._row()
        return None if row is None else ("stop" if not self._ours(row) else row.get("wanted"))

    def look_after(self) -> None:
        """With each heartbeat: end this process where the attempt is not its own any more, or was to be killed."""
        row = self._row()
        if row is None:
            return
        if not self._ours(row) and self._folder.exit(self._attempt) is None:
            print("the lab has given this attempt up; it ends without another checkpoint", file=sys.stderr, flush=True)
            os._exit(FENCED)
        if row.get("killed") and row["attempt"] == self._attempt:
            os.kill(leader(), signal.SIGKILL)

    def conclude(self, state: str, reason: str) -> None:
        """Nothing: the last word in the folder tells the lab."""

    def tell(self) -> None:
        """Nothing: the lab tells its store."""

    def _ours(self, row: dict[str, Any]) -> bool:
        return row["attempt"] == self._attempt and row["state"] in ACTIVE

    def _row(self) -> dict[str, Any] | None:
        row = self._folder.job()
        sound = row is not None and isinstance(row.get("attempt"), int) and isinstance(row.get("state"), str)
        return row if sound else None
