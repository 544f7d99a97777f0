"""A sweep rings once, when it ends: none of its trials does, and what they find of the machine is said once."""

import os
import sqlite3
import time

import pytest

from core import resources
from core.config import RunConfig
from core.home import home
from core.jobs import database, notable, table
from core.jobs.database import VERSION, reading
from core.jobs.notifying import message_of
from core.jobs.sweeping import say_end
from core.jobs.watching import Watching
from core.rules import DiskLow, Diverged, Failed, Finished
from core.runs import run_folder
from core.runs.history import MAIN, HistoryWriter
from core.settings import Settings, Webhook, save
from pages.parts.live import notices_state

SWEEP_ID = "5" * 32
TRIALS = 200


@pytest.fixture(autouse=True)
def no_other_processes(monkeypatch):
    for name in ("core.jobs.actions.ensure", "core.jobs.actions.ensure_courier", "core.jobs.sync.ensure_courier"):
        monkeypatch.setattr(name, lambda: None)


def settle_lab(*rules):
    save(Settings(watch=rules, channels=(Webhook(name="ops", url="http://127.0.0.1:9/ops"),)))


def begin(number, sweep=SWEEP_ID, **fields):
    run_id, config = f"{number:032x}", RunConfig(problem={"kind": "poisson2d"}, device="cpu", name=f"night {number}")
    home().ensure()
    table.insert(run_id, config, "local", state="running", attempt=1, sweep=sweep, batch=sweep and "night", **fields)
    return run_id


def end(run_id, state="finished"):
    table.update(run_id, state=state, ended=time.time(), reason="why")


def told():
    """(run or sweep, after, channel) of every notice."""
    with reading() as connection:
        rows = connection.execute(
            "SELECT run_id, after, channel FROM notices JOIN events ON events.id = event ORDER BY notices.id"
        ).fetchall()
    return [tuple(row) for row in rows]


def test_of_a_sweep_of_200_trials_the_bell_and_the_channels_say_one_thing():
    settle_lab(Finished(), Failed())
    for number in range(TRIALS):
        end(begin(number), "finished" if number % 3 else "failed")
    alone = begin(TRIALS, sweep=None)
    end(alone)
    say_end(SWEEP_ID, "finished", "133 of 200 finished, 67 failed, best loss 1.00e-05.", since=0.0)
    say_end(SWEEP_ID, "finished", "The process was killed before it closed the sweep.", since=0.0)
    assert [(each.run_id, each.title, each.name) for each in notable.latest()] == [
        (SWEEP_ID, "Sweep finished", "night"),
        (alone, "Finished", f"night {TRIALS}"),
    ]
    assert notable.latest()[0].why.startswith("133 of 200 finished")
    bell = notices_state.build()["notices"]
    assert [each["at"] for each in bell] == [f"sweeps?sweep={SWEEP_ID}", f"watch?run={alone}"]
    watching = Watching()
    watching.look()
    watching.look()
    assert told() == [(alone, "finished", "ops"), (SWEEP_ID, "finished", "ops")]
    message = message_of(table.events_since(0)[-1], "ops")
    assert message.title == "Sweep finished: night"
    assert message.text == "Sweep 55555555 of poisson2d finished: 133 of 200 finished, 67 failed, best loss 1.00e-05."


def test_each_end_of_a_sweep_that_goes_on_is_said_and_a_failure_is_urgent():
    settle_lab(Failed())
    say_end(SWEEP_ID, "failed", "5 trials have failed and none has not. Its run is failed.", since=time.time() - 1)
    opened = time.time()
    say_end(SWEEP_ID, "stopped", "Stopped by anna.", since=opened)
    stopped, failed = notable.latest()
    assert (failed.title, failed.urgent, failed.name) == ("Sweep failed", True, "55555555")  # no trial is left
    assert (stopped.title, stopped.urgent) == ("Sweep stopped", False)
    Watching().look()
    assert told() == [(SWEEP_ID, "failed", "ops")]


def test_what_trials_find_is_their_own_but_of_the_machine_it_is_said_once_of_the_sweep(monkeypatch):
    settle_lab(Diverged(), DiskLow())
    monkeypatch.setattr(resources, "disk_free", lambda path: 0)
    for number in range(3):
        run_id = begin(number, started=time.time(), slot="cpu", pid=os.getpid())
        folder = run_folder(run_id)
        folder.create(RunConfig(problem={"kind": "poisson2d"}, device="cpu"))
        writer = HistoryWriter(folder.history, ("pde",))
        for iteration, loss in enumerate((1.0, 2.0, float("nan")), start=1):
            writer.append(iteration=iteration, stage=0, phase=MAIN, wall_time_s=1.0, loss=loss)
        writer.flush()
    Watching().look()
    found = [(event.run_id, event.after) for event in table.events_since(0) if event.kind == "watcher"]
    assert sorted(run for run, after in found if after == "diverged") == [f"{number:032x}" for number in range(3)]
    assert [run for run, after in found if after == "disk"].count(SWEEP_ID) == 1
    assert told() == [(SWEEP_ID, "disk", "ops")]
    (low,) = notable.latest()
    assert (low.title, low.name, low.of_sweep) == ("Disk is low", "night", True)
    assert low.why.startswith("During night 2: ")


@pytest.mark.sqlite_file
def test_a_table_of_an_older_program_gets_the_column_and_an_index_of_what_is_notable():
    with reading():
        pass
    with sqlite3.connect(home().jobs_db) as old:
        old.execute("DROP INDEX events_notable")
        old.execute("DROP INDEX jobs_sweep")
        old.execute("ALTER TABLE jobs DROP COLUMN sweep")
        old.execute("CREATE INDEX events_notable ON events (id) WHERE kind = 'watcher'")
        old.execute(f"PRAGMA user_version = {VERSION - 1}")
    say_end(SWEEP_ID, "finished", "all", since=0.0)
    assert len(notable.latest()) == 1
    with reading() as connection:
        said = f"SELECT 1 FROM events LEFT JOIN jobs USING (run_id) WHERE {notable.NOTABLE} AND jobs.sweep IS NULL"
        plan = connection.execute(f"EXPLAIN QUERY PLAN {said} ORDER BY events.id DESC LIMIT 50").fetchall()
    assert "events_notable" in " ".join(row["detail"] for row in plan)


def test_a_table_of_an_older_program_on_postgres_gets_the_column_too(empty_database):
    with reading() as old:
        for change in ("DROP INDEX jobs_sweep", "ALTER TABLE jobs DROP COLUMN sweep", "UPDATE version SET number = 5"):
            old.execute(change)
    database._made.clear()
    end(begin(1))
    say_end(SWEEP_ID, "finished", "all", since=0.0)
    assert [(each.title, each.name) for each in notable.latest()] == [("Sweep finished", "night")]
