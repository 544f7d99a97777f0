"""The one door from jobs to the store: new runs are announced there, and it is told what the job table decided.

What it did not take is told again later. The store is imported where it is told: MLflow takes two seconds.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from core.errors import RunNotFoundError, StoreError
from core.jobs import table

if TYPE_CHECKING:
    from core.config import RunConfig
    from core.datasets import Version

RETRY_S = 5.0
"""A store that refused is left alone for so long, so that pages don't wait for it at every refresh."""

_refused_at = float("-inf")


def announce(config: RunConfig, parent: str | None, tags: dict[str, str] | None) -> str:
    """A new run in the store; returns its id. Raises RunNotFoundError for a parent that is not there, StoreError."""
    from core.tracking import store

    return store.create_run(config, parent=parent, tags=tags)


def tell_input(run_id: str, used: Version) -> None:
    """Note which version of a dataset a run uses. Raises StoreError."""
    from core.tracking import dataset_inputs

    dataset_inputs.log_input(run_id, used)


def tell_failed(run_id: str, reason: str) -> None:
    """Mark a run failed that never came into the job table. Raises StoreError."""
    from core.tracking import store

    store.set_state(run_id, "failed", reason)


def tell_store(run_id: str) -> None:
    """Give the store the job's state and reason. A refusal is noted on stderr, and the job stays marked unsynced."""
    from core.tracking import store

    global _refused_at
    if time.monotonic() - _refused_at < RETRY_S:
        return
    job = table.get(run_id)
    if job.synced:
        return
    while True:
        try:
            store.set_state(run_id, job.state, job.reason)
        except RunNotFoundError:
            pass  # deleted from the store: there is nobody left to tell
        except (StoreError, OSError) as error:
            _refused_at = time.monotonic()
            print(f"{run_id}: the store did not take state {job.state}: {error}", file=sys.stderr, flush=True)
            return
        told = {"state": job.state, "reason": job.reason, "attempt": job.attempt}
        if table.update(run_id, only_if=told, synced=1):
            return
        # The job was moved on meanwhile. Whoever did so may have told the newer state first and marked it so: our older
        # one then stands in the store, whatever the mark says.
        table.update(run_id, synced=0)
        job = table.get(run_id)
