"""Smoothing, bands, deltas, selections in a URL, words and filters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.tracking.compare import delta, ordered, typed
from core.tracking.lineage import family
from core.tracking.search import split
from core.tracking.statistics import band, smooth
from core.tracking.store import Head, RunRecord
from pages.parts.compare.selection import Selection, first, from_text


def record(run_id, **metrics):
    return RunRecord(run_id, run_id, "e", "finished", "p", "", 1.0, 2.0, None, metrics=metrics)


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


def test_params_become_numbers_where_they_are():
    assert [typed(text) for text in ("80", "1e-3", "0.5", "[32, 32]", "auto", None)] == [
        80, 1e-3, 0.5, "[32, 32]", "auto", None,
    ]  # fmt: skip


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
