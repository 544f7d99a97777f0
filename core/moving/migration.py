"""A lab's SQLite home moved to the database that `LAB_DATABASE` names, run by run, each checked in what was written.

A run is one transaction there: its row, everything that belongs to it, a look at what has come of it, and the note that
it was moved. So the move may be cut off anywhere and begun again: what is there and the same is not moved twice, what
changed meanwhile is moved anew. The files of the home are read and never written.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from core import postgres
from core.errors import LabError, StoreError
from core.home import home
from core.jobs.database import reading
from core.moving.artifacts import Mover
from core.moving.sides import LAB, SCHEMA_VERSION, PostgresSide, Side, SqliteSide, same, sqlite_snapshot
from core.runs.states import ACTIVE
from core.tracking import store

OF_RUN = {
    "params": "run_uuid",
    "tags": "run_uuid",
    "metrics": "run_uuid",
    "latest_metrics": "run_uuid",
    "inputs": "destination_id",
}
"""MLflow's tables of what belongs to a run → the column with its id."""
MOVED = (*OF_RUN, "runs", "experiments", "experiment_tags", "datasets", "input_tags", SCHEMA_VERSION, "workspaces")
"""Tables of MLflow's that are moved, or are there by themselves."""
NOTES = (
    "CREATE TABLE IF NOT EXISTS moved (source TEXT NOT NULL, what TEXT NOT NULL, digest TEXT NOT NULL, "
    "PRIMARY KEY (source, what))"
)
"""What was moved from where, and what it was then."""


@dataclass
class Report:
    """What came of a move."""

    moved: int = 0
    """Runs that were moved now."""
    there: int = 0
    """Runs that were there already, and are the same."""
    jobs: int = 0
    events: int = 0
    files: int = 0
    """Artifacts that were sent."""
    refused: dict[str, str] = field(default_factory=dict)
    """Run → why it was not moved."""
    left: dict[str, int] = field(default_factory=dict)
    """Tables of other programs' things → rows in them, which stay where they are."""


def migrate(say: Callable[[str], None] = lambda line: None) -> Report:
    """Move the home's runs and jobs; raises StoreError, LabError where nothing can be moved (now).

    Args:
        say: takes a line about how far it is, now and then.
    """
    lab = home().ensure()
    if not lab.database:
        raise LabError("LAB_DATABASE names no database to move to: set it to postgresql:// with user, host, database.")
    if not lab.mlflow_db.exists() and not lab.jobs_db.exists():
        raise LabError(f"{lab.root} has no SQLite store to move: neither {lab.mlflow_db.name} nor {lab.jobs_db.name}.")
    store.client()  # makes MLflow's tables there
    with reading() as connection:  # and this program's
        connection.execute(NOTES)
    report = Report()
    with postgres.connected(lab.database) as connection:
        if not connection.execute("SELECT pg_try_advisory_lock(?)", (postgres.MOVING,)).fetchone()[0]:
            raise StoreError("Another process is moving a home to this database just now.")
        try:
            if lab.mlflow_db.exists():
                with sqlite_snapshot(lab.mlflow_db) as source:
                    _Runs(source, connection, report, say).move()
            if lab.jobs_db.exists():
                with sqlite_snapshot(lab.jobs_db) as source:
                    _move_jobs(source, connection, report)
        finally:
            with contextlib.suppress(Exception):  # the server is gone, and its lock with it
                connection.execute("SELECT pg_advisory_unlock(?)", (postgres.MOVING,))
    return report


