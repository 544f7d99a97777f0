"""Samples the machine into the folders of active runs: by a slot's worker, and by the courier where there is none.

A run has one sampler at a time, by the lock of its `machine.csv`. So whoever is killed, somebody goes on: the courier
looks after runs whose worker is gone, and after those that train in their caller's own process.
"""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import LabError
from core.jobs import events
from core.jobs.database import transaction
from core.jobs.job import Job
from core.machine import NO_GPU, Gpus, Meter
from core.runs import RunFolder
from core.runs.machine_file import interval_s, open_readings

MB = 2**20
LITTLE = MB
"""Bytes; with less free on the disk nothing is written: the last of them are the run's."""
END_S = 0.5
"""Seconds that a run's end waits for a reading that has begun; a driver may hang."""


@contextmanager
def sampled(job: Job, pid: int, visible: str) -> Iterator[None]:
    """Sample the machine while this block lasts. Nothing that goes wrong there reaches the block.

    Args:
        job: the run.
        pid: its process.
        visible: the CUDA_VISIBLE_DEVICES that it was given.
    """
    sampler = Sampler(job, pid, visible)
    sampler.start()
    try:
        yield
    finally:
        sampler.end()


class Attendance:
    """Samples for active runs that nobody else samples for."""

    def __init__(self) -> None:
        self._samplers: dict[tuple[str, int], Sampler] = {}

    def look(self, jobs: Iterable[Job]) -> None:
        """Begin for runs that are at work, end for those that are not; cheap, for every few seconds.

        Args:
            jobs: at least all active ones.
        """
        active = {(job.run_id, job.attempt): job for job in jobs if job.active and job.pid and not job.elsewhere}
        for key in self._samplers.keys() - active.keys():
            self._samplers.pop(key).end()
        for key, job in active.items():
            sampler = self._samplers.get(key)
            if sampler is None or not sampler.is_alive():  # the last one found that another process samples
                self._samplers[key] = Sampler(job, job.pid, _visible(job))
                self._samplers[key].start()


class Sampler(threading.Thread):
    """Appends a reading to a run's `machine.csv` each second, until `end` or until its process is gone.

    Ends at once where another process samples for the run.
    """

    def __init__(self, job: Job, pid: int, visible: str, gpus: Gpus | None = None):
        super().__init__(name="machine", daemon=True)
        self._job, self._pid, self._visible = job, pid, visible
        self._gpus = gpus or Gpus()
        self._clock = TrainingClock(job.folder, job.started or 0.0)
        self._done = threading.Event()
        self._said: set[str] = set()

    def end(self) -> None:
        """End; a reading that hangs is left behind."""
        self._done.set()
        self.join(END_S)

    def run(self) -> None:
        """Sample."""
        writer = None
        try:
            meter = Meter(self._job.folder.path, self._pid)
            meter.read()  # CPU is what was taken since
            due = time.monotonic()
            while True:
                try:
                    writer = writer or open_readings(self._job.folder.machine)
                    if writer is None:
                        return
                except OSError as error:
                    self._unwritten(error)
                rows = 0 if writer is None else writer.rows
                due = max(due + interval_s(rows), time.monotonic())  # after a suspension none is made up for
                if self._done.wait(due - time.monotonic()):
                    return
                values = self._values(meter)
                if not meter.alive:
                    return
                if writer is None or values["disk_free_mb"] * MB < LITTLE:
                    continue
                try:
                    writer.add(values)
                except OSError as error:
                    self._unwritten(error)
        except Exception as error:  # a defect here must not become one of the run's
            self._say(f"the machine is sampled no longer: {type(error).__name__}: {error}")
        finally:
            if writer is not None:
                writer.close()

    def _values(self, meter: Meter) -> dict[str, float]:
        now, gpu = meter.read(), self._gpus.read(self._visible) if self._visible else NO_GPU
        if self._gpus.trouble:
            self._tell(f"GPU not read: {self._gpus.trouble} Its readings are missing meanwhile; the run goes on.")
        return {
            "time": now.time,
            "wall_time_s": self._clock.now(),
            "attempt": self._job.attempt,
            "cpu_percent": now.cpu,
            "run_cpu_percent": now.run_cpu,
            "memory_used_mb": now.memory_used / MB,
            "memory_total_mb": now.memory_total / MB,
            "run_memory_mb": now.run_memory / MB,
            "disk_free_mb": now.disk_free / MB,
            "gpu_percent": gpu.load,
            "gpu_memory_used_mb": gpu.memory_used / MB,
            "gpu_memory_total_mb": gpu.memory_total / MB,
            "gpu_temperature_c": gpu.temperature,
            "gpu_power_w": gpu.power,
        }

    def _unwritten(self, error: OSError) -> None:
        """A full or read-only disk: the next reading tries again."""
        self._say(f"the machine's readings can't be written: {(error.strerror or str(error)).lower()}")

    def _tell(self, why: str) -> None:
        """An event of the run, and a line in this process's log, once."""
        if self._say(why):
            with suppress(LabError), transaction() as connection:
                events.record(connection, self._job.run_id, "machine", why=why)

    def _say(self, what: str) -> bool:
        new = what not in self._said
        if new:
            self._said.add(what)
            print(f"{self._job.run_id}: {what}", file=sys.stderr, flush=True)
        return new


class TrainingClock:
    """Seconds that a run has trained, as its history counts them, told from outside.

    `progress.json` says them now and then. In between, and after training, the time that passes here is added, by a
    clock that stands still while the machine sleeps, as the run's own does, and that nobody can set.

    Args:
        folder: the run's.
        begun: Unix time at which the attempt began; what was said before is another attempt's.
    """

    def __init__(self, folder: RunFolder, begun: float):
        self._folder, self._begun = folder, begun
        self._at_first = folder.progress()
        self._known: float | None = None
        self._at = self._looked = time.monotonic()

    def now(self) -> float:
        """Seconds; NaN before the attempt trains."""
        said, now = self._folder.progress(), time.monotonic()
        # the clock may have been set back meanwhile, so what is new is believed whatever its time
        ours = said is not None and (said != self._at_first or said.get("time", 0.0) >= self._begun)
        if ours and said.get("wall_time_s") not in (None, self._known):
            ago = time.time() - said.get("time", 0.0)
            self._known = said["wall_time_s"]
            self._at = now - (min(ago, now - self._looked) if ago > 0 else 0.0)
        self._looked = now
        return math.nan if self._known is None else self._known + now - self._at


def _visible(job: Job) -> str:
    """The CUDA_VISIBLE_DEVICES of an active run, of which only the table is known."""
    from core.jobs.engines.local import LocalEngine

    if job.slot:
        return next((slot.visible for slot in LocalEngine().capacity() if slot.name == job.slot), "")
    try:
        variables = Path(f"/proc/{job.pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    given = [each.partition(b"=")[2].decode() for each in variables if each.startswith(b"CUDA_VISIBLE_DEVICES=")]
    return given[0] if given else Gpus().of_process(job.pid)
