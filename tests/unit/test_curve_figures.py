"""Figures of a run's curves: divergence is marked, what was never recorded is not drawn."""

import numpy as np
import pytest

from core.runs.curves import RunCurves, recorded
from core.runs.history import HistoryWriter
from pages.parts.shared.figures import Series, curve_figure, lambda_figure, residual_figure
from pages.parts.singularities.search_figures import iterations_figure

ROWS = 40
WARM = 10
"""Rows of a warm-up, whose method has no damping."""


@pytest.fixture
def curves(tmp_path):
    """A run without λ that diverges in its last row, with a damping from row `WARM` on."""
    writer = HistoryWriter(tmp_path / "history.arrows", ("poisson",))
    for i in range(ROWS):
        value = np.nan if i == ROWS - 1 else 10.0 ** (-i / 10)
        damping = {"damping": 1e-3} if i >= WARM else {}
        writer.append(
            iteration=i + 1,
            stage=0,
            phase=int(i >= WARM),
            wall_time_s=0.1 * i,
            loss=value,
            rms_residual=value,
            **damping,
        )
    writer.close()
    read = RunCurves(tmp_path / "history.arrows")
    read.update()
    return read


def crosses(figure):
    return {
        trace.name: list(trace.x) for trace in figure.data if trace.mode == "markers" and trace.marker.symbol == "x"
    }


def test_divergence_is_marked_and_a_column_that_was_never_recorded_is_not_there(curves):
    figure = residual_figure(curves, "run")
    assert crosses(figure) == {f"{name}: NaN or infinite": [ROWS] for name in ("RMS R", "loss")}
    assert "max |R|" not in {trace.name for trace in figure.data}


def test_no_lambda_is_no_curve(curves):
    for figure in (lambda_figure(curves, "run", 0.5), iterations_figure(curves, "run", 0.5, 0.5)):
        assert len(figure.data) == 0


def test_where_a_method_has_no_damping_there_is_none_to_mark(curves):
    x, y = recorded(curves, "damping")
    np.testing.assert_array_equal(x, np.arange(WARM + 1, ROWS + 1))
    assert np.isfinite(y).all()
    assert len(recorded(curves, "loss")[0]) == ROWS


def test_infinity_from_end_to_end_is_marked_and_nan_is_not():
    x = np.arange(1.0, 6.0)
    series = [Series(x, np.full(5, value), name, "#000000") for name, value in (("a", np.nan), ("b", np.inf))]
    assert crosses(curve_figure(series, x_title="x", y_title="y")) == {"b: NaN or infinite": [1, 2, 3, 4, 5]}


def said(figure):
    return " ".join(item.text for item in figure.layout.annotations)


@pytest.mark.parametrize(
    ("x", "y", "axes", "words"),
    [
        (np.zeros(30), np.linspace(1, 2, 30), {}, "All 30 points are at iteration 0: a"),
        (
            np.zeros(5000),
            np.linspace(1, 2, 5000),
            {"log_x": True},
            "All 5,000 points are at iteration 0 or before: nothing for a log axis",
        ),
        (np.arange(30), np.zeros(30), {}, "All 30 values are 0: nothing for a log axis"),
        (np.arange(30), -np.arange(30.0), {}, "All 30 values are 0 or less: nothing for a log axis"),
        (np.arange(3), np.array([0, np.inf, np.nan]), {}, "All 1 values are 0: nothing for a log axis"),
        (np.arange(30), np.full(30, np.nan), {}, "All 30 values are NaN: a"),
        (np.arange(30), np.full(30, np.inf), {}, "All 30 values are NaN or infinite: a"),
        (np.zeros(0), np.zeros(0), {}, None),
        (np.arange(30), np.zeros(30), {"log_y": False}, None),
        (np.arange(30), np.linspace(0, 1, 30), {}, None),
        (np.zeros(1), np.ones(1), {}, None),
    ],
)
def test_a_curve_that_cant_be_seen_is_named_with_the_reason(x, y, axes, words):
    figure = curve_figure([Series(x, y, "a", "#000000")], x_title="iteration", y_title="y", **axes)
    assert (words is None and ": a" not in said(figure)) or words in said(figure)
    assert all(len(trace.x) <= 2000 for trace in figure.data)


def test_a_run_of_nothing_but_nan_is_thinned_too():
    y = np.full(100_000, np.inf)
    figure = curve_figure([Series(np.arange(100_000), y, "a", "#000000")], x_title="x", y_title="y")
    assert all(len(trace.x) <= 2000 for trace in figure.data)
