"""What can't be drawn on Solution 3D is said in one line where it happens, and the rest of the page is there."""

import io
import threading
import time
from dataclasses import replace

import av
import numpy as np
import pytest
from PIL import Image

from core.errors import LabError
from core.solution import children
from core.solution.drawing import SceneRequest
from core.solution.grid import SolutionGrid
from core.solution.pictures import film_bytes, moving_bytes, picture_bytes
from core.solution.vtk_view import View
from tests.integration.test_solution_runs import labelled, opened, trained

VIEW = View(limits=(-1.0, 1.0), title="u")


@pytest.fixture
def killed(monkeypatch):
    """Kills the child that draws as soon as it works at something, once for each time this is called."""
    monkeypatch.setattr(children, "_vtk_died", {})  # what later tests draw has died of nothing
    monkeypatch.setattr(children, "prepare", lambda *parts: None)  # that is no view
    threads = []

    def kill():
        child = children._renderer
        while not (child._lock.locked() and child._process is not None and child._process.poll() is None):
            time.sleep(0.002)
        child._process.kill()

    def begin():
        threads.append(threading.Thread(target=kill, daemon=True))
        threads[-1].start()

    yield begin
    assert not any(thread.is_alive() for thread in threads)


def said(app):
    assert not app.exception, app.exception
    assert not app.error, app.error[0].value
    return [item.value for item in (*app.warning, *app.caption)]


def rest_is_there(app):
    return any("points · max |R|" in text for text in said(app)) and bool(labelled(app.selectbox, "Format"))


def test_a_child_that_dies_costs_one_view(killed):
    run_id = trained()
    killed()
    app = opened(run_id, further="histogram")
    assert any("This view can't be drawn" in text and "died" in text for text in said(app)) and rest_is_there(app)
    labelled(app.button, "Draw it again").click().run()
    assert not app.warning and rest_is_there(app)
    killed()
    app = opened(run_id, further="histogram", renderer="VTK view")
    assert any("died" in text and "This is the quick view." in text for text in said(app)) and rest_is_there(app)


def test_values_that_give_nothing_to_draw_are_told(monkeypatch):
    app = opened(trained("poisson3d"), show="isosurfaces", value="formula …", formula="sqrt(-1 - u^2)")
    labelled(app.number_input, "Resolution").set_value(9).run()
    assert any("has no value at any of the 729 points: nothing is drawn" in text for text in said(app))
    assert rest_is_there(app)
    for formula, told in (("2 + 0*u", "is 2 everywhere."), ("1 + 1e-15*sin(99*x)", "everywhere, but for rounding.")):
        labelled(app.text_input, "Formula").set_value(formula).run()
        assert any(told in text for text in said(app)) and rest_is_there(app)
        assert any("The whole block" in text for text in said(app))
    labelled(app.text_input, "Formula").set_value("x + 0*u").run()
    labelled(app.text_input, "Levels, typed").set_value("0.5, 7").run()
    assert any("7" in text and "outside" in text for text in said(app)) and rest_is_there(app)


@pytest.fixture
def moving(tmp_path):
    """Six moments of a surface."""
    x, t = np.linspace(0, 1, 12), np.linspace(0, 2, 6)
    grid = np.meshgrid(x, x, t, indexing="ij")
    path = tmp_path / "moving-9.npz"
    SolutionGrid(("x", "y", "t"), (x, x, t), {"u": np.sin(3 * grid[0] + grid[2]) * grid[1]}, time="t").save(path)
    return path


def test_pictures_have_their_size_and_films_their_moments(moving):
    request = SceneRequest("u")
    assert Image.open(io.BytesIO(children.painted(picture_bytes, moving, request, VIEW, (321, 243)))).size == (321, 243)
    gif = Image.open(io.BytesIO(children.painted(moving_bytes, moving, request, VIEW)))
    assert gif.n_frames == 6
    with av.open(io.BytesIO(children.painted(film_bytes, moving, request, VIEW, (321, 243)))) as film:
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in film.decode(video=0)]
    assert len(frames) == 6 and frames[0].shape == (242, 320, 3)
    for moment in (0, 3):  # below the moment's name it is the same picture as the one of it alone
        alone = children.painted(picture_bytes, moving, replace(request, time_index=moment), VIEW, (320, 242))
        still = np.array(Image.open(io.BytesIO(alone)))
        off = [np.abs(still[60:] - frame[60:]).mean() for frame in frames]
        assert off[moment] < 3 and off[moment] == min(off)
    with pytest.raises(LabError, match="64 to 8,192 pixels"):
        children.painted(picture_bytes, moving, request, VIEW, (10, 243))


def test_without_gl_a_picture_says_what_is_missing(moving, monkeypatch):
    monkeypatch.setenv("__EGL_VENDOR_LIBRARY_DIRS", "/nonexistent")
    for painter in children._painters:
        painter.close()
    with pytest.raises(LabError, match="can't draw without a screen"):
        children.painted(picture_bytes, moving, SceneRequest("u"), VIEW, (320, 240))
    for painter in children._painters:
        painter.close()
