"""From a real checkpoint to a grid, to VTK's page, and onto the page."""

import dataclasses
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.config import override, parse_config
from core.errors import LabError
from core.files import HALF
from core.home import home
from core.presets import resolve
from core.runs import run_folder
from core.singularity.reconstruction import physical_file
from core.solution import children, kept, sample
from core.solution.evaluate import load_solution
from core.solution.grid import SolutionGrid
from core.solution.scene import SceneRequest
from core.solution.streamed import stream
from core.solution.vtk_view import View
from core.solution.wanted import ALL
from core.tracking import store

ROOT = Path(__file__).parents[2]


def trained(preset="poisson2d-quick", *settings):
    """A run of a few iterations; it need not be good."""
    from core.execution.execute import execute

    few = ["stages.0.warmup.iterations=5", "stages.0.iterations=3", "stages.0.collocation={points: 60}"]
    short = [*few, "growth=null"]
    config = resolve(preset)
    config = override(config, [f"stages=[{config.stages[0].model_dump_json()}]", *short, *settings])
    run_id = jobs.begin_here(config)
    execute(run_folder(run_id), 1)
    return run_id


def test_a_grid_holds_what_the_network_says_and_is_made_once():
    run_id = trained()
    grid = sample.sample(run_folder(run_id), 9)
    points = grid.coordinates_of_points()
    for name, values in load_solution(run_folder(run_id)).evaluate(points).items():
        np.testing.assert_allclose(grid.values[name].ravel(), values, rtol=0, atol=1e-13)
    exact = np.sin(np.pi * points[:, 0]) * np.sin(np.pi * points[:, 1])
    np.testing.assert_allclose(grid.values["u_exact"].ravel(), exact, atol=1e-15)
    np.testing.assert_array_equal(grid.values["u_error"], grid.values["u"] - grid.values["u_exact"])
    assert grid.about["run_id"] == run_id
    path = sample.sampled_file(run_folder(run_id), 9)
    written = path.stat().st_mtime_ns
    assert sample.sampled_file(run_folder(run_id), 9) == path
    assert path.stat().st_mtime_ns == written
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_a_new_checkpoint_is_a_new_grid_and_the_old_one_stays_a_while(monkeypatch):
    run_id, other = trained(), trained("poisson2d-quick", "seed=1")
    first = sample.sampled_file(run_folder(run_id), 5)
    checkpoint = home().run_dir(run_id) / "checkpoints" / "last.pt"
    checkpoint.write_bytes((home().run_dir(other) / "checkpoints" / "last.pt").read_bytes())
    second = sample.sampled_file(run_folder(run_id), 5)
    assert second != first
    assert first.exists()  # another visitor may be looking at it
    monkeypatch.setattr(kept, "KEEP_S", 0.0)
    third = sample.sampled_file(run_folder(run_id), 7)
    assert not first.exists()
    assert {second, third} == set(second.parent.iterdir())


