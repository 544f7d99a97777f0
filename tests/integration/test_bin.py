"""Many runs at once, the bin, and what is deleted for good, with MLflow's own SQLite store."""

import pytest

from core import jobs
from core.config import RunConfig
from core.errors import LabError
from core.jobs import bin, detached, many, sync, table
from core.runs import run_folder
from core.tracking import store

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
