"""The kernel's C compiled once, with the system's compiler, into the user's cache folder."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

SOURCES = Path(__file__).with_name("c")
"""Folder of the kernel's files; `kernel.c` includes all others."""
FLAGS = (
    "-O3",
    "-march=native",
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fPIC",
    "-shared",
    "-pthread",
)
COMPILE_SECONDS = 60


class UnavailableError(Exception):
    """The kernel can't be had on this machine; says why."""


def cache_folder() -> Path:
    """Where compiled kernels are kept: `singularity-lab` in the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "singularity-lab"


def _processor() -> str:
    """What `-march=native` looks at: a cache folder may be shared by several machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return "\n".join(
        sorted({line for line in lines if line.startswith(("model", "vendor", "flags", "Features", "CPU"))})
    )


def compiled(flags: tuple[str, ...]) -> Path:
    """The kernel as a shared library, compiled unless the same sources, flags, compiler and processor already were.

    Raises UnavailableError where there is no compiler, or it fails, or the cache folder can't be written.
    """
    found = shutil.which("cc")
    if found is None:
        raise UnavailableError("there is no C compiler (cc) on the PATH")
    compiler = Path(found).resolve()
    about = compiler.stat()
    identity = (
        *((path.name, path.read_text("utf-8")) for path in sorted(SOURCES.glob("*.[ch]"))),
        *FLAGS,
        *flags,
        str(compiler),
        str((about.st_size, about.st_mtime_ns)),
        _processor(),
    )
    library = cache_folder() / f"kernel-{hashlib.sha256(repr(identity).encode()).hexdigest()[:20]}.so"
    if library.exists():
        return library
    try:
        library.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=library.parent) as folder:
            made = Path(folder) / library.name
            command = [str(compiler), *FLAGS, *flags, str(SOURCES / "kernel.c"), "-o", str(made), "-lm"]
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=COMPILE_SECONDS)
            made.replace(library)
    except subprocess.CalledProcessError as error:
        raise UnavailableError(f"{compiler} failed: {' '.join(error.stderr.split())[:300]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(str(error)) from error
    return library
