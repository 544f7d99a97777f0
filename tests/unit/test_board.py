"""The board: all runs at one moment, read anew only where something may have changed."""

import time

import pytest

from core.config import RunConfig
from core.jobs import board, table
from core.jobs.board import BoardReader, steady
from core.jobs.forecast import Due
from core.presets import presets
from core.runs import run_folder

QUICK = presets()["poisson2d-quick"]


@pytest.fixture(autouse=True)
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "lab"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


def add(number: int, config: RunConfig = QUICK.config, **fields) -> str:
    run_id = f"{number:032x}"
    table.insert(run_id, config, "local", **fields)
    return run_id


def test_at_work_first_then_the_queue_then_the_others_newest_first():
    now = time.time()
    old, new = (add(k, state="finished", submitted=now - 100 + k) for k in (1, 2))
    late, urgent = add(3), add(4, priority=5)
    held = add(5, held=1)
    works = add(6, state="running", attempt=1, slot="cpu0", started=now)
    seen = board.read()
    assert list(seen.entries) == [works, urgent, late, held, new, old]
    assert (seen.counts, seen.held) == ({"running": 1, "queued": 3, "finished": 2}, 1)
    assert [seen.entries[run].job.position for run in (urgent, late, held)] == [1, 2, 3]
    first, second = (seen.entries[run].due for run in (urgent, late))
    assert first.starts == seen.entries[works].due.ends
    assert second.starts == first.ends == first.starts + QUICK.expected_seconds
    assert (seen.entries[held].due.starts, seen.entries[held].due.why) == (None, "it is held")
    assert seen.entries[old].due is None


def test_rows_are_read_again_after_an_event_alone(monkeypatch):
    add(1)
    reader = BoardReader()
    assert len(reader.read().entries) == 1
    monkeypatch.setattr(table, "overview", lambda *_: pytest.fail("nothing has happened"))
    assert len(reader.read().entries) == 1
    monkeypatch.undo()


def test_a_reader_sees_what_came_and_progress_of_what_is_at_work():
    reader = BoardReader()
    assert not reader.read().entries
    run_id = add(1, state="running", attempt=1, slot="cpu0", started=time.time())
    folder = run_folder(run_id)
    folder.create(QUICK.config)
    for fraction in (0.25, 0.5):
        folder.write_progress({"fraction": fraction, "max_residual": 1e-3, "wall_time_s": 1.0, "time": time.time()})
        entry = reader.read().entries[run_id]
        assert (entry.fraction, entry.max_residual) == (fraction, 1e-3)


def test_what_waits_for_a_run_that_failed_says_so():
    first = add(1, state="failed")
    second = add(2, after_run=first)
    assert board.read().entries[second].due.why == "the run that it waits for is failed"


def test_finished_runs_say_how_long_others_take():
    now = time.time()
    for k, seconds in enumerate((7.0, 9.0, 8.0)):
        add(k, state="finished", attempt=1, slot="cpu0", started=now - 100, ended=now - 100 + seconds)
    add(8, state="finished", attempt=2, slot="cpu0", started=now - 100, ended=now - 1)  # not all of it
    waits = add(9)
    due = board.read().entries[waits].due
    assert due.ends - due.starts == pytest.approx(8.0)
    assert due.source == "3 finished runs of the same config"


def test_what_was_told_stays_while_it_is_about_right():
    before = {"a": Due(1000.0, 1100.0), "b": Due(1000.0, None)}
    after = {"a": Due(1002.0, 1150.0), "b": Due(None, None), "c": Due(5.0, 6.0)}
    told = steady(before, after, 900.0)
    assert told == {"a": Due(1000.0, 1150.0), "b": Due(None, None), "c": Due(5.0, 6.0)}
    assert steady(before, {"a": Due(1001.0, 1101.0)}, 900.0)["a"] is before["a"]


def test_when_each_is_due_in_words():
    now = time.time()
    add(1, state="finished", attempt=1, slot="cpu0", started=now - 100, ended=now - 60)
    works = add(2, state="running", attempt=1, slot="cpu0", started=now - 10)
    first, held, after = add(3), add(4, held=1), add(5, after_run=works)
    seen = board.read()
    words = {run: seen.entries[run].when(seen) for run in (works, first, held)}
    assert words == {works: "cpu0, 30 s left", first: "in about 30 s", held: "held"}
    assert seen.entries[after].when(seen).startswith("in about 70 s, starts once poisson2d-quick")
