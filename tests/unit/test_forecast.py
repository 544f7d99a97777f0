"""When waiting runs are due: hand-made queues, and what a run is expected to take."""

from dataclasses import replace

import pytest

from core.jobs.engines.contract import Slot
from core.jobs.forecast import UNKNOWN, Due, Expected, Experience, ends, forecast, remaining
from core.jobs.job import Finished, Job
from core.presets import presets

CPU, GPU = Slot("cpu0", ("cpu",)), Slot("gpu0", ("auto", "cuda"))
ALONE = Slot("cpu0", ("auto", "cpu"))
NOW = 1_000_000.0


def job(name: str = "a", **fields) -> Job:
    values = dict.fromkeys(Job.__dataclass_fields__) | {
        "run_id": name,
        "name": name,
        "problem": "poisson2d",
        "config_hash": f"hash of {name}",
        "device": "auto",
        "state": "queued",
        "attempt": 0,
        "fresh": False,
        "held": False,
        "after_any": False,
        "asked_engine": "local",
        "priority": 0,
    }
    return Job(**values | fields)


def played(slots, waiting, seconds=60.0, active=None, ended=None):
    """Name → seconds from now until the start; `seconds`: of each run, or run → seconds."""

    def takes(one, kind):
        value = seconds.get(one.run_id) if isinstance(seconds, dict) else seconds
        return Expected(value, "as said")

    found = forecast(slots, active or {}, waiting, takes, ended or {}, NOW)
    assert set(found) == {one.run_id for one in waiting}
    return {name: None if due.starts is None else due.starts - NOW for name, due in found.items()}, found


def test_one_slot_takes_one_after_another():
    starts, found = played([ALONE], [job("a"), job("b"), job("c")])
    assert starts == {"a": 0, "b": 60, "c": 120}
    assert (found["c"].ends, found["c"].slot, found["c"].source) == (NOW + 180, "cpu0", "as said")


def test_a_busy_slot_is_free_when_its_run_ends():
    active = {"r": Due(NOW - 5, NOW + 25, "cpu0")}
    assert played([replace(ALONE, busy=True)], [job("a"), job("b")], active=active)[0] == {"a": 25, "b": 85}


def test_several_slots_share_a_queue():
    slots = [Slot(f"cpu{k}", ("auto", "cpu")) for k in range(3)]
    starts, _ = played(slots, [job(name) for name in "abcde"], {"a": 100, "b": 10, "c": 50, "d": 5, "e": 5})
    assert starts == {"a": 0, "b": 0, "c": 0, "d": 10, "e": 15}


def test_held_runs_are_skipped():
    starts, found = played([ALONE], [job("a", held=True), job("b")])
    assert starts == {"a": None, "b": 0}
    assert found["a"].why == "it is held"


def test_gpu_and_cpu_runs_pass_each_other():
    waiting = [job("g", device="cuda"), job("h", device="auto"), job("c", device="cpu"), job("one", device="cuda:1")]
    starts, found = played([GPU, CPU], waiting)
    assert starts == {"g": 0, "h": 60, "c": 0, "one": None}
    assert found["c"].slot == "cpu0"
    assert found["one"].why == "no slot here takes a run for cuda:1"


def test_a_chain_begins_when_its_parents_end_and_others_go_first_meanwhile():
    waiting = [job("c", after_run="b"), job("b", after_run="a"), job("a"), job("d")]
    slots = [Slot("cpu0", ("auto",)), Slot("cpu1", ("auto",))]
    starts, _ = played(slots, waiting, {"a": 100, "b": 10, "c": 10, "d": 300})
    assert starts == {"a": 0, "d": 0, "b": 100, "c": 110}


@pytest.mark.parametrize(
    ("state", "after_any", "starts"),
    [("finished", False, 0), ("failed", False, None), ("failed", True, 0), ("paused", True, None), (None, True, None)],
)
def test_what_became_of_the_run_before_decides(state, after_any, starts):
    ended = {"parent": state} if state else {}
    found = played([ALONE], [job("a", after_run="parent", after_any=after_any)], ended=ended)
    assert found[0] == {"a": starts}
    if starts is None:
        assert found[1]["a"].why == f"the run that it waits for is {state or 'gone'}"


def test_after_a_run_at_work():
    active = {"r": Due(NOW, NOW + 40, "cpu0"), "s": Due(NOW, None, "cpu1")}
    waiting = [job("a", after_run="r"), job("b", after_run="s"), job("c")]
    starts, found = played([ALONE, Slot("cpu1", ("auto",))], waiting, active=active)
    assert starts == {"a": 40, "b": None, "c": 100}
    assert found["b"].why == "nobody knows when the run ends that it waits for"
    assert found["c"].latest  # cpu1 may be free before that


