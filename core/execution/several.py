"""A run in several processes: how many it takes, how they are started, and what each is of them.

`python -m core work RUN` becomes torchrun's agent where a run asks for several; that starts the same command once for
each, as ranks. The first is the run as ever, the others help out. What starts runs notices nothing: the process it
started lives until all of them have ended, and a signal to it reaches all.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
from typing import NoReturn

import torch

from core.config import RunConfig
from core.errors import LabError, RankLostError
from core.files import finite, write_whole
from core.home import SOURCE
from core.jobs import table
from core.jobs.process import LAUNCHER, attempt_environment, inside
from core.jobs.sharing import THREADS, cores
from core.jobs.state import settle
from core.jobs.sync import told
from core.provenance import code, version_of
from core.runs import RunFolder
from core.tracking import store
from core.tracking.tags import PROCESSES_TAG
from core.tracking.written_numbers import number_of
from core.training.spread import Ranks, help_out
from core.training.spread.ranks import RENDEZVOUS, Place
from core.training.trainer import device_of

TORCHRUN = (
    *("RANK", "LOCAL_RANK", "GROUP_RANK", "ROLE_RANK", "ROLE_NAME", "WORLD_SIZE", "LOCAL_WORLD_SIZE"),
    *("GROUP_WORLD_SIZE", "ROLE_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RESTART_COUNT"),
    *("TORCHELASTIC_MAX_RESTARTS", "TORCHELASTIC_RUN_ID", "TORCHELASTIC_USE_AGENT_STORE", "TORCHELASTIC_ERROR_FILE"),
    *("TORCHELASTIC_SIGNALS_TO_HANDLE", "TORCH_NCCL_ASYNC_ERROR_HANDLING"),
)
"""Variables that it sets for a rank: a courier that a rank starts must not hand them on."""
PR_SET_PDEATHSIG = 1
REPORT, WANTS_REPORT = "report.json", "LAB_REPORT"
DELIVERY_S = 30.0
"""Seconds in which the store is told of the end before its caller goes on."""
HANDED_ON = (signal.SIGTERM, signal.SIGHUP)


def processes_of(config: RunConfig, folder: RunFolder) -> int:
    """How many processes a run takes here: as many as a run that it repeats had, else what its stages ask for most."""
    asked = [stage.processes for stage in config.stages if stage.processes is not None]
    if not asked:
        return 1
    if (repeated := number_of(folder.asked_tags().get(PROCESSES_TAG))) is not None:
        return int(repeated)
    here = torch.cuda.device_count() if device_of(config.device).type == "cuda" else _threads()
    return max(1, *(here if processes == "all" else processes for processes in asked))


def _threads() -> int:
    slots = os.environ.get(THREADS, "")
    return int(slots) if slots.isdigit() else cores()


def become_launcher(folder: RunFolder, arguments: list[str], processes: int) -> NoReturn:
    """Have this process, in the place of the command `work`, start it so many times over and wait for all of them.

    Args:
        folder: the run's.
        arguments: of the command.
        processes: how many.
    """
    meeting = folder.file("ranks.meet")
    meeting.unlink(missing_ok=True)
    threads = str(max(1, _threads() // processes))
    changes = {
        LAUNCHER: str(os.getpid()),
        RENDEZVOUS: str(meeting),
        **dict.fromkeys((THREADS, "OMP_NUM_THREADS", "MKL_NUM_THREADS"), threads),
    }
    if "GLOO_SOCKET_IFNAME" not in os.environ:
        changes["GLOO_SOCKET_IFNAME"] = "lo"  # all are on this machine: nobody else need reach them
    environment = inside(changes, os.environ, also=TORCHRUN)
    os.chdir(SOURCE)
    command = [sys.executable, "-m", "core.execution.launcher", str(meeting), str(processes), *arguments]
    sys.stdout.flush()
    os.execve(sys.executable, command, environment)


def joined(config: RunConfig) -> Ranks | None:
    """This process among the others of its run, once they are all there; None where it is alone.

    Raises TrainingError where they can't compute together, RankLostError where one went away.
    """
    place = Place.told()
    if place is None:
        return None
    sizes = [stage.processes for stage in config.stages if isinstance(stage.processes, int)]
    names = ("torch", "numpy")
    about = {name: version_of(name) for name in names} | {"commit": code().commit}
    return Ranks(place, device_of(config.device).type == "cuda", about, sizes)


def is_helper() -> bool:
    """Whether this process was started as one that helps the first."""
    place = Place.told()
    return place is not None and place.rank > 0


def end_with_launcher() -> None:
    """Have the kernel end this process when its launcher dies: in a session of its own it would go on without it."""
    if os.environ.get(LAUNCHER) == str(os.getppid()) and sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def help_the_first(folder: RunFolder) -> NoReturn:
    """Do as the run's first process says, then end; how the run ends is its word alone."""
    end_with_launcher()
    with contextlib.suppress(RankLostError):  # the first one says which
        help_out(joined(store.stored_config(folder).config))
    sys.stdout.flush()
    os._exit(0)  # groups that wait for each other are not taken apart


def launch_if_asked(folder: RunFolder, attempt: int, fresh: bool) -> None:
    """Become the launcher of a run that asks for several processes, unless this is one of them already.

    A run whose config can't be read, or whose device is not there, is left to say so as any other.
    """
    if Place.told() is not None or os.environ.get(LAUNCHER):
        return
    try:
        processes = processes_of(store.stored_config(folder).config, folder)
    except LabError:
        return
    if processes > 1:
        arguments = [folder.run_id, "--attempt", str(attempt), *(["--fresh"] if fresh else [])]
        become_launcher(folder, arguments, processes)


# -- a run in its caller's own terminal -------------------------------------------------------------------------------


def trained(folder: RunFolder, processes: int) -> int:
    """Train a run that was begun here, in processes that a child watches over; its exit code.

    Signals that mean stop go to the child, which a terminal's own reach by themselves.
    """
    folder.file(REPORT).unlink(missing_ok=True)
    own = {WANTS_REPORT: "1", **attempt_environment(folder.path, 1)}
    child = subprocess.Popen(
        [sys.executable, "-m", "core", "work", folder.run_id, "--attempt", "1"],
        cwd=SOURCE,
        env=inside(own, os.environ),
        stdin=subprocess.DEVNULL,
    )
    before = {number: signal.signal(number, lambda number, _: child.send_signal(number)) for number in HANDED_ON}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
    settle(table.get(folder.run_id), code)
    told(folder.run_id, DELIVERY_S)  # who asked may look at the store next
    return code


def wants_report() -> bool:
    """Whether who started the run waits for its report."""
    return WANTS_REPORT in os.environ


def write_report(folder: RunFolder, data: dict) -> None:
    """Leave it for them."""
    write_whole(folder.file(REPORT), json.dumps(finite(data)))


def report_of(folder: RunFolder) -> dict | None:
    """What was left, once; None where the run did not come to it."""
    path = folder.file(REPORT)
    if not path.exists():
        return None
    data = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    return data
