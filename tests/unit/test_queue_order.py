"""Places, priorities, holds and waits in the job table, without any process."""

import time
from concurrent.futures import ThreadPoolExecutor
from random import Random
from uuid import uuid4

import pytest

from core import jobs
from core.config import RunConfig
from core.errors import LabError, RunNotFoundError
from core.jobs import actions, events, queueing, sync, table, waiting
from core.jobs.engines.contract import Slot
from core.runs import run_folder

CPU = Slot("cpu0", ("auto", "cpu"))


@pytest.fixture(autouse=True)
def nobody_works(monkeypatch):
    """No worker and no courier is started."""
    monkeypatch.setattr(actions, "refresh", waiting.settle)
    monkeypatch.setattr(sync, "ensure_courier", lambda: None)


def waiting_run(name="", *, parent=None, **fields):
    run_id = uuid4().hex
    config = RunConfig(problem={"kind": "poisson2d"}, name=name, parent=parent)
    run_folder(run_id).create(config)
    table.insert(run_id, config, "local", **fields)
    return run_id


def order():
    return [job.run_id for job in table.find(("queued",))]


def whats(run_id):
    return [(event.kind, event.before, event.after) for event in events.of_run(run_folder(run_id))][1:]


def test_a_moved_run_is_where_it_was_put_and_its_event_and_folder_say_so():
    a, b, c, d = (waiting_run() for _ in range(4))
    jobs.move(d, 1)
    assert order() == [d, a, b, c]
    jobs.move(d, 3)
    assert order() == [a, b, d, c]
    jobs.move(a, 99)
    assert order() == [b, d, c, a]
    jobs.move_before(a, d)
    assert order() == [b, a, d, c]
    jobs.move_before(b, None)
    assert order() == [a, d, c, b]
    jobs.move(a, 1)  # where it is: nothing happens
    assert whats(a) == [("moved", "1", "4"), ("moved", "4", "2")]
    assert run_folder(a).job()["place"] == next(job.place for job in table.find(("queued",)) if job.run_id == a)
    assert [job.position for job in table.find(("queued",))] == [1, 2, 3, 4]


def test_who_moves_among_runs_of_another_priority_takes_theirs():
    low, middle, high = waiting_run(priority=-1), waiting_run(), waiting_run(priority=5)
    assert order() == [high, middle, low]
    jobs.move(low, 1)
    assert order() == [low, high, middle]
    assert table.get(low).priority == 5
    jobs.move(high, 3)
    assert order() == [low, middle, high]
    assert table.get(high).priority == 0
    assert "priority" in events.of_run(run_folder(low))[-1].why


def test_places_are_spread_again_where_no_number_is_left_between_two():
    a, b, c = waiting_run(), waiting_run(), waiting_run()
    for k in range(120):  # a double is halved some 52 times
        jobs.move(c if k % 2 else b, 2)
        assert order() == [a, *((c, b) if k % 2 else (b, c))] or k == 0


def test_places_are_spread_as_far_as_the_order_needs():
    same = [waiting_run(place=0.0) for _ in range(40)]
    jobs.move(same[39], 20)
    assert order() == [*same[:19], same[39], *same[19:39]]
    rows = [(str(k), float(k)) for k in range(50)] + [("new", 49.0)] + [(str(k), float(k)) for k in range(50, 100)]
    spread = queueing._spread(rows, 50)
    assert len(spread) == 17  # the others stay where they are
    places = [spread.get(name, place) for name, place in rows]
    assert places == sorted(set(places))


def test_two_who_reorder_at_once_lose_and_double_nothing():
    runs = [waiting_run() for _ in range(12)]

    def shuffle(seed):
        random = Random(seed)
        for _ in range(15):
            jobs.move(random.choice(runs), random.randint(1, 12))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(shuffle, (1, 2)))
    assert sorted(order()) == sorted(runs)
    assert len({job.place for job in table.find()}) == 12


def test_what_can_not_be_moved_is_refused_in_one_line_and_nothing_changes():
    a, started = waiting_run(), waiting_run(state="running")
    for refused in (
        lambda: jobs.move(started, 1),
        lambda: jobs.move_before(a, started),
        lambda: jobs.move(a, 0),
        lambda: jobs.set_priority(started, 1),
        lambda: jobs.set_priority(a, 10**20),
        lambda: jobs.hold(started),
        lambda: jobs.release(started),
        lambda: jobs.release(a),
        lambda: jobs.remove(started),
    ):
        with pytest.raises(LabError) as error:
            refused()
        assert "\n" not in str(error.value)
    with pytest.raises(RunNotFoundError):
        jobs.move("0" * 32, 1)
    assert whats(a) == whats(started) == []
    assert table.get(a).place == 1


