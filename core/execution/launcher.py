"""torchrun's agent for a run on one machine: `python -m core.execution.launcher MEETING PROCESSES RUN …`.

It starts the ranks, watches over them, hands on signals, and ends all when one fails. Its own rendezvous takes a
server that listens on every address of the machine; a run of one machine needs none, and has none here.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path

from torch.distributed import HashStore
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.elastic.rendezvous import (
    RendezvousHandler,
    RendezvousInfo,
    RendezvousParameters,
    RendezvousStoreInfo,
    rendezvous_handler_registry,
)
from torch.distributed.launcher.api import LaunchConfig, launch_agent

from core.plain_text import keep_secrets_out_of_tracebacks

BACKEND = "one-machine"
LEAST_S = 30
"""Seconds that ranks have from a signal to their end, besides twice the run's grace: who asked for it is stricter."""


class OneMachine(RendezvousHandler):
    """A rendezvous of one agent with itself."""

    def __init__(self, parameters: RendezvousParameters):
        self._run_id, self._closed = parameters.run_id, False

    def get_backend(self) -> str:
        """See `RendezvousHandler`, as all below."""
        return BACKEND

    def next_rendezvous(self) -> RendezvousInfo:
        """This agent alone; its ranks find each other by a file, so the address leads nowhere."""
        return RendezvousInfo(HashStore(), 0, 1, RendezvousStoreInfo("127.0.0.1", 0))

    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def set_closed(self) -> None:
        """Close it."""
        self._closed = True

    def num_nodes_waiting(self) -> int:
        """Nobody else comes."""
        return 0

    def get_run_id(self) -> str:
        """Of the run."""
        return self._run_id

    def shutdown(self) -> bool:
        """Nothing is open."""
        return True


def main() -> None:
    """Start, watch and end the ranks."""
    keep_secrets_out_of_tracebacks()
    meeting, processes, *arguments = sys.argv[1:]
    rendezvous_handler_registry.register(BACKEND, OneMachine)
    with tempfile.TemporaryDirectory(prefix="ranks-") as errors:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=int(processes),
            run_id=arguments[0],
            rdzv_backend=BACKEND,
            rdzv_endpoint=meeting,
            max_restarts=0,
            monitor_interval=0.1,
            local_addr="127.0.0.1",
            shutdown_timeout=LEAST_S + 2 * _grace(arguments[0]),
            logs_specs=DefaultLogsSpecs(log_dir=errors),
        )
        code = _run(config, arguments)
    Path(meeting).unlink(missing_ok=True)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    raise SystemExit(code)


def _run(config: LaunchConfig, arguments: list[str]) -> int:
    """As an exit code; negative for the signal that ended it."""
    try:
        launch_agent(config, sys.executable, ["-m", "core", "work", *arguments])
    except SignalException as error:
        return -error.sigval
    except ChildFailedError:
        return 1
    return 0


def _grace(run_id: str) -> int:
    """Seconds that the run has from being told to stop to its last word."""
    from core.jobs import table
    from core.runs import run_folder

    row = run_folder(run_id).job()  # a node of a cluster does not have the table
    kept = (row or {}).get("grace")
    return int(kept if isinstance(kept, int | float) else table.get(run_id).grace)


if __name__ == "__main__":
    main()
