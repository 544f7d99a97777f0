"""When a crashed run tries again by itself, and when not."""

import signal
import threading
import time

import pytest

from core.config import RunConfig
from core.jobs import actions, events, state, table
from core.jobs.engines.contract import Slot
from core.jobs.process import boot_id
from core.jobs.retrying import MEMORY, RESTART, Crash, cause_of, why_not
from core.rules import Retry
from core.runs import run_folder

CPU = Slot("cpu0", ("auto", "cpu"))
SEGV, FPE = "it was ended by SIGSEGV", "it was ended by SIGFPE"
THREE = Retry(most=3)
AT_40, AT_60 = Crash(checkpoint=40, iteration=55), Crash(checkpoint=60, iteration=75)

TABLE = [
    # policy, tries, this crash, the one before, disk full; a word of why not (None: it tries again)
    (Retry(), 0, AT_40, None, False, ""),
    (THREE, 0, AT_40, None, False, None),
    (THREE, 2, AT_60, AT_40, False, None),
    (THREE, 3, AT_60, AT_40, False, "3 times"),
    (THREE, 0, AT_40, None, True, "disk"),
    (THREE, 1, AT_40, AT_40, False, "no further"),
    (THREE, 1, Crash(checkpoint=40, iteration=50), AT_40, False, "no further"),
    (THREE, 1, Crash(checkpoint=40, iteration=56), AT_40, False, None),
    (THREE, 1, Crash(), Crash(), False, "no further"),
    (THREE, 1, Crash(RESTART), Crash(RESTART), False, None),
    (THREE, 0, Crash(SEGV, 40, 55), None, False, None),
    (THREE, 1, Crash(SEGV, 60, 75), Crash(SEGV, 40, 55), False, "would repeat"),
    (THREE, 1, Crash(MEMORY, 60, 75), Crash(MEMORY, 40, 55), False, "want of memory"),
    (THREE, 1, Crash(FPE, 60, 75), Crash(SEGV, 40, 55), False, "would repeat"),
    (THREE, 1, Crash(SEGV, 60, 75), AT_40, False, None),
    (THREE, 1, Crash(RESTART, 60, 75), Crash(MEMORY, 40, 55), False, None),
]


@pytest.mark.parametrize(("policy", "tries", "crash", "before", "full", "word"), TABLE)
def test_what_would_repeat_is_not_tried_again(policy, tries, crash, before, full, word):
    why = why_not(policy, tries, crash, before, disk_full=full)
    assert (why is None) is (word is None)
    assert word is None or word in why


CAUSES = [
    (-signal.SIGSEGV, "", False, SEGV),
    (-signal.SIGKILL, "", False, ""),
    (-40, "", False, ""),
    (None, "", False, ""),
    (3, "", False, ""),
    (-signal.SIGKILL, "The kernel killed it for want of memory. Take fewer points.", False, MEMORY),
    (-signal.SIGKILL, "The kernel may have killed it for want of memory.", False, ""),
    (None, "", True, RESTART),
]


@pytest.mark.parametrize(("returncode", "evidence", "rebooted", "cause"), CAUSES)
def test_the_cause_of_a_crash(returncode, evidence, rebooted, cause):
    assert cause_of(returncode, evidence, rebooted=rebooted) == cause


@pytest.fixture
def no_processes(monkeypatch):
    monkeypatch.setattr(state, "ensure_courier", lambda: None)
    monkeypatch.setattr(state, "tell_store", lambda *args, **more: None)
    monkeypatch.setattr(actions, "tell_store", lambda *args, **more: None)
    monkeypatch.setattr(actions, "refresh", lambda: None)


def running(number: int = 1, retry: Retry | None = None, **fields) -> str:
    """A run whose process is gone without a word."""
    run_id = f"{number:032x}"
    config = RunConfig(problem={"kind": "poisson2d"}, retry=retry)
    run_folder(run_id).create(config)
    row = {"state": "running", "attempt": 1, "pid": 2**22, "pid_started": 1.0, "boot": boot_id(), "started": 0.0}
    table.insert(run_id, config, "local", **(row | fields))
    return run_id


def test_a_crashed_run_waits_for_its_next_try_with_the_reason(lab_home, no_processes):
    run_id = running(retry=Retry(most=2, delay_s=100.0, growth=3.0))
    state.settle(table.get(run_id), -signal.SIGKILL)
    job = table.get(run_id)
    assert (job.state, job.retries, job.fresh) == ("queued", 1, False)
    assert 95 < job.due - time.time() <= 100
    assert job.reason.startswith("Its process was ended by SIGKILL. It tries again at ")
    assert job.reason.endswith(", 1 of 2.")
    assert table.claim(CPU) is None
    assert table.begins_by_itself()
    event = events.of_run(run_folder(run_id))[-1]
    assert (event.kind, event.before, event.after, event.why) == ("retry", "running", "queued", job.reason)

    table.update(run_id, due=0.0)
    assert table.claim(CPU).attempt == 2
    run_folder(run_id).write_progress({"fraction": 0.1, "total_iterations": 30})
    state.settle(table.get(run_id), -signal.SIGKILL)
    assert 290 < table.get(run_id).due - time.time() <= 300

    table.update(run_id, due=0.0)
    table.claim(CPU)
    run_folder(run_id).write_progress({"fraction": 0.2, "total_iterations": 60})
    state.settle(table.get(run_id), -signal.SIGKILL)
    job = table.get(run_id)
    assert job.state == "crashed"
    assert "2 times" in job.reason