def test_a_held_run_is_passed_over_until_it_is_released():
    a, b = waiting_run(), waiting_run()
    with events.acting_as("Ada"):
        jobs.hold(a)
    assert table.get(a).held
    assert jobs.waits_because(table.get(a), [CPU]) == "Held by Ada."
    assert table.claim(CPU).run_id == b
    assert table.claim(CPU) is None
    jobs.release(a)
    assert table.get(a).reason == ""
    assert table.claim(CPU).run_id == a
    assert [kind for kind, *_ in whats(a)] == ["held", "released", "state"]


def test_release_lets_a_run_start_at_once_that_was_to_be_tried_later():
    run = waiting_run(due=time.time() + 3600)
    assert "tries again at" in jobs.waits_because(table.get(run), [CPU])
    assert table.claim(CPU) is None
    jobs.release(run)
    assert table.claim(CPU).run_id == run


def test_priority_and_removal_are_noted():
    a, b = waiting_run(), waiting_run()
    jobs.set_priority(b, 2)
    assert order() == [b, a]
    jobs.remove(a)
    assert table.get(a).state == "stopped"
    assert order() == [b]
    assert whats(a) == [("removed", "queued", "stopped")]
    assert whats(b) == [("priority", "0", "2")]


@pytest.mark.parametrize("state", ["stopped", "failed", "crashed"])
def test_a_run_that_waits_in_vain_is_held_and_waits_again_when_there_is_hope(state):
    first = waiting_run("the first", state="running")
    second, any_end = waiting_run(after_run=first), waiting_run(after_run=first, after_any=1)
    assert "the first" in jobs.waits_because(table.get(second), [CPU])
    assert table.claim(CPU) is None
    table.update(first, state=state)
    assert table.claim(CPU).run_id == any_end
    assert table.claim(CPU) is None
    held = table.get(second)
    assert held.held
    assert f"is {state}" in held.reason == jobs.waits_because(held, [CPU])
    table.update(first, state="queued", held=1)
    waiting.settle()
    assert not table.get(second).held
    assert table.claim(CPU) is None
    table.update(first, state="finished")
    assert table.claim(CPU).run_id == second
    assert [kind for kind, *_ in whats(second)] == ["held", "released", "state"]


def test_who_waits_in_vain_starts_without_waiting_once_a_person_releases_it():
    first = waiting_run(state="failed")
    second = waiting_run(after_run=first)
    waiting.settle()
    jobs.release(second)
    assert table.get(second).after_run is None
    assert table.claim(CPU).run_id == second


def test_a_person_s_hold_hides_no_failure_of_the_run_that_was_waited_for():
    first = waiting_run(state="failed", name="mother")
    second = waiting_run(after_run=first, held=1)
    with pytest.raises(LabError, match=r"stays held: run mother .* is failed\. .* or release this one again"):
        jobs.release(second)
    job = table.get(second)
    assert (job.held, job.after_run) == (True, first)
    assert "is failed" in job.reason
    assert table.claim(CPU) is None
    table.update(first, state="queued", held=1)
    waiting.settle()
    assert not table.get(second).held, "the person's hold is gone, and there is hope again"
    table.update(first, state="failed")
    waiting.settle()
    jobs.release(second)
    assert table.claim(CPU).run_id == second


def test_a_person_s_hold_stays_whatever_the_other_run_does():
    first = waiting_run(state="failed")
    second = waiting_run(after_run=first, held=1)
    table.update(first, state="finished")
    waiting.settle()
    assert table.get(second).held
    assert table.claim(CPU) is None


@pytest.mark.parametrize("any_end", [0, 1])
def test_no_run_starts_from_a_solution_that_is_not_there(any_end):
    first = waiting_run(state="running")
    second = waiting_run(parent=first, after_run=first, after_any=any_end)
    table.update(first, state="finished" if not any_end else "failed")
    assert table.claim(CPU) is None
    assert "no checkpoint to start from" in table.get(second).reason
    with pytest.raises(LabError, match="Resume that run"):
        jobs.release(second)
    run_folder(first).checkpoints.mkdir()
    run_folder(first).last.write_bytes(b"x")
    assert table.claim(CPU).run_id == second


def test_a_run_whose_predecessor_is_gone_is_held_and_says_so():
    second = waiting_run(after_run="0" * 32)
    assert "gone" in jobs.waits_because(table.get(second), [CPU])
    waiting.settle()
    assert "is gone" in table.get(second).reason
    jobs.release(second)
    assert table.claim(CPU).run_id == second


def test_a_run_for_a_device_that_is_not_there_says_so():
    run = waiting_run()
    assert jobs.waits_because(table.get(run), [CPU]) == "for a free slot"
    assert "serves auto" in jobs.waits_because(table.get(run), [Slot("gpu0", ("cuda",))])


def test_the_highest_priority_is_a_bound(monkeypatch):
    queueing.check_priority(queueing.MOST_PRIORITY)
    with pytest.raises(LabError, match="no priority"):
        queueing.check_priority(queueing.MOST_PRIORITY + 1)
