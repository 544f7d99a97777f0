"""Where a result comes from: code, machine, versions, seed."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import core

PACKAGES = ("torch", "numpy", "scipy", "mlflow", "pydantic", "pyarrow", "streamlit", "pyvista", "vtk", "meshio")
SOURCE = Path(__file__).parents[2]


@dataclass(frozen=True)
class Code:
    """State of the source tree this package runs from."""

    commit: str
    """Git commit, or "unknown" outside a checkout."""
    dirty: bool
    diff: str
    """Uncommitted changes as a patch, at most 1 MB of it."""


@cache
def code() -> Code:
    """The commit of the source tree and what is not committed."""
    try:
        commit = _git("rev-parse", "HEAD").strip()
        status = _git("status", "--porcelain", "--untracked-files=normal")
        return Code(commit, bool(status.strip()), _git("diff", "HEAD")[:1_000_000] if status.strip() else "")
    except (OSError, subprocess.SubprocessError):
        return Code("unknown", False, "")


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(SOURCE), *arguments], capture_output=True, text=True, timeout=20, check=True
    )
    return done.stdout


def provenance(seed: int, device: str) -> dict[str, str]:
    """Tags of a run: commit, host, versions, threads, seed, device. To be called in the process that trains."""
    import torch

    cuda = torch.version.cuda or "none"
    gpu = torch.cuda.get_device_name(device) if device.startswith("cuda") else "none"
    return {
        "git.commit": code().commit,
        "git.dirty": str(code().dirty).lower(),
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "cpu": _processor(),
        "cpu.count": str(os.cpu_count()),
        "threads": str(torch.get_num_threads()),
        "python": platform.python_version(),
        "singularity_lab": core.__version__,
        **{name: _version(name) for name in PACKAGES},
        "cuda": cuda,
        "gpu": gpu,
        "device": device,
        "seed": str(seed),
    }


def _version(package: str) -> str:
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
