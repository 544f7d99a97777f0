"""Files besides VTK's own, scattered points, triangles: opened by the readers that others would open them with."""

import json
import zipfile
from dataclasses import replace

import h5py
import meshio
import numpy as np
import pytest
import pyvista
import vtk
from vtkmodules.util.numpy_support import vtk_to_numpy

from core.errors import LabError
from core.solution import export_to_vtk
from core.solution.at_points import SolutionPoints
from core.solution.drawing import SceneRequest
from core.solution.export import FORMATS, PROVENANCE, export, export_bytes, formats, size_of
from core.solution.grid import SolutionGrid
from core.solution.scene import scene_of
from core.solution.series import moments, write_series
from core.solution.surface_files import write_surface
from core.solution.tables import write_csv

ABOUT = {"run_id": "a" * 32, "config_hash": "b" * 16, "lambda": 0.5, "certificate": "holds: 1.0e-12"}


def grid(dimension=3, n=5, **kinds):
    axes = tuple(np.linspace(-1, 1 + i, n + i) for i in range(dimension))
    x = np.meshgrid(*axes, indexing="ij")
    values = {"u": sum((i + 1) * np.sin(c) for i, c in enumerate(x)), "|∇u| / 2, log": np.prod(np.cos(x), axis=0) / 3}
    values["u"].flat[1] = np.nan
    return SolutionGrid(("x", "y", "t")[:dimension], axes, values, about=ABOUT, **kinds)


def arrays_of(data):
    return {data.GetArrayName(i): vtk_to_numpy(data.GetArray(i)) for i in range(data.GetNumberOfArrays())}


def arrays_by_vtk(path):
    from core.solution.reading import point_data

    return point_data(path)[0]


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("single", [False, True])
def test_hdf5_is_what_paraview_reads_through_its_xdmf(tmp_path, dimension, single):
    sampled = grid(dimension)
    export(sampled, tmp_path / "f.h5", single)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.h5", "f.xdmf"]
    with h5py.File(tmp_path / "f.h5") as file:
        assert file["values/u"].dtype == (np.float32 if single else np.float64)
        np.testing.assert_array_equal(file["values/u"], sampled.values["u"].astype(file["values/u"].dtype))
        assert file.attrs["run_id"] == ABOUT["run_id"] and file.attrs["lambda"] == 0.5
    reader = vtk.vtkXdmfReader()
    reader.SetFileName(str(tmp_path / "f.xdmf"))
    reader.Update()
    found = reader.GetOutputDataObject(0)
    assert found.GetNumberOfPoints() == sampled.points
    points = np.array([found.GetPoint(i) for i in range(found.GetNumberOfPoints())])
    np.testing.assert_allclose(points[:, 3 - dimension :][:, ::-1] if dimension == 3 else
                               points[:, ::-1][:, :dimension], sampled.coordinates_of_points())  # fmt: skip
    values = vtk_to_numpy(found.GetPointData().GetArray("u"))
    np.testing.assert_allclose(values, sampled.values["u"].ravel(), rtol=1e-6 if single else 0)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_netcdf_has_coordinates_values_and_where_it_comes_from(tmp_path, dimension):
    sampled = grid(dimension, time="t" if dimension == 3 else None)
    export(sampled, tmp_path / "f.nc")
    reader = vtk.vtkNetCDFCFReader()
    reader.SetFileName(str(tmp_path / "f.nc"))
    reader.UpdateInformation()
    names = [reader.GetVariableArrayName(i) for i in range(reader.GetNumberOfVariableArrays())]
    assert "u" in names
    reader.Update()
    found = reader.GetOutputDataObject(0)
    if dimension == 3:  # time is time to the reader: one moment of the plane
        times = reader.GetOutputInformation(0).Get(vtk.vtkStreamingDemandDrivenPipeline.TIME_STEPS())
        np.testing.assert_allclose(times, sampled.axes[2])
    assert found.GetNumberOfPoints() == sampled.points // (len(sampled.axes[2]) if dimension == 3 else 1)
    from scipy.io import netcdf_file

    with netcdf_file(tmp_path / "f.nc", mmap=False) as file:
        assert file.run_id.decode() == ABOUT["run_id"] and file.variables["u"].units == b"1"
        np.testing.assert_array_equal(file.variables["u"].data, sampled.values["u"].transpose(
            [[0], [1, 0], [2, 1, 0]][dimension - 1]))  # fmt: skip
        table = json.loads(file.original_names)
        assert list(table.values()) == ["|∇u| / 2, log"] and set(table) < set(file.variables)


