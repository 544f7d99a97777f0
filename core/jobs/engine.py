"""What an engine is: something with slots that runs attempts of jobs. Pause, resume and retry live above it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Seen = Literal["alive", "unstarted", "gone"]
"""What an engine sees of a claimed attempt: at work or watched over, never begun, or ended with nobody to say how."""


@dataclass(frozen=True)
class Slot:
    """A place where one run at a time can be."""

    name: str
    devices: tuple[str, ...]
    """Kinds of device requests that it serves: auto, cpu, cuda; none where only its present run may end in it."""
    busy: bool = False
    visible: str = ""
    """CUDA_VISIBLE_DEVICES of its runs; empty for a CPU slot, whose runs must not touch a GPU."""

    @property
    def gpu(self) -> str:
        """Name of its GPU, which `gpu0` and `gpu0:2` share; empty for a CPU slot."""
        return self.name.partition(":")[0] if self.name.startswith("gpu") else ""

    def serves(self, device: str) -> bool:
        """Whether a run with this device request can be here; `cuda:N` can be in the slots of gpuN alone."""
        kind, _, index = device.partition(":")
        return kind in self.devices and (not index or self.gpu == f"gpu{index}")


class Engine(Protocol):
    """The whole of what an engine must do. Raises StoreError from any method when its own state can't be used."""

    def capacity(self) -> list[Slot]:
        """Its slots."""

    def poll(self, run_id: str) -> Seen:
        """What became of the attempt of an active job; changes nothing."""

    def stop(self, run_id: str, grace_s: float) -> None:
        """Climb the next rung that is due, and note its time: SIGTERM, and SIGKILL `grace_s` seconds after it."""

    def ensure(self) -> None:
        """Start what is missing for waiting jobs to run; cheap when nothing is."""
