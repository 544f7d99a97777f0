"""A cluster's head is killed and returns while runs are at work: what is said meanwhile; nothing begins twice."""

import pytest

from core import jobs
from core.jobs import table
from core.jobs.engines import kept_view, tending
from core.jobs.engines.contract import attempt_name
from core.jobs.engines.ray import RayCluster
from core.jobs.engines.verdicts import SILENT_S
from tests.clusters import ray
from tests.clusters.engines import Clustered, at_work, begins, processes_of
from tests.stand_in import let_go, submit, until, until_state

pytestmark = [pytest.mark.clusters, pytest.mark.proof]


def test_a_controller_dies_and_returns_while_a_run_is_at_work(clustered, lab):
    if clustered.settings.kind != "slurm":
        pytest.skip("Ray's head takes its runs with it: its own tests")
    run_id, later = submit("waits", engine=clustered.name), submit("steps=2", engine=clustered.name, held=True)
    at_work(clustered, run_id)
    clustered.cluster.kill_controller()
    try:
        until(lambda: kept_view.kept_view(clustered.name).trouble)
        jobs.release(later)
        assert jobs.status(run_id).state == "running"
        let_go()  # it ends while nobody can ask
        until(lambda: table.get(run_id).folder.exit(1))
        assert jobs.status(later).state == "queued"
    finally:
        clustered.cluster.start_controller()
    until_state(run_id, "finished")
    until_state(later, "finished")
    assert set(begins(lab).values()) == {1}


@pytest.fixture
def headed(request, lab, tmp_path, monkeypatch):
    """Ray with a head of this test's own, which keeps its state where the test says so."""
    if why := ray.missing():
        pytest.skip(why)
    monkeypatch.setattr(tending, "LOOK_S", 0.3)
    cluster = ray.Ray(tmp_path, keeps=getattr(request, "param", False))
    try:
        cluster.start()
        found = Clustered(lab, cluster.settings, cluster, "Ray says")
        yield found
        found.end()
    finally:
        cluster.end()


def the_head_dies(headed):
    """Kill it, and check what is said of it."""
    headed.cluster.kill_head()
    trouble = until(lambda: kept_view.kept_view("ray").trouble)
    assert trouble.startswith(f"Ray at {headed.cluster.address} does not answer: ")
    assert any(line.startswith("Engine ray, since ") and trouble in line for line in jobs.troubles())
    return trouble


def filled(headed):
    """Runs in all slots, at work, and one that the cluster has and that waits there."""
    first = [submit("waits", engine="ray") for _ in range(headed.slots)]
    for run_id in first:
        at_work(headed, run_id)
    pending = submit("steps=2", engine="ray")
    until(lambda: table.get(pending).engine_word.startswith("pending"))
    return first, pending


def test_a_head_that_forgets_loses_its_runs_which_is_said_and_they_go_on_by_resume(headed, lab):
    first, pending = filled(headed)
    later = submit("steps=2", engine="ray", held=True)
    trouble = the_head_dies(headed)
    jobs.release(later)
    assert trouble in jobs.waits_because(jobs.status(later), jobs.capacity())
    assert {jobs.status(run_id).state for run_id in first} == {"running"}, "who can't be asked says nothing of them"
    headed.cluster.until_up()  # its head, and the nodes that ended with the old one
    for run_id in first:
        assert "Its engine knows nothing of it any more" in until_state(run_id, "crashed").reason
        assert processes_of(lab, run_id) == []
    let_go()
    for run_id in (pending, later):
        assert until_state(run_id, "finished").attempt == 1
    jobs.resume(first[0])
    until_state(first[0], "finished")
    assert b"starts at step 0" not in jobs.logs(first[0])[0].split(b"\n", 1)[1], "it went on from its checkpoint"
    assert set(begins(lab).values()) == {1}, "no attempt has begun twice"
    assert jobs.troubles() == []


def test_a_head_that_stays_away_is_said_and_a_run_that_went_with_it_can_be_stopped(headed, lab):
    run_id, other = submit("waits", engine="ray"), submit("waits", engine="ray")
    at_work(headed, run_id), at_work(headed, other)
    the_head_dies(headed)
    until(lambda: not (processes_of(lab, run_id) or processes_of(lab, other)))  # the nodes end a minute after it
    until(lambda: any("2 of its 2 runs" in line and "no sign of life" in line for line in jobs.troubles()))
    assert jobs.status(run_id).state == "running", "nobody can say yet"
    jobs.stop(run_id, grace_s=1.0)
    assert "was killed" in until_state(run_id, "stopped", seconds=SILENT_S + 60).reason
    assert jobs.status(other).state == "running"
    headed.cluster.until_up()
    assert "Its engine knows nothing of it any more" in until_state(other, "crashed").reason
    assert begins(lab) == {(run_id, "1"): 1, (other, "1"): 1}


@pytest.mark.parametrize("headed", [True], indirect=True, ids=["keeps"])
def test_a_head_that_keeps_its_state_finds_its_runs_at_work_again(headed, lab):
    first, pending = filled(headed)
    began = {run_id: processes_of(lab, run_id)[0].pid for run_id in first}
    the_head_dies(headed)
    headed.cluster.until_up()
    until(lambda: not kept_view.kept_view("ray").trouble)
    seen = RayCluster(headed.settings).look().attempts
    assert {seen[attempt_name(table.get(run_id))].what for run_id in first} == {"running"}, "it knows them"
    assert {run_id: processes_of(lab, run_id)[0].pid for run_id in first} == began, "the same processes"
    assert {jobs.status(run_id).state for run_id in first} == {"running"}
    jobs.stop(first[0])
    until_state(first[0], "stopped")
    let_go()
    for run_id in first[1:]:
        assert until_state(run_id, "finished").attempt == 1
    # Ray never starts what was pending with the head before
    assert until_state(pending, "finished").attempt == 2
    assert begins(lab)[pending, "1"] == 0
    assert set(begins(lab).values()) == {1}
