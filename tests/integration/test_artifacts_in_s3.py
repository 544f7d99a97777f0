"""Runs on PostgreSQL whose artifacts are in a bucket: as sent, with a key that is refused, when the bucket is full."""

import os
import subprocess

import psycopg
import pytest

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
    why = store.deliver(folder)
    assert why.startswith("summary.md was not taken: ")
    assert "\n" not in why
    assert store.get_run(folder.run_id).tags["note"] == "arrives all the same"
    assert folder.outbox.count()
    bucket.stop()
    bucket.start()
    assert store.deliver(folder) == ""
    assert folder.outbox.count() == 0
    assert bucket.content(f"runs/{folder.run_id}/artifacts/summary.md") == folder.file("summary.md").read_bytes()


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
        assert bucket.content(f"runs/{folder.run_id}/artifacts/summary.md") == folder.file("summary.md").read_bytes()
    finally:
        bucket.stop()
        subprocess.run(["umount", place], check=True)
        bucket.start()