def test_a_try_by_itself_waits_for_its_delay():
    starts, _ = played([ALONE], [job("a", due=NOW + 90), job("b")])
    assert starts == {"b": 0, "a": 90}
    starts, _ = played([ALONE], [job("a", due=NOW + 30), job("b")])
    assert starts == {"b": 0, "a": 60}


def test_a_run_of_unknown_length_leaves_all_behind_it_unknown():
    waiting = [job("a"), job("b"), job("c", after_run="b"), job("d")]
    starts, found = played([ALONE], waiting, {"a": 10, "b": None, "c": 5, "d": 5})
    assert starts == {"a": 0, "b": 10, "c": None, "d": None}
    assert found["b"].ends is None
    assert found["c"].why == "nobody knows when the run ends that it waits for"
    assert found["d"].why == "nobody knows when a slot is free"


def test_a_circle_is_no_endless_loop():
    starts, _ = played([ALONE], [job("a", after_run="b"), job("b", after_run="a"), job("c")])
    assert starts == {"a": None, "b": None, "c": 0}


def test_a_long_chain_and_many_slots():
    waiting = [job("0"), *(job(str(k), after_run=str(k - 1)) for k in range(1, 3000))]
    starts, _ = played([Slot(f"cpu{k}", ("auto",)) for k in range(8)], waiting, 2.0)
    assert starts["2999"] == 2.0 * 2999


def finished(seconds, config="hash of a", problem="poisson2d", size=100.0, slot="cpu0"):
    return Finished(config, problem, size, slot, seconds)


def test_the_same_config_says_best_then_runs_of_about_the_size():
    known = Experience([finished(10), finished(12), finished(20), finished(99, "other", size=200.0)])
    assert known.whole(job("a", size=100.0), "cpu") == Expected(12, "3 finished runs of the same config")
    similar = known.whole(job("b", size=400.0), "cpu")
    assert similar.seconds == pytest.approx((48 + 80) / 2)  # 40, 48, 80 and 198 at four times their size
    assert "about this size" in similar.source
    assert known.whole(job("b", size=1e6, problem="wave"), "cpu") == UNKNOWN


def test_a_cpu_says_nothing_of_a_gpu():
    assert Experience([finished(10)]).whole(job("a", size=100.0), "gpu") == UNKNOWN


def test_presets_speak_where_no_run_has_finished_yet_for_a_cpu_alone():
    preset = presets()["poisson2d-quick"]
    one = job("a", config_hash=preset.config.hash)
    assert Experience([]).whole(one, "cpu").seconds == preset.expected_seconds
    assert "on two cores" in Experience([]).whole(one, "cpu").source
    assert Experience([]).whole(one, "gpu") == UNKNOWN


WHOLE = Expected(100.0, "2 finished runs of the same config")


def progress(fraction, wall, **fields):
    return {"fraction": fraction, "wall_time_s": wall, "time": NOW, "eta_s": None} | fields


def running(**fields):
    return job("a", **{"state": "running", "attempt": 1, "slot": "cpu0", "started": NOW - 20} | fields)


def test_early_the_others_count_late_its_own_pace():
    assert remaining(running(), None, WHOLE, NOW).seconds == 80
    assert remaining(running(), progress(0.5, 20), WHOLE, NOW).seconds == 0.5 * 80 + 0.5 * 20
    assert remaining(running(), progress(1.0, 20), WHOLE, NOW).seconds == 0


def test_its_own_pace_is_that_of_its_phase_carried_on_by_weight():
    at = progress(0.25, 5, eta_s=30.0, share=0.5, done=50, of=100)
    # a quarter of the whole is left of this phase and takes 30 s, half of the whole comes after it
    assert remaining(running(), at, UNKNOWN, NOW) == Expected(90.0, "its own pace")


def test_what_took_longer_than_its_likes_is_left_to_its_own_pace_or_unknown():
    late = running(started=NOW - 200)
    assert remaining(late, progress(0.5, 190), WHOLE, NOW) == Expected(190.0, "its own pace")
    assert remaining(late, None, WHOLE, NOW).seconds is None


def test_a_run_that_goes_on_has_less_to_do():
    waits = job("a", attempt=1)
    assert remaining(waits, progress(0.5, 40), WHOLE, NOW).seconds == 0.5 * 60 + 0.5 * 40


def test_ends_of_runs_at_work():
    known = Experience([finished(100)])
    assert ends(running(), None, known, NOW).ends == NOW + 80
    assert ends(running(state="stopping"), None, known, NOW).ends == NOW + 5
    unknown = ends(running(config_hash="other", problem="none"), None, known, NOW)
    assert (unknown.ends, unknown.why) == (None, UNKNOWN.source)
