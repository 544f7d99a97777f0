"""Runs on PostgreSQL whose artifacts are in a bucket: there and back, a key that is refused, a bucket that is full."""

import os
import subprocess

import psycopg
import pytest

from core.moving.migration import migrate
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


def waiting_file(name, size=1000):
    """A run whose file waits to be sent."""
    folder = run_folder(store.create_run(CONFIG))
    folder.create(CONFIG)
    folder.file(name).write_bytes(os.urandom(size))
    folder.outbox.put(artifacts=[(name, "")])
    return folder


def test_artifacts_go_there_and_come_back(bucket):
    folder = waiting_file("summary.md")
    assert store.deliver(folder) == ""
    sent = folder.file("summary.md").read_bytes()
    assert store.fetch_artifact(folder, "summary.md").read_bytes() == sent
    assert store.get_run(folder.run_id).artifact_uri.startswith(f"s3://{BUCKET}/runs/")
    folder.file("config.json").unlink()
    assert store.run_config(folder) == CONFIG


def test_a_key_that_is_refused_is_said_and_the_file_waits_until_it_is_taken(bucket):
    folder = waiting_file("summary.md")
    folder.outbox.put(tags={"note": "arrives all the same"})
    bucket.stop()
    bucket.start("another-secret")
    why = store.deliver(folder)
    assert why.startswith("summary.md was not taken: ")
    assert "\n" not in why
    assert store.get_run(folder.run_id).tags["note"] == "arrives all the same"
    assert folder.outbox.count()
    bucket.stop()
    bucket.start()
    assert store.deliver(folder) == ""
    assert folder.outbox.count() == 0
    assert store.fetch_artifact(folder, "summary.md").read_bytes() == folder.file("summary.md").read_bytes()


def test_a_full_bucket_is_said_and_the_file_waits_until_there_is_room(bucket, tmp_path):
    place = bucket.folder
    bucket.stop()
    small = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, check=False)
    if small.returncode:
        bucket.start()
        pytest.skip("no small disk can be made here: mount is for root")
    try:
        bucket.start()
        bucket.make()
        folder = waiting_file("summary.md", 3_000_000)
        why = store.deliver(folder)
        assert why.startswith("summary.md was not taken: ")
        assert folder.outbox.count() == 1
        subprocess.run(["mount", "-o", "remount,size=20m", place], check=True)
        assert store.deliver(folder) == ""
        assert folder.outbox.count() == 0
        assert store.fetch_artifact(folder, "summary.md").read_bytes() == folder.file("summary.md").read_bytes()
    finally:
        bucket.stop()
        subprocess.run(["umount", place], check=True)
        bucket.start()


def test_artifacts_of_a_home_are_moved_into_the_bucket_and_read_back(bucket, monkeypatch, database, lab_home):
    monkeypatch.delenv("LAB_DATABASE")
    run_id = store.create_run(CONFIG)  # in the home's SQLite file, its config in the home's folder
    monkeypatch.setenv("LAB_DATABASE", database)
    report = migrate()
    assert (report.moved, report.files, report.refused) == (1, 1, {})
    assert store.get_run(run_id).artifact_uri == f"s3://{BUCKET}/runs/{run_id}/artifacts"
    assert store.run_config(run_folder(run_id)) == CONFIG
