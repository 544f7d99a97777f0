"""The job table of a home moved to a database server."""

from __future__ import annotations

from typing import Any

from core import postgres
from core.errors import LabError, StoreError
from core.moving.notes import Notes, digest_of
from core.moving.sides import LAB, PostgresSide, Side, SqliteSide, transaction
from core.runs.states import ACTIVE


def move_jobs(source: SqliteSide, connection: postgres.Connection) -> tuple[int, int]:
    """Move the job table as one: the order of its rows and of its events is one for all runs.

    Returns how many jobs and events were moved. Raises StoreError, and LabError while runs are at work.
    """
    tables: dict[str, list[dict[str, Any]]] = {}
    present = set(source.tables())
    for table in LAB:
        names = source.columns(table) if table in present else []
        order = "ORDER BY rowid" if table == "jobs" else "ORDER BY 1"
        rows = source.rows(table, order) if names else ()
        tables[table] = [dict(zip(names, row, strict=True)) for row in rows]
    busy = [row["run_id"][:8] for row in tables["jobs"] if row["state"] in ACTIVE]
    if busy:
        raise LabError(
            f"{len(busy)} runs are at work ({', '.join(busy[:5])}): pause or stop them, then move. Their figures in "
            "MLflow were moved, and are moved anew then."
        )
    digest = digest_of(tables)
    notes = Notes(connection)
    noted = notes.digest("jobs")
    target = PostgresSide(connection, postgres.SCHEMA)
    if noted == digest:
        return 0, 0
    if noted is not None:
        raise LabError(
            "The job table was moved before, and both it and this home's may have changed since: `python -m core "
            "doctor --rebuild-jobs` gives runs that have no row there one from their folders."
        )
    with transaction(connection):
        known = {row[0] for row in connection.execute("SELECT run_id FROM jobs").fetchall()}
        offset = connection.execute("SELECT COALESCE(MAX(id), 0) FROM events").fetchone()[0]
        notice = connection.execute("SELECT COALESCE(MAX(id), 0) FROM notices").fetchone()[0]
        for row in tables["events"]:
            row["id"] += offset
        for table in ("fired", "notices"):
            for row in tables[table]:
                row["event"] += offset
        for row in tables["notices"]:
            row["id"] += notice
        if connection.execute("SELECT 1 FROM followed").fetchone():
            tables["followed"] = []
        for row in tables["followed"]:
            row["last"] += offset
        tables["jobs"] = [row for row in tables["jobs"] if row["run_id"] not in known]
        for table, rows in tables.items():
            names = [name for name in (rows[0] if rows else ()) if name in target.columns(table)]
            if rows:
                target.put(table, names, ([row[name] for name in names] for row in rows))
                _check_jobs(target, table, names, rows)
        target.set_counters()
        notes.put("jobs", digest)
    return len(tables["jobs"]), len(tables["events"])


def _check_jobs(target: Side, table: str, names: list[str], rows: list[dict[str, Any]]) -> None:
    """Raise StoreError where one of the rows is not there as it was."""
    there = target.columns(table)
    picked = [there.index(name) for name in names]
    found = {repr(tuple(row[k] for k in picked)) for row in target.rows(table)}
    missing = [row for row in rows if repr(tuple(row[name] for name in names)) not in found]
    if missing:
        raise StoreError(f"{len(missing)} rows of {table} are not in the database as they were. None was kept there.")
