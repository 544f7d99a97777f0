"""The store beyond one machine: reading ten thousand runs from PostgreSQL, and a run's figures on another machine."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.scale.case import Case, Figure, NotHereError

RUNS = 10_000
SAMPLE = 500
"""Runs that are made one by one; the others are copies of them under other ids."""
TIMES = 3
COLUMNS = ("state", "problem", "started", "duration", "metrics.max_residual", "metrics.loss", "params.seed")
STEPS, WARMING_UP = 25, 5


@contextmanager
def _server() -> Iterator[Any]:
    """A PostgreSQL server of this benchmark's own. Raises NotHereError where there is none."""
    from tests.postgres import Cluster, programs

    if programs() is None:
        raise NotHereError("there is no PostgreSQL server on this machine: `make postgres` installs Debian's")
    with tempfile.TemporaryDirectory(prefix="lab-postgres-") as folder:
        Path(folder).chmod(0o755)
        cluster = Cluster(Path(folder) / "cluster")
        try:
            yield cluster
        finally:
            cluster.stop()


def _seconds(ask: Callable[[], object]) -> float:
    """The median time of asking afresh."""
    from core.tracking.store.reader import reader

    taken = []
    for _ in range(TIMES):
        reader()._remembered.clear()
        begun = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def _fill() -> None:
    """Ten thousand runs in this home's SQLite file."""
    import sqlite3

    from benchmarks.bulk_store import COLUMNS as TABLES
    from benchmarks.bulk_store import bulk
    from core.home import home

    bulk(SAMPLE, folders=False)
    with sqlite3.connect(home().mlflow_db) as database:
        database.execute("CREATE TEMP TABLE sample AS SELECT run_uuid FROM runs")
        for number in range(1, RUNS // SAMPLE):
            for table, names in TABLES.items():
                other_id = f"'{number:04x}' || SUBSTR(run_uuid, 5)"
                picked = ", ".join(other_id if name == "run_uuid" else name for name in names)
                database.execute(
                    f"INSERT INTO {table} ({', '.join(names)}) SELECT {picked} FROM {table} "
                    "WHERE run_uuid IN (SELECT run_uuid FROM sample)"
                )
    database.close()


def _read() -> dict[str, float]:
    """Seconds of what Compare and the best run ask."""
    from core.tracking import compare, store
    from core.tracking.best import Rule, ranking

    def usable_table() -> None:
        records = store.runs()
        compare.column_names(records)
        compare.table(records, COLUMNS)

    if (count := len(store.known_ids())) != RUNS:
        raise RuntimeError(f"there are {count} runs in place of {RUNS}")
    found = {"table": _seconds(usable_table)}
    for how in ("last", "min", "at-checkpoint"):
        found[how] = _seconds(lambda how=how: ranking(Rule("max_residual", how=how))[0])
    return found


def compare_on_postgres() -> Sequence[Figure]:
    """Ten thousand runs, read from both databases on one machine."""
    from core import postgres
    from core.home import home
    from core.moving.migration import migrate

    with _server() as server, tempfile.TemporaryDirectory() as folder:
        os.environ["LAB_HOME"] = f"{folder}/lab"
        os.environ.pop("LAB_DATABASE", None)
        _fill()
        file = _read()
        os.environ["LAB_DATABASE"] = server.create()
        begun = time.perf_counter()
        report = migrate()
        moved = time.perf_counter() - begun
        with postgres.connected(home().database) as connection:
            connection.execute("ANALYZE")
        there = _read()
        postgres.close_all()
    slowest = max(there[how] for how in ("last", "min", "at-checkpoint"))
    ratio = max(there[name] / file[name] for name in there)
    return [
        Figure(f"a usable table of Compare, {RUNS:,} runs", there["table"], "s", "at most", 3.0),
        Figure("the best of them by its last, lowest, checkpoint's value: the slowest", slowest, "s", "at most", 1.0),
        Figure("the table from SQLite", file["table"], "s"),
        Figure("what is slowest against SQLite", ratio, "times", "at most", 3.0),
        Figure("runs moved and checked", report.moved, "", "equal to", RUNS),
        Figure("moved and checked in a second", report.moved / moved, "runs/s"),
    ]


def remote_history() -> Sequence[Figure]:
    """A step written on one machine until the folder on another has it, which a page reads."""
    from core import exchange, postgres
    from core.jobs import table
    from core.presets import presets
    from core.runs import run_folder

    with _server() as server, tempfile.TemporaryDirectory() as folder:
        os.environ |= {"LAB_DATABASE": server.create(), "LAB_HOME": f"{folder}/node"}
        table.find()
        run = run_folder("a" * 32)
        run.create(presets()["poisson2d-quick"].config)
        with exchange.pushing(run), _pulling(f"{folder}/desk"):
            delays = sorted(_delays(run.history, Path(folder, "desk", "runs", run.run_id, "history.arrows")))
        postgres.close_all()
    return [
        Figure(f"step to the other machine's folder, median of {len(delays)}", statistics.median(delays), "s"),
        Figure("the slowest", delays[-1], "s"),
        # a page that somebody looks at asks once a second
        Figure("step to pixel: the slowest, and a page's second", delays[-1] + 1.0, "s", "at most", 3.0),
    ]


@contextmanager
def _pulling(home: str) -> Iterator[None]:
    """Another machine: another process with another home, which pulls as a dashboard does."""
    program = "from core.exchange import Pulling\nPulling().run()"
    puller = subprocess.Popen([sys.executable, "-c", program], env=os.environ | {"LAB_HOME": home})
    try:
        yield
    finally:
        puller.kill()
        puller.wait()


def _delays(here: Path, there: Path) -> list[float]:
    """Seconds of each step, without those in which the other process started."""
    found = []
    for step in range(STEPS):
        with here.open("ab") as file:
            file.write(b"x" * 1000)
        begun = time.perf_counter()
        while not there.exists() or there.stat().st_size < 1000 * (step + 1):
            if time.perf_counter() - begun > 120:
                raise RuntimeError("a step never came to the other machine")
            time.sleep(0.01)
        if step >= WARMING_UP:
            found.append(time.perf_counter() - begun)
    return found


CASES = (
    Case("store-compare", f"Compare and the best of {RUNS:,} runs on PostgreSQL, against SQLite", compare_on_postgres),
    Case("store-remote-history", "A step of a run on another machine until it is here", remote_history),
)
