"""What every engine does alike: this machine, SLURM and Ray, the real programs, with runs that are stand-ins."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from core import jobs
from core.jobs import table
from core.jobs.engines import kept_view, ordering, tending
from core.jobs.engines.contract import Node, View, attempt_name
from core.jobs.engines.lab_mark import lab_mark
from core.jobs.engines.ordering import order_of
from tests.clusters import slurm
from tests.clusters.engines import at_work, begins, processes_of
from tests.stand_in import let_go, submit, until, until_state

pytestmark = pytest.mark.clusters
RAY_IS_A_PROOF = pytest.mark.parametrize(
    "engine", ["local", "slurm", pytest.param("ray", marks=pytest.mark.proof)], indirect=True
)
"""Ray takes a second of two cores for each run: what has many of them takes minutes there."""


@RAY_IS_A_PROOF
def test_twenty_jobs_of_which_three_are_killed(engine, lab):
    killed = [submit("waits", engine=engine.name) for _ in range(3)]
    plain = [submit(f"steps={2 + k % 3}", engine=engine.name) for k in range(16)]
    for run_id in killed:
        until(lambda run_id=run_id: processes_of(lab, run_id) and at_work(engine, run_id))
        for process in processes_of(lab, run_id):
            process.kill()
        job = until_state(run_id, "crashed")
        assert "SIGKILL" in job.reason
    for run_id in plain:
        until_state(run_id, "finished", "failed", "crashed", "stopped")
    assert {table.get(run_id).state for run_id in plain} == {"finished"}
    assert set(begins(lab).values()) == {1}, "no attempt has begun twice"
    assert set(begins(lab)) == {(run_id, "1") for run_id in (*killed, *plain)}
    assert {table.get(run_id).engine for run_id in plain} == {engine.name}


def test_stop_pause_resume_retry_and_logs(engine, lab):
    run_id = submit("steps=100000", engine=engine.name)
    at_work(engine, run_id)
    data, offset = jobs.logs(run_id)
    assert data.startswith(b"starts at step 0\n")
    jobs.pause(run_id)
    job = until_state(run_id, "paused")
    assert job.has_checkpoint
    jobs.resume(run_id)
    at_work(engine, run_id)
    until(lambda: b"starts at step" in jobs.logs(run_id, offset)[0])
    jobs.stop(run_id)
    job = until_state(run_id, "stopped")
    assert (job.attempt, job.killed) == (2, None)
    assert job.requested <= job.terminated <= job.ended
    assert set(begins(lab).values()) == {1}


def test_one_that_ignores_sigterm_is_killed_after_its_grace(engine, lab):
    run_id = submit("stubborn steps=100000", engine=engine.name)
    at_work(engine, run_id)
    jobs.stop(run_id, grace_s=1.0)
    job = until_state(run_id, "stopped")
    assert "was killed" in job.reason
    assert job.terminated <= job.killed <= job.ended
    until(lambda: not processes_of(lab, run_id))


def test_one_that_waits_for_a_place_is_stopped_at_once_and_never_begins(engine, lab):
    first = [submit("waits", engine=engine.name) for _ in range(engine.slots)]
    waiting = submit(engine=engine.name)
    for run_id in first:
        at_work(engine, run_id)
    if engine.name != "local":  # it is handed over, and pending there
        until(lambda: table.get(waiting).engine_word.startswith("pending"))
    jobs.stop(waiting)
    assert until_state(waiting, "stopped").reason == ""
    let_go()
    for run_id in first:
        until_state(run_id, "finished")
    last = submit(engine=engine.name)
    until_state(last, "finished")
    assert waiting not in {run_id for run_id, _ in begins(lab)}


def test_a_process_that_fails_says_so(engine):
    run_id = submit("raises", engine=engine.name)
    job = until_state(run_id, "failed")
    assert "the loss is not finite" in job.reason
    assert "ValueError" in jobs.tail(run_id, 30)


def test_a_courier_that_dies_between_claim_and_hand_over_loses_and_doubles_nothing(engine, lab, monkeypatch):
    if engine.name == "local":
        pytest.skip("the local engine's own test kills its workers")
    taken = threading.Event()

    def dies(self, job):
        taken.set()
        return False

    with monkeypatch.context() as patch:
        patch.setattr(tending.EngineThread, "_submit", dies)
        patch.setattr(tending.EngineThread, "say", lambda self, about, line: None)
        run_id = submit("steps=2", engine=engine.name)
        assert taken.wait(60)
        engine.end()
    assert (table.get(run_id).state, begins(lab)) == ("running", {})
    engine.begin()
    until_state(run_id, "finished")
    assert begins(lab) == {(run_id, "1"): 1}


def test_a_cluster_that_starts_an_attempt_twice_starts_no_run_twice(engine, lab):
    if engine.name == "local":
        pytest.skip("this machine starts what its table says")
    run_id = submit("waits", engine=engine.name)
    job = at_work(engine, run_id)
    order = order_of(job, engine.settings, lab_mark(), engine.program)
    engine.thread.cluster.submit(replace(order, name=f"{'0' * 32}-a1"))
    until(lambda: b"another process has it" in jobs.logs(run_id)[0])
    assert jobs.status(run_id).state == "running"
    let_go()
    assert until_state(run_id, "finished").attempt == 1
    assert [line.split()[0] for line in (lab / "events").read_text().splitlines()].count("end") == 1


def test_an_engine_that_does_not_answer_loses_nothing_and_goes_on_when_it_does(clustered, lab, tmp_path):
    clustered.end()
    right = clustered.settings
    if right.kind == "ray":
        wrong = right.model_copy(update={"address": f"http://127.0.0.1:{slurm.free_port()}"})
    else:
        conf = tmp_path / "slurm.conf"
        conf.write_text(
            "\n".join(
                f"SlurmctldPort={slurm.free_port()}" if line.startswith("SlurmctldPort") else line
                for line in Path(right.conf).read_text().splitlines()
            )
        )
        wrong = right.model_copy(update={"conf": str(conf)})
    thread = tending.EngineThread(wrong, program=clustered.program)
    run_id = submit("steps=2", engine=clustered.name)
    thread.look()
    trouble = kept_view.kept_view(clustered.name).trouble
    assert "does not answer" in trouble or "Unable to contact" in trouble
    assert any(clustered.name in line and "others wait" in line for line in jobs.troubles())
    job = jobs.status(run_id)
    assert job.state == "queued"
    assert trouble in jobs.waits_because(job, jobs.capacity())
    clustered.begin()
    until_state(run_id, "finished")
    assert begins(lab) == {(run_id, "1"): 1}
    assert jobs.troubles() == []


def test_a_wrong_token_is_named_and_a_run_waits(clustered, lab, tmp_path):
    if clustered.settings.kind != "ray":
        pytest.skip("SLURM knows people by munge")
    clustered.end()
    for content, mode, said in (
        ("0" * 64, 0o600, "refuses the token"),
        (None, 0o600, "wants a token"),
        ("x", 0o644, "is open to others"),
        ("", 0o600, "holds no token"),
    ):
        file = tmp_path / "token"
        if content is not None:
            file.write_text(content)
        file.chmod(mode) if file.exists() else None
        chosen = {"token_file": None if content is None else str(file)}
        tending.EngineThread(clustered.settings.model_copy(update=chosen)).look()
        assert said in kept_view.kept_view(clustered.name).trouble


def test_a_node_whose_versions_differ_refuses_before_the_run_starts(clustered, lab, monkeypatch):
    clustered.end()
    real = ordering.versions()
    monkeypatch.setattr(ordering, "versions", lambda: real | {"torch": "0.4.1"})
    clustered.program = ()
    clustered.begin()
    run_id = submit(engine=clustered.name)
    job = until(lambda: (now := jobs.status(run_id)).held and now)
    assert f"of {clustered.name} has torch {real['torch']} in place of 0.4.1, so the run did not begin" in job.reason
    assert job.state == "queued"
    assert not job.has_checkpoint
    assert job.folder.begun(1) is None


def test_two_labs_with_one_cluster_keep_apart_even_where_one_is_a_copy(clustered, lab):
    run_id = submit("steps=2", engine=clustered.name, held=True)
    job = replace(table.get(run_id), attempt=1)
    theirs = order_of(job, clustered.settings, "another lab", ("sleep", "600"))
    clustered.thread.cluster.submit(replace(theirs, command=("sleep", "600"), environment={}, log=Path("/dev/null")))
    until(lambda: attempt_name(job) in clustered.thread.cluster.look().attempts)
    jobs.release(run_id)
    held = until(lambda: (now := jobs.status(run_id)).held and now)
    assert "from another lab" in held.reason
    assert begins(lab) == {}
    assert clustered.thread.cluster.look().attempts[attempt_name(job)].what != "ended", "theirs goes on"
    jobs.release(run_id)
    until_state(run_id, "finished")
    assert begins(lab) == {(run_id, "2"): 1}
    clustered.thread.cluster.terminate(attempt_name(job), pending=False)


def test_what_an_engine_will_not_take_is_held_with_its_words(clustered, lab):
    clustered.end()
    if clustered.settings.kind == "ray":
        clustered.settings = clustered.settings.model_copy(update={"address": clustered.settings.address + "/nothing"})
        tending.EngineThread(clustered.settings).look()
        assert "HTTP 40" in kept_view.kept_view(clustered.name).trouble
        return
    clustered.settings = clustered.settings.model_copy(update={"account": "nobody", "partition": "nowhere"})
    thread = tending.EngineThread(clustered.settings, program=clustered.program)
    run_id = submit(engine=clustered.name)
    thread._hand_over(View((Node("n1", True, 2, 0, 4.0),), {}))
    job = jobs.status(run_id)
    assert (job.state, job.held) == ("queued", True)
    assert "invalid partition" in job.reason.lower()


def test_a_node_dies_and_its_run_goes_on_by_resume(engine, lab):  # the last: nobody waits for the node's return
    run_id = submit("waits", engine=engine.name)
    engine.kill_node(at_work(engine, run_id))
    job = until_state(run_id, "crashed")
    assert engine.node_died in job.reason, "what befell it is said"
    let_go()
    jobs.resume(run_id)
    until_state(run_id, "finished")
    assert begins(lab) == {(run_id, "1"): 1, (run_id, "2"): 1}
