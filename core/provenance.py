"""Where a result comes from: code, machine, versions, seed."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import socket
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path

import core
from core.home import SOURCE

PACKAGES = ("torch", "numpy", "scipy", "mlflow", "pydantic", "pyarrow", "streamlit", "pyvista", "vtk", "meshio")

NAMES = {
    "git.commit": "commit",
    "git.diff": "uncommitted changes",
    "parent.run": "parent run",
    "parent.checkpoint": "parent's checkpoint",
    "parent.sha256": "parent's checkpoint, SHA-256",
    "seed": "seed",
    "device": "device",
    "gpu": "GPU",
    "cuda": "CUDA",
    "threads": "threads",
    "processes": "processes",
    "cpu": "CPU",
    "cpu.capability": "CPU instructions",
    "environment": "installed packages",
    "singularity_lab": "singularity-lab",
    "python": "Python",
    "torch": "torch",
    "numpy": "numpy",
    "scipy": "scipy",
    "platform": "system",
    "host": "host",
}
"""Facts by which a result is traced, with their names for people; the commit, the changes and the packages are hashes.
"""


@dataclass(frozen=True)
class Code:
    """State of the source tree this package runs from."""

    commit: str
    """Git commit, or "unknown" outside a checkout."""
    dirty: bool
    diff: str
    """Uncommitted changes as a patch, at most 1 MB of it, after a comment line for each file Git does not know."""


@cache
def code() -> Code:
    """The commit of the source tree and what is not committed."""
    try:
        commit = _git("rev-parse", "HEAD").strip()
        status = _git("status", "--porcelain", "--untracked-files=all").splitlines()
        untracked = "".join(f"# not known to Git: {line[3:]}\n" for line in status if line.startswith("??"))
        return Code(commit, bool(status), (untracked + _git("diff", "HEAD"))[:1_000_000] if status else "")
    except (OSError, subprocess.SubprocessError):
        return Code("unknown", False, "")


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(SOURCE), *arguments], capture_output=True, text=True, timeout=20, check=True
    )
    return done.stdout


@cache
def environment() -> str:
    """Every installed distribution as `name==version`, one a line in alphabetical order, as `pip freeze` writes it."""
    found = {}
    for item in distributions():
        texts = (item.read_text(name) for name in ("METADATA", "PKG-INFO", ""))
        head = next(filter(None, texts), "").partition("\n\n")[0]
        fields = dict(re.findall(r"^(Name|Version): *(.*?) *$", head, re.MULTILINE))  # the whole takes 0.4 s to parse
        if "Name" in fields:
            found.setdefault(_normal(fields["Name"]), fields.get("Version", ""))
    return "".join(f"{name}=={number}\n" for name, number in sorted(found.items()))


def _normal(name: str) -> str:
    """A distribution's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def provenance(seed: int, device: str, processes: int = 1) -> dict[str, str]:
    """Tags of a run: commit, host, versions, threads, seed, device. To be called in the process that trains.

    Args:
        seed: of the run.
        device: cpu or cuda.
        processes: that its rows are spread over; `threads` are those of each.
    """
    import torch

    cuda = torch.version.cuda or "none"
    gpu = torch.cuda.get_device_name(device) if device.startswith("cuda") else "none"
    return {
        "git.commit": code().commit,
        "git.dirty": str(code().dirty).lower(),
        "git.diff": hashlib.sha256(code().diff.encode()).hexdigest() if code().diff else "none",
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "cpu": _processor(),
        "cpu.capability": torch.backends.cpu.get_cpu_capability(),
        "cpu.count": str(os.cpu_count()),
        "threads": str(torch.get_num_threads()),
        "processes": str(processes),
        "python": platform.python_version(),
        "singularity_lab": core.__version__,
        **{name: version_of(name) for name in PACKAGES},
        "cuda": cuda,
        "gpu": gpu,
        "device": device,
        "seed": str(seed),
        "environment": hashlib.sha256(environment().encode()).hexdigest(),
    }


def versions() -> dict[str, str]:
    """Versions of this program and of what it stands on, by name; nothing of it is imported."""
    commit = code().commit
    changed = " with uncommitted changes" if code().dirty else ""
    return {
        "singularity-lab": f"{core.__version__}, commit {commit[:12]}{changed}",
        "Python": platform.python_version(),
        "system": platform.platform(),
        "CPU": _processor(),
        **{name: version_of(name) for name in PACKAGES},
    }


def shown(key: str, value: str) -> str:
    """A fact as a table shows it: the beginning of a hash."""
    return value[:12] if key in ("git.commit", "git.diff", "environment") and " " not in value else value


def version_of(package: str) -> str:
    """An installed package's version, in words where it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
