"""Smoothing, bands, deltas, selections in a URL, words and filters."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.presets import resolve
from core.reports.curves_export import Line, curves_csv
from core.tracking.compare import MISSING, config_fields, delta, groups, numbers, ordered, table
from core.tracking.lineage import family
from core.tracking.search import split
from core.tracking.spreadsheets import FORMULA, cell_text, csv_of
from core.tracking.statistics import band, smooth
from core.tracking.store import Head, RunRecord, params_of
from core.tracking.written_numbers import number_of, numbers_of
from pages.parts.compare.columns import axis_columns, varies
from pages.parts.compare.configs import figure_texts, value_texts
from pages.parts.compare.parallel import short_words
from pages.parts.compare.selection import Selection, first, from_text
from pages.parts.shared.metric_names import labels
from pages.parts.shared.run_names import run_names


def record(run_id, **metrics):
    return RunRecord(run_id, run_id, "e", "finished", "p", "", 1.0, 2.0, None, metrics=metrics)


def logged(run_id, **params):
    """A run of another program."""
    return RunRecord(run_id, run_id, "e", "finished", "", "", 1.0, 2.0, None, params=params)


@pytest.mark.parametrize(
    ("text", "words", "clause"),
    [
        ("poisson finished", ["poisson", "finished"], ""),
        ("metrics.loss < 1e-6", [], "metrics.loss < 1e-6"),
        ("Poisson metrics.loss < 1e-6 and params.seed = '3'", ["poisson"], "metrics.loss < 1e-6 and params.seed = '3'"),
        ("status = 'FAILED'", [], "status = 'FAILED'"),
        ("a run_name ILIKE '%x%'", ["a"], "run_name ILIKE '%x%'"),
        ("params.`stages.0.iterations` = '80'", [], "params.`stages.0.iterations` = '80'"),
        ("loss<3", [], "loss<3"),
        ("tags.campaign IS NULL", [], "tags.campaign IS NULL"),
        ("what is this", [], "what is this"),
        ("", [], ""),
    ],
)
def test_words_come_before_a_filter(text, words, clause):
    assert split(text) == (words, clause)


def test_params_are_numbers_where_they_are_written_as_such():
    assert [number_of(text) for text in ("80", "1e-3", "0.5", "[32, 32]", "auto", None)] == [
        80, 1e-3, 0.5, None, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize("value", [0.0, -0.0, 1e-300, 5e-324, 1.7976931348623157e308, -2 / 3, 1e16, 12, -7, 2**53 - 1])
def test_what_python_writes_for_a_number_is_that_number(value):
    assert number_of(str(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        *("7e12345", "4e92812", "1e-99999", "007", "0012345", "00", "-01", "12345678901234567890", "9007199254740992"),
        *("1_000", "nan", "NaN", "inf", "-inf", "Infinity", "0x10", "1j", " 1", "1 ", "1\n", "١٢", "１２", "²", "½"),
        *("True", "true", "None", "", ".", "-", "e5", "1e", "1,5", "1.2.3", "--1", "+ 1", "1" * 6000),
    ],
)
def test_what_only_python_takes_for_a_number_is_text(text):
    assert number_of(text) is None


ALIKE = [
    ("7e12345", "4e92812"),  # beginnings of commits
    ("2.1", "2.10"),  # versions
    ("007", "7"),
    ("0012345", "12345"),
    ("12345678901234567890", "12345678901234567891"),
    ("True", "true"),
    ("1.0", "1"),
    ("1e-3", "0.001"),
    ("nan", "NaN"),
    ("1_000", "1000"),
    (" 1", "1"),
    ("١", "1"),
    ("–", None),  # what stands for nothing on the page
    ("None", None),
    ("", None),
]


@pytest.mark.parametrize(("a", "b"), ALIKE)
def test_values_are_the_same_if_their_texts_are(a, b, lab_home):
    runs = [logged(f"{k:032x}", p=text) for k, text in enumerate((a, b, a))]
    assert {value: len(found) for value, found in groups(runs, "params.p").items()} == {a: 2, b: 1}
    assert list(config_fields(runs)) == ["p"]
    assert config_fields(runs[::2]) == {}
    frame = table(runs, ["params.p"])
    assert [None if value is None else str(value) for value in frame["params.p"]] == [a, b, a]
    assert varies(runs, "params.p") is (b is not None)
    column = axis_columns(runs, ["params.p"], "last")["params.p"]
    together = numbers_of([a, b]) is not None  # one and the same number, at one place of an axis
    assert (column[0] == column[1]) is (together or (a == "–" and b is None))
    assert together is ((a, b) in (("1.0", "1"), ("1e-3", "0.001")))


def test_a_column_is_of_numbers_as_a_whole():
    assert numbers_of(["0.50", None, "0.25"]) == pytest.approx([0.5, np.nan, 0.25], nan_ok=True)
    assert numbers_of(["2.9", "2.10"]) is None
    assert numbers_of(["1e-3", "0.001", "10"]) == [1e-3, 1e-3, 10]
    assert numbers_of(["1", "two"]) is None
    assert numbers_of([None, None]) is None


def test_numbers_are_in_their_order_and_other_texts_in_that_of_texts():
    runs = [logged(f"{k:032x}", n=n, word=word) for k, (n, word) in enumerate([("10", "b"), ("9", "a"), ("1e1", "b")])]
    assert [run.params["n"] for run in ordered(runs, "params.n", descending=False)] == ["9", "10", "1e1"]
    assert list(groups(runs, "params.n")) == ["9", "10", "1e1"]
    assert [run.params["word"] for run in ordered(runs, "params.word", descending=True)] == ["b", "b", "a"]
    assert numbers(runs, "params.word") is None


def test_configs_that_may_differ_after_mlflow_cut_them_are_not_the_same(lab_home):
    runs = [logged(f"{k:032x}", mesh="x" * 6000, short="y") for k in range(2)]
    assert list(config_fields(runs)) == ["mesh"]


def test_a_config_and_the_params_of_a_run_elsewhere_are_compared_as_they_were_logged(lab_home):
    config = resolve("poisson2d-quick")
    here = logged("1" * 32)
    here.folder.create(config)
    params = params_of(config)
    elsewhere = replace(logged("2" * 32, **params), config_hash=config.hash)
    assert config_fields([here, elsewhere]) == {}
    elsewhere = replace(elsewhere, params=params | {"seed": "00"})
    assert config_fields([here, elsewhere]) == {"seed": [str(config.seed), "00"]}


def test_what_other_programs_call_name_or_config_hash_is_a_param_like_any(lab_home):
    runs = [logged(f"{k:032x}", name=f"model {k}", config_hash=f"{k}", **{"problem.kind": f"{k}"}) for k in range(2)]
    assert list(config_fields(runs)) == ["name", "config_hash", "problem.kind"]
    assert all(varies(runs, f"params.{name}") for name in ("name", "config_hash", "problem.kind"))


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (["7", "7 "], ['"7"', '"7 "']),
        (["", MISSING], ['""', ""]),
        (["none", None], ['"none"', "none"]),
        ([True, "true"], ["true", '"true"']),
        ([1, "1"], ["1", '"1"']),
        (["a", "b"], ["a", "b"]),
        (["a ", "a "], ["a ", "a "]),
        (["auto", 3.0, None], ["auto", "3.0", "none"]),
    ],
)
def test_values_that_differ_do_not_look_the_same(values, shown):
    assert value_texts(values) == shown


def test_a_metric_that_is_nan_is_not_one_that_was_never_logged(lab_home):
    runs = [record("a", m=float("nan")), record("b"), record("c", m=1.0), record("d", m=float("inf"))]
    assert figure_texts(runs, "m", "last", Selection()) == ["NaN", "", "1", "inf"]


@given(st.text() | st.sampled_from(["=1+1", "-5", "+x", "'=1", "@a", "''-5", "\tx", "＝1"]))
def test_no_cell_of_a_spreadsheet_is_a_formula_and_each_text_can_be_had_back(text):
    cell = cell_text(text)
    assert number_of(cell) is not None or not cell.startswith(FORMULA)
    assert (cell[1:] if cell[:1] == "'" and cell.lstrip("'").startswith(FORMULA) else cell) == text


def test_a_table_keeps_its_texts_in_a_file(lab_home):
    run = logged("1" * 32, seed="007", id="12345678901234567890", do="=cmd|' /C calc'!A0", shift="-0.5")
    text = csv_of(table([run], ["params.seed", "params.id", "params.do", "params.shift", "started"])).decode()
    cells = ["007", "12345678901234567890", "'=cmd|' /C calc'!A0", "-0.5", "1970-01-01 00:00:01+00:00"]
    assert text.splitlines()[1] == ",".join(["1" * 32, "1" * 32, *cells])


@pytest.mark.parametrize("started", [0.0, -5.0, 1.8e12, 1.8e15, 9.2e15])
def test_a_start_that_no_calendar_has_is_none(started, lab_home):
    frame = table([replace(record("1" * 32), started=started), record("2" * 32)], ["started"])
    assert frame["started"].isna().tolist() == [True, False]
    assert csv_of(frame)


@pytest.mark.parametrize(("started", "day"), [(0.001, "1970-01-01"), (1.67e10, "2499-03-15"), (2.5e11, "9892-03-08")])
def test_a_start_in_any_century_is_that(started, day, lab_home):
    frame = table([replace(record("1" * 32), started=started), record("2" * 32)], ["started"])
    assert frame["started"].iloc[0].timestamp() == started
    assert f",{day} " in csv_of(frame).decode()


def test_columns_and_runs_have_labels_of_their_own():
    names = ["problem", "metrics.loss", "params.loss", "metrics.wall_time_s", "metrics.seconds", "params.problem"]
    found = labels([*names, "metrics.max_residual", "params.seed"])
    assert len(set(found.values())) == len(found)
    assert (found["params.seed"], found["metrics.max_residual"]) == ("seed", "max |R|")
    twins = [replace(record(f"{k:032x}"[::-1]), name=name) for k, name in enumerate("aab")]
    assert len(set(run_names(twins).values())) == 3
    assert run_names(twins)[twins[2].run_id] == "b"


def test_runs_without_a_number_come_last_in_either_order_and_the_pinned_one_first():
    runs = [record("a", m=3.0), record("b"), record("c", m=1.0), record("d", m=float("nan")), record("e", m=2.0)]
    names = [run.run_id for run in ordered(runs, "metrics.m", descending=False)]
    assert names == ["c", "e", "a", "b", "d"]
    names = [run.run_id for run in ordered(runs, "metrics.m", descending=True, pinned="d")]
    assert names == ["d", "a", "e", "c", "b"]


def test_smoothing_keeps_a_constant_and_a_straight_decay_of_logarithms():
    assert smooth(np.full(50, 3.0), 0.9, log=False) == pytest.approx(3.0)
    decay = 10.0 ** -np.arange(50)
    smoothed = smooth(decay, 0.5, log=True)
    rates = np.diff(np.log10(smoothed))[20:]
    assert rates == pytest.approx(-1.0, abs=1e-3)
    assert smooth(decay, 0.0, log=True) is decay


def test_smoothing_leaves_what_is_not_finite_alone():
    y = np.array([1.0, np.nan, 2.0, 0.0, 4.0])
    smoothed = smooth(y, 0.5, log=True)
    assert np.isnan(smoothed[1])
    assert smoothed[3] == 0.0
    assert smoothed[0] == 1.0
    assert 1.0 < smoothed[2] < 2.0


def test_a_band_is_the_quartiles_where_each_run_is_and_ends_with_the_longest():
    x = np.linspace(0, 10, 11)
    curves = [(x, np.full(11, value)) for value in (1.0, 10.0, 100.0)] + [(2 * x, np.full(11, 1000.0))]
    drawn = band(curves, log_y=True, log_x=False, points=41)
    inside = drawn.x < 10
    assert drawn.median[inside] == pytest.approx(10**1.5)
    assert drawn.median[drawn.x > 10] == pytest.approx(1000.0)
    assert drawn.runs == 4
    assert band([(x, np.full(11, np.nan))], True, False).runs == 0


def test_a_ratio_is_given_only_where_it_says_something():
    assert delta(2e-9, 1e-8).ratio == pytest.approx(0.2)
    assert np.isnan(delta(-1.0, 1.0).ratio)
    assert np.isnan(delta(1.0, 0.0).ratio)
    assert delta(1.0, 0.0).difference == 1.0


IDS = [f"{k:032x}" for k in range(10**6, 10**6 + 40)]
IDS = [run_id[::-1] for run_id in IDS]


@given(st.lists(st.sampled_from(IDS), unique=True, max_size=20), st.integers(0, 19))
def test_a_selection_survives_its_url(chosen, pinned):
    selection = first(chosen)
    if chosen:
        selection = Selection(selection.slots, chosen[pinned % len(chosen)])
    assert from_text(selection.text(), IDS) == (selection, [])


def test_a_run_keeps_its_colour_when_others_come_and_go():
    a, b, c, d = IDS[:4]
    selection = first([a, b, c])
    fewer = selection.ticked([a, b, c, d], rows=[0, 2])
    assert fewer.slots == {a: 0, c: 2}
    more = fewer.ticked([a, b, c, d], rows=[0, 2, 3])
    assert more.slots == {a: 0, c: 2, d: 1}
    hidden = more.ticked([d], rows=[])
    assert hidden.slots == {a: 0, c: 2}, "what the table does not show stays chosen"


@pytest.mark.parametrize("text", ["", ",,", ".", "*", "../../etc.0", "zz.x*", "\x00", "%20.1"])
def test_a_broken_selection_chooses_nothing(text):
    selection, missing = from_text(text, IDS)
    assert not selection
    assert all(len(part) <= 12 for part in missing)


def test_a_lineage_may_be_thousands_of_stages_deep():
    runs = [
        Head(f"{k:032x}", f"run {k}", "finished", "p", float(k), f"{k - 1:032x}" if k else None) for k in range(5000)
    ]
    nodes = family(runs[2500].run_id, runs)
    assert [node.column for node in nodes] == list(range(5000))
    assert {node.row for node in nodes} == {0.0}


@pytest.mark.parametrize(
    "words",
    [
        ["12345678901234567890", "12345678901234567891"],
        ["x" * 40 + "a" + "y" * 40, "x" * 40 + "b" + "y" * 40],
        ["short", "a rather long word that ends"],
    ],
)
def test_ticks_of_different_words_are_different(words):
    shown = short_words(words)
    assert len(set(shown)) == len(words)
    assert all(len(text) <= 21 for text in shown)


def test_a_table_of_curves_has_positions_and_not_their_logarithms():
    line = Line("1" * 32, "run", "loss", np.array([1.0, 10.0]), np.array([2.0, 3.0]), "#000")
    assert curves_csv([line], "log iteration").decode().splitlines()[0].split(",")[3] == '"iteration"'
