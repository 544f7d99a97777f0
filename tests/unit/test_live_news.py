"""What is told of a live run adds up to the whole of it, whatever befalls its history."""

import json
import threading

import numpy as np
import pytest

from core.config import RunConfig
from core.errors import RunNotFoundError
from core.jobs import live, table
from core.runs import run_folder
from core.runs.history import HistoryWriter
from core.runs.machine_file import open_readings
from pages.parts.live import list_state, run_state
from pages.parts.live.figure_changes import applied, changes, whole

CONFIG = RunConfig(problem={"kind": "burgers_profile"}, name="<b>live</b>")
RUN = f"{7:032x}"


@pytest.fixture
def run(lab_home, monkeypatch):
    """A paused run without a point; the job table is looked at anew each time, and nothing is done about it."""
    monkeypatch.setattr(live, "refresh", lambda: None)
    monkeypatch.setattr(live.look, "__defaults__", (0.0,))
    folder = run_folder(RUN)
    folder.create(CONFIG)
    table.insert(RUN, CONFIG, "local", state="paused", attempt=1, started=1.0, synced=1)
    return folder


def writer_of(folder):
    return HistoryWriter(folder.history, CONFIG.problem.row_names)


def rows(first, count, seed=0):
    """Rows of a noisy history with a spike, a NaN and an infinity somewhere."""
    i = np.arange(first, first + count)
    value = 10.0 ** (-6 * i / 1e5) * np.exp(np.random.default_rng(seed + first).normal(0, 0.3, count))
    value[count // 3], value[count // 2] = np.nan, np.inf
    return dict(
        iteration=i, stage=i // 4000, phase=1 + 0 * i, wall_time_s=0.01 * i, loss=value**2, max_residual=3 * value,
        rms_residual=value, **{"lambda": 0.5 + value},
    )  # fmt: skip


class Page:
    """What the page's script does with what it is told, through JSON as it is sent."""

    def __init__(self):
        self.charts, self.state, self.bytes = {}, None, 0

    def told(self, after):
        text = json.dumps(run_state.news(self.state, after), allow_nan=False)
        self.bytes, news = len(text), json.loads(text)
        for name, part in news["charts"].items():
            if part is None:
                del self.charts[name]
            else:
                self.charts[name] = applied(self.charts.get(name), part)
        self.state = after
        return news

    def shows(self, state):
        return self.charts == json.loads(json.dumps({name: whole(figure) for name, figure in state.charts.items()}))


@pytest.mark.parametrize("axis", ["iteration", "wall_time_s"])
def test_what_is_new_adds_up_to_the_whole(run, axis):
    writer, page = writer_of(run), Page()
    page.told(run_state.build(RUN, axis))
    assert page.charts == {}
    at, sizes = 1, []
    for count in (1, 1, 40, 700, 3000, 3000, 60, 60, 60, 20_000, 60, 60):
        writer.extend(rows(at, count))
        at += count
        state = run_state.build(RUN, axis)
        page.told(state)
        sizes.append(page.bytes)
        assert page.shows(state), at
    assert set(page.charts) == {"residual", "lambda"}
    assert max(sizes[-2:]) < 0.1 * max(sizes), "only what is new is sent"
    assert f"of {3 * (at - 1):,} points" in json.dumps(page.charts["residual"])
    assert not run_state.differ(state, run_state.build(RUN, axis))


def test_a_history_that_is_cut_on_resume_is_told_anew(run):
    writer, page = writer_of(run), Page()
    writer.extend(rows(1, 3000))
    page.told(run_state.build(RUN, "iteration"))
    writer.truncate(1200)
    cut = run_state.build(RUN, "iteration")
    page.told(cut)
    assert page.shows(cut)
    writer.extend(rows(1201, 900, seed=5))
    later = run_state.build(RUN, "iteration")
    page.told(later)
    assert page.shows(later)
    run.start_over()
    writer_of(run).extend(rows(1, 5, seed=6))
    again = run_state.build(RUN, "iteration")
    page.told(again)
    assert page.shows(again)
    assert len(again.charts["lambda"]["data"][0]["x"]) == 3


def test_damaged_files_are_told_and_break_nothing(run):
    writer = writer_of(run)
    writer.extend(rows(1, 100))
    before = run_state.build(RUN, "iteration")
    with run.history.open("r+b") as file:
        file.seek(-200, 2)
        file.write(b"\x00" * 150)
    run.progress_file.write_text('{"fraction": "much"}')
    run.machine.write_bytes(b"\xff\xfe,nonsense\n1,2\n")
    state = run_state.build(RUN, "iteration")
    assert state.progress is None
    assert dict(state.figures)["max residual"] == "–"
    page = Page()
    page.told(before)
    page.told(state)
    assert page.shows(state)


def test_a_run_that_never_trained_has_no_empty_chart_of_the_machine(run):
    machine = open_readings(run.machine)
    machine.add({"time": 1.0, "attempt": 1, "cpu_percent": 50.0})
    assert run_state.build(RUN, "iteration").charts == {}
    writer_of(run).extend(rows(1, 5))
    machine.add({"time": 2.0, "attempt": 1, "cpu_percent": 50.0, "wall_time_s": 0.02})
    assert "machine" in run_state.build(RUN, "iteration").charts


def test_a_run_that_is_gone_is_not_found(run):
    assert run_state.build(RUN, "iteration").rests
    with pytest.raises(RunNotFoundError):
        run_state.build("f" * 32, "iteration")


def test_another_structure_for_what_streamlit_draws(run):
    seen = [run_state.build(RUN, "iteration")]
    for change in ({"reason": "Paused."}, {"state": "queued"}, {"held": 1}, {"state": "running", "held": 0}):
        table.update(RUN, **change)
        seen.append(run_state.build(RUN, "iteration"))
    assert len({state.structure for state in seen}) == len(seen)
    assert seen[2].progress[1].startswith("Queued, place 1 · ")
    assert seen[3].progress[1].startswith(("On hold", "Queued, place 1 · Paused."))
    assert [state.rests for state in seen] == [True, True, False, False, False]
    run.last.parent.mkdir()
    run.last.touch()
    assert run_state.build(RUN, "iteration").structure != seen[-1].structure


def test_a_look_is_shared_by_all_who_ask_in_its_second(run, monkeypatch):
    monkeypatch.setattr(live.look, "__defaults__", (60.0,))
    live._newest.clear()
    asked = []
    overview = table.overview
    monkeypatch.setattr(table, "overview", lambda *given: asked.append(given) or overview(*given))
    threads = [threading.Thread(target=live.look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 1


def test_small_curves_are_points_in_a_box(run):
    writer = writer_of(run)
    job = table.get(RUN)
    assert list_state.small_curve(job) == ""
    writer.extend(rows(1, 9000))
    points = [tuple(map(float, point.split(","))) for point in list_state.small_curve(job).split()]
    assert 2 < len(points) <= list_state.SMALL
    assert all(0 <= x <= list_state.WIDTH and 0 <= y <= list_state.HEIGHT for x, y in points)
    assert list_state.build()["counts"] == {"paused": 1}


def test_a_trace_that_changes_its_looks_is_sent_whole():
    def figure(mode, n):
        return {"data": [{"mode": mode, "x": np.arange(n), "y": np.arange(n)}], "layout": {}}

    assert changes(figure("lines", 3), figure("lines", 3)) is None
    assert changes(figure("lines", 3), figure("lines", 2)) == {"traces": [(2, [], [])]}
    assert "data" in changes(figure("markers", 1), figure("lines", 2))
    assert "data" in changes({"data": [], "layout": {}}, figure("lines", 2))
