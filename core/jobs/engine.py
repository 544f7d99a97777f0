"""What an engine is: something with slots that runs attempts of jobs. Pause, resume and retry live above it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

Seen = Literal["alive", "unstarted", "gone"]
"""What an engine sees of a claimed attempt: at work or watched over, never begun, or ended with nobody to say how."""


@dataclass(frozen=True)
class Slot:
    """A place where one run at a time can be."""

    name: str
    devices: tuple[str, ...]
    """Kinds of device requests that it serves: auto, cpu, cuda."""
    busy: bool = False
    visible: str = ""
    """CUDA_VISIBLE_DEVICES of its runs; empty for a CPU slot, whose runs must not touch a GPU."""

    def serves(self, device: str) -> bool:
        """Whether a run with this device request can be here; `cuda:N` can be in slot gpuN alone."""
        kind, _, index = device.partition(":")
        return kind in self.devices and (not index or self.name == f"gpu{index}")


class Engine(Protocol):
    """The whole of what an engine must do. Raises StoreError from any method when its own state can't be used."""

    def capacity(self) -> list[Slot]:
        """Its slots."""

    def submit(self, run_id: str, attempt: int) -> None:
        """Have an attempt of a queued job run as soon as a slot is free; asking twice changes nothing."""

    def poll(self, run_ids: Iterable[str]) -> dict[str, Seen]:
        """What became of the attempts of these active jobs; changes nothing."""

    def stop(self, run_id: str, grace_s: float) -> None:
        """Climb the next rung that is due, and note its time: SIGTERM, and SIGKILL `grace_s` seconds after it."""

    def logs(self, run_id: str, offset: int, limit: int) -> tuple[bytes, int]:
        """Output from a byte offset on, and the offset to continue from."""

    def ensure(self) -> None:
        """Start what is missing for waiting jobs to run; cheap when nothing is."""