def test_a_table_is_read_by_paraview_and_has_all_digits(tmp_path):
    sampled = grid(2)
    export(sampled, tmp_path / "f.csv")
    reader = vtk.vtkDelimitedTextReader()
    reader.SetFileName(str(tmp_path / "f.csv"))
    reader.SetHaveHeaders(True)
    reader.SetDetectNumericColumns(True)
    reader.Update()
    table = reader.GetOutput()
    assert [table.GetColumnName(i) for i in range(4)] == ["x", "y", "u", "|∇u| / 2, log"]
    assert table.GetNumberOfRows() == sampled.points
    np.testing.assert_array_equal(vtk_to_numpy(table.GetColumn(3)), sampled.values["|∇u| / 2, log"].ravel())
    assert f"# run_id: {ABOUT['run_id']}" in (tmp_path / "f.csv").read_text()


def test_npz_has_every_array(tmp_path):
    export(grid(2), tmp_path / "f.npz", single=True)
    with np.load(tmp_path / "f.npz", allow_pickle=False) as data:
        assert data["value_u"].dtype == np.float32 and data["axis_x"].dtype == np.float64
        assert json.loads(str(data["about"]))["certificate"] == "holds: 1.0e-12"


@pytest.mark.parametrize("suffix", ["vtu", "vtk", "vts", "vti", "xdmf"])
def test_values_in_single_precision_are_that_in_the_file(tmp_path, suffix):
    export(grid(2), tmp_path / f"f.{suffix}", single=True)
    double = export_bytes(grid(2, 40), suffix)
    assert len(export_bytes(grid(2, 40), suffix, single=True)) < len(double) or suffix == "xdmf"
    values = arrays_by_vtk(tmp_path / f"f.{suffix}")["u"]
    assert suffix == "xdmf" or values.dtype == np.float32
    assert sorted(values[np.isfinite(values)]) == sorted(
        each for each in grid(2).values["u"].astype(np.float32).ravel() if np.isfinite(each))  # fmt: skip


def test_a_list_of_points_is_a_cloud_a_plane_or_has_delaunay_cells(tmp_path):
    points = np.random.default_rng(0).random((50, 4))
    points[:, 3] = 0.25
    cloud = SolutionPoints(("x", "y", "z", "t"), points, {"u": points[:, 0] ** 2}, ABOUT)
    export(cloud, tmp_path / "c.vtu")
    found = meshio.read(tmp_path / "c.vtu")
    assert found.cells[0].type == "vertex" and len(found.points) == 50
    export(cloud, tmp_path / "d.vtu", delaunay=True)
    assert meshio.read(tmp_path / "d.vtu").cells[0].type == "tetra"
    with pytest.raises(LabError, match="differ in x, y, z, t"):
        export(replace(cloud, points_of=np.random.default_rng(1).random((50, 4))), tmp_path / "e.vtu")
    with pytest.raises(LabError, match="no list of points"):
        export(cloud, tmp_path / "e.vti")
    flat = SolutionPoints(("x", "y"), np.stack(np.meshgrid([0, 1, 2.0], [0, 1.0], indexing="ij"), -1).reshape(-1, 2),
                          {"u": np.arange(6.0)}, shape=(3, 2))  # fmt: skip
    export(flat, tmp_path / "p.vtk")
    assert meshio.read(tmp_path / "p.vtk").cells[0].data.shape == (2, 4)


@pytest.mark.parametrize("suffix", ["vtu", "vtk", "vtp", ""])
@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_scattered_points_of_anybody(tmp_path, suffix, dimension):
    coords = np.random.default_rng(0).random((40, dimension))
    path = export_to_vtk(tmp_path / f"s{'.' * bool(suffix)}{suffix}", coords, {"u": coords[:, 0], "flow": coords})
    reader = {".vtu": vtk.vtkXMLUnstructuredGridReader, ".vtp": vtk.vtkXMLPolyDataReader}.get(
        path.suffix, vtk.vtkDataSetReader)()  # fmt: skip
    reader.SetFileName(str(path))
    reader.Update()
    found = reader.GetOutput()
    arrays = arrays_of(found.GetPointData())
    np.testing.assert_array_equal(arrays["u"], coords[:, 0])
    assert found.GetNumberOfCells() == found.GetNumberOfPoints() == 40
    if suffix == "vtu":
        filled = export_to_vtk(path, coords, coords[:, 0], cells="delaunay")
        assert meshio.read(filled).cells[0].type == ("line", "triangle", "tetra")[dimension - 1]


@pytest.mark.parametrize(
    "given, told",
    [
        (("s.foo", np.ones((3, 2)), np.ones(3)), "formats are"),
        (("s.vtu", np.ones((3, 4)), np.ones(3)), "one to three"),
        (("s.vtu", np.full((3, 2), np.nan), np.ones(3)), "finite"),
        (("s.vtu", np.ones((3, 2)), np.ones(4)), "each of 3 points"),
        (("s.vtu", np.ones((3, 2)), np.array(["a"] * 3)), "real numbers"),
        (("nowhere/s.vtu", np.ones((3, 2)), np.ones(3)), "can't be written"),
    ],
)
def test_what_can_not_be_scattered_points_is_refused(tmp_path, given, told):
    with pytest.raises(LabError, match=told):
        export_to_vtk(tmp_path / given[0], *given[1:])
    with pytest.raises(LabError, match="lie on one line"):
        export_to_vtk(tmp_path / "s.vtu", np.outer(np.arange(5), [1, 1]), np.arange(5), cells="delaunay")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["stl", "ply"])
