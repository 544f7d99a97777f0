"""Many runs at once, the bin, and what is deleted for good, with MLflow's own SQLite store."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core import jobs
from core.config import RunConfig
from core.errors import LabError, RunNotFoundError
from core.home import home
from core.jobs import bin, detached, events, many, retention, sync, table
from core.jobs.job import AT_END, EMPTYING
from core.jobs.process import boot_id, started_at
from core.runs import run_folder
from core.settings import Settings, save
from core.tracking import store
from core.tracking.store.connection import client
from tests.integration.test_pages import opened, texts

SOURCE = Path(__file__).parents[2]
GONE_PROCESS = {"pid": 2**22 + 1, "pid_started": 1.0, "boot": boot_id(), "slot": "cpu0"}
CONFIG = RunConfig(
    problem={"kind": "poisson2d"},
    network={"hidden": [8]},
    stages=[{"iterations": 5, "collocation": {"points": 50}}],
    device="cpu",
)


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """No courier and no worker: what is told here, this process tells, and nothing begins."""
    for module in (sync, detached):
        monkeypatch.setattr(module, "ensure_courier", lambda: None)
    monkeypatch.setattr(jobs.actions.LocalEngine, "ensure", lambda self: None)
    monkeypatch.setattr(sync, "_refused_at", float("-inf"))


def a_run(state: str = "finished", **fields) -> str:
    """A run of the store and the table, told to it."""
    config = CONFIG.model_copy(update={"parent": fields.pop("parent", None), "name": fields.pop("name", "")})
    run_id = store.create_run(config)
    folder = run_folder(run_id)
    folder.create(config)
    folder.checkpoints.mkdir()
    folder.last.write_bytes(b"a checkpoint")
    ended = {} if state == "queued" else {"ended": 1e9, "attempt": 1}
    if state == "running":
        ended = {"attempt": 1}
    table.insert(run_id, config, "local", state=state, synced=0, **ended, **fields)
    sync.tell_store(run_id, 30)
    return run_id


def test_a_deleted_run_leaves_all_lists_and_comes_back_to_them():
    kept, gone = a_run(name="kept"), a_run(name="gone")
    bin.delete(gone)
    assert [job.run_id for job in jobs.queue()] == [kept]
    assert [job.run_id for job in bin.content()] == [gone]
    assert {run.run_id for run in store.runs()} == {head.run_id for head in store.heads()} == {kept}
    assert store.get_run(gone).deleted
    assert run_folder(gone).last.exists()
    assert table.get(gone).synced
    for act in (jobs.resume, jobs.retry, bin.delete):
        with pytest.raises(LabError, match="is in the bin"):
            act(gone)
    bin.restore(gone)
    assert {job.run_id for job in jobs.queue()} == {run.run_id for run in store.runs()} == {kept, gone}
    assert (store.get_run(gone).deleted, table.get(gone).state, table.get(gone).synced) == (False, "finished", True)
    with pytest.raises(LabError, match="nothing to restore"):
        bin.restore(gone)


def test_lists_leave_a_deleted_run_out_though_the_store_has_not_been_told(monkeypatch):
    gone = a_run()
    monkeypatch.setattr(bin, "tell_store", lambda run_id: None)
    bin.delete(gone)
    assert not store.get_run(gone).deleted
    assert table.find() == store.runs() == store.heads() == []
    assert not table.get(gone).synced


def test_many_are_done_each_by_itself():
    done, waiting = a_run("finished"), [a_run("queued") for _ in range(3)]
    result = many.many("stop", [waiting[0], done, *waiting[1:], "f" * 32])
    assert [each.ok for each in result] == [True, False, True, True, False]
    assert [table.get(run_id).state for run_id in waiting] == ["stopped"] * 3
    said = many.summary("stop", result)
    assert said.startswith(f"3 stopped; 2 could not: Run {done[:8]} is finished: there is nothing to stop; ")
    assert many.possible(table.these([done, *waiting])) == {
        "stop": 0,
        "pause": 0,
        "resume": 3,
        "retry": 3,
        "hold": 0,
        "release": 0,
        "remove": 0,
        "delete": 4,
        "restore": 0,
    }


def test_a_run_is_kept_while_others_start_from_it_and_goes_with_them():
    first = a_run()
    child, after = a_run("queued", parent=first, name="child"), a_run("queued", after_run=first)
    with pytest.raises(LabError, match=r"is kept, since .* and 1 more start from it\. Delete them first"):
        bin.delete(first)
    assert all(each.ok for each in many.many("delete", [first, child, after]))
    assert jobs.queue() == []
    assert table.get(child).state == "stopped"


def test_what_was_deleted_in_mlflow_is_refused_and_comes_back():
    run_id = a_run("stopped")
    store.client().delete_run(run_id)
    for act in (jobs.resume, lambda run_id: jobs.submit(CONFIG.model_copy(update={"parent": run_id}))):
        with pytest.raises(LabError, match=r"was deleted in MLflow. Restore it first: `python -m core restore"):
            act(run_id)
    assert table.get(run_id).state == "stopped"
    bin.restore(run_id)
    assert not store.get_run(run_id).deleted
    jobs.resume(run_id)
    assert table.get(run_id).state == "queued"


def test_a_run_at_work_is_stopped_and_goes_to_the_bin_once_it_has_ended():
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    here = {"pid": process.pid, "pid_started": started_at(process.pid), "boot": boot_id()}
    run_id = a_run("running", **here)
    with pytest.raises(LabError, match="is running: stop it first"):
        bin.delete(run_id)
    bin.delete(run_id, stop=True)
    with pytest.raises(LabError, match="in the bin already"):
        bin.delete(run_id)
    assert (table.get(run_id).state, table.get(run_id).bin_step, table.get(run_id).binned) == ("stopping", AT_END, None)
    jobs.status(run_id)  # climbs the ladder
    process.wait(10)
    assert jobs.status(run_id).state == "stopped"
    assert table.get(run_id).binned and table.get(run_id).bin_step is None
    sync.tell_store(run_id, 30)
    assert store.get_run(run_id).deleted
    assert [event.kind for event in events.of_run(run_folder(run_id))][-2:] == ["state", "binned"]


def artifact(run_id: str, name: str) -> Path:
    return home().artifacts / run_id / "artifacts" / name


def test_events_are_an_artifact_that_follows_what_happens():
    run_id = a_run("running", **GONE_PROCESS)
    assert not artifact(run_id, "events.jsonl").exists()
    assert jobs.status(run_id).state == "crashed"
    bin.delete(run_id)
    bin.restore(run_id)
    kept = [json.loads(line)["kind"] for line in artifact(run_id, "events.jsonl").read_text().splitlines()]
    assert kept == ["submitted", "state", "binned", "restored"]
    table.update(run_id, event=("watcher", "a notice"), retries=0)
    assert not table.get(run_id).synced
    jobs.status(run_id)
    assert "a notice" in artifact(run_id, "events.jsonl").read_text()


def test_what_is_older_than_the_bin_keeps_is_deleted_everywhere_and_nothing_else():
    old, young, kept = a_run(), a_run(), a_run()
    for run_id in (old, young):
        bin.delete(run_id)
    copy = run_folder(old).fetched("history.arrows")
    copy.parent.mkdir(parents=True)
    copy.write_bytes(b"a copy")
    outside = home().root.parent / "outside"
    outside.mkdir()
    (run_folder(old).path / "link").symlink_to(outside)
    (outside / "precious").write_text("stays")
    assert artifact(old, "config.json").exists()
    assert retention.empty() == retention.Emptied()
    table.update(young, binned=time.time() + 3 * retention.DAY_S)
    emptied = retention.empty(time.time() + 15 * retention.DAY_S)
    assert (emptied.deleted, emptied.kept, emptied.left) == ([old], {}, {})
    assert not run_folder(old).exists and not copy.exists() and not (home().artifacts / old).exists()
    with pytest.raises(RunNotFoundError):
        store.get_run(old)
    with pytest.raises(RunNotFoundError):
        table.get(old)
    assert table.events_since(0)[-1].kind == "deleted for good"
    assert (outside / "precious").exists()
    assert [job.run_id for job in bin.content()] == [young]
    for run_id in (young, kept):
        assert run_folder(run_id).last.exists() and artifact(run_id, "config.json").exists()


def test_what_can_not_be_deleted_for_good_is_kept_and_says_why(monkeypatch):
    needed, back, linked, untold = a_run(), a_run(), a_run(), a_run()
    child = a_run("stopped", parent=needed, name="child")
    for run_id in (needed, back, linked):
        bin.delete(run_id)
    table.update(child, state="paused")
    store.client().restore_run(back)
    elsewhere = home().root.parent / "elsewhere"
    run_folder(linked).path.rename(elsewhere)
    run_folder(linked).path.symlink_to(elsewhere)
    monkeypatch.setattr(bin, "tell_store", lambda run_id: None)
    bin.delete(untold)
    emptied = retention.delete_for_good([needed, back, linked, untold, child])
    assert (emptied.deleted, emptied.left) == ([], {})
    assert emptied.kept == {
        needed: f"Run {needed[:8]} is kept, since child ({child[:8]}, paused) starts from it. Delete it first.",
        back: f"Run {back[:8]} was restored in MLflow's own pages, and is back here, too.",
        linked: f"{run_folder(linked).path} is a link to {elsewhere}, which is not deleted from here. "
        "Take the link away.",
        untold: f"Run {untold[:8]} stays until MLflow can be told: it does not know yet that the run is in the bin.",
        child: f"Run {child[:8]} is not in the bin",
    }
    assert {job.run_id for job in bin.content()} == {needed, linked, untold}
    assert (elsewhere / "checkpoints" / "last.pt").exists()


class Cut(BaseException):
    """The process is gone."""


@pytest.mark.parametrize(
    ("module", "name"), [(store, "purge_run"), (retention, "_remove"), (table, "forget"), (Path, "rename")]
)
def test_what_was_cut_off_is_finished_by_the_next_call(module, name, monkeypatch):
    run_id, other = a_run(), a_run()
    bin.delete(run_id)
    real = getattr(module, name)

    def cut(*arguments):
        if name == "_remove":
            real(*arguments)  # half of it: after the copies, before the folder
        raise Cut

    with monkeypatch.context() as patch, pytest.raises(Cut):
        patch.setattr(module, name, cut)
        retention.delete_for_good([run_id])
    with pytest.raises(LabError, match="being deleted for good"):
        bin.restore(run_id)
    assert retention.empty().deleted == [run_id]
    assert not run_folder(run_id).exists and not list(home().runs.glob("*.gone"))
    assert [job.run_id for job in table.find()] == [run.run_id for run in store.runs()] == [other]


def test_emptying_survives_sigkill():
    chosen, other = [a_run(), a_run()], a_run()
    for run_id in chosen:
        bin.delete(run_id)
        for k in range(2000):
            (run_folder(run_id).path / f"file-{k}").touch()
    process = subprocess.Popen([sys.executable, "-m", "core", "bin", "--empty", "--all"], cwd=SOURCE)
    while process.poll() is None and not list(home().runs.glob("*.gone")):
        time.sleep(0.002)
    process.kill()
    process.wait()
    for half in [job for job in bin.content() if job.bin_step == EMPTYING]:  # none, where it was faster than we
        assert retention.empty().deleted == [half.run_id]
    retention.delete_for_good([job.run_id for job in bin.content()])
    assert [path.name for path in home().runs.iterdir()] == [other]
    assert [job.run_id for job in table.find()] == [run.run_id for run in store.runs()] == [other]
    assert not store.deleted_ids()
    assert run_folder(other).last.exists()


def test_checkpoints_of_stages_go_after_their_time_and_last_and_best_stay():
    save(Settings(retention={"checkpoint_days": 30}))
    old, young, waiting = a_run(), a_run(), a_run("paused")
    for run_id in (old, young, waiting):
        for name in ("best.pt", "stage-1.pt", "stage-2.pt"):
            (run_folder(run_id).checkpoints / name).write_bytes(b"a checkpoint")
        run_folder(run_id).outbox.put(artifacts=run_folder(run_id).artifacts())
        sync.tell_store(run_id, 30)
    table.update(young, ended=time.time())
    assert retention.thin_checkpoints() == {old: ["stage-1.pt", "stage-2.pt"]}
    assert {path.name for path in run_folder(old).checkpoints.iterdir()} == {"last.pt", "best.pt"}
    assert {path.name for path in artifact(old, "checkpoints").iterdir()} == {"last.pt", "best.pt"}
    for run_id in (young, waiting):
        assert len(list(run_folder(run_id).checkpoints.iterdir())) == 4
    assert events.of_run(run_folder(old))[-1].kind == "thinned"
    assert retention.thin_checkpoints() == {}


def test_commands_take_several_runs(command_line):
    first, second = a_run("finished"), a_run("queued")
    done = command_line("stop", first[:8], second[:8], "f" * 8)
    assert (done.returncode, done.stdout) == (2, "1 stopped, 2 could not be\n")
    assert done.stderr.splitlines()[0] == f"error: Run {first[:8]} is finished: there is nothing to stop."
    assert command_line("delete", first, second).stdout == "2 put into the bin\n"
    assert len(command_line("bin").stdout.splitlines()) == 2
    said = command_line("events", first[:8]).stdout
    assert "submitted, finished" in said and "binned, finished" in said
    assert command_line("restore", first[:8]).returncode == 0
    assert "1 deleted for good, 0 in the bin" in command_line("bin", "--empty", "--all").stdout
    assert command_line("bin").stdout == "The bin is empty.\n"


def test_watch_says_where_a_deleted_run_is_and_brings_it_back():
    lost, deleted = a_run(name="lost"), a_run(name="deleted")
    bin.delete(lost)
    client().delete_run(deleted)
    app = opened("pages/watch_runs.py", run=deleted)
    assert "It was deleted in MLflow" in texts(app)
    app = opened("pages/watch_runs.py", run=lost)
    assert "In the bin; deleted for good after" in texts(app)
    next(button for button in app.button if button.label == "Restore").click().run()
    assert not app.exception and "In the bin" not in texts(app)
    assert table.get(lost).binned is None
