"""Reports of a run with a million rows of history: seconds and size of each format, as whole commands.

The run is a real one, trained in seconds, in a home of its own; its history is then replaced by an invented one of a
million rows. The notebook is executed too.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
ROWS = 1_000_000
BARS = {"html": 10.0, "pdf": 20.0, "ipynb": 60.0, "md": 20.0}
"""Seconds; of a notebook until it is executed."""
MOST_MB = 6.0
TRAINED = ("burgers-profile", "--set", "stages.0.iterations=20")


def long_run(home: Path) -> str:
    """A trained run whose history has a million rows; returns its id."""
    os.environ["LAB_HOME"] = str(home)
    _core("train", *TRAINED, "--json", str(home.parent / "run.json"))
    from core.home import home as lab
    from core.runs import RunFolder
    from core.runs.history import HistoryWriter
    from core.tracking.store import run_config

    folder = RunFolder(next(lab().runs.iterdir()))
    names = run_config(folder).problem.row_names
    folder.history.unlink()
    rng = np.random.default_rng(0)
    step = np.arange(1, ROWS + 1)
    size = np.exp(-20 * step / ROWS) * rng.uniform(0.5, 2, ROWS)
    writer = HistoryWriter(folder.history, names)
    numbers = {name: size * rng.uniform(0.9, 1.1, ROWS) for name in writer.schema.names}
    places = {"iteration": step, "stage": (step > 0.7 * ROWS).astype(int), "phase": np.ones(ROWS, dtype=int)}
    writer.extend(numbers | places | {"wall_time_s": 0.001 * step, "lambda": 0.5 + size})
    writer.close()
    return folder.run_id


def rows() -> Iterator[dict[str, object]]:
    """One row a format: seconds, megabytes, and whether both are within the bar."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run_id = long_run(folder / "home")
        for form, bar in BARS.items():
            path = folder / f"report.{form}"
            began, spent = time.perf_counter(), _spent()
            _core("report", run_id, "--format", form, "-o", str(path))
            if form == "ipynb":
                _execute(path)
            seconds, size = time.perf_counter() - began, path.stat().st_size / 1e6
            what = f"report of {ROWS:,} history rows, {form}" + (", executed" if form == "ipynb" else "")
            holds = seconds <= bar and size <= MOST_MB
            yield {
                "what": what, "seconds": round(seconds, 1), "bar": bar, "processor_s": round(_spent() - spent, 1),
                "MB": round(size, 2), "holds": holds,
            }  # fmt: skip


def _spent() -> float:
    """Processor time of the commands so far, in seconds: on a busy machine that is what there is to compare."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _core(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "core", *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def _execute(path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    NotebookClient(nbformat.read(path, 4), timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
