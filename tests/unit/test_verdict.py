"""What a finished run says against itself: far off, hardly fallen, an exact solution with gaps, a contradiction."""

import math
from dataclasses import replace

import numpy as np
import pytest

from core.config import parse_config
from core.execution.report import RunReport
from core.problems.exact_error import exact_error, places_of
from core.problems.heat1d import Heat1D
from core.problems.poisson2d import Poisson2D
from core.reports.summary import summary
from core.reports.verdict import verdict
from core.singularity import certificate as certificates
from core.singularity.certificate import Certificate, Region
from core.solution.grid import SolutionGrid
from core.training.measure import Measures, measure
from tests.unit.test_problems import random_solution


def history(*rms):
    return {"rms_residual": np.array(rms, dtype=float)}


def test_a_relative_error_above_one_is_called_far_off():
    far = verdict(Measures(1e3, 1e2, 740.0, 800.0), history(1e2, 50))
    assert "far off" in far
    assert "740" in far
    assert verdict(Measures(1e-9, 1e-10, 0.9, 0.8), history(1.0, 1e-9)) == ""
    assert "far off" in verdict(Measures(1e-9, 1e-10, math.nan, math.nan), history(1.0, 1e-9))
    assert "NaN" in verdict(Measures(math.nan, math.nan), history(1.0, 1e-9))


@pytest.mark.parametrize(
    ("measures", "rms", "told"),
    [
        (Measures(2.0, 1.0), (1.0, 0.9), True),
        (Measures(2.0, 1.0), (1.0, 40.0), True),
        (Measures(2.0, 1.0), (math.nan, 1.0, 0.9), True),
        (Measures(2.0, 1.0, 0.5, 0.5), (1.0, 0.9), True),
        (Measures(2.0, 1.0, 1e-3, 1e-3), (1.0, 0.9), False),  # close to the exact solution all the same
        (Measures(1e-9, 1e-10), (1e-10, 0.9e-10), False),  # a stage that began at rounding
        (Measures(0.1, 0.05), (1.0, 0.05), False),
        (Measures(2.0, 1.0), (1.0,), False),
        (Measures(2.0, 1.0), (), False),
    ],
)
def test_a_residual_that_hardly_fell_is_said_where_nothing_else_speaks_for_the_run(measures, rms, told):
    assert ("hardly fell" in verdict(measures, history(*rms))) == told


@pytest.mark.parametrize(
    ("exact", "words"),
    [
        (lambda u, x: {"u": u + 1j}, "complex numbers for u"),
        (lambda u, x: {"u": np.stack([u, u], axis=1)}, "gives u the shape (66049, 2), not (66049,)"),
        (lambda u, x: {"u": u[1:]}, "the shape (66048,)"),
        (lambda u, x: {"v": u}, "exact() gives v, and the fields are u"),
        (lambda u, x: u, "exact() gives a ndarray"),
        (lambda u, x: {"u": "sin"}, "no numbers for u"),
        (lambda u, x: {"u": 1 / 0}, "exact() failed, ZeroDivisionError: division by zero"),
    ],
)
def test_an_exact_solution_that_cant_be_used_is_said_and_the_residual_is_measured(monkeypatch, exact, words):
    own = Poisson2D.exact
    monkeypatch.setattr(Poisson2D, "exact", lambda self, x: exact(own(self, x)["u"], x))
    found = measure(random_solution(Poisson2D()))
    assert found.max_residual > 0
    assert found.relative_l2_error is found.max_error is None
    assert "the exact solution can't be used" in found.exact_gap
    assert words in found.exact_gap


@pytest.mark.parametrize("form", [lambda u: u[:, None], lambda u: u + 0j])
def test_an_exact_solution_as_a_column_is_what_it_means(monkeypatch, form):
    solution = random_solution(Poisson2D())
    whole, own = measure(solution), Poisson2D.exact
    monkeypatch.setattr(Poisson2D, "exact", lambda self, x: {"u": form(own(self, x)["u"])})
    assert measure(solution) == whole
    monkeypatch.setattr(Poisson2D, "exact", lambda self, x: {"u": 0.5})
    assert measure(solution).relative_l2_error is not None


def test_an_exact_solution_without_a_value_somewhere_is_measured_over_the_rest(monkeypatch):
    problem, solution = Poisson2D(), random_solution(Poisson2D())
    whole = measure(solution)
    assert whole.exact_gap == ""
    own = Poisson2D.exact

    def with_gap(self, x):
        u = own(self, x)["u"]
        u[[0, 5]] = np.nan, np.inf
        return {"u": u}

    monkeypatch.setattr(Poisson2D, "exact", with_gap)
    found = measure(solution)
    assert found.relative_l2_error == pytest.approx(whole.relative_l2_error, rel=1e-4)
    assert found.max_error == whole.max_error
    assert "2 of 66,049 points" in found.exact_gap
    assert "x = 0, y = 0" in found.exact_gap
    assert "66,047" in found.exact_gap
    text = summary("r", "finished", parse_config({"problem": {"kind": problem.kind}}), found, [], 1.0, {})
    assert "relative L2 error (where the exact solution has a value)" in text


