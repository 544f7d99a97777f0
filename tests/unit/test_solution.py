"""Grids, scenes and files: what is written is what was sampled, what is drawn lies where it should."""

import json
from dataclasses import replace

import meshio
import numpy as np
import pytest
import vtk
from vtkmodules.util.numpy_support import vtk_to_numpy

from core.errors import LabError
from core.problems.poisson2d import Poisson2D
from core.problems.poisson3d import Poisson3D
from core.solution.export import export, export_bytes
from core.solution.grid import SolutionGrid, check_resolution, required_bytes
from core.solution.scene import TRIANGLES, SceneRequest, build_scene, displayed

READERS = {
    "vtk": vtk.vtkDataSetReader,
    "vtu": vtk.vtkXMLUnstructuredGridReader,
    "vts": vtk.vtkXMLStructuredGridReader,
    "vti": vtk.vtkXMLImageDataReader,
    "xdmf": None,
}


def grid(dimension, uneven=False, n=7):
    axes = tuple(np.linspace(0, 1 + i, n + i) for i in range(dimension))
    if uneven:
        axes = (np.sinh(np.linspace(-3, 3, n)), *axes[1:])
    x = np.meshgrid(*axes, indexing="ij")
    values = {"u": sum((i + 1) * np.sin(c) for i, c in enumerate(x)), "residual_r": np.prod(np.cos(x), axis=0) / 3}
    return SolutionGrid(("x", "y", "z")[:dimension], axes, values, about={"run_id": "a" * 32, "lambda": 0.5})


def points_and_data_by_vtk(path):
    reader = READERS[path.suffix[1:]]()
    reader.SetFileName(str(path))
    if path.suffix == ".vtk":
        reader.ReadAllScalarsOn()
        reader.ReadAllFieldsOn()
    reader.Update()
    output = reader.GetOutput()
    points = np.array([output.GetPoint(i) for i in range(output.GetNumberOfPoints())])
    data = output.GetPointData()
    return points, {data.GetArrayName(i): vtk_to_numpy(data.GetArray(i)) for i in range(data.GetNumberOfArrays())}


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("suffix", READERS)
@pytest.mark.parametrize("uneven", [False, True])
def test_files_hold_every_value_at_its_point(tmp_path, dimension, suffix, uneven):
    sampled = grid(dimension, uneven)
    path = tmp_path / f"s.{suffix}"
    if suffix == "vti" and uneven:
        with pytest.raises(LabError, match=r"\.vts"):
            export(sampled, path)
        assert not list(tmp_path.iterdir())
        return
    export(sampled, path)
    assert [item.name for item in tmp_path.iterdir()] == [path.name]
    flat = sampled.coordinates_of_points()
    expected = {tuple(np.pad(p, (0, 3 - dimension))): i for i, p in enumerate(flat)}
    readings = []
    if READERS[suffix]:
        readings.append(points_and_data_by_vtk(path))
    if suffix in ("vtk", "vtu", "xdmf"):
        mesh = meshio.read(path)
        assert mesh.cells[0].data.shape[1] == 2**dimension
        readings.append((mesh.points, mesh.point_data))
    assert readings
    for points, data in readings:
        assert len(points) == sampled.points
        if suffix == "vti":  # image data stores origin and spacing, not points
            order = [int(np.argmin(np.abs(flat - p[:dimension]).sum(1))) for p in points]
        else:
            order = [expected[tuple(float(c) for c in p)] for p in points]
        assert sorted(order) == list(range(sampled.points))
        for name, values in sampled.values.items():
            np.testing.assert_array_equal(np.asarray(data[name]).ravel(), values.ravel()[order])


def test_cells_of_a_volume_are_positive():
    mesh = meshio.Mesh
    sampled = grid(3)
    from core.solution.export import _unstructured

    mesh = _unstructured(sampled)
    corners = mesh.points[mesh.cells[0].data]
    edges = corners[:, [1, 3, 4]] - corners[:, [0]]
    assert (np.linalg.det(edges) > 0).all()


