"""The store is told what the job table decided; what it did not take is told again later."""

from __future__ import annotations

import sys
import time

from core.errors import RunNotFoundError, StoreError
from core.jobs import table

RETRY_S = 5.0
"""A store that refused is left alone for so long, so that pages don't wait for it at every refresh."""

_refused_at = float("-inf")


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
