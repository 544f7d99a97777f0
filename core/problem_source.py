"""The file of a problem from outside this package, kept beside each run that solves it. Imports nothing heavy."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
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


def kept_source_variable(copy: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """What a run's process is told in addition where the run has a copy of its problem's file: that one comes first."""
    if not copy.exists():
        return {}
    named = [str(copy), *filter(None, [environment.get(VARIABLE)])]
    return {VARIABLE: os.pathsep.join(named)}
