"""A grid that goes into a file layer by layer is the grid that fits into memory, whatever the size."""

import h5py
import numpy as np
import pytest
import pyvista
import vtk
from vtkmodules.util.numpy_support import vtk_to_numpy

from core.errors import LabError
from core.solution import streamed
from core.solution.sample import sample
from core.solution.streamed import stream
from core.solution.wanted import Wanted
from tests.unit.test_formulas import folder  # noqa: F401


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


@pytest.mark.parametrize("suffix", ["vti", "h5"])
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
