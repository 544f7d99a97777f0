"""Which GPUs runs may use, found without torch."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from core.home import home

_GPU = re.compile(r"GPU (\d+): .*\(UUID: (GPU-[^)]+)\)")
_SLOT = re.compile(r"(gpu\d+(?:\.\d+)?)\b")
_MIG = re.compile(r"\s+MIG .*Device\s+(\d+): \(UUID: (MIG-[^)]+)\)")


def gpus() -> dict[str, str]:
    """Slot name → value of CUDA_VISIBLE_DEVICES that shows a process this one GPU.

    `gpu0` is a whole GPU, `gpu0.1` the second MIG slice of the first. Honours CUDA_VISIBLE_DEVICES; names stay those
    of the whole machine, so that two dashboards with different parts of it lock different slots.
    """
    found = _installed()
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is None:
        return dict(found)
    chosen = {}
    for token in filter(None, (part.strip() for part in allowed.split(","))):
        for name, uuid in found.items():
            if token in (name.removeprefix("gpu"), name.removeprefix("gpu").partition(".")[0]) or (
                not token.isdigit() and uuid.startswith(token)
            ):
                chosen[name] = uuid
    return chosen


def vanished() -> list[str]:
    """GPUs that runs of this lab were in and that the machine has no more, by slot; they leave their locks behind."""
    known = {found[1] for path in home().slots.glob("gpu*.lock") if (found := _SLOT.match(path.name))}
    there = _installed()
    whole = {name.partition(".")[0] for name in there}
    return sorted(name for name in known if name not in there and (name.partition(".")[0] not in whole or "." in name))


@cache
def _installed() -> dict[str, str]:
    """All GPUs of the machine, by UUID: indices mean different GPUs to nvidia-smi and to CUDA's default order."""
    smi = shutil.which("nvidia-smi")
    if smi:
        try:
            listing = subprocess.run([smi, "-L"], capture_output=True, text=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired):
            listing = None  # a driver in trouble; the device files below tell what there is
        if listing is not None and listing.returncode == 0:
            return _parse(listing.stdout)
    devices = [path for path in Path("/dev").glob("nvidia[0-9]*") if path.name[6:].isdigit()]
    return {f"gpu{index}": str(index) for index in range(len(devices))}


def _parse(listing: str) -> dict[str, str]:
    found: dict[str, str] = {}
    index = ""
    for line in listing.splitlines():
        if gpu := _GPU.match(line):
            index = gpu[1]
            found[f"gpu{index}"] = gpu[2]
        elif mig := _MIG.match(line):
            found.pop(f"gpu{index}", None)  # a GPU that is cut into slices can't be used as a whole
            found[f"gpu{index}.{mig[1]}"] = mig[2]
    return found
