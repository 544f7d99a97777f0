"""Figures of the search for λ show what they are given: nothing hidden, nothing remapped, nothing claimed."""

from itertools import pairwise

import numpy as np
import pytest

from core.problems.burgers_profile import BurgersProfile
from core.problems.ccf import CCF
from core.problems.gclm import GCLM
from core.runs.funnel import FunnelPoint
from core.singularity.certificate import Certificate
from core.singularity.found import Found
from core.singularity.laws import published
from core.singularity.reconstruction import Profile, blow_up
from core.solution.grid import SolutionGrid
from pages.parts.singularities.blow_up_figure import blow_up_figure
from pages.parts.singularities.profile_figures import AXES, profile_figure, profile_residual_figure
from pages.parts.singularities.search_figures import funnel_figure, order_distance_figure, order_figure

POINTS = [FunnelPoint(lam, lam - 0.5, abs(lam - 0.5) + 1e-9, 1e-9) for lam in (0.4, 0.45, 0.52, 0.499, 0.5)]


@pytest.fixture(scope="module")
def grid():
    problem = BurgersProfile()
    y = problem.axis(0, 401)
    u = problem.exact(y[:, None])["U"]
    residual = np.where(np.abs(y) < 1e-9, 0.0, -1e-9)
    values = {"U": u + 1e-6, "U_exact": u, "U_error": np.full_like(u, 1e-6), "residual_profile": residual}
    return SolutionGrid(("y",), (y,), values, None, {"lambda": 0.5})


def test_the_funnel_keeps_every_point_in_its_order_and_shades_its_bracket():
    figure = funnel_figure(POINTS, "run")
    for trace in figure.data:
        np.testing.assert_array_equal(trace.x, [point.lambda_ for point in POINTS])
        assert list(trace.text) == ["1", "2", "3", "4", "5"]
    np.testing.assert_array_equal(figure.data[1].y, [point.r_hat for point in POINTS])
    shaded = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert {(shape.x0, shape.x1) for shape in shaded} == {(0.499, 0.5)}  # r̂ of its last point is 0, no longer negative


def test_the_funnel_over_the_distance_of_lambda_leaves_out_what_has_no_logarithm():
    figure = funnel_figure(POINTS, "run", center=0.5)
    np.testing.assert_allclose(figure.data[1].x, [0.1, 0.05, 0.02, 0.001, np.nan], rtol=1e-9)
    assert list(figure.data[1].marker.symbol[:3]) == ["triangle-down", "triangle-down", "triangle-up"]
    assert figure.layout.xaxis2.type == figure.layout.yaxis2.type == "log"


def test_runs_stand_among_what_is_known_with_what_their_certificates_say():
    runs = [
        Found("a", "one", "ccf", "finished", 0, 1.1807776628998, 1e-11, 1e-12, True),
        Found("b", "two", "ccf", "finished", 1, 0.61, None, 1e-3, False),
        Found("c", "three", "ccf", "running", 2, 0.47, None, 1e-3, None),
        Found("d", "four", "ccf", "failed", 3, None, None, None, None),
    ]
    figure = order_figure("ccf", runs, "b")
    traces = {trace.name: trace for trace in figure.data}
    law = next(name for name in traces if "law" in name)
    assert law.startswith("extrapolated law, ours")
    for source, known in published("ccf").items():
        assert list(zip(traces[source].x, traces[source].y, strict=True)) == known
    exact = {trace.name: trace for trace in order_figure("burgers_profile", [], "").data}["exact"]
    assert exact.text[:2] == ("0.5", "0.25")
    assert traces["certificate holds"].text == ("one · 1.18077766290(2)",)
    assert traces["certificate does not hold"].text == ("two · ≈ 0.6100, digits not assessed",)
    assert list(traces["no certificate yet"].x) == [2]


def test_what_two_papers_and_our_runs_differ_by_is_seen_on_a_log_axis():
    first, later = (dict(values) for values in published("ipm").values())
    runs = [
        Found("a", "one", "ipm", "finished", 0, 1.02857227603197, 1e-13, 1e-12, True),
        Found(
            "b", "frozen", "ipm", "finished", 1, first[1.0], None, 1e-3, False
        ),  # no distance, no place on a log axis
        Found("c", "beyond", "ipm", "finished", 5, 0.15, 1e-3, 1e-3, False),  # nobody published that order
    ]
    traces = {trace.name: trace for trace in order_distance_figure("ipm", runs, "a").data}
    assert set(traces) == {"arXiv 2511.22819", "certificate holds"}
    np.testing.assert_allclose(traces["arXiv 2511.22819"].y, [abs(later[n] - first[n]) for n in range(4)])
    assert traces["certificate holds"].y[0] == pytest.approx(9.8e-12, rel=0.01)
    assert traces["certificate holds"].error_y.array[0] == 1e-13
    assert len(order_distance_figure("boussinesq", [], "").data) == 0


