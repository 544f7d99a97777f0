"""A lab moved from SQLite to PostgreSQL, cut off in between and gone on with; saved and made again."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile

import psycopg
import pytest

from benchmarks.bulk_store import STATES, bulk
from core import postgres
from core.errors import LabError, StoreError
from core.home import home
from core.jobs import table
from core.jobs.database import reading, transaction
from core.jobs.events import record
from core.moving import artifacts
from core.moving.backup import backup, restore
from core.moving.migration import migrate
from core.presets import presets
from core.runs import run_folder
from core.tracking import store

CONFIG = presets()["poisson2d-quick"].config


@pytest.fixture
def old_lab(lab_home, monkeypatch, fresh_store):
    """A lab in SQLite with runs of every kind and jobs, and events in one order."""
    from tests.conftest import lay_out

    lay_out(lab_home, fresh_store)
    ids = bulk(20, folders=False)
    words = home().artifacts / ids[0] / "artifacts" / "words"
    words.mkdir(parents=True)
    (words / "note.txt").write_text("hello")
    store.client().delete_run(ids[3])
    for run_id in ids[:6]:
        run_folder(run_id).create(CONFIG)
        table.insert(run_id, CONFIG, "local", state="finished", ended=1.0)
    with transaction() as connection:
        record(connection, ids[5], "moved", "2", "1")
        record(connection, ids[0], "moved", "1", "2")
    return ids


def content():
    """All that readers see."""
    with reading() as connection:
        rows = [dict(row) for row in connection.execute("SELECT * FROM jobs ORDER BY run_id").fetchall()]
        events = [tuple(row) for row in connection.execute("SELECT * FROM events ORDER BY id").fetchall()]
    for row in rows:
        row.pop("rowid", None)
    records = sorted((vars(record) for record in store.runs()), key=lambda record: record["run_id"])
    for record_ in records:
        record_.pop("experiment_id"), record_.pop("artifact_uri")
    histories = {record_["run_id"]: store.metric_history(record_["run_id"]) for record_ in records[:5]}
    shown = {run: {key: [list(map(str, column)) for column in curve] for key, curve in sorted(curves.items())}
             for run, curves in histories.items()}  # fmt: skip
    return json.dumps([rows, events, records, shown, sorted(store.deleted_ids())], sort_keys=True, default=str)


def test_a_home_is_moved_run_by_run_and_is_the_same_there(old_lab, fresh_database, postgres_server, monkeypatch):
    before = content()
    monkeypatch.setenv("LAB_DATABASE", postgres_server.create(fresh_database))
    report = migrate()
    assert (report.moved, report.there, report.jobs, report.events, report.refused) == (20, 0, 6, 8, {})
    assert content() == before
    again = migrate()
    assert (again.moved, again.there, again.jobs) == (0, 20, 0)
    table.insert("f" * 32, CONFIG, "local")  # numbers go on after those that were moved
    assert table.newest_event() == 9
    postgres.close_all()


def test_a_move_that_was_killed_in_the_middle_goes_on(old_lab, fresh_database, postgres_server, monkeypatch):
    before = content()
    uri = postgres_server.create(fresh_database)
    program = (
        "import os, signal\nfrom core.moving import migration\nseen = []\nmove = migration._Runs._check\n"
        "def check(self, run_id, content):\n    move(self, run_id, content)\n    seen.append(run_id)\n"
        "    len(seen) == 8 and os.kill(os.getpid(), signal.SIGKILL)\n"
        "migration._Runs._check = check\nmigration.migrate()"
    )
    ended = subprocess.run([sys.executable, "-c", program], env=os.environ | {"LAB_DATABASE": uri}, check=False)
    assert ended.returncode == -signal.SIGKILL
    with psycopg.connect(uri) as connection:
        assert connection.execute("SELECT COUNT(*) FROM runs").fetchone() == (7,)
    monkeypatch.setenv("LAB_DATABASE", uri)
    report = migrate()
    assert (report.moved, report.there) == (13, 7)
    assert content() == before
    postgres.close_all()


def test_a_run_that_changed_meanwhile_is_moved_anew_and_a_strangers_is_left(
    old_lab, fresh_database, postgres_server, monkeypatch
):
    uri = postgres_server.create(fresh_database)
    monkeypatch.setenv("LAB_DATABASE", uri)
    migrate()
    monkeypatch.delenv("LAB_DATABASE")
    store.client().set_tag(old_lab[0], "note", "later")
    monkeypatch.setenv("LAB_DATABASE", uri)
    with psycopg.connect(uri) as connection:
        connection.execute("DELETE FROM lab.moved WHERE what = %s", (old_lab[1],))
    report = migrate()
    assert (report.moved, report.there) == (1, 18)
    assert "was not moved there from this home" in report.refused[old_lab[1]]
    assert store.get_run(old_lab[0]).tags["note"] == "later"
    postgres.close_all()


@pytest.fixture
def shared(old_lab, fresh_database, postgres_server, monkeypatch, tmp_path):
    """A folder for artifacts, with a new database whose experiment is to keep them there."""
    monkeypatch.setenv("LAB_DATABASE", postgres_server.create(fresh_database))
    monkeypatch.setenv("LAB_ARTIFACTS", str(tmp_path / "shared"))
    yield tmp_path / "shared"
    postgres.close_all()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_lab_is_saved_and_made_again(old_lab, fresh_database, postgres_server, monkeypatch, tmp_path, kind):
    (home().data / "u.csv").write_text("x,u\n1,2\n")
    if kind == "postgres":
        monkeypatch.setenv("LAB_DATABASE", postgres_server.create(fresh_database))
        migrate()
    before = content()
    saved = backup(tmp_path / "lab.tar.gz")
    assert saved.runs == 20
    with pytest.raises(LabError, match="a backup replaces nothing"):
        backup(tmp_path / "lab.tar.gz")
    with pytest.raises(LabError, match="restored into an empty lab"):
        restore(tmp_path / "lab.tar.gz")
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "new"))
    if kind == "postgres":
        monkeypatch.setenv("LAB_DATABASE", postgres_server.create(fresh_database))
    restore(tmp_path / "lab.tar.gz")
    assert content() == before
    assert (home().data / "u.csv").read_text() == "x,u\n1,2\n"
    assert run_folder(old_lab[0]).config().config == CONFIG
    assert (home().artifacts / old_lab[0] / "artifacts" / "words" / "note.txt").read_text() == "hello"
    assert store.get_run(old_lab[0]).artifact_uri == (home().artifacts / old_lab[0] / "artifacts").as_uri()
    table.insert("f" * 32, CONFIG, "local")
    assert table.newest_event() == 9
    postgres.close_all()


@pytest.mark.parametrize("harm", ["cut", "changed", "foreign"])
def test_a_damaged_archive_changes_nothing(old_lab, monkeypatch, tmp_path, harm):
    path = tmp_path / "lab.tar"
    backup(path, files=False)
    raw = bytearray(path.read_bytes())
    if harm == "cut":
        path.write_bytes(raw[: len(raw) // 2])
    elif harm == "changed":
        at = raw.index(b"poisson2d")
        raw[at : at + 4] = b"POIS"
        path.write_bytes(raw)
    else:
        with tarfile.open(path, "a") as archive:
            (tmp_path / "x").write_text("x")
            archive.add(tmp_path / "x", "home/runs/../../x")
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "new"))
    with pytest.raises(LabError, match=r"damaged|no backup|no whole backup"):
        restore(path)
    assert not (tmp_path / "new" / "runs").exists() or not any((tmp_path / "new" / "runs").iterdir())


def files(folder):
    """Each file's content by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def leave(run_id, **contents):
    """Put files among a run's artifacts in the home."""
    folder = home().artifacts / run_id / "artifacts" / "more"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_text(content)
    return folder


