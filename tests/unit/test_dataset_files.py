"""Files as people have them: layouts that were refused once are made here, read, and held against what went in."""

import io
import lzma
import random
import struct
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.datasets.tables import read_file
from core.datasets.tables.table import Table
from core.errors import LabError
from core.problems.burgers_inverse import sample_csv


def u_of(x, t):
    return x + 10 * t


X, T = np.linspace(-1, 1, 256), np.linspace(0, 1, 100)
GRID = u_of(X[:, None], T)


def read(content, name="f.csv") -> Table:
    return read_file(name, content if isinstance(content, bytes) else content.encode())


def listed(table: Table) -> dict:
    return {column: values.tolist() for column, values in table.columns.items()}


def npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def mat(**arrays):
    from scipy.io import savemat

    stream = io.BytesIO()
    savemat(stream, arrays)
    return stream.getvalue()


def savetxt(array, **options):
    stream = io.BytesIO()
    np.savetxt(stream, array, **options)
    return stream.getvalue()


# -- text -------------------------------------------------------------------------------------------------------------


ROWS = np.array([[0.5, 0.25, 1.0], [-0.5, 0.75, 2e-3], [0.125, 1.0, -3.0]])
FRAME = pd.DataFrame(ROWS, columns=["x", "t", "u"])
TEXTS = {
    "pandas": FRAME.to_csv(index=False),
    "pandas with its index": FRAME.to_csv(),
    "pandas with an index that has a gap": FRAME.set_index(pd.Index([3, 4, 5])).to_csv(),
    "written twice by pandas": pd.read_csv(io.StringIO(FRAME.to_csv())).to_csv(index=False),
    "R": '"x" "t" "u"\n"1" 0.5 0.25 1\n"2" -0.5 0.75 0.002\n"3" 0.125 1 -3\n',
    "Excel in Germany": FRAME.to_csv(index=False, sep=";", decimal=","),
    "Excel with empty lines below": FRAME.to_csv(index=False) + ",,\n,,\n\n  \n",
    "rows end in the delimiter": "x,t,u,\n0.5,0.25,1,\n-0.5,0.75,0.002,\n0.125,1,-3,\n",
    "rows end in the delimiter, the header not": "x,t,u\n0.5,0.25,1,\n-0.5,0.75,0.002,\n0.125,1,-3,\n",
    "quoted decimal commas": 'x,t,u\n"0,5","0,25","1"\n"-0,5","0,75","0,002"\n"0,125","1","-3"\n',
    "decimal commas between blanks": "x t u\n0,5 0,25 1\n-0,5 0,75 0,002\n0,125 1 -3\n",
    "tabs": FRAME.to_csv(index=False, sep="\t"),
    "bars": FRAME.to_csv(index=False, sep="|"),
    "blanks": FRAME.to_string(index=False),
    "tabs and blanks": "x \t t \t u\n0.5 \t 0.25 \t 1\n-0.5 \t 0.75 \t 0.002\n0.125 \t 1 \t -3\n",
    "Windows": FRAME.to_csv(index=False).replace("\n", "\r\n"),
    "an old Mac": FRAME.to_csv(index=False).replace("\n", "\r"),
    "UTF-8 with its mark": FRAME.to_csv(index=False).encode("utf-8-sig"),
    "UTF-16": FRAME.to_csv(index=False).encode("utf-16"),
    "UTF-16 without its mark": FRAME.to_csv(index=False).encode("utf-16-le"),
    "UTF-16, the other order": FRAME.to_csv(index=False).encode("utf-16-be"),
    "np.savetxt": savetxt(ROWS, header="x t u"),
    "np.savetxt with commas": savetxt(ROWS, header="x,t,u", delimiter=","),
    "np.savetxt, names and numbers cut differently": savetxt(ROWS, header="x, t, u"),
    "np.savetxt with a footer": savetxt(ROWS, header="x t u", footer="the end"),
    "a title and the names in comments": "# Measured in June\n# x t u\n0.5 0.25 1\n-0.5 0.75 0.002\n0.125 1 -3\n",
    "comments among the rows": "# June\nx,t,u\n0.5,0.25,1\n# and in July\n-0.5,0.75,0.002\n0.125,1,-3\n",
    "a title above the names": "Measured in June\nby us\n\nx,t,u\n0.5,0.25,1\n-0.5,0.75,0.002\n0.125,1,-3\n",
    "Fortran": " x t u\n  0.5D+00  2.5D-01 0.1D1\n -5.0D-01 7.5d-01 2.0D-03\n .125D0 1D0 -3.0D+00\n",
    "a typographer's minus": "x;t;u\n0.5;0.25;1\n−0.5;0.75;0.002\n0.125;1;−3\n",
    "Tecplot": 'TITLE = "June"\nVARIABLES = "x", "t", "u"\nZONE I=3\n0.5 0.25 1\n-0.5 0.75 0.002\n0.125 1 -3\n',
    "Excel's hint": "sep=;\n" + FRAME.to_csv(index=False, sep=";"),
    "remarks behind the rows": "# x t u\n0.5 0.25 1  # first\n-0.5 0.75 0.002\n0.125 1 -3 # last\n",
    "units below the names": "x,t,u\nm,s,m/s\n" + FRAME.to_csv(index=False, header=False),
    "units in brackets, some empty": "x\tt\tu\n(m)\t(s)\t\n" + FRAME.to_csv(index=False, header=False, sep="\t"),
    "units in a comment below the names": savetxt(ROWS, header="x t u\nm s m/s"),
    "counted names": savetxt(ROWS, header="1:x 2:t 3:u"),
    "counts in brackets": savetxt(ROWS, header="[1]x [2]t [3]u"),
    "a word before the names": savetxt(ROWS, header="Columns: x, t, u"),
    "names of rows with blanks": 'x t u\n"row 1" 0.5 0.25 1\n"row 2" -0.5 0.75 0.002\n"row 3" 0.125 1 -3\n',
    "Fortran's remarks": "! x t u\n0.5 0.25 1 ! first\n-0.5 0.75 0.002\n0.125 1 -3\n",
    "a count of the rows": "3 3\nx t u\n0.5 0.25 1\n-0.5 0.75 0.002\n0.125 1 -3\n",
    "Mathematica": "x,t,u\n5*^-1,2.5*^-1,1.\n-0.5,0.75,2.*^-3\n0.125,1,-3\n",
    "a COMSOL spreadsheet": "% Model,m.mph\n% Dimension,1\n% x,t,u\n0.5,0.25,1\n-0.5,0.75,0.002\n0.125,1,-3\n",
}  # fmt: skip


