"""What jobs ask the store: the config that it keeps of a run, and what it knows of all runs where the table was lost.

It is imported where it is asked: MLflow takes two seconds.
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import LabError
from core.home import home

if TYPE_CHECKING:
    from core.config import RunConfig


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


FRESH_S = 10.0
"""A server is asked for its deleted runs at most this often."""
_asking = threading.Lock()
_answers: dict[str, tuple[float, frozenset[str]]] = {}
"""By the store's address: when it was asked last, and what it said."""


def deleted_runs(wait_s: float = 1.0) -> frozenset[str]:
    """Runs that are marked deleted in the store, as far as it says so within a moment; it ends nobody's wait.

    Runs in the bin are among them once the store was told.
    """
    lab = home()
    if lab.store_file is not None and not lab.store_file.exists():
        return frozenset()
    uri = lab.tracking_uri
    asked, known = _answers.get(uri, (float("-inf"), frozenset()))
    if lab.store_file is None and time.monotonic() - asked < FRESH_S:
        return known
    if _asking.acquire(blocking=False):
        asking = threading.Thread(target=_ask_deleted, args=(uri,), name="deleted runs", daemon=True)
        asking.start()
        asking.join(wait_s)
    return _answers.get(uri, (0.0, known))[1]


def _ask_deleted(uri: str) -> None:
    try:
        from core.tracking import store

        found = store.deleted_ids()
    except Exception as error:  # a thread's error reaches nobody: what was known stays
        print(f"the store was not asked for deleted runs: {error}", file=sys.stderr, flush=True)
        found = _answers.get(uri, (0.0, frozenset()))[1]
    finally:
        _asking.release()
    _answers[uri] = (time.monotonic(), found)


def config_to_copy(run_id: str) -> tuple[RunConfig, dict[str, str]]:
    """The config of any run of the store, and the tags of a run that is a copy of it.

    Raises RunNotFoundError, or ConfigError for a run without one.
    """
    from core.runs import run_folder
    from core.tracking import store
    from core.tracking.tags import COPY_TAG

    return store.run_config(run_folder(run_id)), {COPY_TAG: run_id}


def asked_before(key: str) -> str | None:
    """The run that was made for a question from afar; None where it was not asked before. Raises StoreError."""
    from core.tracking import store

    return next(iter(store.ids_tagged("lab.asked", key)), None)
