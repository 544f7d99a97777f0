"""Runs as real processes: queued, stopped, paused, killed, orphaned. The trainer is a stand-in that counts steps."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from core import jobs
from core.config import RunConfig
from core.errors import LabError, RunNotFoundError, StoreError
from core.jobs import actions, sync, table
from core.jobs.engines.local import LocalEngine
from core.jobs.process import alive, boot_id, started_at
from core.jobs.slot_lock import busy
from core.runs.states import ACTIVE
from core.tracking import store
from tests.stand_in import SOURCE, WORKER, let_go, submit, until, until_state


def until_stepping(run_id: str, beyond: int = 0):
    """The job, once its process has written a checkpoint of a step after `beyond`."""
    checkpoint = Path(os.environ["LAB_HOME"], "runs", run_id, "checkpoints", "last.pt")
    until(lambda: checkpoint.exists() and int(checkpoint.read_text() or 0) > beyond)
    return table.get(run_id)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def events(lab: Path) -> list[list[str]]:
    path = lab / "events"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def test_runs_go_one_after_another_in_queue_order_and_leave_their_files(lab):
    first = submit("waits")
    until_state(first, "running")
    later, last, urgent = submit(), submit(), submit(priority=5)
    assert [job.run_id for job in jobs.queue(states=["queued"])] == [urgent, later, last]
    assert jobs.status(last).position == 3
    let_go()
    until_state(last, "finished")
    begun = [run_id for event, run_id, *_ in events(lab) if event == "begin"]
    assert begun == [first, urgent, later, last]
    job = jobs.status(first)
    assert (job.attempt, job.slot, job.engine, job.reason, job.stop_rungs) == (1, "cpu0", "local", "", [])
    assert job.submitted <= job.started <= job.ended
    folder = lab / "runs" / first
    assert json.loads((folder / "exit.json").read_text()) == {"state": "finished", "reason": "", "attempt": 1}
    assert (folder / "heartbeat").exists()
    assert RunConfig.model_validate_json((folder / "config.json").read_text()).hash == job.config_hash
    assert jobs.tail(first, 5) == "starts at step 0"
    data, offset = jobs.logs(first, offset=7)
    assert (data, jobs.logs(first, offset)) == (b"at step 0\n", (b"", offset))
    until(lambda: jobs.status(first).synced)
    record = store.get_run(first)
    assert (record.state, record.config_hash) == ("finished", job.config_hash)
    until(lambda: not busy("cpu0"))


def test_stop_is_asked_for_then_signalled_and_leaves_a_checkpoint(lab):
    run_id = submit("steps=100000")
    until_stepping(run_id)
    jobs.stop(run_id)
    assert jobs.status(run_id).state in ("stopping", "stopped")
    job = until_state(run_id, "stopped")
    assert job.requested <= job.terminated <= job.ended
    assert job.killed is None
    assert [text for text in ("asked", "SIGTERM", "gone: stopped") if not any(text in r for r in job.stop_rungs)] == []
    assert job.has_checkpoint
    assert store.get_run(run_id).state == "stopped"
    with pytest.raises(LabError, match="is stopped: there is nothing to stop"):
        jobs.stop(run_id)


def test_a_run_that_ignores_sigterm_is_killed_and_frees_its_slot(lab):
    run_id, following = submit("stubborn rank steps=100000"), submit()
    until_stepping(run_id)
    rank = int((lab / "runs" / run_id / "rank").read_text())
    jobs.stop(run_id, grace_s=3600)
    until(lambda: jobs.status(run_id).terminated)
    assert jobs.status(run_id).state == "stopping"
    jobs.stop(run_id, grace_s=0.1)  # asked again with less patience
    job = until_state(run_id, "stopped")
    assert job.requested <= job.terminated <= job.killed <= job.ended
    assert "was killed" in job.reason
    assert not psutil.pid_exists(rank)
    until_state(following, "finished")


def test_a_waiting_run_is_stopped_at_once_and_never_begins(lab):
    first, waiting, last = submit("waits"), submit(), submit()
    jobs.stop(waiting)
    assert jobs.status(waiting).state == "stopped"
    assert store.get_run(waiting).state == "stopped"
    let_go()
    until_state(last, "finished")
    assert waiting not in [run_id for _, run_id, *_ in events(lab)]
    assert jobs.status(first).state == "finished"


def test_pause_frees_the_slot_resume_continues_and_retry_begins_again(lab):
    run_id = submit("waits")
    until_stepping(run_id, beyond=5)
    jobs.pause(run_id)
    paused = until_state(run_id, "paused")
    at = int((lab / "runs" / run_id / "checkpoints" / "last.pt").read_text())
    assert at > 5
    until_state(submit(), "finished")
    assert table.get(run_id) == paused or table.get(run_id).synced
    jobs.resume(run_id)
    assert jobs.status(run_id).stop_rungs == []
    until_stepping(run_id, beyond=at)
    jobs.stop(run_id)
    until_state(run_id, "stopped")
    let_go()
    jobs.retry(run_id)
    job = until_state(run_id, "finished")
    assert job.attempt == 3
    assert jobs.tail(run_id, 9).splitlines() == ["starts at step 0", f"starts at step {at}", "starts at step 0"]


def test_what_can_not_be_done_is_said_in_one_sentence(lab):
    running, waiting = submit("steps=100000"), submit()
    until_stepping(running)
    with pytest.raises(LabError, match="is queued: there is nothing to pause"):
        jobs.pause(waiting)
    for again in (jobs.resume, jobs.retry):
        with pytest.raises(LabError, match="is running; only one that is paused, stopped"):
            again(running)
    for look in (jobs.status, jobs.stop, jobs.pause, jobs.resume, jobs.retry):
        with pytest.raises(RunNotFoundError):
            look("0" * 32)
        with pytest.raises(RunNotFoundError):
            look("../../etc")
    with pytest.raises(LabError, match="asks for cuda:3 and this machine has no such device"):
        jobs.submit(RunConfig(problem={"kind": "poisson2d"}, device="cuda:3"))
    jobs.stop(running)
    until_state(waiting, "finished")
    with pytest.raises(LabError, match="is finished"):
        jobs.resume(waiting)


def test_a_killed_run_has_crashed_its_ranks_end_and_the_next_one_starts(lab):
    run_id, following = submit("rank steps=100000"), submit()
    job = until_stepping(run_id)
    rank = int((lab / "runs" / run_id / "rank").read_text())
    kill(job.pid)
    job = until_state(run_id, "crashed")
    assert job.reason == "Its process was ended by SIGKILL."
    assert not psutil.pid_exists(rank)
    until_state(following, "finished")
    assert store.get_run(run_id).state == "crashed"
    assert store.get_run(run_id).tags["lab.reason"] == job.reason


def test_a_killed_worker_takes_nothing_with_it(lab):
    run_id, following = submit("waits"), submit()
    job = until_stepping(run_id)
    kill(job.worker_pid)
    jobs.ensure()
    assert busy("cpu0")
    assert (jobs.status(run_id).state, jobs.status(following).state) == ("running", "queued")
    assert jobs.status(run_id).pid == job.pid
    let_go()
    assert until_state(run_id, "finished").attempt == 1
    until_state(following, "finished")
    assert_one_at_a_time(lab, 2)


def test_an_orphaned_run_obeys_the_table_though_nobody_signals(lab):
    run_id = submit("steps=100000")
    kill(until_stepping(run_id).worker_pid)
    table.update(run_id, state="pausing", wanted="pause")
    until(lambda: table.get(run_id).state == "paused")


def test_an_orphaned_run_that_ignores_sigterm_is_killed_by_whoever_looks(lab):
    run_id = submit("stubborn steps=100000")
    kill(until_stepping(run_id).worker_pid)
    jobs.stop(run_id, grace_s=0.2)
    assert until_state(run_id, "stopped").killed


def test_run_and_worker_both_killed_is_a_crash_found_at_the_next_look(lab):
    run_id, following = submit("rank steps=100000"), submit()
    job = until_stepping(run_id)
    rank = int((lab / "runs" / run_id / "rank").read_text())
    kill(job.worker_pid)
    kill(job.pid)
    assert until_state(run_id, "crashed").reason == "Its process vanished without a word."
    assert not psutil.pid_exists(rank)
    until_state(following, "finished")


CLAIM = (
    "from core.jobs import table; from core.jobs.engines.contract import Slot; "
    "print(table.claim(Slot('cpu0', ('auto',))))"
)


@pytest.mark.parametrize(("wanted", "becomes"), [(None, "finished"), ("stop", "stopped"), ("pause", "paused")])
def test_a_claimed_run_that_never_began_goes_back_unless_it_was_to_end(lab, monkeypatch, wanted, becomes):
    with monkeypatch.context() as no_workers:
        no_workers.setattr(LocalEngine, "_start_worker", lambda engine, slot: None)
        run_id = submit()
        # a worker that dies between claiming and starting
        subprocess.run([sys.executable, "-c", CLAIM], cwd=SOURCE, check=True, capture_output=True)
        assert table.get(run_id).state == "running"
        table.update(run_id, wanted=wanted)
    job = until_state(run_id, becomes)
    assert len([event for event in events(lab) if event[0] == "begin"]) == (wanted is None)
    assert job.attempt == (2 if wanted is None else 1)


def test_a_run_whose_pid_is_another_process_now_has_crashed(lab):
    reused, rebooted = f"{1:032x}", f"{2:032x}"
    config = RunConfig(problem={"kind": "poisson2d"})
    own = {"state": "running", "attempt": 1, "slot": "cpu0", "pid": os.getpid()}
    table.insert(reused, config, "local", **own, pid_started=1.0, boot=boot_id())
    table.insert(rebooted, config, "local", **own, pid_started=started_at(os.getpid()), boot="before")
    assert jobs.status(reused).state == "crashed"
    assert "restarted" in jobs.status(rebooted).reason


def test_an_uncaught_error_is_a_sentence_in_the_table_and_a_traceback_in_the_log(lab):
    job = until_state(submit("raises"), "failed")
    assert job.reason == "ValueError: the loss is not finite"
    assert "Traceback" in until(lambda: jobs.tail(job.run_id, 20))


def test_a_run_that_does_not_leave_after_its_last_word_is_ended(lab):
    run_id, following = submit("lingers"), submit()
    table.update(run_id, grace=0.2)
    until_state(following, "finished")
    assert jobs.status(run_id).state == "finished"


def test_a_state_the_store_refused_is_told_later(lab, monkeypatch):
    run_id = submit()

    def refuse(run_id, state, reason="", ended=None):
        raise StoreError("The MLflow store did not answer.")

    with monkeypatch.context() as broken:
        broken.setattr(store, "set_state", refuse)
        assert until_state(run_id, "finished").synced is False
    assert store.get_run(run_id).state == "queued"
    monkeypatch.setattr(sync, "RETRY_S", 0.0)
    until(lambda: jobs.status(run_id).synced)
    assert store.get_run(run_id).state == "finished"


def test_a_slow_word_to_the_store_is_not_its_last(lab, monkeypatch):
    run_id = store.create_run(RunConfig(problem={"kind": "poisson2d"}))
    table.insert(run_id, RunConfig(problem={"kind": "poisson2d"}), "local", state="stopping", synced=0)
    set_state = store.set_state

    def overtaken(run_id, state, reason="", ended=None):
        """The run's own process ends it, and says so, while this one is still on its way with `stopping`."""
        if state == "stopping":
            table.update(run_id, state="stopped", synced=0)
            set_state(run_id, "stopped", reason)
            table.update(run_id, synced=1)
        set_state(run_id, state, reason)

    monkeypatch.setattr(store, "set_state", overtaken)
    sync.tell_store(run_id)
    assert store.get_run(run_id).state == "stopped"
    assert table.get(run_id).synced


