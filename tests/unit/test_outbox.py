"""What waits for the store in a run's folder, and errors as reasons."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from core.errors import StoreError, sentence
from core.execution.mirror import MetricsMirror
from core.jobs import sync
from core.runs import run_folder
from core.runs.outbox import Outbox
from core.tracking.store import connection
from core.tracking.store.connection import first_line

DAMAGED = (
    '{"metr',
    "[]",
    '{"metrics": [["loss", 1.0, 1]], "tags": {}, "artifacts": []}',
    '{"metrics": [["loss", "1.0", 1, 1]], "tags": {}, "artifacts": []}',
    '{"metrics": [], "tags": {"a": 1}, "artifacts": []}',
    '{"metrics": [], "tags": {}, "artifacts": [["../../secret", ""]]}',
)


@pytest.fixture
def outbox(tmp_path):
    return Outbox(tmp_path / "outbox")


def test_entries_come_in_their_order_and_go_one_by_one(outbox):
    assert (outbox.entries(), outbox.count()) == ([], 0)
    outbox.put(tags={"a": "1"})
    outbox.put(metrics=[("loss", float("inf"), 1, 2)], durable=False)
    outbox.put(artifacts=[("checkpoints/last.pt", "checkpoints")])
    first, second, third = outbox.entries()
    assert (first.tags, second.metrics) == ({"a": "1"}, [("loss", float("inf"), 1, 2)])
    assert third.artifacts == [("checkpoints/last.pt", "checkpoints")]
    second.take_away()
    second.take_away()  # by another process too
    assert [entry.path for entry in outbox.entries()] == [first.path, third.path]
    for number, damaged in enumerate(DAMAGED):
        (outbox.path / f"{number:020d}.json").write_text(damaged)
    assert len(outbox.entries()) == 2
    assert outbox.count() == 2  # nobody waits for the damaged ones


def test_trouble_is_noted_and_goes_and_a_folder_that_is_not_there_notes_none(outbox, monkeypatch):
    assert outbox.trouble == ""
    outbox.note_trouble("it gave no answer")
    assert outbox.trouble == "it gave no answer"
    outbox.note_trouble("")
    assert outbox.trouble == ""
    Outbox(outbox.path / "gone" / "outbox").note_trouble("x")
    outbox.put(tags={"a": "1"})
    monkeypatch.setattr("core.runs.outbox.LOCK_S", 0.0)
    with outbox.delivering() as mine, outbox.delivering() as another:
        assert (mine, another) == (True, False)


def test_a_mirror_gets_rarer_while_nothing_is_taken_and_a_full_disk_ends_no_run(tmp_path, monkeypatch, capsys):
    folder = run_folder("a" * 32)
    folder.path.mkdir(parents=True)
    now = [100.0]
    monkeypatch.setattr("core.execution.mirror.time.monotonic", lambda: now[0])
    mirror = MetricsMirror(folder)
    for step in range(20_000):
        now[0] += 0.5
        mirror({"iteration": [step], "loss": [1.0 / (step + 1)]})
    assert 300 < folder.outbox.count() < 1200  # of 10,000 rows
    monkeypatch.setattr(Outbox, "put", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    for _ in range(2):
        now[0] += 1000.0
        mirror({"iteration": [1], "loss": [1.0]})
    assert capsys.readouterr().err.count("No space left") == 1


def test_a_reason_is_one_line_of_words_and_no_dump(tmp_path):
    path = tmp_path / "a.db"
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 0})
    with engine.begin() as first:
        first.execute(text("CREATE TABLE runs (a)"))
    with engine.connect() as holder, engine.connect() as other:
        holder.execute(text("BEGIN EXCLUSIVE"))
        with pytest.raises(OperationalError) as caught:
            other.execute(text("INSERT INTO runs VALUES (1)"))
    assert "[SQL:" in str(caught.value)
    assert first_line(caught.value) == "its database is locked by another program"
    assert "SQL:" not in sentence(caught.value)
    assert "\n" not in sentence(caught.value)
    assert sentence(ValueError()) == "ValueError"
    assert sentence(ValueError("a\n" * 5000)) == "ValueError: a"
    assert sentence(StoreError("One.\nTwo.")) == "One. Two."
    refused = Exception("HTTPConnectionPool(host='x'): Max retries (Caused by …: [Errno 111] Connection refused'))")
    assert first_line(refused) == "nothing listens at its address"
    answers = Exception("Max retries exceeded (Caused by ResponseError('too many 503 error responses'))")
    assert first_line(answers) == "its server answers with error 503"
    upload = f"Failed to upload /{'a' * 300} to lab/{'b' * 300}: An error occurred ({{}}) when calling the PutObject: x"
    assert first_line(Exception(upload.format("SignatureDoesNotMatch"))) == "its bucket refuses the key"
    assert first_line(Exception(upload.format("400"))) == "An error occurred (400) when calling the PutObject: x"


def test_a_store_that_answers_byte_by_byte_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(sync, "ANSWER_S", 0.05)
    go_on, late = threading.Event(), []
    with pytest.raises(StoreError, match=r"did not answer within"):
        sync._answer(lambda: go_on.wait(10) and "a run", late.append)
    go_on.set()
    for thread in threading.enumerate():
        if thread.name == "store":
            thread.join(10)
    assert late == ["a run"]  # which is told that nobody waits for it
    monkeypatch.setattr(sync, "ANSWER_S", 10.0)
    assert sync._answer(lambda: "a run", late.append) == "a run"
    with pytest.raises(ZeroDivisionError):
        sync._answer(lambda: 1 / 0)
    assert late == ["a run"]


@pytest.mark.parametrize("address", ["sqlite:", "sqlite://", "sqlite:///:memory:", "sqlite+pysqlite://"])
def test_a_store_in_memory_alone_is_refused(lab_home, monkeypatch, address):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with pytest.raises(StoreError, match="names no file"):
        connection.client()


def test_a_store_that_was_interrupted_while_it_was_made_is_made_again(tmp_path, monkeypatch):
    made, path = [], tmp_path / "50 %" / "mlflow.db"

    def half(engine):
        made.append(engine)
        with engine.begin() as tables:
            tables.execute(text("CREATE TABLE first (a)"))
        if len(made) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr("mlflow.store.db.utils._initialize_tables", half)
    with pytest.raises(KeyboardInterrupt):
        connection._make_whole(path)
    assert not path.exists()
    connection._make_whole(path)
    connection._make_whole(path)
    assert (path.exists(), len(made)) == (True, 2)
    assert [file.name for file in path.parent.iterdir()] == ["mlflow.db"]


def test_what_trains_imports_no_store(tmp_path):
    program = (
        "import sys, core.execution.execute, core.jobs.courier, json\n"
        "print(json.dumps([name for name in ('mlflow', 'sqlalchemy') if name in sys.modules]))"
    )
    source = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=source, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
