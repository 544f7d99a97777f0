"""A queue of any length, with a past: `python -m benchmarks.control.queue_store WAITING [ENDED [RUNNING]]`.

Rows and folders are as the program writes them; the figures are invented. Runs said to be at work have this process as
theirs, so they are called lost once it has ended. Whoever looks at the home starts the waiting runs, unless the slots
are held (`core.jobs.slot_lock.hold`).
"""

from __future__ import annotations

import os
import sys
import time
import uuid

import numpy as np

from core.config import override
from core.home import home
from core.jobs import events
from core.jobs.database import keep, transaction
from core.jobs.job import columns_of
from core.jobs.process import boot_id, started_at
from core.presets import presets
from core.runs import run_folder

ENDS = ("finished", "finished", "finished", "stopped", "finished", "failed", "finished", "crashed", "finished")
KINDS = ("poisson2d-quick", "poisson2d", "helmholtz", "wave", "burgers-profile", "heat2d")


def fill_queue(waiting: int, ended: int = 0, slots: tuple[str, ...] = (), seed: int = 0) -> list[str]:
    """Add ended runs, runs at work in `slots` and waiting ones; returns the ids of those that wait, in their order."""
    rng = np.random.default_rng(seed)
    now, last = time.time(), dict.fromkeys(slots or ("cpu0",), time.time())
    rows = []
    for k in range(ended):
        slot = list(last)[k % len(last)]
        took = float(rng.uniform(60, 900))
        end = last[slot] if k >= len(last) else now - float(rng.uniform(5, 60))
        last[slot] = end - took - float(rng.uniform(1, 30))
        rows.append({"state": ENDS[k % len(ENDS)], "slot": slot, "attempt": 1, "ended": end, "started": end - took})
    mine = {"pid": os.getpid(), "pid_started": started_at(os.getpid()), "boot": boot_id()}
    rows += [
        {"state": "running", "slot": slot, "attempt": 1, "started": now - 100, "fraction": float(rng.uniform(0.1, 0.9))}
        | mine
        for slot in slots
    ]
    for k in range(waiting):
        rows.append({"state": "queued", "held": int(k % 15 == 7), "place": now + k})
    ids = []
    with transaction() as connection:
        for k, row in enumerate(rows):
            run_id = uuid.UUID(bytes=rng.bytes(16), version=4).hex
            kind = KINDS[int(rng.integers(len(KINDS)))]
            config = override(presets()[kind].config, [f"seed={k}", f"name={kind}-{k:04d}"])
            begun = row.get("started", now - 30 - 0.01 * (len(rows) - k)) - 30
            fraction = row.pop("fraction", 1.0 if row["state"] == "finished" else 0.4)
            row = columns_of(config) | {"run_id": run_id, "engine": "local", "submitted": begun, "queued": begun} | row
            run_folder(run_id).create(config)
            if row.get("attempt"):
                _progress(run_id, fraction, float(10 ** rng.uniform(-10, -2)), now - row["started"])
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO jobs ({names}) VALUES ({marks})", tuple(row.values()))
            events.record(connection, run_id, "submitted", None, row["state"])
            keep(connection, run_id)
            if row["state"] == "queued":
                ids.append(run_id)
    return ids


def _progress(run_id: str, fraction: float, residual: float, taken: float) -> None:
    run_folder(run_id).write_progress(
        {
            "phase": "main",
            "stage": 0,
            "stages": 1,
            "done": round(100 * fraction),
            "of": 100,
            "unit": "iteration",
            "fraction": fraction,
            "share": 0.9,
            "eta_s": taken * (1 - fraction) / fraction,
            "wall_time_s": taken,
            "time": time.time(),
            "total_iterations": round(100 * fraction),
            "max_residual": residual,
            "rms_residual": residual / 3,
        }
    )


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]] + [0, 0][len(sys.argv) - 2 :]
    fill_queue(numbers[0], numbers[1], tuple(f"cpu{k}" for k in range(numbers[2])))
    print(f"{numbers[0]} waiting and {numbers[1]} ended runs in {home().root}")
    if numbers[2]:
        print("Runs are called at work until this process ends: Ctrl-C.")
        time.sleep(1e6)
