"""The processes of this lab home that are alive: runs, workers, courier, servers, whatever waits to be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil

from core.home import home
from core.jobs import table
from core.jobs.process import boot_id
from core.runs.states import ACTIVE

NAMES = {
    "core.jobs.worker": "worker",
    "core.jobs.warm": "worker that waits",
    "core.cli.standby": "process that is prepared",
    "core.jobs.courier": "courier",
    "core.solution.children": "child of the 3D page",
    "pages.parts.serve": "dashboard",
}
"""Module that a process was started with → what it is; other ones of this program are called by their module."""


@dataclass(frozen=True)
class LabProcess:
    """One process."""

    pid: int
    what: str
    of: str
    """The slot or the run id it belongs to; empty where there is none."""
    memory: int
    """Bytes that it holds."""
    started: float
    """Unix time in seconds."""


def of_home() -> list[LabProcess]:
    """All of them, the oldest first; those of other users are not seen."""
    found, at_work = [], _at_work()
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            module = words[words.index("-m") + 1] if "-m" in words[:4] else ""
            variables = process.environ()
            if module.partition(".")[0] not in ("core", "pages") or not _ours(variables):
                continue
            arguments = words[words.index("-m") + 2 :]
            what, of = at_work.get(process.pid) or _called(module, arguments)
            if what == "run" and (rank := variables.get("RANK", "")).isdigit() and process.pid not in at_work:
                what = f"run, process {int(rank) + 1} of {variables.get('WORLD_SIZE')}"
            found.append(LabProcess(process.pid, what, of, process.memory_info().rss, process.create_time()))
        except (psutil.Error, OSError, IndexError):
            continue  # it ended while we looked, or is another user's
    return sorted(found, key=lambda process: process.started)


def _at_work() -> dict[int, tuple[str, str]]:
    """What a process is by the job table: a prepared one that was given a run is still called what it was before."""
    found = {}
    for job in table.find(ACTIVE, -1):
        if job.engine == "local" and job.boot == boot_id():
            found |= {job.pid: ("run", job.run_id), job.worker_pid: ("worker", job.slot or "")}
    return found


def _ours(variables: dict[str, str]) -> bool:
    named = variables.get("LAB_HOME") or Path(variables.get("HOME", "/")) / ".singularity-lab"
    return Path(named).expanduser().absolute() == home().root


def _called(module: str, arguments: list[str]) -> tuple[str, str]:
    """What a process is, and the slot or run it belongs to."""
    first = arguments[0] if arguments else ""
    if module == "core":
        return ("run", arguments[1]) if first == "work" and len(arguments) > 1 else (f"command {first}".strip(), "")
    own = NAMES.get(module) or module.rpartition(".")[2].replace("_", " ")
    return own, first if module == "core.jobs.worker" else ""
