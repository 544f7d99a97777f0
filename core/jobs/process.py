"""Whether a process is still the one that was started, and how to end it with all it left behind."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import psutil

LAUNCHER = "LAB_LAUNCHER"
"""Set in the processes of a run that has several: the pid of the one that watches over them, which is the run's."""
OUTSIDE = "LAB_OUTSIDE"
"""Set inside a run: what the variables that were set for it alone were outside of it."""


@cache
def boot_id() -> str:
    """Identity of this boot of the machine; a pid means nothing across boots."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else str(psutil.boot_time())


def started_at(pid: int) -> float:
    """When a process was created: on Linux seconds since boot, elsewhere Unix time. Raises psutil.NoSuchProcess.

    Not psutil's create_time on Linux: that one moves when the machine's clock is set, and a live run would look dead.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists():
            raise psutil.NoSuchProcess(pid) from None
        return psutil.Process(pid).create_time()
    ticks = int(stat.rpartition(b")")[2].split()[19])  # proc(5), field 22; the name before it may hold spaces
    return ticks / os.sysconf("SC_CLK_TCK")


def alive(pid: int | None, started: float | None, boot: str | None) -> bool:
    """Whether the process of this pid, start and boot still runs; zombies are dead."""
    if pid is None or boot != boot_id():
        return False
    try:
        return started_at(pid) == started and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def attempts_alive() -> dict[str, tuple[int, int, float]]:
    """The living processes of runs by what their environment says: folder → (attempt, pid, start)."""
    found = {}
    for process in psutil.process_iter():
        try:
            variables = process.environ()
            attempt = variables.get("LAB_ATTEMPT", "")
            if variables.get(LAUNCHER, str(process.pid)) != str(process.pid):
                continue  # one of several of the run that this one watches over
            if attempt.isdigit() and os.getsid(process.pid) == process.pid:  # not one of its children
                found[variables.get("LAB_RUN_DIR", "")] = (int(attempt), process.pid, started_at(process.pid))
        except (psutil.Error, OSError):
            continue  # it ended while we looked, or is another user's
    return found


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to the process group that a run leads; nothing happens if it is gone."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def attempt_environment(run_dir: Path, attempt: int) -> dict[str, str]:
    """The variables by which every process of an attempt, in whatever session it hides, can be found again."""
    return {"LAB_RUN_DIR": str(run_dir), "LAB_ATTEMPT": str(attempt)}


def leader() -> int:
    """The pid of the run that this process is, or is the first of several of."""
    told = os.environ.get(LAUNCHER)
    return os.getppid() if told == str(os.getppid()) else os.getpid()


def inside(changes: Mapping[str, str], environment: Mapping[str, str], also: Iterable[str] = ()) -> dict[str, str]:
    """An environment with the variables of one run, which remembers what they were.

    Args:
        changes: these variables; in an environment that is inside already, more of them.
        environment: as it is.
        also: variables that something else will set for the run.
    """
    before = {name: environment.get(name) for name in (*changes, *also)}
    before |= json.loads(environment.get(OUTSIDE, "{}"))
    return {**environment, **changes, OUTSIDE: json.dumps(before)}


def outside(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what was set for a run: for what a run starts and that outlives it, such as the courier.

    A courier that inherited a run's CUDA_VISIBLE_DEVICES or threads would start workers for a smaller machine.
    """
    changed = dict(environment)
    for name, value in json.loads(changed.pop(OUTSIDE, "{}")).items():
        if value is None:
            changed.pop(name, None)
        else:
            changed[name] = value
    return {name: value for name, value in changed.items() if name not in attempt_environment(Path(), 0)}


def sweep(run_dir: Path, attempt: int) -> None:
    """End what an attempt left behind when its own process ended.

    torchrun puts its ranks into sessions of their own: killing its group leaves them, and the GPU's memory, taken.
    """
    mark = attempt_environment(run_dir, attempt).items()
    left = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and mark <= process.environ().items():
                process.kill()
                left.append(process)
        except psutil.Error:
            continue  # it ended while we looked, or is another user's
    psutil.wait_procs(left, timeout=5)