def test_unknown_suffix_and_bytes():
    with pytest.raises(LabError, match="formats are"):
        export_bytes(grid(2), "stl")
    assert export_bytes(grid(2), "vtu").startswith(b"<?xml")


def test_grid_survives_saving(tmp_path):
    sampled = grid(2)
    sampled.save(tmp_path / "g.npz")
    again = SolutionGrid.read(tmp_path / "g.npz")
    assert again.coordinates == sampled.coordinates
    assert again.about == sampled.about
    for name, value in sampled.values.items():
        np.testing.assert_array_equal(again.values[name], value)


def test_a_file_of_an_older_version_names_no_blow_up(tmp_path):
    grid(2).save(tmp_path / "now.npz")
    with np.load(tmp_path / "now.npz") as data:
        older = dict(data)
    meta = json.loads(str(older["meta"]))
    del meta["blow_ups"]
    np.savez(tmp_path / "older.npz", **older | {"meta": np.array(json.dumps(meta))})
    assert SolutionGrid.read(tmp_path / "older.npz").blow_ups == ()


def test_a_name_makes_a_field_neither_a_blow_up_nor_an_error():
    values = {name: np.arange(5.0) for name in ("u", "drift_error", "v", "v_exact", "v_error", "residual_a")}
    sampled = SolutionGrid(("x",), (np.linspace(0, 1, 5),), values)
    assert [name for name in values if sampled.around_zero(name)] == ["v_error", "residual_a"]
    assert sampled.accuracy().max_error == 4.0


def test_how_good_a_sample_is_is_found_once_and_for_each_sample():
    sampled = SolutionGrid(
        ("x",), (np.linspace(0, 1, 5),), {"u": np.ones(5), "u_exact": np.ones(5), "u_error": np.zeros(5)}
    )
    assert sampled.accuracy() is sampled.accuracy()
    other = replace(sampled, values=sampled.values | {"u_error": np.full(5, 2.0)})
    assert (sampled.accuracy().max_error, other.accuracy().max_error) == (0.0, 2.0)


def test_a_moment_of_a_grid_with_time():
    sampled = SolutionGrid(("x", "y", "t"), grid(3).axes, grid(3).values, time="t")
    moment = sampled.at_time(2)
    assert moment.coordinates == ("x", "y")
    np.testing.assert_array_equal(moment.values["u"], sampled.values["u"][:, :, 2])


def test_resolution_that_does_not_fit_is_refused_before_anything_is_allocated():
    with pytest.raises(LabError, match=r"GiB.*largest resolution that fits is \d+"):
        check_resolution(Poisson3D(), 20_000)
    with pytest.raises(LabError, match="2 points"):
        check_resolution(Poisson2D(), 1)
    check_resolution(Poisson3D(), 50)
    assert required_bytes(Poisson3D(), 100) == 8 * required_bytes(Poisson3D(), 50)


def scene(tmp_path, sampled, **request):
    path = tmp_path / "g.npz"
    sampled.save(path)
    return build_scene(path, SceneRequest("r", **request))


def ball(n=40):
    axes = (np.linspace(-1, 1, n),) * 3
    x, y, z = np.meshgrid(*axes, indexing="ij")
    return SolutionGrid(("x", "y", "z"), axes, {"r": np.sqrt(x**2 + y**2 + z**2)})


def test_isosurface_of_a_distance_is_a_sphere(tmp_path):
    drawn = scene(tmp_path, ball(), isosurfaces=(0.6,))
    radius = np.linalg.norm(drawn.surfaces[0].vertices, axis=1)
    np.testing.assert_allclose(radius, 0.6, atol=2e-3)
    np.testing.assert_allclose(drawn.surfaces[0].intensity, 0.6, atol=1e-6)
    assert drawn.bounds == (-1, 1, -1, 1, -1, 1)


