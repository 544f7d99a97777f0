"""What a lab needs of its machine, checked."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass

from core.errors import LabError
from core.home import home


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    what: str
    ok: bool
    detail: str


def examine() -> list[Finding]:
    """Look at Python, the lab home, the store, torch, the devices, the slots and the renderers of the 3D page."""
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
    import torch

    findings.append(Finding("torch", True, f"{torch.__version__}, {torch.get_num_threads()} threads"))
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    findings.append(Finding("devices", True, ", ".join(gpus) or "CPU only"))
    from core import jobs

    findings.append(Finding("slots", True, ", ".join(slot.name for slot in jobs.capacity())))
    from core.solution import children

    missing = children.vtk_unavailable()
    detail = "quick view, VTK view" if missing is None else f"the quick view alone: {missing}"
    findings.append(Finding("renderers", missing is None, detail))
    return findings