def test_a_run_deleted_from_the_store_disturbs_nobody(lab):
    table.insert("a" * 32, RunConfig(problem={"kind": "poisson2d"}), "local", state="crashed", synced=0)
    assert jobs.status("a" * 32).synced


def test_submit_leaves_nothing_half_made(lab, monkeypatch):
    runs = len(store.runs())
    with monkeypatch.context() as full:
        full.setattr(actions, "LEAST_FREE_MB", 2.0**50)
        with pytest.raises(LabError, match="MB are free in"):
            submit()
    assert len(store.runs()) == runs
    with monkeypatch.context() as broken:
        broken.setattr(table, "insert", lambda *_, **__: (_ for _ in ()).throw(StoreError("disk is full")))
        with pytest.raises(LabError, match="could not be queued: disk is full"):
            submit()
    newest = store.runs(limit=1)[0]
    assert (newest.state, newest.tags["lab.reason"]) == ("failed", "It could not be queued: disk is full")
    assert jobs.queue() == []


INLINE = """
import sys, time
from core import jobs
from core.config import RunConfig
from core.jobs import control
from core.runs import run_folder
from core.tracking import store
from tests.stand_in import SOURCE, WORKER, submit, until, until_state

store.create_run = lambda config, parent, tags: sys.argv[1]  # made by the test, which has mlflow loaded already
control.tell_store = lambda run_id: None
run_id = jobs.begin_here(RunConfig(problem={"kind": "poisson2d"}))
with control.RunControl(run_folder(run_id), 1) as job:
    print(run_id, flush=True)
    while not (asked := job.wanted()):
        time.sleep(0.02)
    job.finish("stopped", asked)
"""


