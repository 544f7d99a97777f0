"""Which GPUs runs may use, found without torch, and which of them have vanished since the machine was started."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import StoreError
from core.files import write_whole
from core.home import home
from core.jobs.process import boot_id
from core.machine import Gpus

_GPU = re.compile(r"GPU (\d+): .*\(UUID: (GPU-[^)]+)\)")
_SLOT = re.compile(r"(gpu\d+(?:\.\d+)?)\b")
_MIG = re.compile(r"\s+MIG .*Device\s+(\d+): \(UUID: (MIG-[^)]+)\)")

EVERY_S = 10.0
"""Seconds for which a look at the GPUs counts; `nvidia-smi` takes up to seconds, for which no page waits."""
PATIENCE_S = 60.0
"""Seconds after which an `nvidia-smi` that does not answer has failed."""


@dataclass(frozen=True)
class Reading:
    """The GPUs of the whole machine at one look."""

    visible: dict[str, str] = field(default_factory=dict)
    """Slot name → value of CUDA_VISIBLE_DEVICES that shows a process this one GPU."""
    missing: dict[str, str] = field(default_factory=dict)
    """Those that were there since the machine was started, and are not any more."""
    why: str = ""
    """What nvidia-smi said, where it failed."""

    @property
    def trouble(self) -> str:
        """What is wrong and what to do, in one line; empty where nothing is."""
        if not self.missing:
            return ""
        names, have = ", ".join(self.missing), "has" if len(self.missing) == 1 else "have"
        said = self.why or f"nvidia-smi no longer lists {'it' if len(self.missing) == 1 else 'them'}"
        return (
            f"{names} {have} vanished: {said}. Runs that ask for a GPU that is not there wait until it is back. See "
            "`nvidia-smi` and `dmesg`; most often the machine must be restarted."
        )

    def trouble_for(self, device: str) -> str:
        """The same, where a run that asks for this device could be on one that is missing."""
        wanted = device.partition(":")[2]
        return self.trouble if device != "cpu" and (not wanted or f"gpu{wanted}" in self.missing) else ""


_lock = threading.Lock()
_last: Reading | None = None
_looked = float("-inf")


def gpus() -> dict[str, str]:
    """Slot name → value of CUDA_VISIBLE_DEVICES that shows a process this one GPU.

    `gpu0` is a whole GPU, `gpu0.1` the second MIG slice of the first. Honours CUDA_VISIBLE_DEVICES; names stay those
    of the whole machine, so that two dashboards with different parts of it lock different slots.
    """
    return reading().visible


def reading(*, fresh: bool = False) -> Reading:
    """The GPUs that CUDA_VISIBLE_DEVICES leaves to this process, and those of them that have vanished.

    Args:
        fresh: look now; otherwise an older look counts, and a new one is begun in the background where it is too old.
    """
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed == "":
        return Reading()
    found = _machine(fresh)
    if allowed is None:
        return found
    tokens = [token for token in (part.strip() for part in allowed.split(",")) if token]
    return Reading(_chosen(found.visible, tokens), _chosen(found.missing, tokens), found.why)


def vanished() -> list[str]:
    """GPUs that runs of this lab were in and that the machine has no more, by slot; they leave their locks behind."""
    known = {found[1] for path in home().slots.glob("gpu*.lock") if (found := _SLOT.match(path.name))}
    there = _machine(fresh=False).visible
    whole = {name.partition(".")[0] for name in there}
    return sorted(name for name in known if name not in there and (name.partition(".")[0] not in whole or "." in name))


def _chosen(named: dict[str, str], tokens: list[str]) -> dict[str, str]:
    """Those that CUDA_VISIBLE_DEVICES names, in its order: by UUID or its beginning, 1.0, or 1 with all its slices."""
    return {
        name: uuid
        for token in tokens
        for name, uuid in named.items()
        if token in (name.removeprefix("gpu"), _index(name)) or (not token.isdigit() and uuid.startswith(token))
    }


def _machine(fresh: bool) -> Reading:
    if _last is None or fresh:
        return _look()
    if time.monotonic() - _looked > EVERY_S and not _lock.locked():
        threading.Thread(target=_look, name="gpus", daemon=True).start()
    return _last


def _look() -> Reading:
    global _last, _looked
    with _lock:
        listed, why = _listed()
        known = _known()
        if listed is None:  # there is no nvidia-smi, or it fails: what is known of this boot counts, else device files
            listed = {} if known and why else _device_files()
        found = _named(listed, known)
        indices = {_index(name) for name in found}
        missing = {name: uuid for name, uuid in known.items() if name not in found and _index(name) not in indices}
        if not missing:
            _keep(found)
        elif found.keys() - known.keys():
            _keep(missing | found)
        _last, _looked = Reading(found, missing, why), time.monotonic()
        return _last


def _listed() -> tuple[dict[str, str] | None, str]:
    """(GPUs as nvidia-smi lists them, what it says where it fails); None without an answer."""
    smi = shutil.which("nvidia-smi")
    if smi is None:
        return None, ""
    try:
        listing = subprocess.run([smi, "-L"], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except subprocess.TimeoutExpired:
        return None, f"nvidia-smi does not answer within {PATIENCE_S:.0f} s"
    except OSError as error:
        return None, f"nvidia-smi can't be run: {error.strerror}"
    found = _parse(listing.stdout)
    if listing.returncode == 0:
        return found, ""
    said = (listing.stderr or listing.stdout).strip().splitlines()
    why = f"nvidia-smi fails with exit code {listing.returncode}" + (f": {said[-1].rstrip('.')}" if said else "")
    return found or None, why  # the others still answer when one is lost


def _device_files() -> dict[str, str]:
    devices = [path for path in Path("/dev").glob("nvidia[0-9]*") if path.name[6:].isdigit()]
    return {f"gpu{index}": str(index) for index in range(len(devices))}


def _named(listed: dict[str, str], known: dict[str, str]) -> dict[str, str]:
    """Each GPU by the name that it had before: when one falls off the bus, nvidia-smi counts the others anew."""
    names = {uuid: name for name, uuid in known.items() if not uuid.isdigit()}
    found = {names[uuid]: uuid for uuid in listed.values() if uuid in names}
    for name, uuid in listed.items():
        if uuid not in names:
            free = (f"gpu{index}" for index in range(len(found) + len(listed) + 1))
            found[name if name not in found else next(other for other in free if other not in found)] = uuid
    return dict(sorted(found.items()))


def _index(name: str) -> str:
    return name.removeprefix("gpu").partition(".")[0]


def _known() -> dict[str, str]:
    """The GPUs that were seen since the machine was started."""
    try:
        data = json.loads(_file().read_text())
        return data["gpus"] if data["boot"] == boot_id() else {}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def _keep(found: dict[str, str]) -> None:
    if found != _known():
        with contextlib.suppress(OSError, StoreError):  # a full disk, a home that is read-only
            home().ensure()
            write_whole(_file(), json.dumps({"boot": boot_id(), "gpus": found}))


def _file() -> Path:
    return home().slots / "gpus.json"


def _parse(listing: str) -> dict[str, str]:
    """All GPUs of the machine, by UUID: indices mean different GPUs to nvidia-smi and to CUDA's default order."""
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


_nvml = Gpus()


def free_memory(visible: str) -> int | None:
    """Bytes that are free on a GPU or MIG slice, by its UUID or index; None where NVML does not say."""
    found = _nvml.read(visible)
    free = found.memory_total - found.memory_used
    return None if math.isnan(free) else int(free)
