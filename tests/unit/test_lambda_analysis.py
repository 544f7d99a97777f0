"""λ over iterations and over runs, from histories that are there."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from core.errors import LabError
from core.reports.blocks import Chart, Line
from core.reports.lambda_section import against, lambda_section
from core.reports.plotly_figure import decade_step, plotly_figure
from core.runs import run_folder
from core.runs.history import HistoryWriter
from core.singularity import lambda_analysis
from core.singularity.certificate import LAMBDA_TAG, TAG, UNCERTAINTY_TAG
from core.singularity.digits import lambda_text
from core.singularity.lambda_analysis import lambda_csv, lambda_rows, over_runs, spread
from core.tracking.curves import run_curves
from core.tracking.store import RunRecord


def run(number, lam, order=0, name="ccf", **params):
    """A run of the store with a history of its λ, one of a Λ that is no number in the middle."""
    run_id = f"{number:032x}"
    folder = run_folder(run_id)
    folder.path.mkdir(parents=True)
    n = len(lam)
    writer = HistoryWriter(folder.history, ("equation",))
    rows = {name: np.ones(n, dtype=int) for name in ("stage", "phase")} | {"iteration": np.arange(1, n + 1)}
    writer.extend(rows | {"loss": np.ones(n), "lambda": np.asarray(lam, dtype=float)})
    writer.close()
    given = {"problem.order": str(order), "seed": str(number), "network.hidden": "[20, 20]",
             "stages.0.collocation.points": "340", "stages.1.collocation.points": "440"}  # fmt: skip
    return RunRecord(
        run_id, name, "lab", "finished", "ccf", "hash", 0.0, None, None, metrics={"lambda": float(lam[-1])},
        params=given | params,
    )  # fmt: skip


def test_the_window_is_the_end_of_the_run():
    row = lambda_rows([run(1, [1, 1, 1, 3, np.nan, 5, 7])], last=3)[0]
    assert (row.begins, row.ends) == (6, 7)  # of iterations 5, 6 and 7 the first has no number
    assert (row.window.count, row.window.mean, row.window.spread) == (2, 6.0, 1.0)
    assert (row.window.low, row.window.high) == (5.0, 7.0)
    assert (row.seed, row.width, row.points, row.tolerance) == (1.0, 20.0, 440.0, None)
    assert row.known == pytest.approx(1.18078, abs=1e-4)
    assert row.difference == pytest.approx(7 - row.known)
    with pytest.raises(LabError, match="window"):
        lambda_rows([], last=0)


def test_spread_keeps_digits_that_agree():
    values = 0.605 + 1e-13 * np.array([-1.0, 0.0, 1.0])
    found = spread([*values, np.nan, np.inf])
    assert found.count == 3
    assert found.spread == pytest.approx(np.std(values - 0.605), rel=1e-2)
    assert spread([]).count == 0


def test_the_certificates_digits_are_the_ones_shown():
    record = run(2, [0.6, 0.7])
    record.tags.update({LAMBDA_TAG: "0.6057337012", UNCERTAINTY_TAG: "1e-10", TAG: "holds"})
    row = lambda_rows([record])[0]
    assert row.text == "0.6057337012(1)"
    assert row.holds
    assert lambda_rows([run(3, [0.6, 0.7])])[0].text == "≈ 0.7000, digits not assessed"


def test_runs_without_a_number_for_it_are_left_out():
    nothing = RunRecord("f" * 32, "x", "lab", "queued", "poisson2d", "hash", 0.0, None, None)
    assert lambda_rows([nothing, run(4, [np.nan])]) == []


def test_over_runs_and_against_what_differs():
    rows = lambda_rows([run(5, [1.0, 1.1]), run(6, [1.0, 1.3]), run(7, [0.6, 0.61], order=1)])
    found = over_runs(rows)
    assert found[("ccf", 0.0)].mean == pytest.approx(1.2)
    assert found[("ccf", 1.0)].count == 1
    seeds = against(rows, "seed")
    np.testing.assert_array_equal(seeds.lines[0].x, [5, 6, 7])
    assert [line.name for line in against(rows, "order or a").lines][:2] == ["runs", "published or exact"]
    assert against(rows, "points") is None, "it is the same in all of them"


def test_csv_has_every_digit_and_no_formula():
    record = run(8, [0.1, 1 / 3], name="=1+1")
    table = list(csv.DictReader(io.StringIO(lambda_csv(lambda_rows([record])).decode())))
    assert float(table[0]["lambda"]) == 1 / 3
    assert table[0]["name"] == "'=1+1"


def test_a_section_about_one_lambda_is_none():
    assert lambda_section([run(9, [1.0, 2.0])]) == []
    assert lambda_section([run(10, [1.0, 2.0]), run(11, [1.0, 2.5])])[0].title == "λ"


def test_what_other_problems_and_programs_call_lambda_is_not_averaged():
    runs = [run(20, [1.0, 2.0]), run(21, [1.0, 2.5])]
    others = [
        replace(run(30 + k, [1.0, 1e3]), problem=problem) for k, problem in enumerate(["equation"] * 2 + [""] * 2)
    ]
    assert lambda_section(others) == []
    assert repr(lambda_section([*runs, *others])) == repr(lambda_section(runs))


def test_numbers_of_any_size_have_a_mean_a_spread_and_a_text():
    found = spread([1e200, -1e200])
    assert (found.mean, found.spread) == (0.0, 1e200)
    assert spread([1.7e308, -1.7e308]).spread == pytest.approx(1.7e308)
    assert spread([5e-324, 0.0]).count == 2
    cells = repr(lambda_section([run(40, [1e200, -1e200]), run(41, [1.0, 1e200])]))
    assert "1e+200" in cells
    assert 200 * "0" not in cells
    for value, uncertainty in ((1e200, 1e190), (1e200, 1e-10), (1.0, 1e200), (1e14, 5e-324), (-1e200, None)):
        assert len(lambda_text(value, uncertainty)) < 400
    assert lambda_text(1e200, 1e190) == "1e+200 ± 1.0e+190"


@pytest.mark.parametrize(
    ("low", "high", "step"), [(1e-30, 1e300, 41), (1e-8, 1.0, 1), (1.0, 100.0, None), (5e-324, 1e308, 79)]
)
def test_ticks_of_a_log_axis_are_at_decades_of_any_range(low, high, step):
    assert decade_step(low, high) == step
    line = Line("", np.arange(2.0), np.array([low, high]), "#000000")
    drawn = plotly_figure(Chart("", (line,), "x", "y", log_y=True))["layout"]["yaxis"]
    assert drawn.get("dtick") == step


def test_a_history_is_read_once_until_there_is_more_of_it(monkeypatch):
    read = []
    monkeypatch.setattr(lambda_analysis, "run_curves", lambda folder: read.append(folder) or run_curves(folder))
    record = run(50, [1.0, 2.0])
    first = lambda_rows([record])
    assert lambda_rows([record]) == first
    assert len(read) == 1
    assert lambda_rows([record], last=1)[0].begins == 2
    assert len(read) == 2
    writer = HistoryWriter(record.folder.history, ("equation",))
    numbers = {"stage": [1], "phase": [1], "iteration": [3], "loss": [1.0], "lambda": [9.0]}
    writer.extend({name: np.array(values) for name, values in numbers.items()})
    writer.close()
    assert lambda_rows([record])[0].value == 9.0
    assert len(read) == 3
