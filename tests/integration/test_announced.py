"""A process that is killed while it makes a run leaves none that waits in vain, and none twice."""

import json

import pytest

from core import jobs
from core.config import RunConfig
from core.home import home
from core.jobs import actions, announced, table
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
    jobs.ensure()
    assert note.exists()  # its maker lives
    note.write_text(json.dumps(DEAD))
    jobs.ensure()
    assert not note.exists()
    (record,) = store.runs()
    assert record.state == ends
    listed = jobs.queue()
    assert [job.state for job in listed] == ([] if after[1] == "create_run" else [ends])
    assert all(job.reason == (announced.KILLED if ends == "failed" else "") for job in listed)


def test_a_note_without_a_run_and_a_damaged_one_are_cleared_away():
    home().ensure().announced.mkdir()
    for name, text in (("a", json.dumps(DEAD)), ("b", "{"), ("c", "[]")):
        (home().announced / f"{name * 32}.json").write_text(text)
    jobs.ensure()
    assert announced.left_behind() == []
    assert not list(home().announced.iterdir())
