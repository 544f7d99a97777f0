"""The file of a problem from outside this package, kept beside each run that solves it. Imports nothing heavy."""

from __future__ import annotations

import inspect
import os
from pathlib import Path

VARIABLE = "LAB_PROBLEMS"
"""Lists files and folders with problems, separated as in PATH."""
KEPT = "problem.py"
"""Name of the copy in a run's folder."""
PACKAGE = Path(__file__).parent / "problems"


def source_file(problem: type) -> Path | None:
    """The file of a problem from outside this package, None for the package's own."""
    path = Path(inspect.getfile(problem)).resolve()
    return None if path.is_relative_to(PACKAGE.resolve()) else path


def keep_source(problem: object, copy: Path) -> None:
    """Copy the file of a problem from outside beside its run, which then uses the copy however the file changes."""
    if path := source_file(type(problem)):
        copy.write_bytes(path.read_bytes())


def with_kept_source(copy: Path, environment: dict[str, str]) -> dict[str, str]:
    """The environment of a run's process: its own copy of the problem's file comes first."""
    if not copy.exists():
        return environment
    named = [str(copy), *filter(None, [environment.get(VARIABLE)])]
    return environment | {VARIABLE: os.pathsep.join(named)}