@pytest.mark.parametrize("end", ["stop", "Ctrl-C", "kill"])
def test_a_run_in_its_callers_own_process_is_a_job_like_any_other(lab, end):
    made = store.create_run(RunConfig(problem={"kind": "poisson2d"}))
    process = subprocess.Popen([sys.executable, "-c", INLINE, made], cwd=SOURCE, stdout=subprocess.PIPE, text=True)
    run_id = process.stdout.readline().strip()
    job = jobs.status(run_id)
    assert (job.state, job.engine, job.pid, job.slot) == ("running", "inline", process.pid, None)
    if end == "stop":
        jobs.stop(run_id)
    else:
        process.send_signal(signal.SIGINT if end == "Ctrl-C" else signal.SIGKILL)
    process.communicate(timeout=60)
    assert until_state(run_id, "stopped", "crashed").state == ("crashed" if end == "kill" else "stopped")
    jobs.retry(run_id)
    assert until_state(run_id, "finished").attempt == 2


SUBMITTER = """
import sys
from core import jobs
from core.config import RunConfig
from core.jobs import actions
from core.jobs.engines.local import LocalEngine
from core.tracking import store
from tests.stand_in import SOURCE, WORKER, submit, until, until_state

made = iter(sys.argv[3:])
store.create_run = lambda config, parent, tags: next(made)  # made by the test, which has mlflow loaded already
actions.ENGINES["local"] = actions.ENGINES["inline"] = LocalEngine(worker=[sys.executable, "-c", sys.argv[1]])
config = RunConfig(problem={"kind": "poisson2d"}, name=sys.argv[2])
for _ in sys.argv[3:]:
    print(jobs.submit(config), flush=True)
sys.stdin.read()
"""


