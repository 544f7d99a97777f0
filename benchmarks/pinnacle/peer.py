"""DeepXDE's own figure for a row, held against what ours is held against; by the interpreter that `make peers` made."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.pinnacle.cases import Case
from benchmarks.presets import ROOT

ROWS = ("burgers1d-c", "poisson2d-c", "ns2d-c")
"""Which it has a program for (`benchmarks.peers.deepxde_pinnacle`)."""


def deepxde(case: Case, references: Path | None, python: str, seconds: float) -> dict[str, float]:
    """Its relative L2 error after so many seconds, its steps, and the seconds of the whole process.

    Raises:
        CalledProcessError: it failed.
        TableError: a table that is needed can't be read.
    """
    check = next(check for check in case.checks if references or not check.needs_table)
    held = check.reference(references)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reference.npz"
        np.savez(path, points=held.points, values=np.stack([held.values[name] for name in check.fields], axis=1))
        command = [python, "-m", "benchmarks.peers.deepxde_pinnacle", case.name, str(path), "--seconds", str(seconds)]
        done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1]) | {"against": check.against}
