"""The quick view's figure."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.solution.scene import Scene, Triangles
from pages.parts.solution.scene import Look, scene_figure

ROOT = Path(__file__).parents[2]


def scene(stretch=1.0, titles=("x", "y", "u"), top=1.0):
    faces = np.array([[0, 1, 2]], dtype=np.int32)
    vertices = np.array([[0, 0, 0], [2, 0, 0], [0, 1, top]], dtype=np.float32)
    lit = Triangles(vertices, faces, np.array([0, 0.5, 1], dtype=np.float32))
    flat = Triangles(vertices, faces, lit.intensity, opacity=0.4, shaded=False)
    return Scene((lit, flat), (0, 2, 0, 1, 0, top), titles, stretch, 2, 2)


def test_triangles_reach_the_figure_as_they_are():
    figure = scene_figure(scene(), Look("viridis", (-1, 2), "u"), "run")
    mesh, flat = figure.data
    np.testing.assert_array_equal(np.column_stack([mesh.x, mesh.y, mesh.z]), scene().surfaces[0].vertices)
    assert (mesh.i[0], mesh.j[0], mesh.k[0]) == (0, 1, 2)
    assert (mesh.cmin, mesh.cmax, mesh.showscale, flat.showscale) == (-1, 2, True, False)
    assert (flat.opacity, flat.lighting.ambient, flat.lighting.diffuse) == (0.4, 1, 0)
    assert figure.layout.uirevision == "run.corner.0"


def test_heights_have_their_own_numbers_and_a_chosen_length():
    figure = scene_figure(scene(stretch=1e6, top=1e-6), Look("viridis", (0, 1e-6), "u"), "run")
    assert tuple(figure.layout.scene.zaxis.range) == (0, 1e-6)
    ratio = figure.layout.scene.aspectratio
    assert ratio.x == pytest.approx(2 * ratio.y)
    assert ratio.z == pytest.approx(ratio.y)  # 1e-6 × 1e6 is as long as y


def test_an_axis_that_means_nothing_has_no_numbers_and_a_flat_scene_is_drawn():
    figure = scene_figure(scene(titles=("y", "", ""), top=0.0), Look("viridis", (0, 1), "u"), "run")
    assert not figure.layout.scene.yaxis.showticklabels
    assert figure.layout.scene.zaxis.range[0] < 0 < figure.layout.scene.zaxis.range[1]


def test_where_nothing_is_drawn_the_box_is():
    nothing = Scene((), (0, 2, 0, 1, 0, 1), ("x", "y", "u"), 1.0, 0, 0)
    (trace,) = scene_figure(nothing, Look("viridis", (0, 1), "u"), "run").data
    assert trace.type == "scatter3d" and list(trace.x) == [None]


def test_a_figure_is_built_while_another_thread_imports_pandas():
    code = """
import sys, threading, time
import plotly.graph_objects, plotly.graph_objs.layout.scene, streamlit, core.solution.vtk_view, core.solution.children
assert "pandas" not in sys.modules
threading.Thread(target=lambda: __import__("pandas")).start()
while "pandas" not in sys.modules:
    time.sleep(0)
from tests.unit.test_solution_figure import Look, scene, scene_figure
scene_figure(scene(), Look("viridis", (0, 1), "u"), "run").to_json()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
