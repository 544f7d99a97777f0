"""A lab's SQLite home moved to the database that `LAB_DATABASE` names, run by run, each checked in what was written.

A run's artifacts go first (`core.moving.artifacts`). Then the run is one transaction there: its row, everything that
belongs to it, a look at what has come of it, and the note that it was moved. So the move may be cut off anywhere and
begun again: what is there and the same is not moved twice, what changed meanwhile is moved anew. The files of the home
are read and never written.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from core import postgres
from core.errors import LabError, StoreError
from core.home import home
from core.jobs.database import reading
from core.moving.artifacts import Mover, NotTakenError, local_folder, place_of_all
from core.moving.jobs import move_jobs
from core.moving.notes import TABLE, Notes, digest_of
from core.moving.sides import SCHEMA_VERSION, PostgresSide, SqliteSide, same, sqlite_snapshot, transaction
from core.tracking import store
from core.tracking.store.postgres_reader import PostgresReader
from core.tracking.store.reader import reader

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
SAY_S = 10.0
"""Seconds between two lines about how far it is."""


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
    here: int = 0
    """Runs whose artifacts stay in folders of this machine, since there is no other place for them."""
    without: int = 0
    """Runs that have no artifacts here though these are to be sent, and keep their address."""
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
    if not isinstance(reader(), PostgresReader):
        raise LabError(
            f"MLFLOW_TRACKING_URI is {lab.tracking_uri}, and its runs are not in LAB_DATABASE: set it to the server in "
            "front of that database, or unset it."
        )
    with reading() as connection:  # and this program's
        connection.execute(TABLE)
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
                    report.jobs, report.events = move_jobs(source, connection)
        finally:
            with contextlib.suppress(Exception):  # the server is gone, and its lock with it
                connection.execute("SELECT pg_advisory_unlock(?)", (postgres.MOVING,))
    return report


class _Runs:
    """The move of one MLflow file."""

    def __init__(self, source: SqliteSide, connection: postgres.Connection, report: Report, say: Callable[[str], None]):
        self._source, self._connection, self._report, self._say = source, connection, report, say
        self._target = PostgresSide(connection, "public")
        self._notes = Notes(connection)
        self._mover = Mover(self._notes)
        self._columns: dict[str, list[str]] = {}
        self._experiments: dict[int, int] = {}
        self._locations: dict[int, str | None] = {}
        self._not_taken: NotTakenError | None = None

    def move(self) -> None:
        """Move every run that is not there yet, or is there otherwise."""
        import psycopg

        self._check_versions()
        self._report.left = self._others()
        self._move_experiments()
        at = self._source.columns("runs").index("run_uuid")
        ids = [row[at] for row in self._source.rows("runs", "ORDER BY start_time, run_uuid")]
        said = time.monotonic()
        for number, run_id in enumerate(ids, start=1):
            try:
                self._move(run_id)
            except LabError as error:
                self._end_where_it_is_not_the_run(error)
                self._report.refused[run_id] = str(error)
            except (psycopg.DataError, psycopg.IntegrityError) as error:  # SQLite takes texts of any length
                self._report.refused[run_id] = f"The database does not take it: {postgres.words_of(error)}."
            if number == len(ids) or time.monotonic() - said > SAY_S:
                said = time.monotonic()
                self._say(
                    f"{number:,} of {len(ids):,} runs looked at, {self._report.moved:,} moved, "
                    f"{self._report.files:,} artifacts sent"
                )

    def _end_where_it_is_not_the_run(self, error: LabError) -> None:
        """Raise what would befall all other runs as well: a database that is gone, a place that takes nothing.

        Where artifacts of two runs one after the other are not taken, it is the place.
        """
        if isinstance(error, NotTakenError):
            if self._not_taken is not None:
                first = self._not_taken
                raise StoreError(f"{first} What was moved stays; `store migrate` goes on from there.") from first
            self._not_taken = error
        elif isinstance(error, StoreError) and not self._answers():
            raise error

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
        with transaction(self._connection):
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
            self._place_artifacts()
            for row in self._picked("experiment_tags"):
                row["experiment_id"] = self._experiments[row["experiment_id"]]
                names, marks = ", ".join(row), ", ".join("?" * len(row))
                self._connection.execute(
                    f"INSERT INTO public.experiment_tags ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING",
                    tuple(row.values()),
                )

    def _place_artifacts(self) -> None:
        """Have experiments whose artifacts are in a folder of one machine keep them where the lab's own are to be."""
        number, location = self._connection.execute(
            "SELECT experiment_id, artifact_location FROM public.experiments WHERE name = ?", (store.EXPERIMENT,)
        ).fetchone()
        place = place_of_all(location, str(number))
        for here, there in self._experiments.items():
            folder = local_folder(self._locations[here] or "")
            if place is None:
                self._locations[here] = None if folder is not None else self._locations[here]
            elif folder is not None:
                self._locations[here] = place if there == number else f"{place}/{there}"
                self._connection.execute(
                    "UPDATE public.experiments SET artifact_location = ? WHERE experiment_id = ?",
                    (self._locations[here], there),
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
        digest = digest_of(content)
        noted = self._notes.digest(run_id)
        there = self._connection.execute(
            "SELECT artifact_uri FROM public.runs WHERE run_uuid = ?", (run_id,)
        ).fetchone()
        if noted is None and there is not None:
            raise LabError(f"Run {run_id[:8]} is in the database already, and was not moved there from this home.")
        before = content["runs"][0]["artifact_uri"]
        uri = self._move_artifacts(run_id, content["runs"][0])
        if noted == digest:
            self._report.there += 1
            if there is not None and uri not in (before, there[0]):  # a bucket was named after the run was moved
                self._connection.execute("UPDATE public.runs SET artifact_uri = ? WHERE run_uuid = ?", (uri, run_id))
            return
        for row in (*content["runs"], *content["datasets"]):
            row["experiment_id"] = self._experiments[row["experiment_id"]]
        content["runs"][0]["artifact_uri"] = uri
        with transaction(self._connection):
            if noted is not None:
                self._take_away(run_id)
            self._put("runs", content["runs"])
            self._put_datasets(content)
            for table in (*OF_RUN, "input_tags"):
                self._put(table, content[table])
            self._check(run_id, content)
            self._notes.put(run_id, digest)
        self._report.moved += 1

    def _move_artifacts(self, run_id: str, run: dict[str, Any]) -> str:
        """Send a run's artifacts where they are to be; returns their address from now on."""
        before, location = run["artifact_uri"] or "", self._locations[run["experiment_id"]]
        uri, sent = self._mover.move(run_id, before, location)
        if sent:
            self._not_taken = None
        self._report.files += sent
        folder = local_folder(uri)
        if folder is not None and location is None:
            self._report.here += 1
        elif folder is not None and not folder.is_dir():
            self._report.without += 1
        return uri

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
