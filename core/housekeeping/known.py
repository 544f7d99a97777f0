"""Which runs there are, by job table and store: what decides whether a file belongs to nobody."""

from __future__ import annotations

import time
from dataclasses import dataclass

from core.errors import LabError
from core.home import RUN_ID, home
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
    """Folders in the home, `runs/ID`, `artifacts/ID` and `fetched/ID`, whose run is in no list any more.

    It is neither in the job table nor in the store, not among the deleted there either, and no process is at work on
    it. Raises LabError where that can't be known for sure: the store is asked through its file alone.

    Args:
        known: of `rows`.
    """
    lab = home()
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
    return sorted(place for place in places if (run_id := place[-32:]) not in stored | living and not _young(run_id))


def _young(run_id: str) -> bool:
    try:
        return time.time() - run_folder(run_id).path.stat().st_mtime < YOUNG_S
    except OSError:
        return False
