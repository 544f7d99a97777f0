"""A grid that goes into a file layer by layer is the grid that fits into memory, whatever the size."""

import zipfile

import h5py
import meshio
import numpy as np
import pytest
import pyvista
import vtk
from scipy.io import netcdf_file
from vtkmodules.util.numpy_support import vtk_to_numpy

from core.config import parse_config
from core.errors import LabError
from core.runs import RunFolder
from core.solution import reading, streamed
from core.solution import sample as sampling
from core.solution.export import export
from core.solution.sample import sample
from core.solution.streamed import stream, stream_series
from core.solution.streamed_files import OPENED
from core.solution.wanted import Wanted
from core.training import checkpoint as checkpoints
from core.training.state import Position
from tests.unit.test_formulas import folder, solution_of  # noqa: F401


@pytest.fixture(autouse=True)
def thin_layers(monkeypatch):
    monkeypatch.setattr(streamed, "LAYER_POINTS", 300)


@pytest.mark.parametrize("single", [False, True])
def test_a_streamed_image_is_read_by_vtk_and_pyvista_as_what_was_sampled(folder, tmp_path, single):  # noqa: F811
    told = []
    wanted = Wanted(formulas=("v_x - u_y",))
    stream(folder, tmp_path / "f.vti", 13, wanted, single=single, told=told.append)
    grid = sample(folder, 13, wanted)
    reader = vtk.vtkXMLImageDataReader()
    reader.SetFileName(str(tmp_path / "f.vti"))
    reader.Update()
    found = reader.GetOutput()
    assert found.GetDimensions() == tuple(len(axis) for axis in grid.axes)
    assert found.GetBounds() == pytest.approx([end for axis in grid.axes for end in (axis[0], axis[-1])])
    image = pyvista.read(tmp_path / "f.vti")
    assert set(image.point_data) == set(grid.values)
    for name, value in grid.values.items():
        expected = value.ravel(order="F").astype(np.float32 if single else np.float64)
        np.testing.assert_allclose(vtk_to_numpy(found.GetPointData().GetArray(name)), expected, rtol=1e-13, atol=1e-13)
        np.testing.assert_array_equal(image.point_data[name], vtk_to_numpy(found.GetPointData().GetArray(name)))
    assert image.field_data["run_id"][0] == folder.run_id and float(image.field_data["iteration"][0]) == 0
    assert "13 × 13 × 13 points" in told[0] and "MB" in told[0] and told[-1].endswith("100%")


def test_streamed_hdf5_holds_the_same_and_only_what_was_asked_for(folder, tmp_path):  # noqa: F811
    stream(folder, tmp_path / "f.h5", 11, only=("u", "residual_divergence"))
    grid = sample(folder, 11)
    with h5py.File(tmp_path / "f.h5") as file:
        assert set(file["values"]) == {"u", "residual_divergence"}
        np.testing.assert_allclose(file["values/u"], grid.values["u"], rtol=1e-13, atol=1e-13)
    reader = vtk.vtkXdmfReader()
    reader.SetFileName(str(tmp_path / "f.xdmf"))
    reader.Update()
    assert reader.GetOutputDataObject(0).GetNumberOfPoints() == 11**3


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("suffix", OPENED)
def test_every_format_holds_the_sampled_grid_and_where_it_comes_from(folder, tmp_path, suffix, single):  # noqa: F811
    """By the readers that exports are checked with: VTK's, SciPy's, NumPy's, HDF5's."""
    wanted = Wanted(formulas=("v_x - u_y",))
    path = tmp_path / f"f.{suffix}"
    stream(folder, path, 9, wanted, single=single)
    grid = sample(folder, 9, wanted)
    found, names = reading.point_data(path)
    names = {name: spelling for spelling, name in names.items()}
    assert len(found) == len(grid.values)
    for name, value in grid.values.items():
        expected = value.ravel(order="F" if suffix in ("vti", "vts") else "C")
        near = 1e-6 if single else 1e-12
        np.testing.assert_allclose(found[names.get(name, name)], expected, rtol=near, atol=near)
    text = path.read_bytes().replace(b"\0", b"")  # NumPy keeps text in four bytes a character
    codes = " ".join(map(str, folder.run_id.encode())).encode()  # texts in VTK's XML are numbers of their characters
    assert folder.run_id.encode() in text or codes in text
    assert b"units" in text


