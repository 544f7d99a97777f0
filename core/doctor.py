"""What a lab needs of its machine, checked."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass

from core.errors import LabError
from core.home import home

LOOKED_AT = 100
"""Runs whose files are read."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    what: str
    ok: bool
    detail: str


def _job_table() -> Finding:
    from core.jobs import database, table

    try:
        missing = database.without_row()
        count = len(table.find(limit=-1))
    except LabError as error:
        return Finding("job table", False, str(error))
    if missing:
        return Finding(
            "job table", False, f"{missing} runs have a folder and no row: `python -m core doctor --rebuild-jobs`"
        )
    aside = sorted(home().root.glob("jobs.db.damaged-*"))
    kept = f"; a damaged one is kept as {aside[-1].name}" if aside else ""
    return Finding("job table", True, f"{count} runs{kept}")


def _damaged_runs() -> str:
    """What is damaged in the folders of the newest runs, in short; empty where nothing is."""
    from core.jobs import table
    from core.runs.faults import faults

    found = {
        job.folder: lines for job in table.find(limit=LOOKED_AT) if not job.active and (lines := faults(job.folder))
    }
    shown = "; ".join(f"{folder}: {lines[0]}" for folder, lines in list(found.items())[:3])
    return f"{len(found)} of the newest {LOOKED_AT} are damaged, {shown}" if found else ""


def _delivery() -> Finding:
    """Have the store told what it does not know of ended runs, and say what is left."""
    from core import jobs
    from core.jobs.sync import DELETED

    try:
        left = jobs.deliver()
    except LabError as error:
        return Finding("delivery", False, str(error))
    deleted = [run_id for run_id, why in left.items() if why == DELETED]
    waiting = [run_id for run_id in left if run_id not in deleted]
    words = [f"{run_id[:8]} is not yet in MLflow: {left[run_id]}" for run_id in waiting[:3]]
    if len(waiting) > 3:
        words.append(f"{len(waiting) - 3} more runs likewise.")
    if waiting:
        words.append("What they left is in their folders and is delivered once the store takes it.")
    if deleted:
        words.append(f"Deleted from MLflow, and kept in their folders: {', '.join(each[:8] for each in deleted)}.")
    return Finding("delivery", not waiting, " ".join(words) or "MLflow has all that ended runs left")


def examine() -> list[Finding]:
    """Look at Python, lab home, store, what waits for it, torch, devices, slots and the renderers of the 3D page."""
    lab = home()
    findings = [Finding("python", sys.version_info >= (3, 11), sys.version.split()[0])]
    try:
        lab.ensure()
        free = shutil.disk_usage(lab.root).free / 2**30
        findings.append(Finding("lab home", free > 0.2, f"{lab.root}, {free:.1f} GiB free"))
        findings.append(Finding("home's privacy", True, lab.open_to_others() or "open to its owner alone"))
    except LabError as error:
        findings.append(Finding("lab home", False, str(error)))
        return findings
    try:
        from core.tracking import store

        store.experiment_id()
        findings.append(Finding("store", True, f"{len(store.runs(limit=1000))} runs (at most 1000 counted)"))
    except LabError as error:
        findings.append(Finding("store", False, str(error)))
    findings.append(_delivery())
    import torch

    findings.append(Finding("torch", True, f"{torch.__version__}, {torch.get_num_threads()} threads"))
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    findings.append(Finding("devices", True, ", ".join(gpus) or "CPU only"))
    from core import jobs

    findings.append(_job_table())
    if findings[-1].ok and (damaged := _damaged_runs()):
        findings.append(Finding("runs", False, damaged))
    findings.append(Finding("slots", True, ", ".join(slot.name for slot in jobs.capacity())))
    from core.solution import children

    missing = children.vtk_unavailable()
    detail = "quick view, VTK view" if missing is None else f"the quick view alone: {missing}"
    findings.append(Finding("renderers", missing is None, detail))
    return findings
