"""What columns are to runs: guessed, said, kept with the version, pinned in configs; old configs as they were."""

import json
import subprocess
import sys

import numpy as np
import psutil
import pytest

from core import datasets
from core.config import RunConfig
from core.datasets import (
    Column,
    add,
    added_as,
    child,
    columns,
    parse_column,
    pinned,
    preview,
    reading,
    samples_of,
    versions,
)
from core.datasets.mapping import guess
from core.datasets.names import is_coordinate
from core.datasets.tables import read_file
from core.errors import LabError
from core.home import home
from core.presets import resolve
from core.problems.burgers_inverse import SAMPLE, BurgersInverse, sample_csv
from tests.unit.test_dataset_files import COMSOL, GRID, TEXTS, T, X, mat, npz, savetxt

CSV = b"x,t,u\n0.5,0.25,1\n-0.5,0.75,2e-3\n"


def guessed(content, name="f.csv"):
    return [str(column) for column in guess(read_file(name, content)).columns]


def inverse(**fields) -> RunConfig:
    config = resolve("burgers-inverse")
    return config.model_copy(update={"problem": BurgersInverse(**fields)})


# -- the guess --------------------------------------------------------------------------------------------------------


def test_the_guess_finds_a_problem_s_coordinates_and_fields():
    assert guessed(CSV) == ["x=x", "t=t", "u=u"]
    assert guessed(TEXTS["pandas with its index"].encode()) == ["x=x", "t=t", "u=u"]
    assert guessed(b"sensor,x (m),time [s],U\n7,1,2,3\n8,1,2,3\n") == ["x (m)=x", "time [s]=t", "U=u"]
    assert guessed(COMSOL.encode(), "f.txt") == ["x=x", "t=t", "u (1)=u"]
    assert guessed(mat(x=X, t=T, usol=GRID), "burgers_shock.mat") == ["x=x", "t=t", "usol=u"]
    assert guessed(mat(x=X, tt=T, uu=GRID * (1 + 1j)), "NLS.mat") == ["x=x", "tt=t", "uu.real=u"]
    assert guessed(savetxt(np.ones((4, 3))), "f.txt") == ["column_1=x", "column_2=t", "column_3=u"]
    wake = npz(X_star=np.ones((50, 2)), t=T, U_star=np.ones((50, 2, 100)), p_star=np.ones((50, 100)))
    expected = ["X_star_1=x", "X_star_2=y", "t=t", "U_star_1=u", "U_star_2=v", "p_star=p"]
    assert guessed(wake, "cylinder_nektar_wake.npz") == expected
    paraview = '"u","Time","Points:0","Points:1","Points:2"\n1,2,3,0,0\n2,3,4,0,0\n'
    assert guessed(paraview.encode()) == ["Points:0=x", "Points:1=y", "Points:2=z", "Time=t", "u=u"]
    assert guessed(paraview.replace(":", "_").encode())[0] == "Points_0=x"
    for inputs in ("X_u_train", "inputs", "xt", "X"):
        given = npz(**{inputs: np.ones((9, 2)), "y": np.ones((9, 1))})
        assert guessed(given, "d.npz") == [f"{inputs}_1=x", f"{inputs}_2=t", "y=u"]
    for counted in ("x1,x2,x3", "V1,V2,V3", "Var1,Var2,Var3", "arr_0,arr_1,arr_2", "0,1,2"):
        assert [one[-2:] for one in guessed(f"{counted}\n1.,2.,3.\n3.,4.,5.\n".encode())] == ["=x", "=t", "=u"]
    for spelled in (
        "$x$,$t$,$u$",
        "x_m,t_s,u_si",
        "coord_x,time,vel",
        "“x”,“t”,“u”",
        "x*,t*,u*",
        "location,time,value",
    ):
        assert [one[-2:] for one in guessed(f"{spelled}\n1.,2.,3.\n".encode())] == ["=x", "=t", "=u"]
    assert guessed(b"x,t,phi\n1,2,3\n") == ["x=x", "t=t", "phi=u"]
    for function in "fhR":  # a vortex's f or a profile's R is not meant
        assert guessed(f"x,t,{function}\n1,2,3\n".encode()) == ["x=x", "t=t", f"{function}=u"]
    assert guessed(b"f1,f2,f3\n1,2,3\n") == ["f1=x", "f2=t", "f3=u"]
    assert guessed(b"r,F\n1,2\n") == ["r=r", "F=F"]
    assert is_coordinate("r")
    assert not is_coordinate("w")  # a velocity, whatever a profile's coordinates are called
    assert guessed(b"x,t,kind\n1,2,i\n3,4,i\n") == ["x=x", "t=t"]  # a column of words spoils no others
    assert guessed(b"t,T,x\n1,2,3\n1,2,4\n") == ["x=x", "t=t", "T=T"]  # a temperature, not a second time
    assert guessed(b"comp1.x,comp1.t,comp1.u (m/s)\n1,2,3\n1,2,4\n") == ["comp1.x=x", "comp1.t=t", "comp1.u (m/s)=u"]
    points = npz(X=np.ones((50, 2)), u=np.ones((50, 1)))
    assert guessed(points, "f.npz") == ["X_1=x", "X_2=t", "u=u"]
    assert guessed(b"a,b\n1,2\n") == ["a=a", "b=b"]