def read_xdmf(path):
    reader = vtk.vtkXdmfReader()
    reader.SetFileName(str(path))
    reader.Update()
    return pyvista.wrap(reader.GetOutputDataObject(0))


@pytest.mark.parametrize("suffix", ["vts", "vtu", "vtk", "xdmf"])
def test_points_and_cells_are_where_they_were(folder, tmp_path, suffix):  # noqa: F811
    stream(folder, tmp_path / f"a.{suffix}", 9)
    export(sample(folder, 9), tmp_path / f"b.{suffix}")
    a, b = ((read_xdmf if suffix == "xdmf" else pyvista.read)(tmp_path / f"{name}.{suffix}") for name in "ab")
    assert a.n_cells == b.n_cells == 8**3
    np.testing.assert_array_equal(a.points, b.points)
    np.testing.assert_allclose(a.compute_cell_sizes()["Volume"], b.compute_cell_sizes()["Volume"])
    if suffix != "vts":
        np.testing.assert_array_equal(a.cells, b.cells)
        np.testing.assert_array_equal(a.celltypes, b.celltypes)
        by_meshio = meshio.read(tmp_path / f"a.{suffix}")
        np.testing.assert_array_equal(by_meshio.points, a.points)
        np.testing.assert_array_equal(by_meshio.point_data["u"], a.point_data["u"])


@pytest.fixture
def named_like_parts(tmp_path):
    """Fields are called whatever somebody typed, also what a file calls its own parts."""
    config = parse_config({"problem": {
        "kind": "equation", "coordinates": {"x": [0, 1], "y": [0, 1]}, "fields": ["points", "types", "offsets"],
        "equations": [f"laplacian({name}) = 1" for name in ("points", "types", "offsets")],
        "conditions": [{"on": "boundary", "that": "points = 0; types = 0; offsets = 0"}],
    }})  # fmt: skip
    made = RunFolder(tmp_path / "a" / ("c" * 32))
    made.create(config)
    checkpoints.save(checkpoints.Checkpoint(config, Position(), solution_of(config.problem, None, 1)), made.last)
    return made


@pytest.mark.parametrize("suffix", ["vts", "vtu", "vti", "vtk"])
def test_a_field_may_be_called_as_a_part_of_the_file(named_like_parts, tmp_path, suffix):
    stream(named_like_parts, tmp_path / f"f.{suffix}", 9)
    found, grid = pyvista.read(tmp_path / f"f.{suffix}"), sample(named_like_parts, 9)
    assert found.n_points == 81 and found.bounds[:4] == pytest.approx([0, 1, 0, 1])
    for name in ("points", "types", "offsets"):
        expected = grid.values[name].ravel(order="C" if suffix in ("vtu", "vtk") else "F")
        np.testing.assert_allclose(found.point_data[name], expected, rtol=1e-12, atol=1e-12)


def test_a_value_asked_for_twice_is_written_once(folder, tmp_path):  # noqa: F811
    stream(folder, tmp_path / "f.csv", 5, only=("u", "u"))
    assert reading.point_data(tmp_path / "f.csv")[0].keys() == {"u"}


