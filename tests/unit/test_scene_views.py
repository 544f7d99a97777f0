"""What a scene shows beside isosurfaces and slices: where it lies, and what is said where there is nothing to draw."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import LabError
from core.solution.drawing import SceneRequest
from core.solution.grid import SolutionGrid
from core.solution.histogram import histogram
from core.solution.levels import read_levels
from core.solution.on_mesh import SolutionMesh
from core.solution.scene import TRIANGLES, scene_of


def ball(n=30):
    axes = (np.linspace(-1, 1, n),) * 3
    x, y, z = np.meshgrid(*axes, indexing="ij")
    values = {"r": np.sqrt(x**2 + y**2 + z**2), "a": -y, "b": x, "c": 0 * z}
    return SolutionGrid(("x", "y", "z"), axes, values)


def disk(n=41):
    axes = (np.linspace(-1, 1, n), np.linspace(-2, 2, n + 10))
    x, y = np.meshgrid(*axes, indexing="ij")
    return SolutionGrid(("x", "y"), axes, {"r": x**2 + y**2, "a": -y, "b": x})


def scene(sampled, **request):
    return scene_of(sampled, SceneRequest("r", **request))


@pytest.mark.parametrize("azimuth, tilt", [(0, 0), (45, 0), (30, 60), (0, 90), (120, -45)])
def test_a_free_slice_lies_across_its_direction(azimuth, tilt):
    a, t = np.deg2rad([azimuth, tilt])
    normal = np.array([np.cos(t) * np.cos(a), np.cos(t) * np.sin(a), np.sin(t)])
    (cut,) = scene(ball(), free_slice=(azimuth, tilt, 0.5)).surfaces
    np.testing.assert_allclose(cut.vertices @ normal, 0, atol=1e-6)
    reach = np.abs(normal).sum()
    (moved,) = scene(ball(), free_slice=(azimuth, tilt, 0.75)).surfaces
    np.testing.assert_allclose(moved.vertices @ normal, reach / 2, atol=1e-6)
    assert scene(ball(), free_slice=(azimuth, tilt, 1.0)).total >= 0  # the end is no error


def test_a_threshold_keeps_what_lies_between():
    (kept,) = scene(ball(), threshold=(0.3, 0.8)).surfaces
    assert kept.shaded  # it is mostly of one colour
    assert 0.3 - 1e-6 < kept.intensity.min() < 0.31 and 0.79 < kept.intensity.max() < 0.8 + 1e-6
    assert scene(ball(), threshold=(5.0, 6.0)).surfaces == ()


def test_a_volume_is_seen_through_and_denser_where_more_is():
    shells = sorted(scene(ball(), volume=True).surfaces, key=lambda surface: surface.intensity.mean())
    assert len(shells) == 10 and all(surface.opacity < 0.5 for surface in shells)
    opacities = [surface.opacity for surface in shells]
    assert opacities == sorted(opacities)
    assert scene(ball(90), volume=True).shown <= 1.1 * TRIANGLES


def test_streamlines_follow_their_vectors():
    drawn = scene(ball(), streamlines=True, vectors=("a", "b", "c"))
    (lines,) = drawn.lines
    ends = np.append(lines.starts[1:], len(lines.vertices))
    turned = 0
    for start, end in zip(lines.starts, ends, strict=True):
        radius = np.linalg.norm(lines.vertices[start:end, :2], axis=1)
        if radius.max() < 0.9 and end - start > 20:  # circles, inside the box
            np.testing.assert_allclose(radius, radius[0], rtol=0.03)
            np.testing.assert_allclose(lines.vertices[start:end, 2], lines.vertices[start, 2], atol=1e-5)
            turned += 1
    assert turned > 3
    assert drawn.surfaces[0].opacity < 0.5  # the block does not hide them


@pytest.mark.parametrize("warp", [0.0, 1.0])
def test_arrows_and_lines_of_a_plane_field_lie_on_its_surface(warp):
    drawn = scene(disk(), arrows=True, streamlines=True, contours=9, vectors=("a", "b"), warp=warp)
    assert len(drawn.surfaces) == 2 and len(drawn.lines) == 2
    contours, flow = sorted(drawn.lines, key=lambda lines: lines.width)
    assert flow.intensity is None  # in the surface's own colours nobody would see them
    radius = np.sum(contours.vertices[:, :2].astype(float) ** 2, axis=1)
    levels = 5 * (np.arange(9) + 0.5) / 9
    assert np.abs(radius[:, None] - levels).min(axis=1).max() < 0.05
    if warp:
        assert np.abs(contours.vertices[:, 2] - radius).max() < 0.1
        assert np.abs(flow.vertices[:, 2] - np.sum(flow.vertices[:, :2] ** 2, axis=1)).max() < 0.15


def test_vectors_that_are_nowhere_are_no_lines():
    still = SolutionGrid(
        ("x", "y"), disk().axes, disk().values | {"a": 0 * disk().values["a"], "b": 0 * disk().values["b"]}
    )
    assert scene(still, arrows=True, streamlines=True, vectors=("a", "b")).lines == ()


def test_a_mesh_in_space_has_the_same_views():
    points = np.stack(np.meshgrid(*[np.linspace(-1, 1, 9)] * 3, indexing="ij"), -1).reshape(-1, 3)
    index = np.arange(9**3).reshape(9, 9, 9)
    low = index[:-1, :-1, :-1].ravel()
    cells = low[:, None] + np.array([0, 81, 90, 9, 1, 82, 91, 10])
    values = {"r": np.linalg.norm(points, axis=1), "a": -points[:, 1], "b": points[:, 0], "c": 0 * points[:, 0]}
    mesh = SolutionMesh(("x", "y", "z"), points, (("hexahedron", cells),), values)
    asked = {"threshold": (0.2, 1.0), "volume": True, "streamlines": True, "arrows": True, "free_slice": (30, 20, 0.5)}
    for name, value in asked.items():
        drawn = scene(mesh, **{name: value}, vectors=("a", "b", "c"))
        assert drawn.surfaces or drawn.lines, name
    assert len(scene(mesh, segment=((-1, -1, -1), (1, 1, 1))).lines) == 1


@pytest.mark.parametrize("value", [np.nan, 2.5])
@pytest.mark.parametrize("dimension", [2, 3])
def test_what_is_constant_or_nowhere_finite_is_drawn_as_far_as_it_goes(value, dimension):
    axes = (np.linspace(0, 1, 6),) * dimension
    sampled = SolutionGrid(("x", "y", "z")[:dimension], axes, {"r": np.full((6,) * dimension, value)})
    for request in ({}, {"isosurfaces": (2.5,)}, {"volume": True}, {"contours": 5}, {"threshold": (2.0, 3.0)}):
        drawn = scene(sampled, **request)
        assert np.isfinite(value) or drawn.surfaces == ()
    edges, counts = histogram(sampled.values["r"])
    assert counts.sum() == (0 if np.isnan(value) else 6**dimension) and len(edges) <= 2


def test_typed_levels_outside_of_the_values_are_said_and_the_others_drawn():
    assert read_levels("0.2; 0.5, 0.5", (0.0, 1.0)) == ((0.2, 0.5), "")
    levels, told = read_levels("0.2 7", (0.0, 1.0))
    assert levels == (0.2,) and "7 is outside of the values, which go from 0 to 1" in told
    for text, refused in (("a", "'a' is no level"), ("nan", "no level"), (" ", "0 levels"), ("1 " * 30, "30 levels")):
        with pytest.raises(LabError, match=refused):
            read_levels(text, (0.0, 1.0))


def rounded(sampled):
    """The same points with a value that is 3 but for rounding."""
    noise = np.random.default_rng(0).choice([-1, 0, 1], sampled.values["r"].shape) * np.spacing(3.0)
    return replace(sampled, values={"r": 3.0 + noise})


def test_what_differs_by_rounding_alone_is_drawn_as_a_constant():
    flat = scene(rounded(disk()), contours=12, warp=2.0)
    assert np.ptp(flat.surfaces[0].vertices[:, 2]) == 0 and flat.lines == () and flat.stretch == 1.0
    (block,) = scene(rounded(ball()), isosurfaces=(3.0,), volume=True, threshold=(3.0, 4.0)).surfaces
    assert block.opacity == 1 and np.ptp(block.vertices, axis=0) == pytest.approx([2, 2, 2])
    edges, counts = histogram(rounded(ball()).values["r"])
    assert counts.tolist() == [27000] and edges[0] < 3 < edges[1]
    small = 1e-20 * disk().values["r"]  # little, and a field all the same
    assert np.ptp(scene(replace(disk(), values={"r": small})).surfaces[0].vertices[:, 2]) > 0
