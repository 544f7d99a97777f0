"""What is drawn of fields with gaps, and of numbers that float32 can't hold."""

import meshio
import numpy as np
import pytest

from core.solution.drawing import SceneRequest, compact
from core.solution.grid import SolutionGrid
from core.solution.scene import scene_of
from core.solution.surface_files import write_surface
from pages.parts.in_space.look import Look
from pages.parts.in_space.packed import packed
from tests.unit.test_solution_figure import numbers


def plane(values):
    axes = tuple(np.linspace(0, 1, n) for n in values.shape)
    return SolutionGrid(("x", "y"), axes, {"u": values})


def field(n=17):
    x, y = np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 1, n), indexing="ij")
    return np.sin(3 * x) * np.cos(2 * y)


@pytest.mark.parametrize("warp", [0.0, 1.0])
def test_contour_lines_end_where_a_field_has_no_value(warp):
    values = field()
    values[5:9, 6:10] = np.nan
    scene = scene_of(plane(values), SceneRequest("u", contours=12, warp=warp))
    (curves,) = scene.lines
    assert np.isfinite(curves.vertices).all()
    x, y = curves.vertices[:, 0] * 16, curves.vertices[:, 1] * 16
    assert not ((x > 4.99) & (x < 8.01) & (y > 5.99) & (y < 9.01)).any()


@pytest.mark.parametrize("scale, shift", [(1e300, 0.0), (1e-300, 0.0), (1e-9, 1.0)])
def test_numbers_beyond_float32_are_drawn_in_their_colours_and_heights(scale, shift, tmp_path):
    values = shift + scale * field()
    scene = scene_of(plane(values), SceneRequest("u", contours=5))
    (surface,), (curves,) = scene.surfaces, scene.lines
    assert np.isfinite(surface.vertices).all() and np.isfinite(curves.vertices).all()
    np.testing.assert_allclose(np.ptp(surface.intensity), np.ptp(values), rtol=1e-3)
    if not shift:
        np.testing.assert_allclose(np.ptp(surface.vertices[:, 2]), np.ptp(values), rtol=1e-3)
    write_surface(scene, tmp_path / "u.ply", {})
    written = meshio.read(tmp_path / "u.ply")
    np.testing.assert_array_equal(written.point_data["value"], surface.intensity)
    assert np.isfinite(written.points).all()
    given = packed(scene, Look("viridis", (values.min(), values.max()), "u"))["surfaces"][0]
    np.testing.assert_array_equal(numbers(given["values"], -1), surface.intensity)
    assert np.abs(numbers(given["points"], -1)).max() < 1


def test_usual_numbers_take_half_of_the_room():
    assert compact(field()).dtype == np.float32
    assert compact(np.array([[0.1, 0.0], [0.1, 1 / 3]])).dtype == np.float32
    assert compact(np.zeros((3, 2))).dtype == compact(np.zeros((0, 3))).dtype == np.float32