def test_slices_lie_in_their_planes(tmp_path):
    drawn = scene(tmp_path, ball(), slices=(0.25, None, -0.5))
    assert len(drawn.surfaces) == 2
    np.testing.assert_allclose(drawn.surfaces[0].vertices[:, 0], 0.25, atol=1e-6)
    np.testing.assert_allclose(drawn.surfaces[1].vertices[:, 2], -0.5, atol=1e-6)


@pytest.mark.parametrize("keep_upper", [True, False])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("slices", [(None, None, None), (0.0, 0.0, 0.0)])
def test_clip_removes_one_side(tmp_path, axis, keep_upper, slices):
    drawn = scene(
        tmp_path, ball(), isosurfaces=(0.6,), slices=slices, clip_axis=axis, clip_at=0.6, keep_upper=keep_upper
    )
    across = np.concatenate([surface.vertices[:, axis] for surface in drawn.surfaces])
    assert (across.min() > 0.2 - 1e-6) if keep_upper else (across.max() < 0.2 + 1e-6)
    for surface in drawn.surfaces:
        hit = np.abs(surface.vertices[:, axis] - 0.2) < 1e-6
        assert hit.any() or surface.vertices[:, axis].max() < 0.2  # the cut itself is reached
    assert drawn.bounds == (-1, 1, -1, 1, -1, 1)


def test_the_cut_of_a_block_shows_the_field_inside(tmp_path):
    drawn = scene(tmp_path, ball(), clip_axis=0, clip_at=0.505, keep_upper=False)
    block = drawn.surfaces[0]
    cut = np.abs(block.vertices[:, 0] - 0.01) < 1e-6
    assert cut.sum() >= 40 * 40
    np.testing.assert_allclose(block.intensity[cut], np.linalg.norm(block.vertices[cut], axis=1), atol=0.02)


def test_outer_isosurfaces_let_the_inner_one_be_seen(tmp_path):
    inner, outer = scene(tmp_path, ball(), isosurfaces=(0.9, 0.5)).surfaces
    assert np.linalg.norm(inner.vertices, axis=1).max() < 0.51
    assert inner.opacity == 1 > outer.opacity
    sliced = scene(tmp_path, ball(), isosurfaces=(0.5,), slices=(0.0, None, None)).surfaces
    assert [surface.opacity < 1 for surface in sliced] == [False, True]
    assert not sliced[0].shaded


def test_triangles_are_thinned_and_counted(tmp_path):
    drawn = scene(tmp_path, ball(120), isosurfaces=(0.9, 0.8))
    assert drawn.total > TRIANGLES
    assert drawn.shown <= 1.05 * TRIANGLES
    for surface in drawn.surfaces:
        assert surface.faces.max() < len(surface.vertices) == len(surface.intensity)


def test_height_of_a_surface_is_the_field(tmp_path):
    axes = (np.linspace(0, 2, 30), np.linspace(0, 1, 20))
    x, y = np.meshgrid(*axes, indexing="ij")
    field = 1e-7 * np.sin(3 * x) * y
    drawn = scene(tmp_path, SolutionGrid(("x", "y"), axes, {"r": field}), warp=1.5)
    vertices = drawn.surfaces[0].vertices
    np.testing.assert_allclose(vertices[:, 2], 1e-7 * np.sin(3 * vertices[:, 0]) * vertices[:, 1], atol=1e-13)
    assert drawn.stretch * np.ptp(field) == pytest.approx(1.5 * 0.5 * 2)
    np.testing.assert_allclose(drawn.bounds, (0, 2, 0, 1, field.min(), field.max()))
    flat = scene(tmp_path, SolutionGrid(("x", "y"), axes, {"r": field}), warp=0.0)
    assert not flat.surfaces[0].vertices[:, 2].any()
    assert flat.axis_titles[2] == ""


def test_where_a_logarithm_is_not_finite_nothing_is_drawn(tmp_path):
    axes = (np.linspace(0, 1, 21),) * 2
    x, y = np.meshgrid(*axes, indexing="ij")
    drawn = scene(tmp_path, SolutionGrid(("x", "y"), axes, {"r": 1e-6 * x * (1 - x) * y}), logarithmic=True)
    vertices = drawn.surfaces[0].vertices
    assert vertices[:, 0].min() > 0
    assert vertices[:, 0].max() < 1
    assert np.isfinite(drawn.surfaces[0].intensity).all()
    assert vertices[:, 2].max() == pytest.approx(np.log10(0.25e-6))
    assert len(drawn.surfaces[0].faces) == 2 * 18 * 19


