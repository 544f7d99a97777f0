"""The queue with its store: edits that MLflow shows, runs after runs, batches, and several who steer at once."""

import subprocess
import sys
from pathlib import Path

import pytest

from core import jobs
from core.config import RunConfig
from core.errors import LabError
from core.jobs import table
from core.tracking import compare, store
from core.tracking.in_force import in_force
from core.tracking.search import search
from core.tracking.tags import BATCH, COPY_TAG
from tests.stand_in import SOURCE, let_go, submit, until, until_state


def config(**fields):
    return RunConfig(**({"problem": {"kind": "poisson2d"}, "device": "cpu"} | fields))


def record(run_id):
    """The run as lists and Compare have it, once the store knows all of it."""
    until(lambda: table.get(run_id).synced or jobs.deliver(2.0) or table.get(run_id).synced)
    return next(found for found in store.runs() if found.run_id == run_id)


def beginnings(lab):
    """Ids of the runs in the order in which they began."""
    lines = (lab / "events").read_text().splitlines()
    return [line.split()[1] for line in lines if line.startswith("begin ")]


def test_an_edited_run_is_in_the_store_as_it_is_in_force(lab):
    run = jobs.submit(config(name="steps=1", network={"hidden": (8, 8)}), held=True)
    assert record(run).params["network.hidden"] == "[8, 8]"
    wanted = config(name="steps=2", seed=5, problem={"kind": "helmholtz"}, network={"hidden": (4,)})
    jobs.edit(run, wanted, 0)
    found = record(run)
    assert found.params == store.params_of(wanted)
    assert (found.name, found.problem, found.config_hash) == ("steps=2", "helmholtz", wanted.hash)
    assert store.run_config(jobs.status(run).folder) == wanted
    artifact = Path(store.client().download_artifacts(run, "config.json", str(lab)))
    assert artifact.read_text() == wanted.canonical_json() + "\n"
    assert [one.run_id for one in search(store.runs(), "params.seed = '5'")] == [run]
    assert compare.cell(found, "params.seed") == "5"

    back = config(name="", network={"hidden": (8, 8)})
    jobs.edit(run, back, 1)
    found = record(run)
    assert found.params == store.params_of(back)
    assert found.name == run[:8]
    jobs.release(run)
    assert until_state(run, "finished").config_hash == back.hash
    assert record(run).params == store.params_of(back)
    assert in_force(jobs.status(run).folder, local=True) is None  # the stand-in notes none


def test_an_edited_parent_is_the_store_s_parent(lab):
    first, run = jobs.submit(config(name="steps=1"), held=True), jobs.submit(config(), held=True)
    jobs.set_after(run, first, from_after=True)
    assert record(run).parent == first
    jobs.set_after(run, first)
    jobs.edit(run, config(), table.get(run).revision)
    assert record(run).parent is None


def test_runs_start_after_others_and_from_their_best_checkpoint(lab):
    first = submit("waits")
    until_state(first, "running")
    second = jobs.submit(config(name="steps=2"), after=first, from_after=True)
    third = jobs.submit(config(name="steps=2"), after=second)
    other = submit("steps=2")
    assert "starts once" in jobs.waits_because(jobs.status(third), jobs.capacity())
    assert (jobs.status(second).folder.config().config.parent_checkpoint, record(second).parent) == ("best", first)
    let_go()
    until_state(third, "finished")
    until_state(other, "finished")
    begun = beginnings(lab)
    assert sorted(begun) == sorted([first, second, third, other])
    assert begun.index(first) < begun.index(second) < begun.index(third)


def test_what_waited_for_a_run_that_failed_is_held_until_a_person_releases_it(lab):
    first = submit("raises")
    waits = jobs.submit(config(name="steps=1"), after=first)
    whatever = jobs.submit(config(name="steps=1"), after=first, after_any=True)
    until_state(whatever, "finished")
    held = jobs.status(waits)
    assert held.held
    assert "is failed" in held.reason
    assert record(waits).tags["lab.reason"] == held.reason
    with pytest.raises(LabError, match="wait for ever"):
        jobs.submit(config(), after=first)
    jobs.release(waits)
    until_state(waits, "finished")


def test_a_batch_is_queued_in_its_order_and_a_copy_is_known_as_one(lab):
    told = []
    rows = [{"seed": seed, "name": f"steps=1 seed={seed}"} for seed in range(4)]
    runs = jobs.submit_many(config(), rows, batch="seeds", held=True, done=lambda *at: told.append(at))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [job.run_id for job in jobs.queue(states=["queued"])] == runs
    assert {job.batch for job in jobs.queue()} == {"seeds"}
    copy = jobs.duplicate(runs[2])
    found = record(copy)
    assert found.tags[COPY_TAG] == runs[2]
    assert record(runs[0]).tags[BATCH] == "seeds"
    assert found.config_hash == record(runs[2]).config_hash
    assert found.name == "steps=1 seed=2 copy"
    until_state(copy, "finished")
    for run in runs:
        jobs.remove(run)
    assert {jobs.status(run).state for run in runs} == {"stopped"}
    jobs.resume(runs[0])
    until_state(runs[0], "finished")


SHUFFLER = """
import random, sys, time
from core import jobs
from core.errors import LabError
from core.jobs import table
chance = random.Random(int(sys.argv[1]))
while True:
    queued = [job.run_id for job in table.find(("queued",))]
    if queued:
        try:
            jobs.move(chance.choice(queued), chance.randint(1, len(queued)))
        except LabError:  # it began meanwhile
            pass
    time.sleep(0.02)
"""


def test_who_reorders_while_runs_begin_loses_and_doubles_none(lab):
    first = submit("waits")
    until_state(first, "running")
    runs = [submit("steps=1") for _ in range(8)]
    shufflers = [subprocess.Popen([sys.executable, "-c", SHUFFLER, str(seed)], cwd=SOURCE) for seed in (1, 2)]
    let_go()
    try:
        until(lambda: all(jobs.status(run).state == "finished" for run in runs), 120)
    finally:
        for shuffler in shufflers:
            shuffler.kill()
            shuffler.wait()
    assert sorted(beginnings(lab)) == sorted([first, *runs])