def test_columns_in_words_and_back():
    for text in ("x (mm)=x*0.001", "a=b=u", "u[t,x]=u*-2.5", "sensor=nothing"):
        assert str(parse_column(text)) == text
    assert parse_column("x=x*1") == Column("x", "x")
    assert parse_column("x=").role == datasets.NOTHING
    for bad in ("x", "=x", "x=x*two", "x=x*0", "x=x*nan", "x=a b", "x=../u"):
        with pytest.raises(LabError):
            parse_column(bad)


# -- versions ---------------------------------------------------------------------------------------------------------


def test_names_that_say_it_themselves_need_no_mapping():
    assert add("a.csv", CSV).version.columns is None
    assert add(SAMPLE, sample_csv()).version.columns is None
    assert "columns" not in json.loads((home().root / "datasets.jsonl").read_text().splitlines()[0])
    assert columns("a.csv")["u"].tolist() == [1, 2e-3]


def test_what_columns_stand_for_is_part_of_the_version():
    content = b"no,X (mm),time,usol\n1,500,0.25,1\n2,-500,0.75,\n3,250,0.5,3\n"
    first = add("m.csv", content).version
    assert first.columns == "X (mm)=x; time=t; usol=u"
    said = [Column("X (mm)", "x", 0.001), Column("time", "t"), Column("usol", "u")]
    with pytest.raises(LabError, match="stand for something else"):
        add("m.csv", content, columns=said)
    second = add("m.csv", content, columns=said, replace=True)
    assert (second.outcome, second.version.columns) == ("replaced", "X (mm)=x*0.001; time=t; usol=u")
    assert second.version.digests == first.digests
    assert added_as("m.csv", first.digests.git_blob) == second.version
    assert add("m.csv", content, columns=said).outcome == "already there"
    (item,) = datasets.datasets()
    assert [version.columns for version in item.versions] == [first.columns, second.version.columns]
    assert item.known() == [first.digests]
    config = pinned(inverse(dataset="m.csv"))
    assert config.problem.dataset_columns == second.version.columns
    samples = samples_of(config.problem)
    assert samples.points.tolist() == [[0.5, 0.25], [0.25, 0.5]]  # the row without u is left out
    assert samples.values["u"].tolist() == [1, 3]
    datasets.keep(config)
    assert (versions()[-1].why, versions()[-1].columns) == ("run", second.version.columns)
    older = pinned(
        inverse(dataset="m.csv", dataset_version=first.digests.git_blob, dataset_columns="time=t; usol=u; no=x*0.1")
    )
    assert samples_of(older.problem).points[:, 0].tolist() == pytest.approx([0.1, 0.3])


