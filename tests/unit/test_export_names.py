"""Exported files, whatever values are called: another program's reader finds the same numbers and the same names."""

import numpy as np
import pytest
from hypothesis import example, given, settings

from core.errors import LabError
from core.solution import reading
from core.solution.export import FORMATS, TABLES, export, exported_bytes, spelled_names
from core.solution.grid import SolutionGrid
from tests.unit.test_names import HOSTILE, SETS

ABOUT = {"problem": "Taylor–Green & <b>$x_$</b> --> -- \\", "run_id": "a" * 32, "lambda": 0.5, "<y>&": 0.25}


def named(given_names, about=ABOUT):
    """A small grid with values of these names, NaN and infinity among them."""
    numbers = np.random.default_rng(0).standard_normal((len(given_names), 4, 3))
    numbers[0, 0, :2] = np.nan, np.inf
    axes = (np.linspace(0, 1, 4), np.linspace(-1, 1, 3))
    return SolutionGrid(("<x>", "y z"), axes, dict(zip(given_names, numbers, strict=True)), about=about)


@pytest.mark.parametrize("suffix", FORMATS)
@settings(deadline=None, max_examples=10)
@given(given_names=SETS)
@example(given_names=list(HOSTILE))
def test_the_same_numbers_under_the_same_names(tmp_path_factory, suffix, given_names):
    path = tmp_path_factory.mktemp("export") / f"s.{suffix}"
    grid = named(given_names)
    export(grid, path)
    found, table = reading.point_data(path)
    order = "F" if suffix in ("vts", "vti") else "C"
    back = {table.get(spelling, spelling): values for spelling, values in found.items()}
    assert set(back) == set(given_names)
    for name, values in grid.values.items():
        np.testing.assert_array_equal(back[name], values.ravel(order))
    if suffix in ("vtk", "vtu", "xdmf"):  # a second reader, which takes no text in field data
        import meshio

        by_meshio = meshio.read(path).point_data
        for name, values in grid.values.items():
            np.testing.assert_array_equal(by_meshio[spelled_names(grid, suffix)[name]].ravel(), values.ravel())


@pytest.mark.parametrize("suffix", ["vts", "vti"])
def test_what_a_file_says_of_itself_may_be_any_text(tmp_path, suffix):
    from vtkmodules.vtkIOXML import vtkXMLImageDataReader, vtkXMLStructuredGridReader

    path = tmp_path / f"s.{suffix}"
    export(named(["u"]), path)
    reader = {"vts": vtkXMLStructuredGridReader, "vti": vtkXMLImageDataReader}[suffix]()
    reader.SetFileName(str(path))
    reader.Update()
    said = reader.GetOutput().GetFieldData()
    assert said.GetAbstractArray("problem").GetValue(0) == ABOUT["problem"]
    assert said.GetAbstractArray(spelled_names(named(["u"]), suffix)["<y>&"]).GetValue(0) == 0.25


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_control_character_in_what_a_file_says_of_itself_is_written_out(tmp_path, suffix):
    path = tmp_path / f"s.{suffix}"
    grid = named(["u"], about={"problem": "nul\0byte \x1b[1m"})
    export(grid, path)
    reading.check(path, grid.values)  # VTK's own reader crashes at a NUL in a text
    assert b"\x1b[1m" not in path.read_bytes().split(b"POINTS")[0]


@pytest.mark.parametrize("suffix", [name for name in FORMATS if name not in TABLES])
def test_a_file_that_is_not_as_it_should_be_is_no_file_and_is_said(tmp_path, monkeypatch, suffix, capfd):
    as_they_are = {name: name for name in HOSTILE}
    if suffix == "vtk":
        as_they_are = {name: name.replace(" ", "%41") for name in HOSTILE}
    monkeypatch.setattr("core.solution.export.spelled_names", lambda grid, suffix: as_they_are)
    with pytest.raises(LabError, match="was not exported: its own reader"):
        export(named([name for name in HOSTILE if name in "a%20b<w>\\u&v\ufffe"], about={}), tmp_path / f"s.{suffix}")
    assert list(tmp_path.iterdir()) == []
    assert "ERR|" not in capfd.readouterr().err


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_name_as_long_as_a_file_system_takes(tmp_path, suffix):
    export(named(["u"]), tmp_path / f"{'n' * 250}.{suffix}")
    with pytest.raises(LabError, match="can't be written"):
        export(named(["u"]), tmp_path / f"{'n' * 260}.{suffix}")
    assert len(list(tmp_path.iterdir())) == 1 + (suffix == "h5")


def test_a_grid_of_four_coordinates_at_one_moment(tmp_path):
    axes = tuple(np.linspace(0, 1, 3) for _ in range(4))
    values = {"u": np.random.default_rng(0).standard_normal((3, 3, 3, 3))}
    SolutionGrid(("lambda", "y", "z", "iteration"), axes, values, "iteration", {"iteration": 7}).save(
        tmp_path / "g.npz"
    )
    (tmp_path / "s.vtu").write_bytes(exported_bytes(tmp_path / "g.npz", "vtu", 1))
    np.testing.assert_array_equal(reading.point_data(tmp_path / "s.vtu")[0]["u"], values["u"][..., 1].ravel())
    moment = SolutionGrid.read(tmp_path / "g.npz").at_time(1)
    assert moment.about == {"iteration": 7, "iteration (coordinate)": 0.5}
