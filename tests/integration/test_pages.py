"""Every page with an empty store, with one run and with many: it draws, and says what to do next."""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from benchmarks.browser import free_port, wait_for
from benchmarks.sample_store import fill
from core import jobs
from core.config import override
from core.home import home
from core.jobs import bin, events, sync
from core.presets import resolve
from core.tracking import store

ROOT = Path(__file__).parents[2]
PAGES = {
    "pages/launch_runs.py": "Launch a run",
    "pages/watch_runs.py": "Watch",
    "pages/compare_runs.py": "Compare",
    "pages/sweep_runs.py": "Sweeps",
    "pages/best_run.py": "Best run",
    "pages/replay_run.py": "Replay",
    "pages/data_sets.py": "Datasets",
    "pages/find_singularities.py": "Singularities",
    "pages/solution_3d.py": "Solution 3D",
}


def opened(path, **query):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    return app.switch_page(str(ROOT / path)).run()


def texts(app):
    return " ".join(
        str(item.value) for kind in ("info", "error", "warning", "caption", "markdown") for item in app.get(kind)
    )


@pytest.mark.parametrize("runs", [0, 1, 30])
@pytest.mark.parametrize("path", PAGES)
def test_pages_draw(path, runs):
    fill(runs, points=40)
    app = opened(path)
    assert not app.exception, app.exception
    assert app.title[0].value == PAGES[path]
    assert not app.error
    if runs == 0 and "launch" not in path:
        assert "Launch" in texts(app)


@pytest.mark.parametrize("runs", [0, 1])
def test_the_presenter_has_nothing_to_press(runs):
    fill(runs, points=40)
    app = opened("pages/present_run.py")
    assert not app.exception, app.exception
    assert not app.error
    assert not app.button
    assert ("Launch" if runs == 0 else "first checkpoint") in texts(app)


@pytest.mark.parametrize("path", ["pages/watch_runs.py", "pages/solution_3d.py"])
@pytest.mark.parametrize("run", ["0" * 32, "../../etc/passwd", "x"])
def test_a_run_that_is_not_there_is_a_message(path, run):
    fill(1, points=20)
    app = opened(path, run=run)
    assert not app.exception, app.exception
    if "watch" in path:
        assert "There is no run" in texts(app)


def test_launch_form_is_made_from_the_config_and_gives_it_back():
    app = opened("pages/launch_runs.py")
    labels = [item.label for kind in ("text_input", "number_input", "selectbox") for item in app.get(kind)]
    for label in ("Problem", "Hidden", "Seed", "Target residual", "Points", "Sampler", "Damping", "Learning rate"):
        assert label in labels
    assert resolve("poisson2d-quick").hash.startswith(app.code[0].value)
    assert "Add a stage" not in texts(app)  # Streamlit's magic would print the pages' bare strings


def test_launch_validates_as_you_type_and_creates_nothing():
    app = opened("pages/launch_runs.py")
    hidden = next(item for item in app.text_input if item.label == "Hidden")
    hidden.set_value("32, 0").run()
    assert not app.exception
    assert any("network.hidden" in item.value for item in app.error)
    assert next(item for item in app.button if item.label == "Launch").disabled
    assert jobs.queue() == []
    hidden = next(item for item in app.text_input if item.label == "Hidden")
    hidden.set_value("16, 16").run()
    assert not app.error
    assert not next(item for item in app.button if item.label == "Launch").disabled


def test_stages_can_be_added_and_removed():
    app = opened("pages/launch_runs.py")
    next(item for item in app.button if item.label == "Add a stage").click().run()
    assert not app.exception
    assert [tab.label for tab in app.tabs] == ["Stage 1", "Stage 2"]
    assert [item.value for item in app.error] == []
    assert not next(item for item in app.button if item.label == "Launch").disabled
    assert app.session_state["launch.data"]["stages"][1]["fourier"] is not None
    next(item for item in app.button if item.label == "Remove the last stage").click().run()
    assert [tab.label for tab in app.tabs] == ["Stage 1"]


def test_an_unreadable_store_is_a_message():
    lab = home().ensure()
    lab.jobs_db.write_text("this is no database")
    app = opened("pages/watch_runs.py")
    assert not app.exception, app.exception
    assert any("job table" in item.value for item in app.error)


def test_an_unreadable_mlflow_database_is_a_message():
    home().ensure().mlflow_db.write_text("this is no database")
    app = opened("pages/compare_runs.py")
    assert not app.exception, app.exception
    assert any("can't be read" in item.value for item in app.error)


def test_compare_draws_the_runs_of_a_permalink():
    added = fill(6, points=40)
    app = opened("pages/compare_runs.py", runs=f"{added[0]},{added[3]}")
    assert not app.exception, app.exception
    assert "6 of 6 runs" in texts(app)