@pytest.mark.parametrize("kind", TEXTS)
def test_text_as_programs_write_it(kind):
    table = read(TEXTS[kind])
    assert list(table.columns) == ["x", "t", "u"]
    assert table.refused.keys() <= {"index"}  # R counts in words
    np.testing.assert_array_equal(np.stack(list(table.columns.values()), 1), ROWS)


def test_units_stay_in_names_and_latin_letters_are_read():
    table = read("x (m);Größe [µm];u, K\n1;2;3\n".encode("latin-1"))
    assert list(table.columns) == ["x (m)", "Größe [µm]", "u, K"]
    assert any("Latin-1" in note for note in table.notes)


def test_thousands():
    assert listed(read("x;t;u\n1.234,5;2;3\n1;2;3,25\n")) == {"x": [1234.5, 1], "t": [2, 2], "u": [3, 3.25]}
    assert listed(read("x\tt\n1,234,567.5\t2\n1\t3.25\n")) == {"x": [1234567.5, 1], "t": [2, 3.25]}
    assert listed(read('x,t\n"1,234.5",2\n3,4\n')) == {"x": [1234.5, 3], "t": [2, 4]}
    assert listed(read("x;t\n1 234,5;2\n3;4\n")) == {"x": [1234.5, 3], "t": [2, 4]}
    assert listed(read("x;t\n1,234;2\n3;4\n")) == {"x": [1.234, 3], "t": [2, 4]}  # and says that the comma is decimal


