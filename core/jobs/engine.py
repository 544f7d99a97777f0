"""What an engine is: something with slots that runs attempts of jobs. Pause, resume and retry live above it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Slot:
    """A place where one run at a time can be."""

    name: str
    devices: tuple[str, ...]
    """Device requests that it serves: auto, cpu, cuda."""
    busy: bool = False


class Engine(Protocol):
    """The whole of what an engine must do."""

    def capacity(self) -> list[Slot]:
        """Its slots."""

    def submit(self, run_id: str, attempt: int) -> None:
        """Have an attempt of a queued job run as soon as a slot is free; asking twice changes nothing."""

    def poll(self) -> None:
        """Bring the job table up to date with what became of processes."""

    def stop(self, run_id: str, grace_s: float) -> None:
        """Climb the next rung that is due: SIGTERM, and SIGKILL after `grace_s` seconds."""

    def logs(self, run_id: str, offset: int, limit: int) -> tuple[bytes, int]:
        """Output from a byte offset on, and the offset to continue from."""

    def ensure(self) -> None:
        """Start what is missing for waiting jobs to run; cheap when nothing is."""