def test_a_field_that_is_nowhere_finite_is_an_empty_scene(tmp_path):
    axes = (np.linspace(0, 1, 5),) * 2
    drawn = scene(tmp_path, SolutionGrid(("x", "y"), axes, {"r": np.full((5, 5), np.nan)}))
    assert drawn.surfaces == ()


def test_space_and_time_are_drawn_one_moment_at_a_time(tmp_path):
    axes = (np.linspace(-1, 1, 12),) * 3 + (np.linspace(0, 1, 3),)
    x, y, z, t = np.meshgrid(*axes, indexing="ij")
    sampled = SolutionGrid(("x", "y", "z", "t"), axes, {"r": np.sqrt(x**2 + y**2 + z**2) - 0.3 * t}, time="t")
    for index, radius in ((0, 0.5), (2, 0.8)):
        drawn = scene(tmp_path, sampled, isosurfaces=(0.5,), time_index=index)
        np.testing.assert_allclose(np.linalg.norm(drawn.surfaces[0].vertices, axis=1), radius, atol=0.02)
    plane = SolutionGrid(("x", "t", "y"), axes[:3], {"r": x[..., 0] + 2 * y[..., 0]}, time="t")
    assert scene(tmp_path, plane, time_index=11).axis_titles == ("x", "y", "r")


def test_profile_over_decades_is_drawn_in_asinh(tmp_path):
    y = np.sinh(np.linspace(-8, 8, 301))
    drawn = scene(tmp_path, SolutionGrid(("y",), (y,), {"r": np.tanh(y)}))
    assert drawn.bounds[:2] == (-8, 8)
    assert drawn.axis_titles[0] == "asinh y"


def test_accuracy_is_told_as_it_is():
    axes = (np.linspace(0, 1, 5),)
    values = {"u": np.ones(5), "residual_a": np.array([0, 1, -3, 0, 0.0]), "u_exact": np.full(5, 2.0)}
    found = SolutionGrid(("x",), axes, values | {"u_error": values["u"] - values["u_exact"]}).accuracy()
    assert (found.max_residual, found.relative_l2_error, found.max_error, found.not_finite) == (3, 0.5, 1, 0)
    broken = SolutionGrid(("x",), axes, {"u": np.ones(5), "residual_a": np.array([0, np.nan, 1, 0, 0])}).accuracy()
    assert np.isnan(broken.max_residual)
    assert broken.not_finite == 1
    for names in (("residual_a", "residual_b"), ("residual_b", "residual_a")):
        one_of_two = dict(zip(names, (np.ones(5), np.full(5, np.nan)), strict=True))
        assert np.isnan(SolutionGrid(("x",), axes, {"u": np.ones(5), **one_of_two}).accuracy().max_residual)


def test_files_say_where_they_come_from(tmp_path):
    for suffix in ("vtk", "vtu", "xdmf"):
        content = export_bytes(grid(2), suffix)[:400].decode("ascii", "replace")
        assert "a" * 32 in content
        assert "0.5" in content
    export(grid(2), tmp_path / "s.vts")
    reader = vtk.vtkXMLStructuredGridReader()
    reader.SetFileName(str(tmp_path / "s.vts"))
    reader.Update()
    about = reader.GetOutput().GetFieldData()
    assert about.GetAbstractArray("run_id").GetValue(0) == "a" * 32
    assert about.GetAbstractArray("lambda").GetValue(0) == 0.5


def test_logarithm_shows_zeros_as_nothing():
    shown = displayed(np.array([0.0, -1e-3, 10.0]), True)
    assert np.isnan(shown[0])
    np.testing.assert_allclose(shown[1:], [-3, 1])
