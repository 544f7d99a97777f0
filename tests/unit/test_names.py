"""Names in formats that do not take all text: each has its own spelling, and finds its way back."""

import csv
import io
import posixpath
import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core import names
from core.runs.history import NUMBERS, HistoryWriter, columns_of, read_history

HOSTILE = (
    "u", "u v", " u", "momentum(x)", "∇·u", "u&v", "<w>", '"q"', "it's", "a%20b", "a\\b", "$\\foo$", "$x_$", "../x",
    "/x", "x//y", "x/./y", ".", "..", "loss", "residual", "residual_", "residual__", "residual_x", "step", "lambda",
    "u_exact", "Taylor–Green", "é", "e\u0301", "E\u0301", "\u200dabc", "שלום", "👩\u200d🔬", "=1+1", "x" * 300,
    "X" * 300, "ß", "SS", "original_names", "CON", "nul.txt", "a.0123456789abcdef", "\ufffe", "a\u00a0b", "data_u",
    "U", "Ω", "ω",
)  # fmt: skip
"""Names that have broken some program."""

NAMES = st.text(min_size=1, max_size=30).filter(lambda name: names.fault(name) is None) | st.sampled_from(HOSTILE)
SETS = st.lists(NAMES, min_size=1, max_size=8, unique=True)


def each(test):
    """A test of any set of names, all hostile ones together among them."""
    return settings(deadline=None, max_examples=60)(given(SETS)(example(list(HOSTILE))(test)))


@each
def test_mlflow_takes_every_key_and_knows_its_name(given_names):
    keys = names.mlflow_keys(given_names)
    assert len({key.casefold() for key in keys.values()}) == len(keys) == len(given_names)
    for key in keys.values():  # MLflow's own rules
        assert re.fullmatch(r"[/\w.\- :]*", key)
        assert len(key) <= 250
        assert posixpath.normpath(key) == key
        assert key != "."
        assert not key.startswith(("..", "/"))
    back = names.mlflow_names(names.mlflow_tags(keys).items())
    assert [back.get(key, key) for key in keys.values()] == given_names
    for name, key in keys.items():
        assert key in names.mlflow_spellings(name)
        assert key == names.mlflow_keys([name])[name] or key == names.mlflow_spellings(name)[1]


def test_names_that_mlflow_takes_stay_and_a_false_tag_is_not_believed():
    plain = ["rms_momentum_x", "problem.Re", "stages.0.optimizer.kind", "λ", "a b", "a/b"]
    assert names.mlflow_keys(plain) == {name: name for name in plain}
    assert names.mlflow_tags(names.mlflow_keys(plain)) == {}
    ((tag, _),) = names.mlflow_tags(names.mlflow_keys(["u(x)"])).items()
    assert names.mlflow_names([(tag, "v(x)")]) == {}
    assert names.mlflow_names([(tag, "v(x)"), (tag, "u(x)")]) == {names.mlflow_spellings("u(x)")[1]: "u(x)"}


@pytest.mark.parametrize("spell", [names.xml_names, names.legacy_vtk_names])
@each
def test_array_names_differ_and_find_back(spell, given_names):
    spelled = spell(given_names)
    assert len(set(spelled.values())) == len(spelled)
    table = names.table(spelled)
    assert table.isascii()
    back = names.originals(table)
    assert [back.get(spelling, spelling) for spelling in spelled.values()] == given_names
    assert all(len(spelling.encode()) <= 200 for spelling in spelled.values())


@each
def test_file_names_are_of_one_file_anywhere(given_names):
    stems = [names.file_stem(name) for name in given_names]
    assert len(set(stems)) == len(stems)
    for stem in stems:
        assert stem.isprintable()
        assert not set(stem) & set('/\\:*?"<>|')
        assert stem == stem.strip(" .") != ""
        assert len(stem.encode()) <= 160
        assert stem.upper() not in ("CON", "NUL")


