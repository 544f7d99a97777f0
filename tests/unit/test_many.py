"""Decisions about many runs, and what may be deleted for good; no store takes part."""

from dataclasses import replace
from time import time

import pytest

from core.errors import LabError, StoreError
from core.home import home
from core.jobs import many
from core.jobs.events import Event
from core.jobs.job import AT_END, Job
from core.runs.states import ACTIVE, STATES
from core.tracking.store.purge import _own_place
from pages.parts.shared import event_list, visitor

JOB = Job(**dict.fromkeys(Job.__dataclass_fields__))
RUN = "0123456789abcdef" * 2


def job(state: str, **fields) -> Job:
    return replace(JOB, run_id=RUN, state=state, **fields)


def test_what_can_be_done_follows_from_the_state():
    assert many.possible_for(job("running")) == ["stop", "pause", "delete"]
    assert many.possible_for(job("stopping")) == ["delete"]
    assert many.possible_for(job("stopping", bin_step=AT_END)) == []
    assert many.possible_for(job("queued")) == ["stop", "hold", "remove", "delete"]
    assert many.possible_for(job("queued", held=True)) == ["stop", "release", "remove", "delete"]
    assert many.possible_for(job("queued", due=time() + 60)) == ["stop", "hold", "release", "remove", "delete"]
    assert many.possible_for(job("finished")) == ["delete"]
    assert many.possible_for(job("paused")) == ["stop", "resume", "delete"]
    assert many.possible_for(job("crashed", binned=1.0)) == ["restore"]
    counts = many.possible([job(state) for state in STATES])
    done = {"stop": 4, "pause": 1, "resume": 4, "retry": 3, "hold": 1, "release": 0, "remove": 1}
    assert counts == done | {"delete": len(STATES), "restore": 0}
    assert many.at_work([job(state) for state in STATES]) == len(ACTIVE)


def test_what_became_of_many_is_one_text():
    done = [many.Done(RUN, True, "")] * 7
    refused = [many.Done(RUN, False, f"Run {k} is finished.") for k in range(5)]
    assert many.summary("stop", done) == "7 stopped."
    assert many.summary("delete", refused[:1]) == "1 could not: Run 0 is finished."
    said = "7 stopped; 5 could not: Run 0 is finished; Run 1 is finished; Run 2 is finished; and 2 more likewise."
    assert many.summary("stop", done + refused) == said
    assert many.summary("stop", []) == "Nothing was chosen."


def test_a_refusal_stops_no_other_and_a_broken_store_is_asked_once():
    asked = []

    def do(run_id):
        asked.append(run_id)
        if run_id == "b":
            raise LabError("b is finished.")
        if run_id == "d":
            raise StoreError("The store did not answer.")

    done = many.each(do, "abcdef")
    assert asked == ["a", "b", "c", "d"]
    assert [each.ok for each in done] == [True, False, True, False, False, False]
    assert many.in_words("tagged", done) == "2 tagged; 4 could not: b is finished; The store did not answer."


@pytest.mark.parametrize(
    ("uri", "own"),
    [
        ("file://{home}/artifacts/{run}/artifacts", True),
        ("{home}/artifacts/{run}/artifacts", True),
        ("file://{home}/artifacts", False),
        ("file://{home}", False),
        ("file://{home}/artifacts/{run}/../../..", False),
        ("file:///elsewhere/{run}/artifacts", False),
        ("file://{home}/out/{run}/artifacts", False),
        ("s3://bucket/{run}/artifacts", False),
        ("mlflow-artifacts:/0/{run}/artifacts", False),
        ("mlruns/{run}/artifacts", False),
    ],
)
def test_files_are_deleted_inside_of_the_home_alone(uri, own, tmp_path):
    lab = home().ensure()
    (tmp_path / "elsewhere").mkdir()
    (lab.root / "out").symlink_to(tmp_path / "elsewhere")
    assert (_own_place(RUN, uri.format(home=lab.root, run=RUN)) is not None) == own


def test_events_say_what_changed():
    event = Event(1, RUN, 0.0, "state", "browser", "here", "queued", "running", "")
    assert event_list.change(event) == "queued → running"
    assert event_list.change(replace(event, before="finished", after="finished")) == "finished"
    assert event_list.change(replace(event, before="running", after=None)) == "running → –"
    assert event_list.change(replace(event, before=None, after=None)) == ""


def test_visitors_are_named_once_for_the_whole_server(monkeypatch):
    said = []
    monkeypatch.setattr(visitor, "this_process_is", said.append)
    visitor.name_visitors()
    monkeypatch.setenv("LAB_USER", "Ada")
    visitor.name_visitors()
    assert said == ["browser", "Ada (browser)"]