def test_a_file_without_names_says_so():
    for content in (savetxt(ROWS), "0.5,0.25,1\n-0.5,0.75,0.002\n0.125,1,-3\n"):
        table = read(content, "f.txt")
        assert list(table.columns) == ["column_1", "column_2", "column_3"]
        assert not table.named
        np.testing.assert_array_equal(table.columns["column_3"], ROWS[:, 2])


def test_columns_that_are_only_counted_are_no_row():
    """`pd.DataFrame(array).to_csv()` has 0, 1, 2 for names; a first row of whole numbers stays one."""
    for content in (pd.DataFrame(ROWS).to_csv(index=False), pd.DataFrame(ROWS).to_csv()):
        table = read(content)
        assert list(table.columns) == ["0", "1", "2"]
        np.testing.assert_array_equal(np.stack(list(table.columns.values()), 1), ROWS)
    assert read("0,1,2\n1,2,3\n").rows == 2
    assert read(",0.5,1\n1,2,3\n").rows == 2  # the first x is missing
    assert read("12 3\n" + "1 2 3\n" * 12, "f.dat").rows == 12  # how many there are, as Fortran's programs write


def test_a_matrix_under_an_axis():
    x, t = np.linspace(-1, 1, 7), np.linspace(0, 1, 5)
    frame = pd.DataFrame(u_of(x[:, None], t), index=pd.Index(x, name="x"), columns=t)
    for content in (frame.to_csv(), frame.to_csv(sep="\t"), frame.T.rename_axis("t").to_csv()):
        table = read(content)
        np.testing.assert_array_equal(table.columns["u"], u_of(table.columns["x"], table.columns["t"]))
        assert (table.rows, any("first line is an axis" in note for note in table.notes)) == (35, True)
    for corner in ("", "5"):  # pandas' without a name, gnuplot's matrix
        table = read(frame.rename_axis(corner).to_csv())
        np.testing.assert_array_equal(table.columns["u"], u_of(table.columns["down"], table.columns["across"]))
    assert read("name,1,2\na,3,4\nb,5,6\n").rows == 3  # words in front of every row
    wide = read("x,u(t=0),u(t=0.5)\n0,1,2\n1,3,4\n")
    assert listed(wide) == {"x": [0, 1, 0, 1], "t": [0, 0, 0.5, 0.5], "u": [1, 3, 2, 4]}


def test_fortran_s_long_exponents_and_stars():
    table = read("x t\n1.5-100 1\n-2.5+101 *****\n1.5 #N/A\n.5-100 2 ! last\n", "f.dat")
    np.testing.assert_array_equal(table.columns["x"], [1.5e-100, -2.5e101, 1.5, 0.5e-100])
    np.testing.assert_array_equal(table.columns["t"], [1, np.nan, np.nan, 2])


def test_what_is_no_table_says_what_to_do():
    octave = b"# Created by Octave 6.4.0\n# name: x\n# type: matrix\n 1\n\n# name: t\n# type: matrix\n 2\n"
    for content, name, words in (
        (b"PK\x03\x04", "f.csv", "Save it as CSV"),
        (octave, "f.txt", "save -v7 f.mat"),
        (octave, "f.mat", "save -v7 f.mat"),
    ):
        with pytest.raises(LabError, match=words):
            read(content, name)


def test_missing_cells_are_kept_as_such_and_short_rows_are_not():
    table = read("x,t,u\n1,2,3\n,2,3\n4,NA,5\n6,7,\n8,-,9\n")
    np.testing.assert_array_equal(table.columns["x"], [1, np.nan, 4, 6, 8])
    np.testing.assert_array_equal(table.columns["t"], [2, 2, np.nan, 7, np.nan])
    np.testing.assert_array_equal(table.columns["u"], [3, 3, 5, np.nan, 9])
    table = read("x,t\n#N/A,2\n1,#DIV/0!\n# a comment\n3,4\n")
    np.testing.assert_array_equal(table.columns["x"], [np.nan, 1, 3])
    np.testing.assert_array_equal(table.columns["t"], [2, np.nan, 4])
    with pytest.raises(LabError, match="line 4: 2 cells, and the header has 3"):
        read("x,t,u\n1,2,3\n4,5,\n7,8\n1,2,3\n1,2,3\n")
    with pytest.raises(LabError, match="line 3: 4 cells"):
        read("x,t,u\n1,2,3\n4,5,6,7\n1,2,3\n1,2,3\n")