@contextlib.contextmanager
def _transaction(connection: postgres.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def _noted(connection: postgres.Connection, what: str) -> str | None:
    found = connection.execute("SELECT digest FROM moved WHERE source = ? AND what = ?", (str(home().root), what))
    row = found.fetchone()
    return None if row is None else row[0]


def _note(connection: postgres.Connection, what: str, digest: str) -> None:
    connection.execute(
        "INSERT INTO moved VALUES (?, ?, ?) ON CONFLICT (source, what) DO UPDATE SET digest = excluded.digest",
        (str(home().root), what, digest),
    )


# -- MLflow's runs --------------------------------------------------------------------------------------------------


class _Runs:
    """The move of one MLflow file."""

    def __init__(self, source: SqliteSide, connection: postgres.Connection, report: Report, say: Callable[[str], None]):
        self._source, self._connection, self._report, self._say = source, connection, report, say
        self._target = PostgresSide(connection, "public")
        self._mover = Mover()
        self._columns: dict[str, list[str]] = {}
        self._experiments: dict[int, int] = {}
        self._locations: dict[int, str] = {}

    def move(self) -> None:
        """Move every run that is not there yet, or is there otherwise."""
        self._check_versions()
        self._report.left = self._others()
        self._move_experiments()
        at = self._source.columns("runs").index("run_uuid")
        ids = [row[at] for row in self._source.rows("runs", "ORDER BY start_time, run_uuid")]
        for number, run_id in enumerate(ids, start=1):
            try:
                self._move(run_id)
            except LabError as error:
                if isinstance(error, StoreError) and not self._answers():
                    raise
                self._report.refused[run_id] = str(error)
            if number % 500 == 0 or number == len(ids):
                self._say(f"{number:,} of {len(ids):,} runs looked at, {self._report.moved:,} moved")

    def _answers(self) -> bool:
        """Whether the server is still there, so that what was wrong is the run's alone."""
        return not self._connection.inner.broken

    def _check_versions(self) -> None:
        here, there = (list(side.rows(SCHEMA_VERSION)) for side in (self._source, self._target))
        if here != there:
            raise StoreError(
                f"{home().mlflow_db} was made by another version of MLflow ({here[0][0]}; the server's tables are of "
                f"{there[0][0]}). Back it up, then "
                f"`mlflow db upgrade sqlite:///{home().mlflow_db}`."
            )

    def _others(self) -> dict[str, int]:
        """Tables that are not moved and have rows: traces, models and the like, of other programs."""
        counts = {
            table: sum(1 for _ in self._source.rows(table)) for table in self._source.tables() if table not in MOVED
        }
        return {table: count for table, count in counts.items() if count}

    def _common(self, table: str) -> list[str]:
        """Columns that both have, in the source's order."""
        if table not in self._columns:
            there = set(self._target.columns(table))
            self._columns[table] = [name for name in self._source.columns(table) if name in there]
        return self._columns[table]

    def _picked(self, table: str, where: str = "", values: tuple = ()) -> list[dict[str, Any]]:
        names, wanted = self._source.columns(table), set(self._common(table))
        return [
            {name: value for name, value in zip(names, row, strict=True) if name in wanted}
            for row in self._source.rows(table, where, values)
        ]

    def _put(self, table: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            names = self._common(table)
            self._target.put(table, names, ([row[name] for name in names] for row in rows))

    def _move_experiments(self) -> None:
        """Have each experiment there, by its name; ids may differ."""
        with _transaction(self._connection):
            for row in self._picked("experiments"):
                number = row.pop("experiment_id")
                found = self._connection.execute(
                    "SELECT experiment_id, artifact_location FROM public.experiments WHERE name = ?", (row["name"],)
                ).fetchone()
                if found is None:
                    names, marks = ", ".join(row), ", ".join("?" * len(row))
                    found = self._connection.execute(
                        f"INSERT INTO public.experiments ({names}) VALUES ({marks}) "
                        "RETURNING experiment_id, artifact_location",
                        tuple(row.values()),
                    ).fetchone()
                self._experiments[number], self._locations[number] = found
            for row in self._picked("experiment_tags"):
                row["experiment_id"] = self._experiments[row["experiment_id"]]
                names, marks = ", ".join(row), ", ".join("?" * len(row))
                self._connection.execute(
                    f"INSERT INTO public.experiment_tags ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING",
                    tuple(row.values()),
                )

    def _content(self, run_id: str) -> dict[str, list[dict[str, Any]]]:
        """A run with all that belongs to it, table by table, as it is to be there."""
        content = {"runs": self._picked("runs", "WHERE run_uuid = ?", (run_id,))}
        content |= {table: self._picked(table, f"WHERE {column} = ?", (run_id,)) for table, column in OF_RUN.items()}
        inputs = content["inputs"]
        content["input_tags"] = [
            row for one in inputs for row in self._picked("input_tags", "WHERE input_uuid = ?", (one["input_uuid"],))
        ]
        content["datasets"] = [
            row for one in inputs for row in self._picked("datasets", "WHERE dataset_uuid = ?", (one["source_id"],))
        ]
        return content

    def _move(self, run_id: str) -> None:
        content = self._content(run_id)
        digest = _digest(content)
        noted = _noted(self._connection, run_id)
        if noted == digest:
            self._report.there += 1
            return
        if (
            noted is None
            and self._connection.execute("SELECT 1 FROM public.runs WHERE run_uuid = ?", (run_id,)).fetchone()
        ):
            raise LabError(f"Run {run_id[:8]} is in the database already, and was not moved there from this home.")
        number = content["runs"][0]["experiment_id"]
        uri, sent = self._mover.move(run_id, content["runs"][0]["artifact_uri"] or "", self._locations[number])
        for row in (*content["runs"], *content["datasets"]):
            row["experiment_id"] = self._experiments[row["experiment_id"]]
        content["runs"][0]["artifact_uri"] = uri
        with _transaction(self._connection):
            if noted is not None:
                self._take_away(run_id)
            self._put("runs", content["runs"])
            self._put_datasets(content)
            for table in (*OF_RUN, "input_tags"):
                self._put(table, content[table])
            self._check(run_id, content)
            _note(self._connection, run_id, digest)
        self._report.moved += 1
        self._report.files += sent

    def _put_datasets(self, content: dict[str, list[dict[str, Any]]]) -> None:
        """Several runs use one dataset; one that is there under another id is used in its place."""
        for row in content["datasets"]:
            found = self._connection.execute(
                "SELECT dataset_uuid FROM public.datasets WHERE experiment_id = ? AND name = ? AND digest = ?",
                (row["experiment_id"], row["name"], row["digest"]),
            ).fetchone()
            if found is None:
                self._put("datasets", [row])
            elif found[0] != row["dataset_uuid"]:
                for one in content["inputs"]:
                    if one["source_id"] == row["dataset_uuid"]:
                        one["source_id"] = found[0]

    def _take_away(self, run_id: str) -> None:
        self._connection.execute(
            "DELETE FROM public.input_tags WHERE input_uuid IN "
            "(SELECT input_uuid FROM public.inputs WHERE destination_id = ?)",
            (run_id,),
        )
        for table, column in OF_RUN.items():
            self._connection.execute(f"DELETE FROM public.{table} WHERE {column} = ?", (run_id,))
        self._connection.execute("DELETE FROM public.runs WHERE run_uuid = ?", (run_id,))

    def _check(self, run_id: str, content: dict[str, list[dict[str, Any]]]) -> None:
        """Raise StoreError where what is there now is not what was to be moved; the transaction is then undone."""
        for table in ("runs", *OF_RUN):
            names, there = self._common(table), self._target.columns(table)
            picked = [there.index(name) for name in names]
            column = OF_RUN.get(table, "run_uuid")
            found = [[row[k] for k in picked] for row in self._target.rows(table, f"WHERE {column} = ?", (run_id,))]
            wanted = [[row[name] for name in names] for row in content[table]]
            alike = len(found) == len(wanted) and all(
                same(a, b) for a, b in zip(sorted(wanted, key=repr), sorted(found, key=repr), strict=True)
            )
            if not alike:
                raise StoreError(
                    f"Run {run_id[:8]} is not in the database as it was: {table} has {len(found)} rows of it there, "
                    f"{len(wanted)} here, or others. Nothing of it was kept there."
                )


# -- the job table --------------------------------------------------------------------------------------------------


def _move_jobs(source: SqliteSide, connection: postgres.Connection, report: Report) -> None:
    """Move the job table as one: the order of its rows and of its events is one for all runs."""
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
    digest = _digest(tables)
    noted = _noted(connection, "jobs")
    target = PostgresSide(connection, postgres.SCHEMA)
    if noted == digest:
        return
    if noted is not None:
        raise LabError(
            "The job table was moved before, and both it and this home's may have changed since: `python -m core "
            "doctor --rebuild-jobs` gives runs that have no row there one from their folders."
        )
    with _transaction(connection):
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
        _note(connection, "jobs", digest)
    report.jobs, report.events = len(tables["jobs"]), len(tables["events"])


def _check_jobs(target: Side, table: str, names: list[str], rows: list[dict[str, Any]]) -> None:
    """Raise StoreError where one of the rows is not there as it was."""
    there = target.columns(table)
    picked = [there.index(name) for name in names]
    found = {repr(tuple(row[k] for k in picked)) for row in target.rows(table)}
    missing = [row for row in rows if repr(tuple(row[name] for name in names)) not in found]
    if missing:
        raise StoreError(f"{len(missing)} rows of {table} are not in the database as they were. None was kept there.")