@pytest.mark.parametrize("axis", AXES)
def test_a_profile_and_its_residual_are_drawn_on_either_axis(grid, axis):
    profile = profile_figure(grid, ("U",), axis, "r")
    assert [trace.name.strip("|") for trace in profile.data] == ["U", "U exact"]
    y = grid.axes[0]
    kept = y > 0 if axis == "log y" else np.ones_like(y, dtype=bool)
    np.testing.assert_array_equal(profile.data[0].customdata, y[kept])
    residual = profile_residual_figure(grid, axis, None, "r").data[0]
    expected = np.where(grid.values["residual_profile"][kept] == 0, np.nan, 1e-9)  # a zero is left out, not remapped
    np.testing.assert_array_equal(residual.y, expected)
    assert not profile_residual_figure(grid, axis, None, "r").layout.shapes


def labels(axis):
    """Middle in pixels and width of each tick's label on a panel 440 wide, in figures 7 wide, powers 5."""
    low, high = axis.range or (axis.tickvals[0], axis.tickvals[-1])
    for at, text in zip(axis.tickvals, axis.ticktext, strict=True):
        power = sum(character in "⁻⁰¹²³⁴⁵⁶⁷⁸⁹" for character in text)
        if low <= at <= high:
            yield 440 * (at - low) / (high - low), 7 * (len(text) - power) + 5 * power


@pytest.mark.parametrize("problem", [BurgersProfile(), BurgersProfile(order=4), GCLM(), CCF(), CCF(order=2)])
def test_labels_of_decades_have_room(problem):
    y = problem.axis(0, 201)
    values = {name: np.tanh(y) for name in problem.fields} | {"residual_r": np.full_like(y, 1e-9)}
    sampled = SolutionGrid(("y",), (y,), values)
    figures = (
        profile_figure(sampled, problem.fields, "asinh y", "r"),
        profile_residual_figure(sampled, "asinh y", None, "r"),
    )
    for figure in figures:
        found = list(labels(figure.layout.xaxis))
        assert len(found) >= 5
        for (left, before), (right, after) in pairwise(found):
            assert right - left > (before + after) / 2 + 5


def test_a_velocity_that_grows_leaves_the_vorticity_its_shape():
    y = GCLM().axis(0, 401)
    values = {"Omega": -y / (1 + y**2), "U": 1e3 * y, "HOmega": 1 / (1 + y**2)}
    sampled = SolutionGrid(("y",), (y,), values)
    figure = profile_figure(sampled, tuple(values), "asinh y", "r")
    axis_of = {trace.name: trace.yaxis for trace in figure.data}
    assert axis_of["Ω"] == axis_of["HΩ"] != axis_of["U"]
    low, high = figure.layout.yaxis.range
    assert -0.7 < low < -0.5
    assert 1 < high < 1.2
    assert figure.layout.xaxis.matches == "x2"  # both panels move together
    sizes = profile_figure(sampled, tuple(values), "log y", "r")
    assert {trace.yaxis for trace in sizes.data} == {"y"}  # a log axis holds them all


def test_the_tolerance_is_a_line_on_the_residual(grid):
    certificate = Certificate(
        "a" * 32, "burgers_profile", "", {}, "", "", (), 1e-7, 0.5, None, 0.5, "", "checkpoints/last.pt", "", 1, ""
    )
    figure = profile_residual_figure(grid, "log y", certificate, "r")
    assert figure.layout.shapes[0].y0 == 1e-7
    assert figure.layout.annotations[0].y == pytest.approx(-7)  # of a log axis plotly wants the exponent


def test_every_moment_is_a_frame_with_a_step_of_the_slider(grid):
    found = blow_up(Profile.of(grid, BurgersProfile()), "U", moments=7)
    figure = blow_up_figure(found)
    assert len(figure.frames) == len(figure.layout.sliders[0].steps) == 7
    assert [step.label for step in figure.layout.sliders[0].steps] == [f"{moment:.1f}" for moment in found.moments]
    for frame, near, tails in zip(figure.frames, found.near, found.tails, strict=True):
        assert frame.traces == (2, 3)
        np.testing.assert_allclose(frame.data[0].y, near, rtol=6e-4)
        np.testing.assert_allclose(frame.data[1].y, tails, rtol=6e-4)