def test_two_at_once_get_the_same_whole_grid():
    run_id = trained()
    found = []
    threads = [threading.Thread(target=lambda: found.append(sample.sample(run_folder(run_id), 33))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for grid in found[1:]:
        np.testing.assert_array_equal(grid.values["u"], found[0].values["u"])


def test_a_run_without_a_checkpoint_says_so():
    run_id = jobs.begin_here(resolve("poisson2d-quick"))
    with pytest.raises(LabError, match="no checkpoint yet"):
        sample.sampled_file(run_folder(run_id), 5)


def test_a_grid_that_would_take_too_long_is_given_up_early(monkeypatch):
    run_id = trained()
    clock = iter(np.arange(0.0, 1e6, 10.0))
    monkeypatch.setattr(sample.time, "monotonic", lambda: next(clock))
    with pytest.raises(LabError, match=r"would take about \d+ min"):
        sample.sampled_file(run_folder(run_id), 1025, limit_s=60)
    assert not list((home().run_dir(run_id) / "solution").iterdir())


def test_vtk_draws_a_page_that_needs_nothing_from_outside():
    assert children.vtk_unavailable() is None
    run_id = trained("poisson3d")
    path = children.sampled_file(run_folder(run_id), 9)
    for request in (SceneRequest("u", slices=(0.5, None, None)), SceneRequest("u_error", logarithmic=True)):
        page = children.vtk_html(children.build_scene(path, request), View(limits=(-1e-6, 1e-6), title="u", dark=True))
        assert len(page) > 500_000
        assert not re.findall(r"""(?:src|href)=["']https?:[^"']*""", page)
        assert "https://kitware.github.io/vtk-js/icon" not in page


def opened(run_id, **query):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for key, value in {"run": run_id, **query}.items():
        app.query_params[key] = value
    app.run()
    return app.switch_page(str(ROOT / "pages/solution_3d.py")).run()


def labelled(elements, label):
    return next(item for item in elements if item.label == label)


@pytest.mark.parametrize("preset", ["poisson2d-quick", "poisson3d", "burgers-profile", "burgers-viscous"])
def test_every_problem_and_every_value_is_drawn(preset):
    run_id = trained(preset)
    app = opened(run_id)
    coarsest = 9
    labelled(app.number_input, "Resolution").set_value(coarsest).run()
    assert not app.exception, app.exception
    assert not app.error
    points = coarsest ** len(resolve(preset).problem.coordinates)
    assert any(item.value.startswith(f"{points:,} points · max |R|") for item in app.caption)
    for value in labelled(app.selectbox, "Value").options:
        labelled(app.selectbox, "Value").set_value(value).run()
        assert not app.warning, app.warning[0].value
        assert not app.exception, app.exception
        assert not app.error, app.error[0].value
        if value.endswith("_error"):
            labelled(app.toggle, "log₁₀ of the absolute value").set_value(True).run()
            assert not app.exception, app.exception
            labelled(app.toggle, "log₁₀ of the absolute value").set_value(False).run()


def test_what_is_drawn_first_waits_for_no_residual(monkeypatch):
    run_id = trained("poisson3d")
    asked, whole = [], children.sample

    def noted(function, folder, *arguments, order=None, **named):
        asked.append(named.get("wanted", ALL).residuals)
        return whole(function, folder, *arguments, order=order, **named)

    monkeypatch.setattr(children, "sample", noted)
    app = opened(run_id, **{"n-profile": "9"})
    assert asked == [False, True]
    assert labelled(app.selectbox, "Value").options[:2] == ["u", "residual_poisson"]
    assert any("max |R|" in item.value for item in app.caption)
    first, rest = (run_folder(run_id).samples / path.name for path in
                   sorted(run_folder(run_id).samples.iterdir(), key=lambda path: path.stat().st_mtime_ns))  # fmt: skip
    without, everything = SolutionGrid.read(first), SolutionGrid.read(rest)
    assert set(everything.values) - set(without.values) == {"residual_poisson"}
    for name, value in without.values.items():
        np.testing.assert_allclose(value, everything.values[name], rtol=0, atol=1e-12)


def test_where_a_formula_cannot_be_sampled_the_rest_is_shown(monkeypatch):
    run_id = trained()
    whole = children.sample

    def failing(function, folder, *arguments, order=None, **named):
        if named.get("wanted", ALL).formulas:
            raise LabError("u is itself made of derivatives; its own are not known exactly.")
        return whole(function, folder, *arguments, order=order, **named)

    monkeypatch.setattr(children, "sample", failing)
    app = opened(run_id, value="formula …", formula="u_x", show2="arrows", **{"n-profile": "9"})
    assert not app.exception and not app.error
    assert [item.value for item in app.warning] == ["u is itself made of derivatives; its own are not known exactly."]
    assert any("max |R|" in item.value for item in app.caption)


def test_a_formula_that_has_no_value_at_some_points_is_drawn_where_it_has_one():
    app = opened(trained(), value="formula …", formula="log(x - 0.5)", **{"n-profile": "9"})
    assert not app.exception and not app.error and not app.warning
    assert any("No value at 45 of 81 points" in item.value for item in app.caption)


def test_a_run_whose_checkpoint_is_gone_is_told():
    run_id = trained()
    run_folder(run_id).last.unlink()
    with pytest.raises(LabError, match="no checkpoint"):
        sample.sampled_file(run_folder(run_id), 5)
    with pytest.raises(LabError, match="no checkpoint"):
        stream(run_folder(run_id), run_folder(run_id).path / "f.vti", 5)
    assert not (run_folder(run_id).path / "f.vti").exists()


def log_toggles(app):
    return [item.value for item in app.toggle if item.label == "log₁₀ of the absolute value"]


def test_a_field_called_u_is_no_blow_up():
    app = opened(trained())
    assert labelled(app.selectbox, "Value").value == "u"
    assert log_toggles(app) == []
    labelled(app.selectbox, "Value").set_value("residual_poisson").run()
    assert log_toggles(app) == [False]


def test_a_blow_up_opens_as_a_logarithm_also_from_a_file_that_does_not_say_so():
    run_id = trained("burgers-profile")
    path = physical_file(run_folder(run_id), 129)
    dataclasses.replace(SolutionGrid.read(path), blow_ups=()).save(path)  # as older versions left it
    app = opened(run_id, view="physical time")
    assert not app.exception, app.exception
    assert labelled(app.selectbox, "Value").value == "u"
    assert log_toggles(app) == [True]


def test_a_grid_that_does_not_fit_is_a_message(monkeypatch):
    run_id = trained()
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("Memory", (), {"available": 2**20, "total": 2**34}))
    app = opened(run_id)
    assert not app.exception, app.exception
    assert "largest resolution that fits is 66. Shown at 66." in app.warning[0].value
    assert not app.error and labelled(app.number_input, "Resolution")


def test_a_colour_range_upside_down_is_a_message():
    app = opened(trained())
    labelled(app.toggle, "Set the range by hand").set_value(True).run()
    labelled(app.number_input, "From").set_value(5.0).run()
    assert not app.exception, app.exception
    assert "goes up" in app.warning[0].value
    assert not app.error


def test_more_than_three_dimensions_are_cut_in_the_middle():
    run_id = trained("poisson5d", "stages.0.fourier.features=5", "stages.0.fourier.sigma=1.0")
    grid = sample.sample(run_folder(run_id), 5)
    assert grid.coordinates == ("x1", "x2", "x3")
    assert grid.about["x4"] == grid.about["x5"] == 0.5
    points = np.concatenate([grid.coordinates_of_points(), np.full((125, 2), 0.5)], axis=1)
    np.testing.assert_allclose(
        grid.values["u"].ravel(), load_solution(run_folder(run_id)).evaluate(points)["u"], atol=1e-13
    )


def test_a_run_in_windows_of_time_is_sampled_exported_and_told_of_as_one(tmp_path):
    from core.execution.execute import execute

    problem = {
        "kind": "equation",
        "coordinates": {"x": [0, 1], "t": [0, 1]},
        "time": "t",
        "equations": ["u_t = 0.1*u_xx"],
        "conditions": [{"on": "t = 0", "that": "u = sin(pi*x)"}, {"on": "boundary", "that": "u = 0"}],
        "exact": {"u": "sin(pi*x)*exp(-0.1*pi^2*t)"},
    }
    stage = {
        "chebyshev": {"degrees": [12, 5]},
        "optimizer": {"kind": "gauss_newton", "damping": 1e-26, "minimum_damping": 1e-32},
        "iterations": 2,
        "collocation": {"sampler": "gauss", "shape": [14, 7], "points": 98},
    }
    run_id = jobs.begin_here(parse_config({"problem": problem, "windows": {"count": 4}, "stages": [stage]}))
    folder = run_folder(run_id)
    report = execute(folder, 1)
    assert report.measures.relative_l2_error < 1e-9
    grid = sample.sample(folder, 21)
    np.testing.assert_allclose(grid.values["u"], grid.values["u_exact"], atol=1e-9)
    assert children.exported_bytes(sample.sampled_file(folder, 21), ".vtu", 0)
    told = "4 windows of length 0.25, from 0 to 1"
    assert f"## Windows: {told}" in folder.summary.read_text(encoding="utf-8")
    assert store.get_run(run_id).tags["provenance.windows"] == told
    stages = folder.history_columns()["stage"]
    assert list(np.unique(stages)) == [0, 1, 2, 3]
    assert folder.progress()["fraction"] == 1.0


def test_an_export_that_is_asked_to_end_leaves_no_half_file(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    command = [sys.executable, "-m", "core", "export", trained(), "--resolution", "6000", "-o", str(out / "f.vti")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(out.glob(f"{HALF}*")):
        assert process.poll() is None, "it ended before anything was written"
        time.sleep(0.05)
    process.terminate()
    assert process.wait() == 128 + signal.SIGTERM
    assert not list(out.iterdir())
