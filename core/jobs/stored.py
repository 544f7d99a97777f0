"""What jobs ask the store: the config that it keeps of a run, and what it knows of all runs where the table was lost.

It is imported where it is asked: MLflow takes two seconds.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from core.errors import LabError


@dataclass(frozen=True)
class Stored:
    """What the store says of a run."""

    name: str
    problem: str
    config_hash: str
    state: str
    reason: str
    started: float
    """Unix time in seconds."""


def stored_runs() -> dict[str, Stored]:
    """All runs of the store by id; empty where it can't be asked."""
    from core.tracking import store
    from core.tracking.tags import REASON

    try:
        return {
            run.run_id: Stored(run.name, run.problem, run.config_hash, run.state, run.tags.get(REASON, ""), run.started)
            for run in store.runs()
        }
    except LabError as error:
        print(f"the store was not asked: {error}", file=sys.stderr, flush=True)
        return {}


def kept_config(run_id: str) -> bytes | None:
    """The config of a run as the store has it; None where it has none, or can't be asked."""
    from core.runs import run_folder
    from core.runs.folder import CONFIG
    from core.tracking import store

    try:
        path = store.fetch_artifact(run_folder(run_id), CONFIG)
        return None if path is None else path.read_bytes()
    except (LabError, OSError):
        return None