def test_the_lab_says_it_for_runs_that_say_nothing(lab_home, no_processes):
    lab_home.mkdir(exist_ok=True)
    (lab_home / "settings.yaml").write_text("retry: {most: 1, delay_s: 0}\n")
    own, labs = running(1, Retry(most=0)), running(2)
    for run_id in (own, labs):
        state.settle(table.get(run_id), -signal.SIGKILL)
    assert table.get(own).state == "crashed"
    assert table.get(own).reason == "Its process was ended by SIGKILL."
    assert table.get(labs).state == "queued"
    (lab_home / "settings.yaml").write_text("retry: {most: [}\n")
    later = running(3)
    state.settle(table.get(later), -signal.SIGKILL)
    assert table.get(later).state == "queued", "the last valid settings hold"


LEFT_ALONE = [
    ({"wanted": "stop", "state": "stopping"}, -signal.SIGTERM, "stopped"),
    ({"wanted": "stop", "state": "stopping"}, -signal.SIGSEGV, "crashed"),
    ({"wanted": "pause", "state": "pausing"}, -signal.SIGKILL, "paused"),
    ({"binned": 5.0}, -signal.SIGKILL, "crashed"),
    ({"held": 1}, -signal.SIGKILL, "crashed"),
]


@pytest.mark.parametrize(("row", "returncode", "ends"), LEFT_ALONE)
def test_what_a_person_ended_or_put_aside_does_not_try_again(lab_home, no_processes, row, returncode, ends):
    run_id = running(retry=Retry(most=3), **row)
    state.settle(table.get(run_id), returncode)
    assert table.get(run_id).state == ends


def test_a_run_that_failed_with_a_word_does_not_try_again(lab_home, no_processes):
    run_id = running(retry=Retry(most=3))
    run_folder(run_id).write_exit(1, "failed", "The loss is NaN.")
    state.settle(table.get(run_id), 1)
    assert (table.get(run_id).state, table.get(run_id).reason) == ("failed", "The loss is NaN.")


def test_of_many_who_see_a_crash_one_queues_the_run_again(lab_home, no_processes):
    run_id = running(retry=Retry(most=5, delay_s=0.0))
    job = table.get(run_id)
    threads = [threading.Thread(target=state.settle, args=(job,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert table.get(run_id).retries == 1
    assert [event.kind for event in events.of_run(run_folder(run_id))].count("retry") == 1


def test_a_stop_while_it_waits_for_its_next_try_ends_it_and_resume_counts_anew(lab_home, no_processes):
    run_id = running(retry=Retry(most=1, delay_s=500.0))
    state.settle(table.get(run_id), -signal.SIGKILL)
    actions.stop(run_id)
    assert table.get(run_id).state == "stopped"
    assert not table.begins_by_itself()
    actions.resume(run_id)
    job = table.get(run_id)
    assert (job.state, job.due, job.retries, job.crash) == ("queued", None, 0, None)


def test_a_run_that_was_to_start_over_and_died_before_still_starts_over(lab_home, no_processes):
    folder = run_folder(running(retry=Retry(most=2), fresh=1, started=time.time() + 100))
    folder.checkpoints.mkdir(parents=True, exist_ok=True)
    folder.last.write_bytes(b"of the attempt before")
    state.settle(table.get(folder.run_id), -signal.SIGKILL)
    assert table.get(folder.run_id).fresh is True
    table.update(folder.run_id, state="running", attempt=2, started=0.0, fresh=1, retries=0, crash=None)
    state.settle(table.get(folder.run_id), -signal.SIGKILL)
    assert table.get(folder.run_id).fresh is False


def test_after_a_restart_of_the_machine_what_ran_tries_again_and_what_waited_goes_on(lab_home, no_processes):
    ran = running(1, Retry(most=1, delay_s=0.0), boot="another")
    unasked = running(2, boot="another")
    waited = running(3, state="queued", attempt=0, pid=None)
    for run_id in (ran, unasked):
        state.settle(table.get(run_id))
    assert table.get(ran).state == "queued"
    assert table.get(unasked).state == "crashed"
    assert "restarted" in table.get(ran).reason
    assert {table.claim(CPU).run_id, table.claim(CPU).run_id} == {ran, waited}
