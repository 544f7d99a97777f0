"""What an engine is: something with slots that runs attempts of jobs. Pause, resume and retry live above it.

An attempt is known everywhere by its name, `RUN-aN`, which no two attempts share: whoever starts one again under its
name starts nothing twice. What becomes of it stands in the run's folder, which engine and lab share: log, heartbeat,
history, checkpoints, last word. An engine says the rest: where it is, and how its process ended.

Two kinds keep this contract. The local engine (`local`) has processes of this machine. A cluster's engine
(`cluster_engine`) is asked through a `Cluster`, by the courier alone (`tending`): its answers may take seconds, for
which neither a page nor a command waits. Both read what the courier saw last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from core.errors import LabError

if TYPE_CHECKING:
    from core.jobs.job import Job

LOCAL, INLINE, AUTO = "local", "inline", "auto"
"""The engine of this machine; a run in its caller's own process, which has no slot; any engine, the first that is free.
"""
Seen = Literal["alive", "unstarted", "gone"]
"""What an engine sees of a claimed attempt: at work or watched over, never begun, or ended with nobody to say how."""


class UnreachableError(LabError):
    """An engine gave no answer: what it was asked for may have been done or not."""


class RefusedError(LabError):
    """An engine answered that it won't: a wrong token, a partition that it does not have."""


@dataclass(frozen=True)
class Slot:
    """A place where one run at a time can be."""

    name: str
    """`cpu0`, `gpu0:2` of this machine; `ENGINE/NODE/gpu0` of a cluster."""
    devices: tuple[str, ...]
    """Kinds of device requests that it serves: auto, cpu, cuda; none where only its present run may end in it."""
    busy: bool = False
    visible: str = ""
    """CUDA_VISIBLE_DEVICES of its runs; empty for a CPU slot, whose runs must not touch a GPU."""
    engine: str = LOCAL
    """Name of the engine that it belongs to."""

    @property
    def gpu(self) -> str:
        """Name of this machine's GPU, which `gpu0` and `gpu0:2` share; empty for a CPU slot, and for a cluster's."""
        return self.name.partition(":")[0] if self.name.startswith("gpu") else ""

    def serves(self, device: str) -> bool:
        """Whether a run with this device request can be here; `cuda:N` can be in the slots of gpuN alone."""
        kind, _, index = device.partition(":")
        return kind in self.devices and (not index or self.gpu == f"gpu{index}")

    def takes(self, device: str, asked_engine: str) -> bool:
        """Whether a run with this device request, that asks for this engine or any, can be here."""
        return asked_engine in (self.engine, AUTO) and self.serves(device)


class Engine(Protocol):
    """The whole of what an engine must do. Raises StoreError from any method when its own state can't be used."""

    def capacity(self) -> list[Slot]:
        """Its slots; at once, also where the engine itself does not answer."""

    def poll(self, run_id: str) -> Seen:
        """What became of the attempt of an active job; changes nothing."""

    def stop(self, run_id: str, grace_s: float) -> None:
        """Climb the next rung that is due, and note its time: SIGTERM, and SIGKILL `grace_s` seconds after it."""

    def ensure(self) -> None:
        """See to it that waiting jobs are started; cheap when there is nothing to do."""


# -- clusters ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Node:
    """A machine of a cluster."""

    name: str
    up: bool
    cpus: int
    gpus: int
    memory_gb: float
    word: str = ""
    """What the engine says of it: alive, idle, drained …"""
    kind: str = ""
    """Of its GPUs, where the engine says it."""


@dataclass(frozen=True)
class Said:
    """What a cluster says of an attempt."""

    what: Literal["pending", "running", "ended"]
    word: str = ""
    """Its own words: why it is pending, how it ended."""
    node: str = ""
    returncode: int | None = None
    """As of `subprocess`, where the cluster saw its process end."""
    lost: bool = False
    """It ended since its node is gone, or the cluster lost sight of it: its process may still be at work."""
    lab: str | None = None
    """Mark of the lab that handed it over; None where the engine does not keep it."""


@dataclass(frozen=True)
class View:
    """A cluster at one moment."""

    nodes: tuple[Node, ...]
    attempts: Mapping[str, Said]
    """By the attempt's name; other people's jobs are left out."""
    version: str = ""


@dataclass(frozen=True)
class Order:
    """An attempt as it is handed over."""

    name: str
    command: tuple[str, ...]
    """The program and its arguments, as the node knows them."""
    environment: Mapping[str, str]
    source: Path
    """The folder in which it begins."""
    log: Path
    """What it prints goes here, behind what is there."""
    lab: str
    """Mark of this lab."""
    gpus: int = 0
    cpus: int = 1
    memory_gb: float | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


class Cluster(Protocol):
    """What a cluster is asked. Every call may take seconds, and may raise UnreachableError or RefusedError."""

    def look(self) -> View:
        """Its nodes and the attempts that it knows."""

    def submit(self, order: Order) -> None:
        """Take an attempt into its queue; one of the same name that it has already is left as it is."""

    def terminate(self, name: str, *, pending: bool) -> None:
        """Send SIGTERM to an attempt's process, or take one that is still pending out of the queue."""

    def kill(self, name: str) -> None:
        """End an attempt's processes at once."""


def attempt_name(job: Job) -> str:
    """The name under which every engine knows a job's present attempt."""
    return f"{job.run_id}-a{job.attempt}"