def test_mappings_that_can_not_be():
    for said, words in {
        ("x=x", "t=x"): "one column only",
        ("y=x",): "no column 'y'",
        ("x=nothing",): "nothing could be learned",
        ("who=u",): "'bob' is no finite number",
    }.items():
        with pytest.raises(LabError, match=words):
            add("a.csv", b"x,t,who\n1,2,bob\n", columns=map(parse_column, said))
    assert versions() == []


def test_configs_without_a_mapping_keep_their_hash():
    config = resolve("burgers-inverse")
    assert "dataset_columns" not in config.canonical_json()
    assert "dataset_columns" not in config.model_dump(mode="json", by_alias=True)["problem"]
    assert RunConfig.model_validate_json(config.model_dump_json(by_alias=True)) == config
    known = "bd3c0bb997a15183d254df6e9f2ce027c3469528893453fc28773c90d0be8126"
    assert config.hash == known
    blob = add("a.csv", CSV).version.digests.git_blob
    assert pinned(inverse(dataset="a.csv")).problem.dataset_columns is None
    add("a.csv", CSV, columns=[Column("x", "x", 0.5), Column("t", "t"), Column("u", "u")], replace=True)
    old = inverse(dataset="a.csv", dataset_version=blob)  # as it was pinned before there were mappings
    assert pinned(old) == old
    assert samples_of(old.problem).points[:, 0].tolist() == [0.5, -0.5]
    assert samples_of(pinned(inverse(dataset="a.csv")).problem).points[:, 0].tolist() == [0.25, -0.25]


def test_a_file_put_there_by_hand_is_guessed_at_launch():
    (home().ensure().data / "shock.mat").write_bytes(mat(x=X, t=T, usol=GRID))
    problem = pinned(inverse(dataset="shock.mat")).problem
    assert problem.dataset_columns == "t=t; usol=u; x=x"
    assert len(samples_of(problem).points) == GRID.size
    (home().data / "gaps.csv").write_bytes(b"x,t,u,n\n0,0,1,\n0.5,0.5,2,9\n")
    problem = pinned(inverse(dataset="gaps.csv")).problem
    assert len(samples_of(problem).points) == 2  # what is missing elsewhere leaves no row out
    (home().data / "other.csv").write_bytes(b"a,b\n1,2\n")
    with pytest.raises(LabError, match="no column x"):
        pinned(inverse(dataset="other.csv"))


# -- names and places -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["a (1).csv", "nu=0.01, Re=100.csv", "Messung é ü.csv", "日本.csv", "a'b\"c$x$*.csv", "x" * 190 + ".csv"]
)
def test_any_file_name_is_fine(name):
    assert add(name, CSV).version.path == name
    assert [item.path for item in datasets.datasets()] == [name]
    assert columns(name)["x"].tolist() == [0.5, -0.5]


def test_names_are_composed_and_confined():
    assert add("e\u0301.csv", CSV).version.path == "\u00e9.csv"
    for name in (
        "../a.csv",
        "a/b.csv",
        ".a.csv",
        "a\nb.csv",
        "a\x1b[31m.csv",
        "\u202ecsv.csv",
        "x" * 300 + ".csv",
        ".csv",
        "a.exe",
    ):
        with pytest.raises(LabError, match="letters, digits"):
            add(name, CSV)


def test_a_rounding_outside_the_domain_is_taken_to_its_end():
    outside = np.array([np.nextafter(-1, -2), 1 + 4 * np.spacing(1.0), 0.5])
    table = {"x": outside, "t": np.array([-1e-17, 0.5, 1.0]), "u": np.ones(3)}
    assert BurgersInverse().samples_in(table).points.tolist() == [[-1, 0], [1, 0.5], [0.5, 1]]
    table["x"] = np.array([-1.0000001, 1, 0.5])
    with pytest.raises(LabError, match=r"has x from -1\.0000001 to 1; .* is solved for x from -1 to 1\."):
        BurgersInverse().samples_in(table)
    table["x"] = np.array([-1, 1, 1 + 1e-15 * 3])
    with pytest.raises(LabError, match=r"to 1\.000000000000003"):
        BurgersInverse().samples_in(table)


