"""What fills the disk of a lab, in shares that a person knows."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.errors import LabError
from core.home import RUN_ID, home
from core.housekeeping.known import gone, rows
from core.housekeeping.tree import Found, files
from core.jobs import sweep_bin
from core.runs.folder import CHECKPOINTS, HISTORY, MACHINE

LARGEST = 10
"""Runs that are named."""
OF_A_RUN = {CHECKPOINTS: "Checkpoints", HISTORY: "Histories", MACHINE: "Readings of the machine", "log.txt": "Logs"}
OF_A_RUN |= {"solution": "Sampled solutions"}
OF_THE_HOME = {"fetched": "Fetched copies", "artifacts": "MLflow's artifacts", "data": "Datasets", "slots": "Logs"}
OF_THE_HOME |= {"tracebacks": "Tracebacks", "sweeps": "Sweeps"}
BIN, GONE, DAMAGED, REST = "The bin", "Runs and sweeps that are gone", "Damaged files, set aside", "Other files of runs"


@dataclass(frozen=True)
class Survey:
    """Sizes in bytes."""

    shares: dict[str, tuple[int, int]]
    """What → (bytes, files), the largest first. A file with several names counts once."""
    largest: list[tuple[str, int]]
    """(run id, bytes) of the largest runs' folders."""
    free: int
    total: int
    """Of the disk."""
    notes: tuple[str, ...]
    """What could not be looked at, in a sentence each."""
    seconds: float
    """That it took."""


def survey(said: Callable[[float], None] = lambda share: None) -> Survey:
    """Add up all files of the lab home; takes a second for 2,000 runs. Raises LabError.

    Args:
        said: is told which share is done.
    """
    began, root = time.perf_counter(), home().ensure().root
    known = rows()
    notes = [f"{path.name} is a link that leads elsewhere; what is there is not counted." for path in _links(root)]
    try:
        orphans = {place.partition("/")[2] for place in gone(known)}
    except LabError as error:
        orphans = set()
        notes.append(str(error))
    binned = {run_id for run_id, row in known.items() if row.binned} | {one.sweep_id for one in sweep_bin.content()}
    sizes, counts, runs = Counter(), Counter(), Counter()
    counted: set[tuple[int, int]] = set()
    places = _places(root)
    for k, place in enumerate(places):
        for file in files(root, place):
            run_id = _run_of(file.place)
            if run_id is not None and run_id in orphans:
                what = GONE
            elif run_id is not None and run_id in binned:
                what = BIN
            else:
                what = _what(file)
            once = 0 if file.same in counted else file.size
            if file.links > 1:
                counted.add(file.same)
            sizes[what] += once
            counts[what] += 1
            if file.place.startswith("runs/") and run_id is not None:
                runs[run_id] += once
        said((k + 1) / len(places))
    disk = shutil.disk_usage(root)
    shares = {what: (size, counts[what]) for what, size in sizes.most_common()}
    return Survey(shares, runs.most_common(LARGEST), disk.free, disk.total, tuple(notes), time.perf_counter() - began)


def _links(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_symlink())


def _places(root: Path) -> list[str]:
    """Parts of the home, small enough to tell how far one is: its entries, of runs each folder."""
    found = []
    for path in root.iterdir():
        if path.name == "runs" and path.is_dir() and not path.is_symlink():
            found += [f"runs/{inner.name}" for inner in path.iterdir()]
        else:
            found.append(path.name)
    return found


def _run_of(place: str) -> str | None:
    parts = place.split("/")
    known = parts[0] in ("runs", "artifacts", "fetched", "sweeps") and len(parts) > 2 and RUN_ID.fullmatch(parts[1])
    return parts[1] if known else None


def _what(file: Found) -> str:
    first, *others = file.place.split("/")
    if ".damaged-" in file.place:
        return DAMAGED
    if first == "runs" and len(others) > 1:
        return OF_A_RUN.get(others[1], REST)
    if first.startswith("mlflow.db"):
        return "MLflow's database"
    if first.startswith("jobs.db"):
        return "Job table"
    return OF_THE_HOME.get(first, "Other")