def test_an_exact_solution_without_any_value_or_equal_to_zero_has_no_relative_error():
    errors, places = {"u": np.array([1.0, 2.0])}, places_of(("x",), np.array([[0.0], [1.0]]))
    nothing = exact_error(errors, {"u": np.array([np.nan, np.nan])}, places)
    assert (nothing.relative_l2, nothing.largest, nothing.missing) == (None, None, 2)
    assert "no error can be measured" in nothing.gap
    zero = exact_error(errors, {"u": np.zeros(2)}, places)
    assert (zero.relative_l2, zero.largest, zero.gap) == (None, 2.0, "")
    broken = exact_error({"u": np.array([np.nan, 2.0])}, {"u": np.ones(2)}, places)
    assert math.isnan(broken.relative_l2)  # a solution that is NaN is not excused


def test_a_grid_labels_errors_over_the_rest():
    x, t = np.linspace(0, 1, 3), np.linspace(0, 2, 2)
    u = np.arange(6.0).reshape(3, 2)
    exact = np.ones((3, 2))
    exact[2, 1] = np.nan
    grid = SolutionGrid(("x", "t"), (x, t), {"u": u, "u_exact": exact, "u_error": u - exact})
    found = grid.accuracy()
    assert found.max_error == 3.0
    assert found.relative_l2_error == pytest.approx(math.sqrt((1 + 0 + 1 + 4 + 9) / 5))
    assert "1 of 6 points (x = 1, t = 2)" in found.exact_gap


def test_the_summary_and_the_report_say_it_first():
    config = parse_config({"problem": {"kind": "heat1d"}})
    assert config.problem == Heat1D()
    measures = Measures(1e3, 1e2, 740.0, 800.0)
    remark = verdict(measures, history(1.0, 1.0)).removesuffix(".")
    text = summary("r", "finished", config, measures, [], 1.0, {}, remark=remark)
    assert text.index("far off") < text.index("max residual")
    report = RunReport("r", "finished", "heat1d", "h", 0, 1.0, 3, 4, measures, remark=remark)
    assert report.as_dict()["remark"] == remark
    assert report.as_dict()["state"] == "finished"
    assert "remark" not in replace(report, remark="").as_dict()


def certificate(near, dense, beyond=1e-13):
    regions = (Region("near", 0, 1, 3, near, near), Region("far", 1, 2, 3, near, near))
    regions += (Region("beyond", 2, 3, 3, beyond, beyond),)
    return Certificate(
        *("r", "gclm", "gCLM", {}, "", "g", regions, 1e-8, 0.7, 1e-9, None, "h", "checkpoints/last.pt", "s", 1, "now"),
        dense_max_residual=dense,
    )


@pytest.mark.parametrize(
    ("found", "contradicts"),
    [
        (certificate(6e-12, 1.6e-2), True),
        (certificate(1.6e-2, 6e-12), True),
        (certificate(6e-12, math.nan), True),
        (certificate(6e-12, 8e-14), False),
        (certificate(1e-2, 1.6e-2), False),
        (certificate(6e-12, None), False),  # of an earlier version, which did not keep it
        (certificate(6e-12, 8e-14, beyond=1.0), False),  # the dense grid ends before
    ],
)
def test_a_certificate_beside_a_dense_grid_that_says_otherwise_is_a_contradiction(found, contradicts):
    assert bool(found.contradiction) == contradicts
    assert ("Contradiction" in found.sentence()) == contradicts
    assert bool(certificates.tags(found)[certificates.CONTRADICTION_TAG]) == contradicts
    again = Certificate.from_dict(found.as_dict())
    assert again.contradiction == found.contradiction
    assert math.isnan(found.dense_max_residual or 0.0) or again == found
    config = parse_config({"problem": {"kind": "gclm"}})
    text = summary("r", "finished", config, Measures(1.0, 1.0, lambda_=0.7), [], 1.0, {}, found)
    assert ("Contradiction" in text) == contradicts
    old = found.as_dict()
    old.pop("dense_max_residual", None)
    assert Certificate.from_dict(old).contradiction == ""


def exit_with_3(x):
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("exact", "words"),
    [
        (exit_with_3, "exact() failed, SystemExit: 3"),
        (lambda x: {"u": np.array(["a"] * len(x))}, "exact() gives no numbers for u"),
        (lambda x: {"u": [[1.0], [1.0, 2.0]]}, "exact() gives no numbers for u"),
    ],
)
def test_an_exact_solution_that_fails_takes_no_residual_with_it(monkeypatch, exact, words):
    monkeypatch.setattr(Poisson2D, "exact", lambda self, x: exact(x))
    found = measure(random_solution(Poisson2D()))
    assert words in found.exact_gap
    assert (found.relative_l2_error, found.max_error) == (None, None)
    assert found.max_residual > found.rms_residual > 0
