"""Where a scene is looked at from: said in an address, the same place for pictures as for the browser."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

from core.errors import LabError
from core.solution.camera import BOX, PRESETS, Camera, read_camera
from core.solution.scene import Scene, Triangles
from core.solution.vtk_view import View, plotted, vtk_html
from core.solution.vtk_viewer import viewer_script
from pages.parts.in_space.look import Look
from pages.parts.in_space.packed import packed
from pages.parts.solution import scene as shown


def scene(stretch=1.0, title="z"):
    corners = np.array([[0, 0, 0], [2, 0, 0], [0, 1, 4]], np.float32)
    surface = Triangles(corners, np.array([[0, 1, 2]], np.int32), np.array([0, 0.5, 1], np.float32))
    return Scene((surface,), (0, 2, 0, 1, 0, 4), ("x", "y", title), stretch, 1, 1)


@pytest.mark.parametrize("camera", [*PRESETS.values(), Camera((-0.3, 1.25, 2.0), (0.1, 0.0, -0.2), (0.9, 0.1, 0.4))])
def test_a_camera_is_read_as_it_was_written(camera):
    assert read_camera(camera.text) == camera


@pytest.mark.parametrize("text", ["", "1,2,3", "a,b,c,d,e,f,g,h,i", "nan,0,1,0,0,0,0,0,1", "0,0,0,0,0,0,0,0,1",
                                  "0,0,2,0,0,0,0,0,1", "1e9,0,1,0,0,0,0,0,1", "1,1,1,0,0,0,0,0,0"])  # fmt: skip
def test_what_is_no_camera_is_refused(text):
    with pytest.raises(LabError, match="is no camera"):
        read_camera(text)


def test_vtk_looks_from_where_the_quick_view_does():
    camera = Camera((1.0, -2.0, 0.5), (0.0, 0.1, 0.0))
    plotter = plotted(scene(stretch=0.5), View(camera=camera), (300, 200))
    drawn = np.array([2, 1, 2])  # the box, its third side half as long
    middle, diagonal = drawn / 2, np.linalg.norm(drawn)
    np.testing.assert_allclose(plotter.camera.position, middle + np.array(camera.eye) * diagonal / BOX)
    np.testing.assert_allclose(plotter.camera.focal_point, middle + np.array(camera.center) * diagonal / BOX)
    box = packed(scene(stretch=0.5), Look("viridis", (0, 1), "u"))["box"]
    np.testing.assert_allclose(box["sides"], drawn * BOX / diagonal)  # cameras are in this unit


def test_the_page_says_what_it_draws_and_no_title_ends_its_script():
    title = "</script><!--u"
    page = vtk_html(scene(stretch=0.5, title=title), View(title=title, limits=(0.0, 2e-7)))
    known = json.loads(re.search(r"lookAround\((\{.*\})\);</script>", page).group(1))
    assert known["titles"][2] == title == known["title"] and "<!--" not in page.split("lookAround({")[1]
    assert (known["power"], known["stretch"]) == (1e-7, 0.5) and known["array"].startswith(title)


def test_a_page_of_the_dashboard_leaves_the_viewer_to_the_browsers_memory():
    alone, page = (vtk_html(scene(), View(title="u"), viewer) for viewer in ("", "app/static/vtk-viewer.js"))
    assert '<link rel="modulepreload" href="app/static/vtk-viewer.js">' in page
    assert '"viewer": "app/static/vtk-viewer.js"' in page and '"viewer": ""' in alone
    assert viewer_script() in alone and viewer_script() not in page and len(viewer_script()) > 500_000
    assert "kitware.github.io/vtk-js/icon" not in viewer_script()


def test_what_will_draw_is_known_before_it_is_asked(monkeypatch):
    quick, vtk = shown.RENDERERS
    for chosen, address, asked in ((None, None, quick), (None, vtk, vtk), (None, "x", quick), (quick, vtk, quick)):
        state, query = ({} if value is None else {"renderer": value} for value in (chosen, address))
        monkeypatch.setattr(shown, "st", SimpleNamespace(session_state=state, query_params=query))
        assert shown.renderer_asked() == asked
