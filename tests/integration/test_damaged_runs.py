"""Runs whose files are damaged: what commands and pages say, and what a person can choose."""

import json
import os
import shutil
import threading

import pytest

from core import jobs
from core.config import override
from core.errors import LabError
from core.home import home
from core.jobs import resumption, table
from core.jobs.engines.local import LocalEngine
from core.jobs.resumption import CannotResumeError
from core.runs import RunFolder, run_folder
from core.runs.faults import faults
from core.tracking import store
from core.tracking.verify import history_of
from core.training.train import train
from tests.integration.test_pages import opened, texts
from tests.training import small

PAGES = ("watch_runs", "find_singularities", "solution_3d", "compare_runs", "replay_run", "best_run")
SMALL_FILES = tuple(
    f"{name}.json" for name in ("effective_config", "provenance", "progress", "exit", "funnel", "certificate")
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """What a run of two stages left that was stopped in its second; made once."""
    folder = RunFolder(tmp_path_factory.mktemp("trained") / "run")
    seen = iter(range(10_000))
    train(small(), folder, say=lambda line: None, wanted=lambda: "stop" if next(seen) == 66 else None)
    return folder


@pytest.fixture(autouse=True)
def nothing_starts(monkeypatch):
    """Queued runs wait."""
    monkeypatch.setattr(LocalEngine, "ensure", lambda self: None)


@pytest.fixture
def stopped(trained):
    """The folder of a stopped run of the store and the job table."""
    config = small()
    run_id = store.create_run(config)
    folder = run_folder(run_id)
    folder.create(config)
    shutil.copytree(trained.path, folder.path, dirs_exist_ok=True)
    table.insert(run_id, config, "local", state="stopped", attempt=1)
    store.set_state(run_id, "stopped")
    return folder


def test_a_whole_run_is_resumed(stopped):
    assert faults(stopped) == []
    resumption.resume(stopped.run_id)
    assert jobs.status(stopped.run_id).state == "queued"


def test_an_empty_checkpoint_is_refused_and_the_person_chooses(stopped, command_line):
    stopped.last.write_bytes(b"")
    done = command_line("resume", stopped.run_id)
    assert done.returncode == 2
    assert "last.pt" in done.stderr
    assert "it is empty (0 bytes)" in done.stderr
    assert f"`python -m core resume {stopped} --from stage-1`" in done.stderr
    assert f"`python -m core retry {stopped}`" in done.stderr
    assert jobs.status(stopped.run_id).state == "stopped"
    app = opened("pages/watch_runs.py", run=stopped.run_id)
    assert not app.exception
    assert "it is empty (0 bytes)" in texts(app)
    next(item for item in app.button if item.label == "Resume").click().run()
    assert not app.exception
    assert any("What can be done" in item.value for item in app.error)
    next(item for item in app.button if "stage\\-1" in item.label or "stage-1" in item.label).click().run()
    assert not app.exception
    assert jobs.status(stopped.run_id).state == "queued"
    outcome = train(small(), stopped, say=lambda line: None)
    assert outcome.position.total > 65  # the second stage too
    assert (stopped.checkpoints / "last.pt.damaged-1").read_bytes() == b""


def test_no_checkpoint_is_not_the_same_as_a_lost_one(stopped):
    stopped.last.unlink()
    with pytest.raises(CannotResumeError, match="lost its last checkpoint") as refused:
        resumption.resume(stopped.run_id)
    assert {way.checkpoint for way in refused.value.ways} == {"best", "stage-1"}
    for path in stopped.checkpoints.glob("*.pt"):
        path.unlink()
    resumption.resume(stopped.run_id)  # it never had one: it begins


def test_a_hole_is_accepted_or_not(stopped, command_line):
    data = stopped.history.read_bytes()
    stopped.history.write_bytes(data[: len(data) // 2])
    refused = command_line("resume", stopped.run_id)
    assert refused.returncode == 2
    assert "would leave a hole" in refused.stderr
    os.utime(stopped.history, (0, 0))
    with pytest.raises(LabError, match=r"can't be compared\. The history is damaged from row"):
        history_of(stopped)
    assert "--accept-hole" in refused.stderr
    assert stopped.history.read_bytes() == data[: len(data) // 2]
    assert command_line("resume", stopped.run_id, "--accept-hole").returncode == 0
    assert jobs.status(stopped.run_id).state == "queued"
    train(small(), stopped, say=lambda line: None)
    with pytest.raises(LabError, match=r"can't be compared\. Rows .* are missing"):
        history_of(stopped)
    app = opened("pages/watch_runs.py", run=stopped.run_id)
    assert not app.exception
    assert "are missing" in texts(app)


def other(folder):
    return override(small(), ["problem.kind=helmholtz"]).canonical_json()


CONFIGS = [
    (lambda folder: "{", "neither YAML nor JSON"),
    (lambda folder: "", "holds"),
    (lambda folder: '{"version": 99}', "update it"),
    (other, "of another problem"),
    (lambda folder: override(small(), ["stages.0.iterations=9"]).canonical_json(), "was changed since"),
]


@pytest.mark.parametrize(("content", "words"), CONFIGS)
def test_a_config_that_is_not_the_runs_own_is_put_back_when_asked(stopped, command_line, content, words):
    good = stopped.config_data()
    stopped.file("config.json").write_text(content(stopped))
    for command in ("resume", "retry"):
        refused = command_line(command, stopped.run_id)
        assert refused.returncode == 2
        assert words in refused.stderr, refused.stderr
        assert "--restore-config" in refused.stderr
    done = command_line("resume", stopped.run_id, "--restore-config")
    assert done.returncode == 0, done.stderr
    assert stopped.config_data() == good
    assert stopped.file("config.json.damaged-1").read_text() == content(stopped)
    assert jobs.status(stopped.run_id).state == "queued"


def test_a_config_that_is_gone_is_read_from_the_store(stopped):
    stopped.file("config.json").unlink()
    resumption.resume(stopped.run_id)
    assert store.run_config(stopped) == small()


DAMAGES = {
    "empty": b"",
    "half": b'{"state": "fin',
    "another type": b"[1, 2]",
    "other values": b'{"state": 7, "reason": [], "attempt": "x", "fraction": "much", "regions": 3, "lambda": {}}',
    "no text": b"\xff\xfe\x00",
    "deep": b"[" * 100_000,
    "huge": b'{"a": "' + b"x" * 9_000_000 + b'"}',
    "a folder": None,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_small_file_may_be_damaged_and_no_page_breaks(stopped, damage, command_line):
    store.set_tag(stopped.run_id, "lab.certificate", "holds")
    for name in SMALL_FILES:
        path = stopped.file(name)
        path.unlink(missing_ok=True)
        if DAMAGES[damage] is None:
            path.mkdir()
        else:
            path.write_bytes(DAMAGES[damage])
    said = " ".join(faults(stopped))
    for name in SMALL_FILES:
        assert name in said, name
    if damage in ("other values", "a folder"):  # the kinds that a reader meets; the others are no JSON, all of them
        for page in ("watch_runs", "replay_run"):
            app = opened(f"pages/{page}.py", run=stopped.run_id)
            assert not app.exception, (page, app.exception)
            assert "can't be" in texts(app)
    shown = command_line("status", stopped.run_id)
    assert shown.returncode == 0, shown.stderr
    assert "stopped" in shown.stdout


@pytest.mark.parametrize("page", PAGES)
def test_a_damaged_run_beside_a_sound_one_breaks_no_page(stopped, page):
    stopped.last.write_text("no checkpoint")
    data = stopped.history.read_bytes()
    stopped.history.write_bytes(data[: len(data) - 90])
    stopped.file("config.json").write_text("{")
    app = opened(f"pages/{page}.py", run=stopped.run_id, runs=stopped.run_id)
    assert not app.exception, app.exception


def test_doctor_says_what_is_damaged_and_mends_the_table(stopped, command_line, monkeypatch):
    monkeypatch.setattr("core.solution.children.vtk_unavailable", lambda: None)
    stopped.file("progress.json").write_text("{")
    assert "1 of the newest 100 are damaged" in command_line("doctor").stdout
    home().jobs_db.write_text("no database")
    shown = command_line("doctor")
    assert "FAIL  job table" in shown.stdout
    assert "--rebuild-jobs" in shown.stdout
    mended = command_line("doctor", "--rebuild-jobs")
    assert "1 runs were given a row" in mended.stdout
    assert "a damaged one is kept as jobs.db.damaged-1" in mended.stdout
    assert jobs.status(stopped.run_id).state == "stopped"
    assert json.loads((stopped.path / "job.json").read_text())["state"] == "stopped"


def test_a_lost_table_of_runs_that_an_older_program_made_is_pieced_together_with_the_stores_help(lab_home):
    run_id = store.create_run(small())
    store.set_state(run_id, "finished")
    folder = run_folder(run_id)
    folder.create(small())
    os.utime(folder.file("config.json"), (0, 0))  # none that is about to get its row
    found = []
    asking = threading.Thread(target=lambda: found.extend(jobs.queue()), daemon=True)
    asking.start()
    asking.join(60)  # the store leaves out what lies in the bin, which the table knows, which asks the store
    assert [(job.run_id, job.state) for job in found] == [(run_id, "finished")]
