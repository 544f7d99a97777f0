"""The last minutes of the machine, for pages: sampled once a second while somebody looks, and for all who look."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from core.machine.gpu import GpuReading, Gpus
from core.machine.meter import Meter, Reading

EVERY_S = 1.0
KEPT = 300
"""Readings that are kept: five minutes."""
UNSEEN_S = 10.0
"""When nobody has looked for so long, nothing is sampled."""


@dataclass(frozen=True)
class Moment:
    """The machine and its GPUs at one moment."""

    machine: Reading
    gpus: tuple[GpuReading, ...]


class Recent:
    """The last minutes of the machine; one for a whole process.

    Args:
        disk: a path on the disk that matters.
        gpus: how GPUs are asked.
    """

    def __init__(self, disk: Path, gpus: Gpus | None = None):
        self._meter, self._gpus = Meter(disk), gpus or Gpus()
        self._moments: deque[Moment] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._seen = float("-inf")
        self._sampling = False
        self.error = ""
        """Why nothing is sampled, where that is so."""

    @property
    def trouble(self) -> str:
        """Why the GPUs can't be read, in one sentence; empty where they can, or where there are none."""
        return self._gpus.trouble

    def look(self) -> list[Moment]:
        """What is known, the oldest first; sampling goes on for some seconds, for who looks again."""
        with self._lock:
            self._seen = time.monotonic()
            if not self._sampling:
                self._sampling = True
                threading.Thread(target=self._sample, name="machine", daemon=True).start()
            return list(self._moments)

    def _sample(self) -> None:
        due = time.monotonic()
        while True:
            try:
                moment = Moment(self._meter.read(), tuple(self._gpus.all()))
            except Exception as error:  # a thread's error reaches nobody: whoever looks is told
                moment, self.error = None, f"{type(error).__name__}: {error}"
            with self._lock:
                if moment is not None:
                    self.error = ""
                    self._moments.append(moment)
                if time.monotonic() - self._seen > UNSEEN_S:
                    self._sampling = False
                    return
            due = max(due + EVERY_S, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))