def test_artifacts_go_with_their_run_and_stay_here_too(old_lab, shared):
    leave(old_lab[1], empty="", words="été")
    stranger = old_lab[STATES.index("foreign")]  # of another experiment
    leave(stranger, theirs="t")
    before = files(home().artifacts)
    report = migrate()
    assert (report.moved, report.files, report.refused, report.without) == (20, 4, {}, 17)
    assert files(home().artifacts) == before
    sent = files(shared)
    assert sent[f"{old_lab[0]}/artifacts/words/note.txt"] == b"hello"
    assert sent[f"{old_lab[1]}/artifacts/more/empty"] == b""
    assert store.get_run(old_lab[0]).artifact_uri == f"{shared}/{old_lab[0]}/artifacts"
    other = store.get_run(stranger)
    assert other.artifact_uri == f"{shared}/{other.experiment_id}/{stranger}/artifacts"
    assert len(sent) == len(before) == 4
    again = migrate()
    assert (again.moved, again.there, again.files) == (0, 20, 0)


def test_a_bucket_that_is_named_later_gets_what_is_not_there_yet(old_lab, shared, monkeypatch):
    place = os.environ["LAB_ARTIFACTS"]
    monkeypatch.delenv("LAB_ARTIFACTS")
    report = migrate()
    assert (report.files, report.here) == (0, 20)
    assert store.get_run(old_lab[0]).artifact_uri == (home().artifacts / old_lab[0] / "artifacts").as_uri()
    store.client().set_tag(old_lab[0], "note", "written there")
    monkeypatch.setenv("LAB_ARTIFACTS", place)
    report = migrate()
    assert (report.moved, report.there, report.files) == (0, 20, 1)
    record = store.get_run(old_lab[0])
    assert (record.artifact_uri, record.tags["note"]) == (f"{shared}/{old_lab[0]}/artifacts", "written there")
    run_id = store.create_run(CONFIG)
    assert store.get_run(run_id).artifact_uri.startswith(f"{shared}/")


