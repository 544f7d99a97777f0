"""What must be the same on a cluster's node as in the lab: a run must mean there what it means here."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version

from core.home import SOURCE

PACKAGES = ("torch", "numpy", "scipy", "pydantic", "pyarrow")
"""Those whose version may change a run's numbers or files."""
PROGRAM = "program"


def versions() -> dict[str, str]:
    """Name → version of what counts, of the process that asks; nothing is imported for it."""
    found = {"python": ".".join(platform.python_version_tuple()[:2])}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found | {PROGRAM: _digest()}


def _digest() -> str:
    """Of this program's own files, by their names and bytes."""
    digest = hashlib.sha256()
    for path in sorted((SOURCE / "core").rglob("*.py")):
        digest.update(path.relative_to(SOURCE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def differences(here: dict[str, str], lab: dict[str, str]) -> str:
    """What differs, in words; empty where nothing does."""
    words = []
    for name, wanted in lab.items():
        own = here.get(name, "missing")
        if own != wanted:
            words.append(f"{'another copy of this program' if name == PROGRAM else name} {own} in place of {wanted}")
    return ", ".join(words)