def submitter(lab: Path, name: str, count: int) -> subprocess.Popen:
    """Another process that submits runs and lives on, as a dashboard does."""
    worker = WORKER.format(program=str(lab.parent / "stand_in.py"))
    made = [store.create_run(RunConfig(problem={"kind": "poisson2d"}, name=name)) for _ in range(count)]
    arguments = [sys.executable, "-c", SUBMITTER, worker, name, *made]
    environment = os.environ | {"LAB_RUN_DIR": "/a/run/that/submits", "LAB_ATTEMPT": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(arguments, cwd=SOURCE, env=environment, stdin=pipe, stdout=pipe, text=True)


def test_a_run_outlives_the_dashboard_that_submitted_it(lab):
    dashboard = submitter(lab, "waits", 1)
    run_id = dashboard.stdout.readline().strip()
    job = until_stepping(run_id)
    worker = psutil.Process(job.worker_pid)
    assert worker.ppid() != dashboard.pid
    assert "LAB_RUN_DIR" not in worker.environ()  # a run that submits must not have the worker swept as its own
    assert psutil.Process(dashboard.pid).children() == []
    kill(dashboard.pid)
    dashboard.communicate()
    assert jobs.status(run_id).pid == job.pid
    let_go()
    assert until_state(run_id, "finished").attempt == 1


def assert_one_at_a_time(lab: Path, count: int) -> None:
    """Each run began and ended once, and none while another was at work."""
    log = events(lab)
    assert [event for event, *_ in log] == ["begin", "end"] * count
    assert all(begin[1:3] == end[1:3] for begin, end in zip(log[::2], log[1::2], strict=True))
    assert len({run_id for _, run_id, *_ in log}) == count


def test_two_dashboards_in_a_new_home_fill_one_slot_without_ever_sharing_it(lab):
    dashboards = [submitter(lab, "steps=1", 3) for _ in range(2)]
    ids = [dashboard.stdout.readline().strip() for dashboard in dashboards for _ in range(3)]
    assert len(set(ids)) == 6
    until(lambda: {job.state for job in jobs.queue()} == {"finished"})
    assert_one_at_a_time(lab, 6)
    assert {job.attempt for job in jobs.queue()} == {1}
    for dashboard in dashboards:
        dashboard.communicate(timeout=60)


def test_workers_killed_again_and_again_lose_no_run(lab):
    ids = [submit("steps=25") for _ in range(6)]
    killed = 0
    while any(job.state == "queued" or job.active for job in jobs.queue()):
        for job in table.find(ACTIVE):
            if killed < 8 and alive(job.worker_pid, job.worker_started, job.boot):
                kill(job.worker_pid)
                killed += 1
        time.sleep(0.1)
    assert killed >= 3
    assert {jobs.status(run_id).state for run_id in ids} == {"finished"}
    assert len([event for event in events(lab) if event[0] == "end"]) == 6