def test_what_netcdf_can_not_hold_is_refused_before_it_is_sampled(folder, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(streamed, "NETCDF_MOST", 1000)
    with pytest.raises(LabError, match=r"Export one of them, float32, or an \.h5 file"):
        stream(folder, tmp_path / "f.nc", 9)
    assert not (tmp_path / "f.nc").exists()
    stream(folder, tmp_path / "f.nc", 9, only=("u",))


def test_a_stream_of_netcdf_is_byte_for_byte_what_scipy_reads_from_ours(folder, tmp_path):  # noqa: F811
    stream(folder, tmp_path / "a.nc", 9)
    export(sample(folder, 9), tmp_path / "b.nc")
    with netcdf_file(tmp_path / "a.nc", mmap=False) as a, netcdf_file(tmp_path / "b.nc", mmap=False) as b:
        assert a.dimensions == b.dimensions
        assert a._attributes == b._attributes
        assert a.variables.keys() == b.variables.keys()
        for name, variable in a.variables.items():
            assert variable.dimensions == b.variables[name].dimensions
            assert variable._attributes == b.variables[name]._attributes
            np.testing.assert_allclose(variable.data, b.variables[name].data, rtol=1e-12, atol=1e-12)


def test_values_that_a_later_layer_has_not_are_nan_there(folder, tmp_path, monkeypatch):  # noqa: F811
    exact = sampling.exact_fields
    calls = []

    def failing(problem, points):
        calls.append(len(points))
        if len(calls) == 3:
            raise LabError("The exact solution has no value there.")
        return exact(problem, points)

    monkeypatch.setattr(sampling, "exact_fields", failing)
    stream(folder, tmp_path / "f.vti", 11)
    image = pyvista.read(tmp_path / "f.vti")
    missing = np.isnan(image.point_data["u_exact"])
    assert 0 < missing.sum() < len(missing)
    assert np.array_equal(missing, np.isnan(image.point_data["u_error"]))
    assert np.isfinite(image.point_data["u"]).all()


def test_a_suffix_that_is_not_streamed_is_refused(folder, tmp_path):  # noqa: F811
    with pytest.raises(LabError, match="can't be streamed"):
        stream(folder, tmp_path / "f.stl", 5)


@pytest.mark.parametrize("suffix", OPENED)
def test_a_disk_that_fills_leaves_nothing(folder, tmp_path, monkeypatch, suffix):  # noqa: F811
    whole = streamed._layer
    calls = []

    def failing(*arguments):
        calls.append(1)
        if len(calls) > 2:
            raise OSError(28, "No space left on device")
        return whole(*arguments)

    monkeypatch.setattr(streamed, "_layer", failing)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(LabError, match="No space left"):
        stream(folder, out / f"f.{suffix}", 11)
    assert not list(out.iterdir())
    monkeypatch.setattr(streamed, "_layer", whole)
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Disk", (), {"free": 10}))
    with pytest.raises(LabError, match=r"would take .* MB, and the disk has"):
        stream(folder, out / f"f.{suffix}", 11)


def test_a_name_that_is_no_value_is_refused(folder, tmp_path):  # noqa: F811
    with pytest.raises(LabError, match="no value 'w'; there are u, v, p"):
        stream(folder, tmp_path / "f.vti", 5, only=("w",))


@pytest.mark.parametrize("suffix", ["pvd", "zip"])
def test_a_series_is_sampled_moment_by_moment_and_is_the_grid_in_time(folder, tmp_path, suffix):  # noqa: F811
    out = tmp_path / "out"
    out.mkdir()
    told = []
    layout, count = stream_series(folder, out / f"f.{suffix}", 9, told=told.append)
    assert layout.shape == (9, 9) and count == 9 and told[-1].endswith("100%")
    if suffix == "zip":
        with zipfile.ZipFile(out / "f.zip") as archive:
            archive.extractall(out)
    reader = pyvista.get_reader(out / ("f.pvd" if suffix == "pvd" else "solution.pvd"))
    grid = sample(folder, 9)
    np.testing.assert_array_equal(reader.time_values, grid.axes[2])
    for k in (0, 8):
        reader.set_active_time_point(k)
        found = reader.read()[0]
        for name, values in grid.at_time(k).values.items():
            np.testing.assert_allclose(found.point_data[name], values.ravel(order="F"), rtol=1e-12, atol=1e-12)
        assert float(found.field_data["t"][0]) == grid.axes[2][k]


def test_one_moment_of_a_grid_in_time_is_streamed_alone(folder, tmp_path):  # noqa: F811
    grid = sample(folder, 9)
    stream(folder, tmp_path / "f.vti", 9, moment=0.6 * grid.axes[2][4] + 0.4 * grid.axes[2][5])
    found = pyvista.read(tmp_path / "f.vti")
    assert found.dimensions == (9, 9, 1)
    expected = grid.at_time(4).values["u"].ravel(order="F")
    np.testing.assert_allclose(found.point_data["u"], expected, rtol=1e-12, atol=1e-12)


def test_what_does_not_move_in_a_plane_is_no_series(named_like_parts, tmp_path):
    with pytest.raises(LabError, match="no moments"):
        stream_series(named_like_parts, tmp_path / "f.pvd", 5)
    assert not list(tmp_path.glob("*f.*"))
