"""The processes of one run: who they are, and how tensors get from one to the others."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import FrameType

import psutil
import torch
import torch.distributed as dist
from torch import Tensor

from core.errors import RankLostError, TrainingError
from core.training.state import Wanted

RENDEZVOUS = "LAB_RENDEZVOUS"
"""Variable of a run's processes: a file by which they find each other; without it torchrun's own variables do."""
PATIENCE = datetime.timedelta(days=100)
"""A process waits so long for the next call: the first may compute alone for hours. One that is gone is seen at once,
since its connections are closed."""
OBEYED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
END, HERE = 0, 1
"""Calls that are none of a part: `core.training.spread.calls` has all."""
ABOUT = 1024
"""Bytes in which a process says who it is."""
SEEN_S = 2.0
"""Seconds in which a process that is gone is looked for."""


@dataclass(frozen=True)
class Place:
    """A process's own place among the others, as its launcher says it."""

    rank: int
    world: int
    local: int
    """Among those of its machine."""

    @classmethod
    def told(cls) -> Place | None:
        """This process's; None where it was not started as one of several."""
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
        found = [os.environ.get(name, "") for name in names]
        if not all(text.isdigit() for text in found):
            return None
        place = cls(*map(int, found))
        return place if place.world > 1 else None


class Ranks:
    """This process and the others of its run.

    Args:
        place: this one's.
        cuda: whether each computes on a GPU of its own (NCCL), or on the CPU (gloo).
        about: what must be the same in all of them, by name, such as versions.
        sizes: processes that stages ask for, where they say a number; the largest gets all that there are.

    Raises:
        TrainingError: there are not enough GPUs, or (in the first process) another one has other versions.
        RankLostError: another one went away meanwhile.
    """

    def __init__(self, place: Place, cuda: bool, about: dict[str, str], sizes: Sequence[int] = ()):
        self.rank, self.world, self._most = place.rank, place.world, max(sizes, default=place.world)
        self.device = torch.device("cpu")
        if cuda:
            if place.local >= torch.cuda.device_count():
                raise TrainingError(
                    f"Process {place.rank + 1} of {place.world} finds {torch.cuda.device_count()} GPUs here, and each "
                    "needs its own. Ask for fewer processes, or for a slot with more GPUs."
                )
            torch.cuda.set_device(place.local)
            self.device = torch.device("cuda", place.local)
        self.asked = False
        """Whether a signal has asked this process, or another, to stop."""
        backend = "cpu:gloo,cuda:nccl" if cuda else "gloo"
        path = os.environ.get(RENDEZVOUS)
        with self.together():
            dist.init_process_group(
                backend,
                init_method=f"file://{path}" if path else "env://",
                rank=self.rank,
                world_size=self.world,
                timeout=PATIENCE,
            )
            smaller = {size for size in sizes if size < self.world}
            self._groups = {size: dist.new_group(range(size)) for size in sorted({*smaller, self.world})}
            self._others = self._introduced(about)

    def _introduced(self, about: dict[str, str]) -> list[dict]:
        """Who all are; the first raises TrainingError where one of them computes with something else."""
        own = {"host": socket.gethostname(), "pid": os.getpid(), "about": about}
        sent = torch.zeros(ABOUT, dtype=torch.uint8)
        text = json.dumps(own).encode()[:ABOUT]
        sent[: len(text)] = torch.frombuffer(bytearray(text), dtype=torch.uint8)
        received = [torch.empty_like(sent) for _ in range(self.world)]
        dist.all_gather(received, sent)
        found = [json.loads(bytes(each.tolist()).rstrip(b"\0")) for each in received]
        for rank, other in enumerate(found if self.rank == 0 else ()):
            for name, value in about.items():
                if other["about"].get(name) != value:
                    raise TrainingError(
                        f"Process {rank + 1} of {self.world} on {other['host']} has {name} "
                        f"{other['about'].get(name)}, and the first on {own['host']} has {value}. All processes of a "
                        "run need the same: sums depend on it."
                    )
        return found

    def size_of(self, processes: int | str | None) -> int:
        """How many processes a stage has that asks for so many.

        The one that asks for most gets all that there are: a slot may have more or less than there were.
        """
        if processes is None:
            return 1
        return self.world if processes in ("all", self._most) else min(processes, self.world)

    @property
    def first(self) -> bool:
        """Whether this is the process that decides."""
        return self.rank == 0

    def listen(self) -> None:
        """Have the signals that mean stop only be noted: the first process asks all of them, and decides."""
        for number in OBEYED:
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.asked = True

    # -- tensors: each is called by all processes of a group of `size` -------------------------------------------------

    def told(self, tensor: Tensor, size: int) -> Tensor:
        """The first process's tensor, in all of them."""
        with self.together():
            dist.broadcast(tensor, 0, self._groups[size])
        return tensor

    def summed(self, tensor: Tensor, size: int) -> Tensor:
        """The sum over all of them, in the first; in the others it means nothing."""
        with self.together():
            dist.reduce(tensor, 0, dist.ReduceOp.SUM, self._groups[size])
        return tensor

    def largest(self, tensor: Tensor, size: int) -> Tensor:
        """The largest of all of them, number by number, in each."""
        with self.together():
            dist.all_reduce(tensor, dist.ReduceOp.MAX, self._groups[size])
        return tensor

    def send(self, tensor: Tensor, to: int) -> None:
        """To one of the others, which receives it."""
        with self.together():
            dist.send(tensor, to)

    def receive(self, tensor: Tensor, whose: int) -> Tensor:
        """From one of the others, which sends it."""
        with self.together():
            dist.recv(tensor, whose)
        return tensor

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Around what all take part in: a process that is gone becomes RankLostError."""
        try:
            yield
        except RuntimeError as error:
            raise RankLostError(f"{self._gone()}. What it computed since its last checkpoint is lost.") from error

    def _gone(self) -> str:
        """Which of the others is gone, in words."""
        here, until = socket.gethostname(), time.monotonic() + SEEN_S
        others = list(enumerate(getattr(self, "_others", ())))
        while others and time.monotonic() < until:
            for rank, other in others:
                if other["host"] == here and not _lives(other["pid"]):
                    return f"Process {rank + 1} of the run's {self.world} (pid {other['pid']}) is gone"
            time.sleep(0.05)
        return f"One of the run's {self.world} processes is gone, or can't be reached"

    def agreed(self, wanted: Wanted) -> Wanted:
        """In the first process: what the run is to do, by its own wish or a signal that any of them got.

        A launcher ends those that are left by the same signal when one of them is gone: so all say first that they are
        there. Raises RankLostError for one that is not.
        """
        found = wanted or ("stop" if self.asked else None)
        if found:
            self.told(torch.tensor([HERE, 0, 0]), self.world)
            self.here()
        return found

    def here(self) -> None:
        """All say that they are there, and whether a signal has asked them to stop."""
        asked = self.largest(torch.tensor([float(self.asked)], dtype=torch.float64), self.world)
        self.asked = self.asked or bool(asked)

    def leave(self) -> None:
        """In the first process: let the others go, which end then."""
        self.told(torch.tensor([END, 0, 0]), self.world)


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
