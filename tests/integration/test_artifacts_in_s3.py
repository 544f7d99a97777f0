"""Runs on PostgreSQL whose artifacts are in a bucket: as sent, with a key that is refused, when the bucket is full.

And an SQLite home whose artifacts are moved there.
"""

import contextlib
import os
import subprocess

import psycopg
import pytest

from core.home import home
from core.presets import presets
from core.runs import run_folder
from core.tracking import store
from tests.s3 import BUCKET, Bucket

CONFIG = presets()["poisson2d-quick"].config


@pytest.fixture
def bucket(tmp_path, monkeypatch, database):
    """An S3 server where the lab's experiment keeps its artifacts."""
    running = Bucket(tmp_path / "s3")
    running.folder.mkdir()
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    running.start()
    running.make()
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE experiments SET artifact_location = %s", (f"s3://{BUCKET}/runs",))
    yield running
    running.stop()


@contextlib.contextmanager
def small(bucket):
    """The bucket's disk has 1 MB; gives what makes it larger. Skips where no such disk can be made."""
    place = bucket.folder
    bucket.stop()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, check=False)
    bucket.start()
    if made.returncode:
        pytest.skip("no small disk can be made here: mount is for root")
    try:
        bucket.make()
        yield lambda: subprocess.run(["mount", "-o", "remount,size=20m", place], check=True)
    finally:
        bucket.stop()
        subprocess.run(["umount", place], check=True)
        bucket.start()


@pytest.fixture
def old_runs(bucket, database, monkeypatch):
    """Three runs of an SQLite home, with a file each; returns their folders."""
    with monkeypatch.context() as before:
        before.delenv("LAB_DATABASE")
        folders = [waiting_file("summary.md", size) for size in (1000, 3_000_000, 2000)]
        assert [store.deliver(folder) for folder in folders] == [""] * 3
    return folders


def in_bucket(bucket, folder, name="summary.md"):
    """Whether a run's file is in the bucket as it is in the run's folder."""
    return bucket.content(f"runs/{folder.run_id}/artifacts/{name}") == folder.file(name).read_bytes()


def waiting_file(name, size=1000):
    """A run whose file waits to be sent."""
    folder = run_folder(store.create_run(CONFIG))
    folder.create(CONFIG)
    folder.file(name).write_bytes(os.urandom(size))
    folder.outbox.put(artifacts=[(name, "")])
    return folder


def test_artifacts_are_there_as_they_were_sent(bucket):
    folder = waiting_file("summary.md")
    assert store.deliver(folder) == ""
    sent = folder.file("summary.md").read_bytes()
    assert bucket.content(f"runs/{folder.run_id}/artifacts/summary.md") == sent
    assert store.get_run(folder.run_id).artifact_uri.startswith(f"s3://{BUCKET}/runs/")
    assert bucket.content(f"runs/{folder.run_id}/artifacts/config.json").decode() == CONFIG.canonical_json()


def test_a_key_that_is_refused_is_said_and_the_file_waits_until_it_is_taken(bucket):
    folder = waiting_file("summary.md")
    folder.outbox.put(tags={"note": "arrives all the same"})
    bucket.stop()
    bucket.start("another-secret")
    assert store.deliver(folder) == "summary.md was not taken: its bucket refuses the key."
    assert store.get_run(folder.run_id).tags["note"] == "arrives all the same"
    assert folder.outbox.count()
    bucket.stop()
    bucket.start()
    assert store.deliver(folder) == ""
    assert folder.outbox.count() == 0
    assert bucket.content(f"runs/{folder.run_id}/artifacts/summary.md") == folder.file("summary.md").read_bytes()


def test_a_full_bucket_is_said_and_the_file_waits_until_there_is_room(bucket):
    with small(bucket) as enlarge:
        folder = waiting_file("summary.md", 3_000_000)
        assert store.deliver(folder).startswith("summary.md was not taken: its bucket failed with an internal error")
        assert folder.outbox.count() == 1
        enlarge()
        assert store.deliver(folder) == ""
        assert folder.outbox.count() == 0
        assert in_bucket(bucket, folder)


def test_a_home_is_moved_there_once_the_bucket_takes_the_key(bucket, old_runs, command_line):
    bucket.stop()
    bucket.start("another-secret")
    before = {path: path.read_bytes() for path in home().artifacts.rglob("*") if path.is_file()}
    told = command_line("store", "migrate")
    assert told.returncode == 2
    assert told.stdout == ""
    assert "its bucket refuses the key. What was moved stays; `store migrate` goes on from there." in told.stderr
    assert "Traceback" not in told.stderr
    assert store.known_ids() == set()
    bucket.stop()
    bucket.start()
    told = command_line("store", "migrate")
    assert told.returncode == 0, told.stderr
    assert "3 runs moved and 0 there already" in told.stdout
    assert "6 artifacts sent" in told.stdout
    assert {path: path.read_bytes() for path in home().artifacts.rglob("*") if path.is_file()} == before
    for folder in old_runs:
        assert in_bucket(bucket, folder)
        assert store.get_run(folder.run_id).artifact_uri == f"s3://{BUCKET}/runs/{folder.run_id}/artifacts"
        assert store.client().list_artifacts(folder.run_id)[0].path == "config.json"


def test_what_is_too_large_for_a_full_bucket_is_moved_when_there_is_room(bucket, old_runs, command_line):
    with small(bucket) as enlarge:
        told = command_line("store", "migrate")
        large = old_runs[1].run_id
        assert told.returncode == 1
        assert f"{large}: summary.md can't be sent to s3://{BUCKET}/runs/{large}/artifacts: its bucket" in told.stderr
        assert "2 runs moved" in told.stdout
        assert "1 runs refused" in told.stdout
        assert store.known_ids() == {folder.run_id for folder in old_runs} - {large}
        enlarge()
        told = command_line("store", "migrate")
        assert told.returncode == 0, told.stderr
        assert "1 runs moved and 2 there already" in told.stdout
        assert "1 artifacts sent" in told.stdout  # its config was there
        assert all(in_bucket(bucket, folder) for folder in old_runs)