def test_a_column_of_words_is_left_out_and_a_wrong_cell_is_named():
    table = read("x,who,t\n1,bob,2\n3,eve,4\n")
    assert listed(table) == {"x": [1, 3], "t": [2, 4]}
    assert "line 2, column who: 'bob'" in table.refused["who"]
    table = read("# June\nx,t\n1,2\n\n3,oops\n5,6\n")
    assert table.refused == {"t": "f.csv, line 5, column t: 'oops' is no finite number."}
    assert "line 2, column t: 'inf'" in read("x,t\n1,inf\n2,3\n").refused["t"]


COMSOL = """% Model:              Untitled.mph
% Version:            COMSOL 6.0.0.318
% Date:               Nov 25 2022, 10:01
% Dimension:          1
% Nodes:              3
% Expressions:        3
% Description:        Dependent variable u, Dependent variable u
% Length unit:        m
% x                       u (1) @ t=0                u (1) @ t=0.1           u (1) @ t=2E-1
0                         1.0                        2.0                     3.0
0.5                       1.5                        NaN                     3.5
1                         1.7                        2.7                     3.7
"""


def test_comsol_s_wide_table_gets_a_row_for_each_time():
    table = read(COMSOL, "u.txt")
    assert list(table.columns) == ["x", "t", "u (1)"]
    np.testing.assert_array_equal(table.columns["x"], [0, 0.5, 1] * 3)
    np.testing.assert_array_equal(table.columns["t"], [0] * 3 + [0.1] * 3 + [0.2] * 3)
    np.testing.assert_array_equal(table.columns["u (1)"], [1, 1.5, 1.7, 2, np.nan, 2.7, 3, 3.5, 3.7])
    assert any("3 values of t" in note for note in table.notes)
    two = read("% X Y u @ t=0 v @ t=0 u @ t=1 v @ t=1\n0 0 1 2 3 4\n1 5 6 7 8 9\n", "uv.txt")
    assert listed(two) == {
        "X": [0, 1, 0, 1],
        "Y": [0, 5, 0, 5],
        "t": [0, 0, 1, 1],
        "u": [1, 6, 3, 8],
        "v": [2, 7, 4, 9],
    }
    swept = read('x,"u @ t=0, nu=1","u @ t=0, nu=2"\n0,1,2\n1,3,4\n')
    assert listed(swept) == {"x": [0, 1, 0, 1], "t": [0] * 4, "nu": [1, 1, 2, 2], "u": [1, 3, 2, 4]}


def test_comsol_s_other_formats_are_named():
    for content in (
        "% Grid\n0 1 2\n0 1 2\n% Data\n1 2 3\n4 5 6\n7 8 9\n",
        "% Coordinates\n0 1\n% Elements (triangles)\n1 2\n",
    ):
        with pytest.raises(LabError, match="Export it as a spreadsheet"):
            read(content, "g.txt")


def test_numbers_are_python_s_to_the_bit():
    draw = random.Random(0)
    values = [struct.unpack("d", struct.pack("Q", draw.getrandbits(64)))[0] for _ in range(3000)]
    texts = [f(v) for v in values if abs(v) < float("inf") for f in (repr, "{:.25e}".format, "{:.8g}".format)]
    expected = np.array([float(text) for text in texts])
    assert np.array_equal(read("x\n" + "\n".join(texts)).columns["x"], expected)
    german = "x;t\n" + "\n".join(text.replace(".", ",") + ";0,5" for text in texts)
    assert np.array_equal(read(german).columns["x"], expected)
    _, *lines = sample_csv().decode().splitlines()
    rows = np.array([[float(cell) for cell in line.split(",")] for line in lines])
    assert np.array_equal(np.stack(list(read(sample_csv()).columns.values()), 1), rows)


