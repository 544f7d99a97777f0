"""A lab home of an older version: looked at without a change, copied, brought to this one."""

import json
import os
import sqlite3
from contextlib import closing

import pytest

from core import upgrade
from core.errors import LabError, StoreError
from core.jobs import database
from core.jobs.process import boot_id, started_at

RUN = "a" * 32


@pytest.fixture
def old(lab_home):
    """A job table of version 1, with a run in it."""
    (lab_home / "runs" / RUN).mkdir(parents=True)
    columns = [name for name in database.COLUMNS if name not in ("place", "held", "due", "binned", "size", "bin_step")]
    with closing(sqlite3.connect(lab_home / "jobs.db")) as connection, connection:
        connection.execute(f"CREATE TABLE jobs ({', '.join(f'{name} {database.COLUMNS[name]}' for name in columns)})")
        connection.execute(
            "INSERT INTO jobs (run_id, name, problem, problem_parameters, config_hash, device, engine, state, "
            "submitted, queued) VALUES (?, 'old', 'burgers', '{}', 'x', 'cpu', 'local', 'finished', 1.0, 1.0)",
            (RUN,),
        )
        connection.execute("PRAGMA user_version = 1")
    return lab_home


def at_work(lab_home):
    with closing(sqlite3.connect(lab_home / "jobs.db")) as connection, connection:
        connection.execute(
            "UPDATE jobs SET state = 'running', pid = ?, pid_started = ?, boot = ?",
            (os.getpid(), started_at(os.getpid()), boot_id()),
        )


def test_looking_changes_nothing(old):
    before = (old / "jobs.db").read_bytes()
    found = upgrade.needed()
    assert found.steps == [f"job table: version 1 → {database.VERSION}"]
    assert (old / "jobs.db").read_bytes() == before
    assert not (old / "backups").exists()


def test_the_table_gets_what_it_lacks_and_its_copy_is_the_old_one(old):
    found, copy = upgrade.upgrade()
    assert found.steps
    assert copy.stat().st_mode & 0o777 == 0o700
    with closing(sqlite3.connect(copy / "jobs.db")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT name FROM jobs").fetchall() == [("old",)]
    with database.reading() as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == database.VERSION
        assert connection.execute("SELECT name, place FROM jobs").fetchone()[:] == ("old", 1.0)
    assert upgrade.upgrade()[1] is None, "nothing is left to do"


def test_runs_at_work_are_waited_for(old):
    at_work(old)
    before = (old / "jobs.db").read_bytes()
    with pytest.raises(LabError, match="1 runs are at work"):
        upgrade.upgrade()
    assert (old / "jobs.db").read_bytes() == before
    assert upgrade.upgrade(while_running=True)[1] is not None


def test_a_newer_table_and_a_damaged_one_are_refused_and_left(old):
    for damage in ("PRAGMA user_version = 99", None):
        if damage:
            with closing(sqlite3.connect(old / "jobs.db")) as connection, connection:
                connection.execute(damage)
        else:
            (old / "jobs.db").write_bytes(b"no database at all" * 100)
        before = (old / "jobs.db").read_bytes()
        with pytest.raises(StoreError, match=r"newer version|can't be read"):
            upgrade.upgrade()
        assert (old / "jobs.db").read_bytes() == before


def test_without_room_for_a_copy_nothing_is_changed(old):
    (old / "backups").write_text("in the way")
    before = (old / "jobs.db").read_bytes()
    with pytest.raises(StoreError, match="Nothing was changed"):
        upgrade.upgrade()
    assert (old / "jobs.db").read_bytes() == before


def test_configs_are_looked_through_and_left(old, command_line):
    path = old / "runs" / RUN / "config.json"
    path.write_text(json.dumps({"version": 99}))
    found = upgrade.needed()
    assert found.configs == 1
    assert "version" in found.refused[RUN]
    done = command_line("upgrade", "--check")
    assert done.returncode == 0
    assert f"to do  job table: version 1 → {database.VERSION}" in done.stdout
    assert "1 configs: 0 of them read with changes, 1 can't be read" in done.stdout
    assert path.read_text() == json.dumps({"version": 99})
