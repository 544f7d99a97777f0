"""What a lab's files say, read past the program: nothing that looks here settles, starts or tells anything."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil

ACTIVE = ("running", "pausing", "stopping")
MLFLOW = {
    "queued": "SCHEDULED",
    "running": "RUNNING",
    "pausing": "RUNNING",
    "stopping": "RUNNING",
    "paused": "SCHEDULED",
    "finished": "FINISHED",
    "stopped": "KILLED",
    "failed": "FAILED",
    "crashed": "FAILED",
}


def home() -> Path:
    """The lab home of this benchmark."""
    return Path(os.environ["LAB_HOME"])


def jobs() -> dict[str, dict[str, Any]]:
    """Rows of the job table by run id; empty where there is none yet."""
    return {row["run_id"]: row for row in _rows(home() / "jobs.db", "SELECT * FROM jobs")}


def told() -> dict[str, dict[str, Any]]:
    """What MLflow says of each run: its status and the tag `lab.state`."""
    query = (
        "SELECT run_uuid, status, lifecycle_stage, (SELECT value FROM tags WHERE tags.run_uuid = runs.run_uuid "
        "AND key = 'lab.state') AS state FROM runs"
    )
    return {row["run_uuid"]: row for row in _rows(home() / "mlflow.db", query)}


def _rows(path: Path, query: str) -> list[dict[str, Any]]:
    """Rows of a database; a transaction whose writer was killed is rolled back by who opens it for writing."""
    if not path.exists():
        return []
    try:
        return _read(path, query, "ro")
    except sqlite3.OperationalError as error:
        if "readonly database" not in str(error):
            raise
        return _read(path, query, "rw")


def _read(path: Path, query: str, mode: str) -> list[dict[str, Any]]:
    try:
        with closing(sqlite3.connect(f"file:{path}?mode={mode}", uri=True, timeout=20)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query)]
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []
        raise


def processes(*words: str) -> list[psutil.Process]:
    """Processes of this lab home whose command line holds all the words."""
    found = []
    for process in psutil.process_iter():
        try:
            command = " ".join(process.cmdline())
            mine = process.environ().get("LAB_HOME") == str(home())
            if mine and process.status() != psutil.STATUS_ZOMBIE and all(word in command for word in words):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def kill(process: psutil.Process) -> None:
    """SIGKILL, where it still lives."""
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


def lies() -> list[str]:
    """What the job table or MLflow says that is not so: a dead run called active, another word in the other place."""
    found = []
    records = told()
    for run_id, row in jobs().items():
        lives = row["pid"] is not None and psutil.pid_exists(row["pid"]) and _at_work(row["pid"])
        if row["state"] in ACTIVE and not lives:
            found.append(f"{run_id[:8]} is called {row['state']} and has no process")
        record = records.get(run_id)
        if record is None:
            found.append(f"{run_id[:8]} is not in MLflow")
        elif record["state"] != row["state"] or record["status"] != MLFLOW[row["state"]]:
            found.append(f"{run_id[:8]} is {row['state']}, MLflow says {record['state']} and {record['status']}")
    return found


def _at_work(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait(true: Callable[[], bool], limit_s: float, every_s: float = 0.1) -> float | None:
    """Seconds until it was true; None when it was not within the limit."""
    began = time.monotonic()
    while time.monotonic() - began < limit_s:
        if true():
            return time.monotonic() - began
        time.sleep(every_s)
    return None


@contextmanager
def ended() -> Iterator[None]:
    """Every process of this lab home is ended afterwards."""
    try:
        yield
    finally:
        for process in processes():
            if process.pid != os.getpid():
                kill(process)
