"""Which runs there are, by job table and store: what decides whether a file belongs to nobody."""

from __future__ import annotations

import time
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

from core.errors import LabError
from core.home import RUN_ID, Home, home
from core.jobs import sweep_bin
from core.jobs.database import reading
from core.jobs.process import attempts_alive
from core.runs import run_folder
from core.runs.states import ACTIVE
from core.tracking import store

YOUNG_S = 600.0
"""A folder that was changed so lately may be of a run that is being taken in."""


@dataclass(frozen=True)
class Row:
    """What the job table says of a run."""

    state: str
    binned: bool

    @property
    def active(self) -> bool:
        """Whether a process is at work on it."""
        return self.state in ACTIVE


def rows() -> dict[str, Row]:
    """The job table, by run. Raises StoreError."""
    with reading() as connection:
        found = connection.execute("SELECT run_id, state, binned FROM jobs").fetchall()
    return {row["run_id"]: Row(row["state"], row["binned"] is not None) for row in found}


def row(run_id: str) -> Row | None:
    """One run in the job table; None where it has no row. Raises StoreError."""
    with reading() as connection:
        found = connection.execute("SELECT state, binned FROM jobs WHERE run_id = ?", (run_id,)).fetchone()
    return None if found is None else Row(found["state"], found["binned"] is not None)


def gone(known: dict[str, Row]) -> list[str]:
    """Folders in the home, `runs/ID`, `artifacts/ID`, `fetched/ID`, `sweeps/ID`, that are in no list any more.

    The run is neither in the job table nor in the store, not among the deleted there either, and no process is at work
    on it. A sweep is known as long as its folder says what was asked for and the store has its run.
    Raises LabError where that can't be known for sure: the store is asked through its file alone.

    Args:
        known: of `rows`.
    """
    lab = home()
    sweeps = _idle_sweeps()
    whole = [path for path in sweeps if (path / sweep_bin.ASKED).exists()]
    lost = [*(path for path in sweeps if path not in whole), *_gone_sweeps(whole, lab)]
    listed = {path.name for path in _sweeps()} - {path.name for path in lost}
    return sorted([f"sweeps/{path.name}" for path in lost] + _gone_runs(known.keys() | listed, lab))


def _sweeps() -> list[Path]:
    folder = home().sweeps
    if not folder.is_dir() or folder.is_symlink():
        return []
    there = [path for path in folder.iterdir() if RUN_ID.fullmatch(path.name)]
    return [path for path in there if path.is_dir() and not path.is_symlink()]


def _idle_sweeps() -> list[Path]:
    """Folders of sweeps that nobody works on, nor has just made."""
    return [path for path in _sweeps() if not _young(path) and sweep_bin.idle(path)]


def _gone_sweeps(whole: list[Path], lab: Home) -> list[Path]:
    """Sweeps that the store has no more; where it is no file of this home, it is not asked, and none is."""
    if not whole or lab.store_file != lab.mlflow_db or not lab.mlflow_db.exists():
        return []
    stored = store.known_ids()
    return [path for path in whole if stored and path.name not in stored]


def _gone_runs(known: Set[str], lab: Home) -> list[str]:
    places = [
        f"{folder.name}/{path.name}"
        for folder in (lab.runs, lab.artifacts, lab.fetched)
        if folder.is_dir() and not folder.is_symlink()
        for path in folder.iterdir()
        if RUN_ID.fullmatch(path.name) and path.name not in known and path.is_dir() and not path.is_symlink()
    ]
    if not places:
        return []
    if lab.store_file != lab.mlflow_db:
        raise LabError("Whether a run is gone can be known only where its MLflow store is the file in the lab home.")
    stored = store.known_ids() if lab.mlflow_db.exists() else set()
    if not stored:
        raise LabError(f"{lab.mlflow_db} knows no run at all: it may be another one's, so nothing counts as gone.")
    living = {folder.rpartition("/")[2] for folder in attempts_alive()}
    return [
        place
        for place in places
        if (run_id := place[-32:]) not in stored | living and not _young(run_folder(run_id).path)
    ]


def _young(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime < YOUNG_S
    except OSError:
        return False