def test_triangles_of_a_scene_are_read_where_they_are(tmp_path, suffix):
    axes = (np.linspace(-1, 1, 25),) * 3
    x, y, z = np.meshgrid(*axes, indexing="ij")
    ball = SolutionGrid(("x", "y", "z"), axes, {"r": np.sqrt(x**2 + y**2 + z**2)})
    scene = scene_of(ball, SceneRequest("r", isosurfaces=(0.6,)))
    write_surface(scene, tmp_path / f"s.{suffix}", ABOUT)
    reader = (vtk.vtkSTLReader if suffix == "stl" else vtk.vtkPLYReader)()
    reader.SetFileName(str(tmp_path / f"s.{suffix}"))
    reader.Update()
    points = vtk_to_numpy(reader.GetOutput().GetPoints().GetData())
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 0.6, atol=5e-3)
    assert reader.GetOutput().GetNumberOfCells() == scene.shown
    assert (meshio.read(tmp_path / f"s.{suffix}").cells[0].data.shape)[1] == 3
    with pytest.raises(LabError, match="Nothing is drawn"):
        write_surface(replace(scene, surfaces=()), tmp_path / f"t.{suffix}", ABOUT)


def test_a_full_disk_leaves_no_half_file(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(__import__("core.solution.export", fromlist=["TABLES"]).TABLES, "csv", full)
    with pytest.raises(LabError, match="No space left on device"):
        export(grid(2), tmp_path / "f.csv")
    monkeypatch.setattr("core.solution.tables.xdmf_for", full)
    with pytest.raises(LabError, match="No space left"):
        export(grid(2), tmp_path / "f.h5")
    assert not list(tmp_path.iterdir())


def test_sizes_are_said_about_right():
    sampled = grid(3, 30)
    for suffix in formats(sampled):
        made = len(export_bytes(sampled, suffix))
        said = size_of(sampled.points, len(sampled.values), suffix)
        assert 0.4 < made / said < 1.6 or suffix in ("vtu", "vts", "vti"), (suffix, made, said)  # VTK compresses
    assert set(formats(sampled)) == set(FORMATS)


def test_hdf5_for_a_page_is_an_archive_of_both(tmp_path):
    (tmp_path / "z.zip").write_bytes(export_bytes(grid(2), "h5"))
    with zipfile.ZipFile(tmp_path / "z.zip") as archive:
        assert archive.namelist() == ["solution.h5", "solution.xdmf"]
    write_csv(grid(1), tmp_path / "x.csv")


def test_a_series_on_the_disk_is_a_collection_and_its_folder_or_nothing(tmp_path, monkeypatch):
    sampled = grid(3, time="t")
    each, suffix = moments(sampled, single=True)
    write_series(each, tmp_path / "run.pvd", suffix)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "run.pvd"]
    reader = pyvista.get_reader(tmp_path / "run.pvd")
    np.testing.assert_array_equal(reader.time_values, sampled.axes[2])
    reader.set_active_time_point(3)
    np.testing.assert_array_equal(reader.read()[0].point_data["u"],
                                  sampled.values["u"][:, :, 3].ravel(order="F").astype(np.float32))  # fmt: skip
    with pytest.raises(LabError, match="is there already"):
        write_series(each, tmp_path / "run.pvd", suffix)
    write_series(each, tmp_path / "run.zip", suffix)
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        assert archive.testzip() is None
        assert len([name for name in archive.namelist() if name.endswith(suffix)]) == len(sampled.axes[2])
        assert archive.read("solution.pvd").count(b"<DataSet") == len(sampled.axes[2])

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.solution.series.export", full)
    for other in ("other.pvd", "other.zip"):
        with pytest.raises(LabError, match="No space left"):
            write_series(each, tmp_path / other, suffix)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "run.pvd", "run.zip"]


def test_a_legacy_file_says_everything_of_itself_however_long(tmp_path):
    """A title has 255 characters."""
    sampled = replace(grid(3), about={"run_id": "r" * 400, "certificate": "λ = 1 ± 2", "units": "1"})
    export(sampled, tmp_path / "f.vtk")
    field = pyvista.read(tmp_path / "f.vtk").field_data[PROVENANCE]
    assert json.loads(bytes(field.astype(np.uint8))) == sampled.about
    np.testing.assert_array_equal(meshio.read(tmp_path / "f.vtk").point_data["u"], sampled.values["u"].ravel())
