"""Runs that have something to look at."""

from __future__ import annotations

from dataclasses import dataclass

from core.config import RunConfig
from core.errors import LabError
from core.runs.folder import all_folders
from core.tracking.store import run_config


@dataclass(frozen=True)
class Viewable:
    """A run with a checkpoint."""

    run_id: str
    config: RunConfig
    changed: float
    """Unix time of the checkpoint."""


def viewable_runs(limit: int = 500) -> list[Viewable]:
    """Runs with a checkpoint on this machine, the newest checkpoint first."""
    found = [(folder.last.stat().st_mtime, folder.run_id) for folder in all_folders() if folder.has_checkpoint]
    result = []
    for changed, run_id in sorted(found, reverse=True)[:limit]:
        try:
            result.append(Viewable(run_id, run_config(run_id), changed))
        except LabError:
            continue  # a config of another version: Compare names it, there is nothing to draw
    return result
