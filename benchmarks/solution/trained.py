"""A run to look at: a real one on the unit cube, trained for a few iterations in a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.browser import ROOT

TRAINED = ("poisson3d", "--set", "stages.0.warmup.iterations=5", "--set", "stages.0.iterations=5",
           "--set", "stages.1.iterations=2")  # fmt: skip
"""It need not be good; its networks are as large as the preset's."""


@contextmanager
def trained_run() -> Iterator[tuple[str, Path]]:
    """Its id, and a folder that is gone afterwards; `LAB_HOME` is its home meanwhile."""
    before = os.environ.get("LAB_HOME")
    with tempfile.TemporaryDirectory(prefix="solution-") as name:
        os.environ["LAB_HOME"] = str(Path(name) / "home")
        try:
            command = [sys.executable, "-m", "core", "train", *TRAINED]
            subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            yield next((Path(name) / "home" / "runs").iterdir()).name, Path(name)
        finally:
            if before is None:
                del os.environ["LAB_HOME"]
            else:
                os.environ["LAB_HOME"] = before


def seconds_row(what: str, seconds: float, bar: float, **more: object) -> dict[str, object]:
    """A measured time beside its bar, and how busy the machine was."""
    load = round(os.getloadavg()[0], 1)
    return {"what": what, "seconds": round(seconds, 2), "bar": bar, "load": load, "holds": seconds <= bar} | more
