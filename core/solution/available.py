"""Runs that have something to look at."""

from __future__ import annotations

from dataclasses import dataclass

from core.config import RunConfig
from core.errors import LabError
from core.runs import RunFolder
from core.runs.folder import all_folders
from core.runs.left_out import left_out
from core.tracking.store import run_config


@dataclass(frozen=True)
class Viewable:
    """A run with a checkpoint."""

    folder: RunFolder
    config: RunConfig
    changed: float
    """Unix time of the checkpoint."""

    @property
    def run_id(self) -> str:
        """Id of the run."""
        return self.folder.run_id


def viewable_runs(limit: int = 500) -> list[Viewable]:
    """Runs with a checkpoint on this machine, the newest checkpoint first."""
    hidden = left_out()
    folders = [folder for folder in all_folders() if folder.has_checkpoint and folder.run_id not in hidden]
    found = [(folder.last.stat().st_mtime, folder) for folder in folders]
    result = []
    for changed, folder in sorted(found, key=lambda pair: (pair[0], pair[1].run_id), reverse=True)[:limit]:
        try:
            result.append(Viewable(folder, run_config(folder), changed))
        except LabError:
            continue  # a config of another version: Compare names it, there is nothing to draw
    return result