# -- reading in a child -----------------------------------------------------------------------------------------------


def test_a_large_file_is_read_in_a_child_with_progress(monkeypatch):
    monkeypatch.setattr(reading, "SMALL", 10)
    told = []
    found = preview("large.csv", CSV + b"0,0,7\n", told.append)
    assert told
    assert found.table.columns["x"].tolist() == [0.5, -0.5, 0]
    assert not found.table.columns["x"].flags.writeable
    values, left_out = found.result(found.guess.columns)
    assert (list(values), left_out) == (["x", "t", "u"], "")
    with pytest.raises(LabError, match="3 cells"):
        preview("bad.csv", b"x,t\n1,2\n3,4,5\n1,2\n")


def test_what_is_told_may_end_the_reading(monkeypatch):
    class EnoughError(Exception):
        pass

    def enough(part):
        raise EnoughError

    monkeypatch.setattr(reading, "SMALL", 10)
    with pytest.raises(EnoughError):
        preview("large.csv", CSV + b"1,2,3\n", enough)
    assert not any("core.datasets.child" in child.cmdline() for child in psutil.Process().children())


def test_too_much_is_said_in_words(monkeypatch):
    monkeypatch.setattr(child, "SECONDS", 0.01)
    with pytest.raises(LabError, match="took longer than"):
        child.read_in_child("slow.csv", CSV)
    monkeypatch.setattr(child, "SECONDS", 60)
    monkeypatch.setattr(child, "MEMORY", 2**29)
    with pytest.raises(LabError, match=r"allocate|memory"):
        child.read_in_child("big.npz", npz(x=np.zeros(2**25)))


def test_what_is_needed_to_read_a_file_is_imported_then():
    code = "import sys, core.datasets.child; print({'torch', 'mlflow', 'pandas', 'scipy.io'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# -- before it is added -----------------------------------------------------------------------------------------------


def test_what_no_run_could_learn_from_is_said_at_once():
    def caution(content, name="f.csv"):
        found = preview(name, content)
        return found.caution(found.result(found.guess.columns)[0])

    assert caution(CSV) == ""
    assert "x from -1.0000001 to 0.5" in caution(b"x,t,u\n-1.0000001,0,1\n0.5,0.5,2\n")
    assert "no column x, t, u; it has a, b" in caution(b"a,b\n1,2\n2,3\n")


def test_a_rounding_of_single_precision_is_clipped_where_numbers_are_of_single_precision():
    x = np.linspace(-1, 1, 21, dtype="f4")
    x[-1] = np.nextafter(x[-1], np.float32(2))  # 1.0000001
    columns = {"x": x.astype(float), "t": np.full(21, 0.5), "u": np.ones(21)}
    assert BurgersInverse().samples_in(columns).points[:, 0].max() == 1
    with pytest.raises(LabError, match=r"1\.00001"):
        BurgersInverse().samples_in(columns | {"x": np.full(21, np.float64(np.float32(1.00001)))})


def test_a_column_can_be_divided_and_other_formats_say_what_to_do():
    assert parse_column("x (mm)=x/1000") == Column("x (mm)", "x", 0.001)
    for text in ("x=x/0", "x=x/nan", "x=x/", "x=x*1*2", "x=x/1000/2"):
        with pytest.raises(LabError, match="says nothing of a column"):
            parse_column(text)
    with pytest.raises(LabError, match=r"t\.xlsx.*ending in \.csv.*Save the sheet as CSV"):
        add("t.xlsx", CSV)