# -- arrays -----------------------------------------------------------------------------------------------------------


def holds(table: Table, x="x", t="t", u="usol"):
    assert table.rows == GRID.size
    np.testing.assert_array_equal(table.columns[u], u_of(table.columns[x], table.columns[t]))


def test_grids_of_deepxde_and_raissi():
    holds(read(npz(t=T[:, None], x=X[:, None], usol=GRID), "Burgers.npz"))
    holds(read(mat(x=X[:, None], t=T[:, None], usol=GRID), "burgers_shock.mat"))
    holds(read(mat(tt=T[None], x=X[None], uu=GRID, nu=0.01), "Burgers.mat"), t="tt", u="uu")
    holds(read(mat(t=T, x=X, u=GRID.T), "Allen_Cahn.mat"), u="u")


def test_grids_as_meshes():
    x, t = np.meshgrid(X, T)
    holds(read(npz(X=x, T=t, U=u_of(x, t)), "mesh.npz"), "X", "T", "U")
    holds(read(npz(x=X, t=T, X=x, T=t, U=GRID), "mesh.npz"), "X", "T", "U")  # U has its indices the other way round


def test_a_list_of_points_at_several_times():
    points, times = np.random.default_rng(0).random((50, 2)), np.arange(20.0)
    velocity = np.stack([u_of(points[:, [0]], times), u_of(points[:, [1]], times)], 1)
    wake = {"X_star": points, "t": times[:, None], "U_star": velocity, "p_star": velocity[:, 0] * 2, "nu": 0.01}
    table = read(mat(**wake), "cylinder_nektar_wake.mat")
    assert set(table.columns) == {"t", "X_star_1", "X_star_2", "U_star_1", "U_star_2", "p_star"}
    for i in "12":
        np.testing.assert_array_equal(
            table.columns[f"U_star_{i}"], u_of(table.columns[f"X_star_{i}"], table.columns["t"])
        )
    assert any("single numbers: nu" in note for note in table.notes)


def test_points_and_values():
    points = np.random.default_rng(0).random((50, 2))
    table = read(npz(X_train=points, u_train=points[:, :1], lb=np.zeros(2)), "train.npz")
    assert listed(table)["X_train_1"] == listed(table)["u_train"]
    stream = io.BytesIO()
    np.save(stream, ROWS.T.repeat(30, axis=1))
    assert read(stream.getvalue(), "rows.npy").columns["column_2"].tolist() == ROWS.T[1].repeat(30).tolist()
    assert listed(read(npz(data=points), "d.npz"))["column_2"] == points[:, 1].tolist()
    assert listed(read(npz(x=points[:, [0]], u=points[:, [1]], lb=np.zeros(2)), "c.npz"))["u"] == points[:, 1].tolist()


def test_a_square_grid_is_read_by_custom_and_can_be_read_the_other_way():
    x = t = np.linspace(0, 1, 32)
    table = read(npz(t=t, x=x, usol=u_of(x[:, None], t)), "square.npz")
    np.testing.assert_array_equal(table.columns["usol"], u_of(table.columns["x"], table.columns["t"]))
    np.testing.assert_array_equal(table.columns["usol[t,x]"], u_of(table.columns["t"], table.columns["x"]))
    assert any("same length" in note and "usol[t,x]" in note for note in table.notes)


def test_a_snapshot_keeps_its_time():
    table = read(npz(x=X, u=GRID[:, 3], t=T[3], nu=0.01), "snapshot.npz")
    np.testing.assert_array_equal(table.columns["u"], u_of(table.columns["x"], table.columns["t"]))
    assert "nu" not in table.columns
    assert "T" not in read(npz(x=X, t=T, usol=GRID, T=1.0), "end.npz").columns  # a last time is no column


def test_complex_arrays_are_two_columns_and_objects_none():
    table = read(npz(x=X, t=T, uu=GRID * (1 + 2j), real=GRID.astype(complex)), "NLS.npz")
    np.testing.assert_array_equal(table.columns["uu.imag"], 2 * table.columns["uu.real"])
    assert "real" in table.columns
    stream = io.BytesIO()
    np.savez(stream, x=np.arange(3.0), note=np.array([{"a": 1}], dtype=object))
    table = read(stream.getvalue(), "o.npz")
    assert listed(table) == {"x": [0, 1, 2]}
    assert "no array of numbers" in table.refused["note"]


