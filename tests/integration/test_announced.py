"""A process that is killed while it makes a run leaves none that waits in vain, and none twice."""

import json
import os

import pytest

from core import jobs
from core.config import RunConfig
from core.errors import StoreError
from core.home import home
from core.jobs import actions, announced, database, sync, table
from core.runs import RunFolder
from core.tracking import store

CONFIG = RunConfig(problem={"kind": "poisson2d"}, device="cpu")
DEAD = {"pid": 2**22 - 1, "pid_started": 1.0, "boot": "another"}


class Killed(BaseException):
    """What SIGKILL is to a program: nothing of it is run after that."""


@pytest.fixture(autouse=True)
def no_workers(lab_home, monkeypatch):
    monkeypatch.setattr(actions.ENGINES["local"], "ensure", lambda: None)


def kill_after(monkeypatch, owner, name):
    made = getattr(owner, name)

    def die(*arguments, **options):
        made(*arguments, **options)
        raise Killed

    monkeypatch.setattr(owner, name, die)


@pytest.mark.parametrize(
    "after, ends",
    [((store, "create_run"), "failed"), ((RunFolder, "create"), "failed"), ((table, "insert"), "queued")],
    ids=["the store has it", "it has a folder", "it is queued"],
)
def test_a_run_whose_maker_was_killed_is_settled_by_whoever_looks(monkeypatch, after, ends):
    with monkeypatch.context() as patch:
        kill_after(patch, *after)
        patch.setattr(announced, "forget", lambda token: None)
        with pytest.raises(Killed):
            jobs.submit(CONFIG)
    (note,) = home().announced.glob("*.json")
    sync.settle_announced()
    assert note.exists()  # its maker lives
    note.write_text(json.dumps(json.loads(note.read_text()) | DEAD))
    sync.settle_announced()
    assert not note.exists()
    (record,) = store.runs()
    assert record.state == ends
    listed = jobs.queue()
    assert [job.state for job in listed] == ([] if after[1] == "create_run" else [ends])
    assert all(job.reason == (announced.KILLED if ends == "failed" else "") for job in listed)


@pytest.mark.parametrize("step", ["_half_made", "write_asked_tags"])
def test_whoever_makes_the_table_meanwhile_takes_no_run_for_lost_that_is_being_made(monkeypatch, step):
    """The first looker makes the table, and finds again what has a folder and no row: not what is about to get one."""
    create = RunFolder.create

    def look():
        for path in home().runs.rglob("*"):
            os.utime(path, (0, 0))  # however long it takes
        assert table.find() == []
        assert database.rebuild() == (0, [])
        assert database.without_row() == 0

    def half_made(folder, config):
        folder.path.mkdir(parents=True)
        look()
        folder.path.rmdir()
        create(folder, config)

    if step == "_half_made":
        monkeypatch.setattr(RunFolder, "create", half_made)
    else:
        monkeypatch.setattr(RunFolder, step, lambda folder, tags: look())
    assert not home().jobs_db.exists()
    run_id = jobs.submit(CONFIG)
    assert [(job.run_id, job.state) for job in table.find()] == [(run_id, "queued")]
    assert announced.being_made() == set()


def test_a_note_without_a_run_and_a_damaged_one_are_cleared_away():
    home().ensure().announced.mkdir()
    for name, text in (("a", json.dumps(DEAD)), ("b", "{"), ("c", "[]")):
        (home().announced / f"{name * 32}.json").write_text(text)
    sync.settle_announced()
    assert announced.left_behind() == []
    assert not list(home().announced.iterdir())


def test_whoever_looks_leaves_it_to_the_courier_and_waits_for_no_store(monkeypatch):
    started = []
    monkeypatch.setattr(actions, "ensure_courier", lambda: started.append(1))
    monkeypatch.setattr(sync, "settle_announced", lambda: pytest.fail("a look must not wait for the store"))
    home().ensure().announced.mkdir()
    (home().announced / f"{'a' * 32}.json").write_text(json.dumps(DEAD))
    jobs.ensure()
    assert started


def test_what_the_store_does_not_take_is_kept_for_the_next_look(monkeypatch):
    run_id = store.create_run(CONFIG, tags={"lab.announced": "a" * 32})
    home().ensure().announced.mkdir()
    (home().announced / f"{'a' * 32}.json").write_text(json.dumps(DEAD))

    def refuse(*_, **__):
        raise StoreError("It is locked.")

    with monkeypatch.context() as patch:
        patch.setattr(store, "set_state", refuse)
        with pytest.raises(StoreError):
            sync.settle_announced()
    assert announced.left_behind() == ["a" * 32]
    sync.settle_announced()
    assert (store.get_run(run_id).state, announced.left_behind()) == ("failed", [])
