"""Configs of waiting runs changed, waits set, batches planned: job table and folders, without store or process."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from core import jobs
from core.config import RunConfig
from core.errors import ConfigError, LabError
from core.jobs import actions, batch, editing, events, presence, sync, table, waiting
from core.jobs.engines.contract import Slot
from core.runs import run_folder

CPU = Slot("cpu0", ("auto", "cpu"))
IN_TIME = {
    "kind": "equation",
    "coordinates": {"x": [0, 1], "t": [0, 1]},
    "time": "t",
    "equations": ["u_t = u_xx"],
    "conditions": [{"on": "t = 0", "that": "u = sin(pi*x)"}, {"on": "boundary", "that": "u = 0"}],
}


@pytest.fixture(autouse=True)
def nobody_works(monkeypatch):
    """No worker and no courier is started, and no store asked."""
    monkeypatch.setattr(actions, "refresh", waiting.settle)
    monkeypatch.setattr(sync, "ensure_courier", lambda: None)
    monkeypatch.setattr(presence, "deleted_runs", lambda wait_s: frozenset())
    monkeypatch.setattr(sync, "_tell", lambda folder: None)


def config(**fields):
    return RunConfig(problem={"kind": "poisson2d"}, **fields)


def waiting_run(made=None, **fields):
    run_id, made = uuid4().hex, made or config()
    run_folder(run_id).create(made)
    table.insert(run_id, made, "local", **fields)
    return run_id


def kept(run_id):
    return run_folder(run_id).config().config


def give_checkpoint(run_id, name="last"):
    run_folder(run_id).checkpoints.mkdir(exist_ok=True)
    (run_folder(run_id).checkpoints / f"{name}.pt").write_bytes(b"x")


def test_an_edited_run_has_the_new_config_everywhere_and_an_event_of_what_differs():
    run = waiting_run(config(name="before"))
    wanted = config(name="after", seed=7, device="cpu", network={"hidden": (8,)})
    with events.acting_as("Ada"):
        jobs.edit(run, wanted, 0)
    job = table.get(run)
    assert kept(run) == wanted
    assert (job.name, job.device, job.config_hash, job.revision) == ("after", "cpu", wanted.hash, 1)
    assert not job.synced  # the store is told
    event = events.of_run(job.folder)[-1]
    assert (event.kind, event.who, event.before, event.after) == ("edited", "Ada", "0", "1")
    assert "seed: 0 → 7" in event.why
    assert "name: before → after" in event.why
    assert job.folder.file("config.0.json").exists()  # what it was, whole
    assert job.folder.job()["config_hash"] == wanted.hash
    assert table.claim(CPU).run_id == run
    assert kept(run) == wanted


def test_nothing_changed_is_no_revision():
    run = waiting_run()
    jobs.edit(run, config(), 0)
    assert table.get(run).revision == 0
    assert [event.kind for event in events.of_run(run_folder(run))] == ["submitted"]


def test_who_saves_second_is_told_who_was_first_and_what_changed():
    run = waiting_run()
    with events.acting_as("Ada"):
        jobs.edit(run, config(seed=1), 0)
    with pytest.raises(LabError, match=r"Somebody changed run .* meanwhile: Ada at .*seed: 0 → 1") as error:
        jobs.edit(run, config(seed=2), 0)
    assert "\n" not in str(error.value)
    assert kept(run) == config(seed=1)
    jobs.edit(run, config(seed=2), 1)
    assert kept(run) == config(seed=2)


def test_of_two_who_save_at_once_one_alone_does():
    run = waiting_run()

    def save(seed):
        try:
            jobs.edit(run, config(seed=seed), 0)
        except LabError as error:
            assert "meanwhile" in str(error)
            return None
        return seed

    with ThreadPoolExecutor(4) as pool:
        saved = [seed for seed in pool.map(save, (1, 2, 3, 4)) if seed]
    assert len(saved) == 1
    assert kept(run) == config(seed=saved[0])
    assert table.get(run).config_hash == kept(run).hash
    assert table.get(run).revision == 1


def test_a_run_that_started_meanwhile_is_refused_and_unchanged():
    for _ in range(8):
        run = waiting_run()
        with ThreadPoolExecutor(2) as pool:
            claimed = pool.submit(table.claim, CPU)
            edited = pool.submit(jobs.edit, run, config(seed=9), 0)
        assert claimed.result().run_id == run
        if error := edited.exception():
            assert "does not wait in the queue" in str(error)
            assert kept(run) == config()
        else:
            assert kept(run) == config(seed=9)
        assert table.get(run).config_hash == kept(run).hash == claimed.result().config_hash
        table.update(run, state="finished")


def test_a_run_with_a_checkpoint_can_not_be_edited_and_one_without_begins_again():
    begun = waiting_run(attempt=1)
    jobs.edit(begun, config(seed=3), 0)
    assert table.get(begun).fresh
    give_checkpoint(begun)
    with pytest.raises(LabError, match="has trained already"):
        jobs.edit(begun, config(seed=4), 1)
    assert kept(begun) == config(seed=3)


def test_what_can_not_be_run_here_is_refused_before_anything_changes():
    run = waiting_run()
    with pytest.raises(LabError, match="no such device"):
        jobs.edit(run, config(device="cuda:7"), 0)
    with pytest.raises(LabError, match="has no checkpoint here"):
        jobs.edit(run, config(parent=waiting_run()), 0)
    marched = waiting_run(RunConfig(problem=IN_TIME, windows={"count": 2}))
    give_checkpoint(marched)
    with pytest.raises(LabError, match="went through time in windows"):
        jobs.edit(run, RunConfig(problem=IN_TIME, parent=marched), 0)
    assert table.get(run).revision == 0
    assert kept(run) == config()


def test_a_failed_write_of_the_row_puts_the_config_back(monkeypatch):
    run = waiting_run()
    monkeypatch.setattr(table, "set_fields", lambda *args, **fields: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        jobs.edit(run, config(seed=5), 0)
    assert kept(run) == config()
    assert table.get(run).revision == 0


KILLED_HALF_WAY = """
import os, signal, sys
from core import jobs
from core.config import RunConfig
from core.jobs import presence, table
presence.deleted_runs = lambda wait_s: frozenset()
table.set_fields = lambda *args, **fields: os.kill(os.getpid(), signal.SIGKILL)
jobs.edit(sys.argv[1], RunConfig(problem={"kind": "poisson2d"}, seed=5), 0)
"""


def test_a_process_killed_while_it_edits_has_changed_nothing():
    run = waiting_run()
    child = subprocess.run(
        [sys.executable, "-c", KILLED_HALF_WAY, run], cwd=Path(__file__).parents[2], env=os.environ, check=False
    )
    assert child.returncode == -signal.SIGKILL
    assert table.claim(CPU).config_hash == kept(run).hash == config().hash


# -- one after another -------------------------------------------------------------------------------------------------


def test_a_circle_is_refused_with_its_runs():
    a, b, c = waiting_run(), waiting_run(), waiting_run(name="third")
    jobs.set_after(b, a)
    jobs.set_after(c, b)
    with pytest.raises(LabError, match=rf"circle: {a[:8]} starts after third \({c[:8]}\) starts after {b[:8]}"):
        jobs.set_after(a, c)
    with pytest.raises(LabError, match="after itself"):
        jobs.set_after(a, a)
    assert table.get(a).after_run is None
    jobs.set_after(b, None)
    jobs.set_after(a, c)
    assert [job.after_run for job in (table.get(a), table.get(b), table.get(c))] == [c, None, b]
    assert [event.kind for event in events.of_run(run_folder(b))] == ["submitted", "after", "after"]


def test_starting_from_another_makes_it_the_parent_and_needs_its_checkpoint():
    first, second = waiting_run(state="running"), waiting_run()
    jobs.set_after(second, first, from_after=True)
    assert (kept(second).parent, kept(second).parent_checkpoint) == (first, "best")
    assert table.get(second).config_hash == kept(second).hash != config(parent=first).hash
    with pytest.raises(LabError, match="has to wait"):
        jobs.set_after(second, None)
    table.update(first, state="finished")
    assert table.claim(CPU) is None  # a person says what is to become of it
    assert "no checkpoint" in table.get(second).reason
    jobs.edit(second, config(), table.get(second).revision)
    assert not table.get(second).held
    assert table.claim(CPU).run_id == second


@pytest.mark.parametrize(("state", "any_end"), [("failed", False), ("stopped", False), ("crashed", False)])
def test_nothing_can_be_made_to_wait_for_ever(state, any_end):
    ended, run = waiting_run(state=state), waiting_run()
    with pytest.raises(LabError, match="wait for ever"):
        jobs.set_after(run, ended, after_any=any_end)
    jobs.set_after(run, ended, after_any=True)
    with pytest.raises(LabError, match="no checkpoint"):
        jobs.set_after(run, ended, after_any=True, from_after=True)
    with pytest.raises(LabError, match="never queued in this lab"):
        jobs.set_after(run, "0" * 32)
    assert table.claim(CPU).run_id == run


def test_a_next_stage_of_another_problem_is_refused():
    first = waiting_run(RunConfig(problem={"kind": "helmholtz"}), state="running")
    run = waiting_run()
    with pytest.raises(LabError, match="solves helmholtz"):
        jobs.set_after(run, first, from_after=True)
    jobs.set_after(run, first)
    assert kept(run) == config()


def test_a_new_wait_ends_the_hold_that_came_of_the_old_one():
    failed, running = waiting_run(state="failed"), waiting_run(state="running")
    run = waiting_run(after_run=failed)
    waiting.settle()
    assert table.get(run).held
    jobs.set_after(run, running)
    assert not table.get(run).held
    assert table.get(run).reason == ""


# -- batches -----------------------------------------------------------------------------------------------------------


def test_values_are_read_as_people_write_them():
    assert batch.read_values("0..3") == ["0", "1", "2", "3"]
    assert batch.read_values(" 0..30..10 ") == ["0", "10", "20", "30"]
    assert batch.read_values("16, 32,64") == ["16", "32", "64"]
    assert batch.read_values("[16,16],[32]") == ["[16,16]", "[32]"]
    assert batch.read_values("0..2, 7,10..30..10") == ["0", "1", "2", "7", "10", "20", "30"]
    for wrong in ("3..0", "0..9..0", "1,,2", "", "0..100000", "1,3..2"):
        with pytest.raises(LabError):
            batch.read_values(wrong)


def test_a_batch_is_every_combination_each_with_its_name():
    rows = batch.table_of({"seed": ["0", "1"], "network.hidden": ["[8]", "[16, 16]"]})
    made = batch.configs_of(config(), rows, "widths")
    assert [one.name for one in made] == [
        "widths seed=0 hidden=[8]",
        "widths seed=0 hidden=[16, 16]",
        "widths seed=1 hidden=[8]",
        "widths seed=1 hidden=[16, 16]",
    ]
    assert [(one.seed, one.network.hidden) for one in made] == [(0, (8,)), (0, (16, 16)), (1, (8,)), (1, (16, 16))]


def test_values_go_together_row_by_row_where_that_is_asked_for():
    varied = {"seed": ["0", "1"], "network.hidden": ["[8]", "[16, 16]"]}
    rows = batch.table_of(varied, paired=True)
    assert [made.name for made in batch.configs_of(config(), rows, "w")] == [
        "w seed=0 hidden=[8]",
        "w seed=1 hidden=[16, 16]",
    ]
    with pytest.raises(LabError, match=r"as many for each field: seed has 3, network.hidden has 2\."):
        batch.table_of(varied | {"seed": ["0", "1", "2"]}, paired=True)


def test_plain_data_serve_as_values_too_and_fields_that_end_alike_are_told_apart():
    two = config(stages=[{}, {}])
    rows = [{"stages.0.iterations": 3, "stages.1.iterations": 4, "stages.0.fourier": None}]
    (made,) = batch.configs_of(two, rows, "b")
    assert made.name == "b stages.0.iterations=3 stages.1.iterations=4 fourier=null"
    assert (made.stages[0].iterations, made.stages[1].iterations) == (3, 4)
    (named,) = batch.configs_of(two, [{"name": "mine"}], "b")
    assert named.name == "mine"


def test_names_stay_within_what_a_name_may_have():
    (made,) = batch.configs_of(config(), [{"seed": 1}], "x" * 120)
    assert made.name.endswith("x seed=1")
    assert len(made.name) == 120


def test_faults_of_a_batch_name_the_rows_and_nothing_is_queued():
    with pytest.raises(ConfigError) as error:
        jobs.submit_many(config(), [{"seed": 1}, {"seed": -1}, {"no.field": 2}, {"seed": 1}], batch="b")
    assert [line.partition(" (")[0] for line in error.value.problems] == ["row 2", "row 3", "row 4"]
    with pytest.raises(ConfigError, match="row 2"):
        jobs.submit_many(config(), [{"device": "cpu"}, {"device": "cuda:9"}], batch="b")
    with pytest.raises(ConfigError) as error:
        jobs.submit_many(config(), [{"sed": k} for k in range(40)], batch="b")
    assert error.value.problems == ["row 1 (sed=0) and 39 more: sed: there is no such field; did you mean 'seed'?"]
    with pytest.raises(ConfigError, match=r"hidden: 8 is not allowed; it should be a list, in brackets"):
        jobs.submit_many(config(), [{"network.hidden": 8}], batch="b")
    with pytest.raises(LabError, match="501 runs"):
        jobs.submit_many(config(), [{"seed": k} for k in range(501)], batch="b")
    with pytest.raises(LabError, match="1,000 runs"):
        batch.table_of({"seed": range(100), "stages.0.iterations": range(1, 11)})
    for name in ("", "  ", "a\nb", "x" * 121):
        with pytest.raises(LabError, match="Name the batch"):
            jobs.submit_many(config(), [{"seed": 1}], batch=name)
    assert table.find() == []


def test_the_longest_event_of_an_edit_stays_readable():
    run = waiting_run()
    many = config(stages=[{"iterations": 7 + k} for k in range(12)], name="x" * 120)
    jobs.edit(run, many, 0)
    why = events.of_run(run_folder(run))[-1].why
    assert why.count(" → ") == editing.MOST_FIELDS
    assert "more fields" in why