def test_a_run_called_as_people_call_runs_keeps_its_name():
    assert names.file_stem("Taylor–Green, ν = 0.01 (2)") == "Taylor–Green, ν = 0.01 (2)"
    for name in ("a/b", "..", "\0", "con", "a\nb", "x" * 300, "\u202egpj.exe", "\ud800", ""):
        assert names.file_stem(name) != name
        assert names.file_stem(name).isprintable()


@each
def test_a_history_has_a_column_for_each_residual(given_names):
    columns = columns_of(tuple(given_names))
    assert len(set(columns)) == len(columns)
    assert [names.residual_of(column) for column in columns if names.residual_of(column)] == given_names
    assert all(names.residual_of(column) is None for column in NUMBERS)


@each
def test_values_and_data_rows_have_names_of_their_own(given_names):
    for fields, residuals in ((given_names, given_names), (given_names, ["x"]), (["u"], given_names)):
        found = names.value_names(fields, residuals)
        every = [*fields, *found.residuals.values(), *found.exact.values(), *found.errors.values()]
        assert len(set(every)) == len(every)
        rows = [*residuals, *names.data_rows(fields, residuals).values()]
        assert len(set(rows)) == len(rows)
    plain = names.value_names(["u"], ["r"])
    assert plain == names.ValueNames({"r": "residual_r"}, {"u": "u_exact"}, {"u": "u_error"})


@settings(deadline=None, max_examples=25)
@given(SETS)
@example(list(HOSTILE))
def test_arrow_and_csv_hold_any_name(tmp_path_factory, given_names):
    path = tmp_path_factory.mktemp("history") / "history.arrows"
    writer = HistoryWriter(path, tuple(given_names))
    numbers = {names.history_column(name): float(k) for k, name in enumerate(given_names)}
    writer.append(iteration=0, stage=0, phase=1, rms_residual=-1.0, **numbers)
    writer.close()
    ours = read_history(path).columns
    with pa.ipc.open_stream(_ended(path)) as stream:  # Arrow's own reader
        theirs = stream.read_all().to_pydict()
    for columns in (ours, theirs):
        assert columns["rms_residual"][0] == -1
        assert [columns[names.history_column(name)][0] for name in given_names] == list(range(len(given_names)))

    import pandas as pd

    frame = pd.DataFrame({f"metrics.{name}": [float(k)] for k, name in enumerate(given_names)})
    header, row = csv.reader(io.StringIO(frame.to_csv(index=False), newline=""))
    assert header == [f"metrics.{name}" for name in given_names]
    assert list(map(float, row)) == list(range(len(given_names)))


def _ended(path):
    """The file's stream with the mark at its end that a live history has not."""
    return io.BytesIO(path.read_bytes() + b"\xff\xff\xff\xff\0\0\0\0")


@pytest.mark.parametrize(
    ("given_names", "words"),
    [
        (["u", ""], "'' is empty"),
        (["u", "u"], "'u' stands there twice"),
        (["a\nb"], "control character"),
        (["a\x1b[2J"], "control character"),
        (["\u202egpj.exe"], "change of direction"),
        (["\ud800"], "control character"),
        (["x" * 5000], "longer than 1,000"),
        ([3], "is no text"),
        ("uv", "no tuple"),
    ],
)
def test_what_is_no_name_is_said(given_names, words):
    (said,) = names.faults("fields", given_names)
    assert said.startswith("fields")
    assert words in said


def test_what_is_a_name():
    assert names.faults("fields", HOSTILE) == []


def test_the_values_of_a_residual_called_as_a_field(tmp_path):
    from core.solution.grid import SolutionGrid

    found = names.value_names(("residual_x", "u", "u_exact"), ("x",))
    every = ("residual_x", "u", "u_exact", *found.residuals.values())
    values = {name: np.full(3, float(k)) for k, name in enumerate(every)}
    grid = SolutionGrid(("x",), (np.arange(3.0),), values, names=found)
    assert grid.accuracy().max_residual == 3
    assert grid.accuracy().max_error is None
    assert not grid.around_zero("residual_x")
    grid.save(tmp_path / "g.npz")
    again = SolutionGrid.read(tmp_path / "g.npz")
    assert list(again.values) == list(values)
    assert again.names == found