def queued(problem_preset="poisson2d-quick"):
    """A run that waits: in the store it has neither a metric nor a curve."""
    run_id = store.create_run(override(resolve(problem_preset), ["name=waits"]))
    store.set_state(run_id, "queued")
    return run_id


def test_compare_draws_runs_with_a_curve_until_some_are_ticked():
    added = fill(3, points=20)
    waiting = [queued() for _ in range(6)]
    app = opened("pages/compare_runs.py")
    assert not app.exception, app.exception
    assert [run_id for run_id in app.session_state["compare.ids"] if run_id in waiting]
    assert "none ticked, so the first 3 with a curve are drawn" in texts(app)
    assert "None of these runs has a curve" not in texts(app)
    app = opened("pages/compare_runs.py", view="Configs")
    assert set(app.dataframe[1].value.columns[1:]) == {store.get_run(run_id).name for run_id in added}


def test_compare_says_when_no_run_has_a_curve():
    queued()
    app = opened("pages/compare_runs.py")
    assert not app.exception, app.exception
    assert "none ticked" in texts(app)
    assert "are drawn" not in texts(app)
    assert "None of these runs has a curve yet" in texts(app)


def test_best_run_ranks_the_newest_finished_runs_problem_alone_unless_asked():
    fill(12, points=20)
    newest = max((head for head in store.heads() if head.state == "finished"), key=lambda head: head.started)
    queued("wave" if newest.problem != "wave" else "heat2d")  # newer, but there is nothing of it to rank
    app = opened("pages/best_run.py")
    assert not app.exception, app.exception
    assert next(box for box in app.selectbox if box.label == "Problem").value == newest.problem
    assert set(app.dataframe[0].value["problem"]) == {newest.problem}
    assert "problems in one ranking" not in texts(app)
    everything = opened("pages/best_run.py", of="all")
    mixed = set(everything.dataframe[0].value["problem"])
    assert len(mixed) > 1
    assert f"{len(mixed)} problems in one ranking" in texts(everything)
    other = next(iter(mixed - {newest.problem}))
    assert set(opened("pages/best_run.py", of=other).dataframe[0].value["problem"]) == {other}


def test_the_first_start_warns_of_nothing_and_serves_plotly(tmp_path):
    for name in ("app.py", "core", "pages", ".streamlit"):  # a checkout in which no server has run yet
        (tmp_path / name).symlink_to(ROOT / name)
    address, said = f"http://127.0.0.1:{free_port()}", tmp_path / "said.txt"
    with said.open("w") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", "pages.parts.serve", address.rpartition(":")[2]],
            cwd=tmp_path,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(f"{address}/_stcore/health")
            with urllib.request.urlopen(f"{address}/app/static/plotly.min.js") as answer:
                assert answer.length > 1_000_000
        finally:
            server.kill()
            server.wait()
    assert (tmp_path / "static").is_dir()
    assert "WARNING" not in said.read_text().upper()


def test_ticked_runs_are_deleted_on_compare_and_come_back(monkeypatch):
    monkeypatch.setattr(sync, "ensure_courier", lambda: None)
    ids = fill(3, points=20)
    app = opened("pages/compare_runs.py", runs=f"{ids[0][:12]}.0,{ids[1][:12]}.1")
    app.button(key="compare.bulk.delete").click().run()
    assert not app.exception, app.exception
    assert [message.value for message in app.success] == ["2 put into the bin."]
    assert {job.run_id for job in bin.content()} == set(ids[:2])
    assert "runs" not in app.query_params and not app.warning
    assert {event.who for event in events.of_run(bin.content()[0].folder)[-1:]} == {"browser"}
    opened("pages/watch_runs.py", run=ids[0]).button(key=f"watch.restore.{ids[0]}").click().run()
    assert [job.run_id for job in bin.content()] == [ids[1]]
    app.button(key="compare.bulk.undo").click().run()
    assert bin.content() == []
    assert "1 could not" in app.warning[0].value


def test_first_paint_needs_no_heavy_import():
    code = (
        "import sys, runpy\n"
        "from streamlit.testing.v1 import AppTest\n"
        "from pages.parts import startup\n"
        "startup.AFTER_PAINT_S = 3600  # what the pages themselves import, however slow this machine is\n"
        "at = AppTest.from_file('app.py', default_timeout=60).run()\n"
        "assert not at.exception, at.exception\n"
        "print([m for m in ('torch', 'mlflow', 'vtk', 'vtkmodules', 'pyvista', 'meshio') if m in sys.modules])\n"
        "assert not at.switch_page('pages/type_equation.py').run().exception, at.exception\n"
        "print([m for m in ('torch', 'sympy', 'vtk', 'pyvista', 'meshio') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    first, typed = done.stdout.strip().splitlines()[-2:]
    assert first == typed == "[]"
