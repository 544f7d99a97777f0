"""Stop in every phase of a run, with a store that works, one that is locked, and one that is not there.

From the command's beginning to the end of the run's process. What one step takes is added to the bar: the longest time
between two rows of the run's history, or between two of its words where no rows are written.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from benchmarks.browser import ROOT
from benchmarks.control import seen
from benchmarks.control.kills import CONFIG
from core import jobs
from core.config import RunConfig
from core.runs import run_folder

BAR_S = 5.0
LONG = CONFIG.model_copy(
    update={
        "name": "stopped",
        "stages": tuple(
            stage.model_copy(
                update={
                    "warmup": stage.warmup.model_copy(update={"iterations": 3000 if k == 0 else 0}),
                    "iterations": 200 if k == 0 else 60,
                    "collocation": stage.collocation.model_copy(update={"points": 1500}),
                }
            )
            for k, stage in enumerate(CONFIG.stages)
        ),
    }
)
"""Each phase lasts long enough to be met."""
PHASES = ("queued", "starting", "warm-up", "main", "search for σ", "dense grid", "certificate", "artifacts")
STORES = ("works", "locked", "away")


@contextmanager
def store(how: str) -> Iterator[None]:
    """MLflow's database as `STORES` says."""
    path = seen.home() / "mlflow.db"
    if how == "locked":
        holder = sqlite3.connect(path)
        holder.execute("BEGIN EXCLUSIVE")
        yield
        holder.rollback()
        holder.close()
    elif how == "away":
        path.rename(path.with_suffix(".away"))
        path.mkdir()
        yield
        path.rmdir()
        path.with_suffix(".away").rename(path)
    else:
        yield


def _phase(run_id: str) -> str:
    row = seen.jobs()[run_id]
    if row["state"] not in seen.ACTIVE:
        return row["state"]
    progress = run_folder(run_id).progress()
    return progress["phase"] if progress else "starting"


def _stopped(config: RunConfig, phase: str, how: str) -> dict[str, Any]:
    """Stop a new run in a phase: seconds until its process was gone, and what is left of it."""
    blocker = None
    if phase == "queued":
        blocker = jobs.submit(config)
        seen.wait(lambda: _phase(blocker) == "main", 120)
    run_id = jobs.submit(config)
    order = ["queued", "starting", "warm-up", "main", "search for σ", "dense grid", "certificate", "artifacts"]
    passed = order[order.index(phase) :]
    met = seen.wait(lambda: _phase(run_id) in passed or _phase(run_id) not in order, 300, every_s=0.02)
    if met is None:
        raise RuntimeError(f"The run never came to {phase}.")
    with store(how):
        pid = seen.jobs()[run_id]["pid"]
        at, began = _phase(run_id), time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "core", "stop", run_id], cwd=ROOT, capture_output=True, text=True, check=False
        )
        gone = seen.wait(lambda: seen.jobs()[run_id]["state"] not in seen.ACTIVE and not _lives(pid), 60, 0.02)
        took = time.monotonic() - began
        row = seen.jobs()[run_id]
    if blocker:
        jobs.stop(blocker, grace_s=0.0)
        seen.wait(lambda: seen.jobs()[blocker]["state"] not in seen.ACTIVE, 60)
    history = run_folder(run_id).history_columns()
    step = float(np.max(np.diff(history["wall_time_s"]))) if len(history.get("wall_time_s", ())) > 1 else 0.0
    trained = len(history.get("iteration", ())) > 0
    problems = []
    if gone is None:
        problems.append("it did not end")
    if trained and not run_folder(run_id).has_checkpoint:
        problems.append("no checkpoint")
    if row["killed"]:
        problems.append("it had to be killed")
    if done.returncode and row["state"] != "finished":
        problems.append(done.stderr.strip())
    if took > BAR_S + step:
        problems.append("too slow")
    return {"phase": at, "store": how, "seconds": took, "step_s": step, "state": row["state"], "wrong": problems}


def _lives(pid: int | None) -> bool:
    return pid is not None and any(process.pid == pid for process in seen.processes("work"))


def measure(quick: bool = False) -> dict[str, Any]:
    """Seconds of each stop."""
    os.environ["OMP_NUM_THREADS"] = "1"
    seen.home().mkdir(parents=True, exist_ok=True)
    found = []
    with seen.ended():
        for how in STORES[:1] if quick else STORES:
            for phase in PHASES:
                found.append(_stopped(LONG, phase, how))
                print(found[-1], file=sys.stderr, flush=True)
    return {
        "bar_s": BAR_S,
        "stops": found,
        "slowest_s": max(each["seconds"] for each in found),
        "wrong": [f"{each['phase']}, store {each['store']}: {why}" for each in found for why in each["wrong"]],
    }
