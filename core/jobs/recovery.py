"""The job table's rows, found again in the runs' folders where the table was lost.

Each change of a row is kept in its run's folder too (`job.json`). Older runs have none: of these, the config, the last
word, the store and the processes that still run say together what can be known.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import psutil

from core.errors import LabError
from core.jobs.announced import being_made
from core.jobs.job import columns_of
from core.jobs.process import alive, attempts_alive, boot_id
from core.jobs.stored import Stored, stored_runs
from core.runs import RunFolder
from core.runs.folder import CONFIG, all_folders
from core.runs.states import ACTIVE, ENDED, REPEATABLE

STATES = ("queued", "paused", *ACTIVE, *ENDED)
TAKEN_IN_S = 10.0
"""A run that another machine makes in the same folders has its row so soon after its folder."""
UNKNOWN = "The job table was lost while it waited. Resume queues it again."


def recovered(columns: Mapping[str, str], known: set[str]) -> list[dict[str, Any]]:
    """Rows for all folders of runs but the known ones, in the order in which they were submitted.

    Args:
        columns: of the table, name → declaration.
        known: ids of runs that have a row.
    """
    folders = without_row(known)
    rows = {folder.run_id: row for folder in folders if (row := _kept(folder, columns)) is not None}
    if older := [folder for folder in folders if folder.run_id not in rows]:
        stored, living = stored_runs(), attempts_alive()
        for folder in older:
            rows[folder.run_id] = _pieced_together(
                folder, stored.get(folder.run_id), living.get(str(folder.path)) or _beating(folder)
            )
    return sorted(rows.values(), key=lambda row: row["submitted"])


def _beating(folder: RunFolder) -> tuple[int, int, float] | None:
    """(attempt, pid, start) of the process whose heartbeat is in a folder, where it lives.

    A process that was prepared before it became a run (`core.jobs.prepared`) does not say so in its environment.
    """
    beat = folder.heartbeat()
    if beat is None or not alive(beat["pid"], beat["pid_started"], boot_id()):
        return None
    return beat["attempt"], beat["pid"], beat["pid_started"]


def without_row(known: set[str]) -> list[RunFolder]:
    """The folders of runs that are not known, without those that are about to get a row."""
    folders = [folder for folder in all_folders() if folder.run_id not in known]
    making = being_made()  # after the folders: whoever made one has said so before, or has given it its row since
    return [folder for folder in folders if not (folder.run_id in making or _just_made(folder))]


def _just_made(folder: RunFolder) -> bool:
    """Whether a folder's maker may be about to give it a row where no note says so: its home is another machine's."""
    made = _changed(folder, CONFIG if folder.file(CONFIG).exists() else ".")
    return folder.job() is None and time.time() - made < TAKEN_IN_S


def _kept(folder: RunFolder, columns: Mapping[str, str]) -> dict[str, Any] | None:
    """The row as the run's folder has it; None where it has none that could be one."""
    row = folder.job()
    if row is None or row.get("run_id") != folder.run_id or row.get("state") not in STATES:
        return None
    for name, declaration in columns.items():
        value, kind = row.get(name), {"TEXT": str, "INTEGER": int, "REAL": (int, float)}[declaration.split()[0]]
        absent = value is None and ("NOT NULL" not in declaration or "DEFAULT" in declaration)
        if not absent and (not isinstance(value, kind) or isinstance(value, bool)):
            return None
    return {name: row[name] for name in columns if row.get(name) is not None}


def _pieced_together(
    folder: RunFolder, stored: Stored | None, process: tuple[int, int, float] | None
) -> dict[str, Any]:
    """A row of a run that an older program made.

    Args:
        folder: the run's.
        stored: what the store says of it.
        process: (attempt, pid, start) of its living process.
    """
    word = folder.last_word()
    row = {"run_id": folder.run_id, "engine": "local"} | _described(folder, stored)
    row["attempt"] = word["attempt"] if word else int(folder.file("heartbeat").exists())
    if process is not None:
        row["attempt"], row["pid"], row["pid_started"] = process
        return row | {"state": "running", "started": row["submitted"], "boot": boot_id(), "synced": 0}
    known = stored.state if stored else ""
    if word and not (known == "queued" and word["state"] in REPEATABLE):
        row |= {"state": word["state"], "reason": word["reason"], "ended": _changed(folder, "exit.json")}
    elif known in ("queued", "paused", *ENDED):
        row |= {"state": known, "reason": stored.reason}
    elif row["attempt"]:
        row |= {"state": "crashed", "reason": "Its process vanished without a word."}
    else:
        row |= {"state": "stopped", "reason": UNKNOWN}
    return row | {"synced": int(row["state"] == known)}


def _described(folder: RunFolder, stored: Stored | None) -> dict[str, Any]:
    submitted = stored.started if stored else _changed(folder, CONFIG)
    described = {"submitted": submitted, "queued": submitted}
    try:
        reading = folder.config()
    except LabError:
        reading = None
    if reading is None:
        return described | {
            "name": stored.name if stored else "",
            "problem": stored.problem if stored else "unknown",
            "problem_parameters": "{}",
            "config_hash": stored.config_hash if stored else "",
            "device": "auto",
        }
    kept = {"config_hash": stored.config_hash} if stored and stored.config_hash else {}
    return described | columns_of(reading.config) | kept


def _changed(folder: RunFolder, name: str) -> float:
    try:
        return folder.file(name).stat().st_mtime
    except OSError:
        return psutil.boot_time()
