"""The job table, runs' files and processes, and the slots that they are in."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from core.doctor.finding import Finding
from core.errors import LabError
from core.home import home

if TYPE_CHECKING:
    from core.jobs import Job

LOOKED_AT = 100
"""Runs whose files are read."""
COURIER_S = 3.0
"""Seconds within which a courier that was started holds its lock."""


def job_table() -> Finding:
    """Whether every run has its row."""
    from core.jobs import database, table

    rebuild = "`python -m core doctor --rebuild-jobs`"
    try:
        missing = database.without_row()
        count = len(table.find(limit=-1))
    except database.DamagedTableError as error:
        return Finding("job table", False, str(error), f"{rebuild} makes it again; the damaged file is kept beside.")
    except LabError as error:
        remedy = f"`fuser -v '{home().jobs_db}'` names the processes that use it; end the one that holds it."
        return Finding("job table", False, str(error), remedy)
    if missing:
        detail = f"{missing} runs have a folder and no row: `python -m core doctor --rebuild-jobs`"
        return Finding("job table", False, detail, f"{rebuild} gives them one, from what is in their folders.")
    aside = sorted(home().root.glob("jobs.db.damaged-*"))
    kept = f"; a damaged one is kept as {aside[-1].name}" if aside else ""
    return Finding("job table", True, f"{count} runs{kept}")


def damaged_runs() -> Finding:
    """Whether the files of the newest runs are sound."""
    from core.jobs import table
    from core.runs.faults import faults

    found = {
        job.folder: lines for job in table.find(limit=LOOKED_AT) if not job.active and (lines := faults(job.folder))
    }
    if not found:
        return Finding("runs", True, f"the files of the newest {LOOKED_AT} are sound")
    shown = "; ".join(f"{folder}: {lines[0].rstrip('.')}" for folder, lines in list(found.items())[:3])
    first = next(iter(found))
    return Finding(
        "runs",
        False,
        f"{len(found)} of the newest {LOOKED_AT} are damaged, {shown}",
        f"`python -m core resume {first}` says which way out there is: another checkpoint, the hole accepted, or the "
        "store's copy of the config. One that shall not go on is left as it is.",
    )


def courier() -> Finding:
    """Whether somebody looks after runs that are at work; who is missing is started."""
    from core.jobs import table
    from core.jobs.detached import COURIER, ensure_courier
    from core.jobs.slot_lock import busy

    active = [job for job in table.unsettled() if job.active]
    if busy(COURIER):
        return Finding("courier", True, "at work")
    if not active:
        return Finding("courier", True, "not needed: no run is at work")
    ensure_courier()
    end = time.monotonic() + COURIER_S
    while busy(COURIER):  # its lock was passed on to it: one that stays has got over its start
        if time.monotonic() > end:
            return Finding("courier", True, f"was gone while {len(active)} runs were at work; it was started again")
        time.sleep(0.1)
    return Finding(
        "courier",
        False,
        f"{len(active)} runs are at work and nobody looks after them: no courier, and none stays when it is started",
        f"`{sys.executable} -m core.jobs.courier` runs one in this terminal and says why it ends; "
        f"{home().slots / (COURIER + '.log')} has what it said before.",
    )


def channels() -> Finding:
    """Whether the channels take what they are to be told."""
    from core.jobs.troubles import refusals
    from core.settings import settings

    if refused := refusals():
        remedy = "Correct the address on the page Settings, or see to the server; then try it: "
        tries = ", ".join(f"`python -m core notify '{name}'`" for name in refused)
        return Finding("channels", False, " ".join(refused.values()), remedy + tries)
    count = len(settings().channels)
    return Finding("channels", True, f"{count} set up, no notice waits" if count else "none set up")


def stray_processes() -> Finding:
    """Whether processes train for runs that are not at work by the job table."""
    from core.jobs import table
    from core.jobs.process import attempts_alive

    living = {Path(place): each for place, each in attempts_alive().items() if Path(place).parent == home().runs}
    rows = {job.run_id: job for job in table.these(path.name for path in living)}
    found = []
    for path, (attempt, pid, _) in living.items():
        job = rows.get(path.name)
        if job is None or not (job.active and job.attempt == attempt):
            found.append((path.name[:8], pid, job))
    found = [each for each in found if not _ended_just_now(each[2])]
    if not found:
        return Finding("processes", True, "none that trains without being listed")
    detail = "; ".join(
        f"process {pid} trains run {run}, which {'has no row' if job is None else f'is {job.state}'}"
        for run, pid, job in found[:3]
    )
    lost = any(job is None for _, _, job in found)
    others = " ".join(str(pid) for _, pid, job in found if job is not None)
    steps = ["`python -m core doctor --rebuild-jobs` lists it again; then it can be stopped like any other."] * lost
    steps += [f"`kill {others}` ends it, with a checkpoint."] * bool(others)
    return Finding("processes", False, detail, " ".join(steps))


def _ended_just_now(job: Job | None) -> bool:
    return job is not None and job.ended is not None and time.time() - job.ended < job.grace


def slots() -> Finding:
    """Whether each waiting run has a slot that can run it, and no GPU is gone."""
    from core import jobs
    from core.jobs import table
    from core.jobs.gpus import reading, vanished

    there = jobs.capacity()
    names = ", ".join(slot.name for slot in there)
    found = reading()
    if gone := sorted({*vanished(), *found.missing}):
        folder = shlex.quote(str(home().slots))
        files = " ".join(f"{folder}/{name}.lock {folder}/{name}:*.lock" for name in gone)
        return Finding(
            "slots",
            False,
            f"{names}; {', '.join(gone)} was here and is gone" + (f": {found.why}" if found.why else ""),
            "`nvidia-smi` says what the driver sees; after a reset of the GPU or a reboot it is back, and crashed runs "
            "go on with `python -m core resume RUN`. Where it was taken out for good: "
            f"`rm -f {files} {folder}/gpus.json`.",
        )
    stuck = [job for job in table.find(("queued",)) if not any(slot.serves(job.device) for slot in there)]
    if stuck:
        job = stuck[0]
        return Finding(
            "slots",
            False,
            f"{names}; {len(stuck)} waiting runs ask for a device that is not here, {job.name or job.run_id[:8]} for "
            f"{job.device}",
            "Edit them on Watch and set device to auto, or bring the device back: `nvidia-smi` says what there is.",
        )
    return Finding("slots", True, names)