def test_a_move_that_was_killed_between_two_files_sends_the_others(old_lab, shared):
    folder = leave(old_lab[0], a="a", b="b", c="c")
    program = (
        "import os, signal\nfrom core.moving import artifacts, migration\nseen = []\ngive = artifacts._give\n"
        "def give_and_end(*arguments):\n    give(*arguments)\n    seen.append(1)\n"
        "    len(seen) == 3 and os.kill(os.getpid(), signal.SIGKILL)\n"
        "artifacts._give = give_and_end\nmigration.migrate()"
    )
    ended = subprocess.run([sys.executable, "-c", program], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert old_lab[0] not in store.known_ids()  # none is there before all of its files are
    (folder / "a").write_text("otherwise")
    report = migrate()
    assert (report.moved, report.files) == (20, 3)  # what was not noted, and what has changed
    assert files(shared / old_lab[0] / "artifacts") == files(home().artifacts / old_lab[0] / "artifacts")


def test_a_database_that_goes_in_the_middle_is_said_in_a_line_and_the_move_goes_on(
    old_lab, shared, postgres_server, monkeypatch
):
    for run_id in old_lab[:4]:
        leave(run_id, a="a", b="b")
    given = []

    def give_and_stop(*arguments):
        give(*arguments)
        given.append(1)
        if len(given) == 4:
            postgres_server.stop(signal.SIGQUIT)

    with monkeypatch.context() as meanwhile:
        give = artifacts._give
        meanwhile.setattr(artifacts, "_give", give_and_stop)
        try:
            with pytest.raises(StoreError, match="did not answer: it ") as caught:
                migrate()
        finally:
            postgres_server.start()
            postgres.close_all()
    assert "\n" not in str(caught.value)
    assert store.known_ids() == {old_lab[0]}
    report = migrate()
    assert (report.moved, report.there, report.refused) == (19, 1, {})
    assert report.files == 9 - 3  # the fourth had not been noted yet
    assert files(shared) == files(home().artifacts)


def test_a_file_that_does_not_arrive_as_it_is_keeps_its_run_from_being_moved(old_lab, shared, monkeypatch):
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

    class Forgetful(LocalArtifactRepository):
        """Loses the end of what it is given."""

        def log_artifact(self, local_file, artifact_path=None):
            super().log_artifact(local_file, artifact_path)
            os.truncate(f"{self.artifact_dir}/{artifact_path}/{local_file.rpartition('/')[2]}", 3)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("core.moving.artifacts.repository", Forgetful)
        report = migrate()
    assert (report.moved, report.files) == (19, 0)
    assert report.refused[old_lab[0]].startswith("words/note.txt came back from ")
    assert ": 3 bytes, sha256 " in report.refused[old_lab[0]]
    report = migrate()
    assert (report.moved, report.there, report.files, report.refused) == (1, 19, 1, {})


def test_a_place_that_takes_nothing_ends_the_move_in_a_line_after_two_runs(old_lab, shared):
    for run_id in old_lab[:5]:
        leave(run_id, a="a")
    shared.write_text("no folder")
    with pytest.raises(LabError, match=r"can't be sent to .*`store migrate` goes on from there") as caught:
        migrate()
    assert "\n" not in str(caught.value)
    assert not set(old_lab[:5]) & store.known_ids()
    shared.unlink()
    report = migrate()
    assert (report.moved + report.there, report.files, report.refused) == (20, 6, {})


def test_a_run_whose_artifacts_are_not_here_keeps_their_address_until_they_are(old_lab, shared):
    folder = home().artifacts / old_lab[0]
    away = folder.rename(home().root / "unmounted")
    report = migrate()
    assert (report.moved, report.files, report.without) == (20, 0, 20)
    assert store.get_run(old_lab[0]).artifact_uri == (folder / "artifacts").as_uri()
    away.rename(folder)
    assert migrate().files == 1
    assert store.get_run(old_lab[0]).artifact_uri == f"{shared}/{old_lab[0]}/artifacts"
    shutil.rmtree(folder)  # a person makes room
    assert migrate().files == 0
    assert store.get_run(old_lab[0]).artifact_uri == f"{shared}/{old_lab[0]}/artifacts"


def test_a_run_that_the_database_does_not_take_holds_up_no_other(old_lab, shared):
    with sqlite3.connect(home().mlflow_db) as connection:
        connection.execute("INSERT INTO tags VALUES ('long', ?, ?)", ("x" * 9000, old_lab[4]))
    connection.close()
    report = migrate()
    assert report.moved == 19
    assert (
        report.refused[old_lab[4]] == "The database does not take it: value too long for type character varying(8000)."
    )


def test_a_move_without_a_database_or_without_a_home_is_refused_in_a_line(lab_home, monkeypatch):
    with pytest.raises(LabError, match="LAB_DATABASE names no database"):
        migrate()
    monkeypatch.setenv("LAB_DATABASE", "postgresql://lab@127.0.0.1:9/lab")
    with pytest.raises(LabError, match="has no SQLite store to move"):
        migrate()