def test_matlab_structs_text_and_version_7_3(tmp_path):
    import h5py

    table = read(mat(data={"x": X, "t": T, "usol": GRID}, note="June"), "s.mat")
    holds(table, "data.x", "data.t", "data.usol")
    assert "note" in table.refused
    with h5py.File(tmp_path / "v73.mat", "w", userblock_size=512) as file:
        file["x"], file["t"], file["usol"] = X[None], T[None], GRID.T  # MATLAB's order
        file["away"] = h5py.ExternalLink("/etc/other.h5", "x")
        file["soft"] = h5py.SoftLink("/x")
    table = read((tmp_path / "v73.mat").read_bytes(), "v73.mat")
    holds(table)
    assert set(table.columns) == {"x", "t", "usol"}
    with h5py.File(tmp_path / "out.mat", "w") as file:
        file.create_dataset("x", (4,), "u1", external=[("/etc/passwd", 0, 4)])
    with pytest.raises(LabError, match="another file"):
        read((tmp_path / "out.mat").read_bytes(), "out.mat")


def test_parquet(tmp_path):
    FRAME.assign(who=["a", "b", "c"], n=pd.array([1, None, 3], dtype="Int64")).to_parquet(tmp_path / "a.parquet")
    table = read((tmp_path / "a.parquet").read_bytes(), "a.parquet")
    np.testing.assert_array_equal(np.stack([table.columns[c] for c in "xtu"], 1), ROWS)
    np.testing.assert_array_equal(table.columns["n"], [1, np.nan, 3])
    assert "real numbers" in table.refused["who"]
    FRAME.set_index(pd.Index([0.5, 1.5, 9.0])).to_parquet(tmp_path / "a.parquet")
    assert set(read((tmp_path / "a.parquet").read_bytes(), "a.parquet").columns) == {"x", "t", "u"}


# -- damage -----------------------------------------------------------------------------------------------------------


def compressed(method) -> bytes:
    stream = io.BytesIO()
    array = io.BytesIO()
    np.save(array, np.arange(400.0))
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("x.npy", array.getvalue())
    return stream.getvalue()


WHOLE = {
    "f.csv": TEXTS["pandas with its index"].encode(),
    "f.txt": COMSOL.encode(),
    "f.dat": TEXTS["Tecplot"].encode(),
    "u.tsv": FRAME.to_csv(sep="\t").encode("utf-16"),
    "a.npz": npz(x=X[:9], t=T[:4], usol=GRID[:9, :4]),
    "l.npz": compressed(zipfile.ZIP_LZMA),
    "b.npz": compressed(zipfile.ZIP_BZIP2),
    "a.mat": mat(x=X[:9], t=T[:4], usol=GRID[:9, :4], note="June", s={"a": X[:3]}),
    "a.parquet": FRAME.to_parquet(),
}


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(list(WHOLE)), st.integers(0, 10_000), st.integers(1, 9), st.binary(max_size=20))
def test_a_damaged_file_is_one_line_or_a_table(name, at, cut, noise):
    whole = WHOLE[name]
    at %= len(whole)
    for content in (whole[:at] + noise + whole[at + cut :], whole[:at]):
        try:
            table = read(content, name)
        except LabError as error:
            assert len(str(error).splitlines()) == 1
            assert len(str(error)) < 500
        else:
            assert all(values.dtype == float and not np.isinf(values).any() for values in table.columns.values())


def test_damaged_lzma_is_in_words():
    whole = bytearray(compressed(zipfile.ZIP_LZMA))
    whole[60:90] = b"\xff" * 30
    with pytest.raises(LabError, match=r"l\.npz.*(no \.npz|no array)"):
        read(bytes(whole), "l.npz")
    assert lzma.LZMAError.__mro__[1] is Exception  # neither OSError nor ValueError, which is why it got through once
