"""Corners: where derivatives are beyond all bounds a sample has a gap with a name; a box may have functions of its."""

from dataclasses import replace

import numpy as np
import pytest

from core.config import parse_config
from core.domains.shapes import Box
from core.errors import ConfigError
from core.problems.equation import Equation
from core.runs import RunFolder
from core.solution.evaluate import load_solution
from core.solution.export import export_bytes
from core.solution.on_mesh import SolutionMesh, _mesh_of, _sampled
from core.solution.sample import WITHOUT_VALUE, _on_axes, about_of
from core.solution.sampled import places_in, places_text
from core.solution.wanted import Wanted
from core.training.train import train

L = {
    "kind": "equation",
    "domain": "polygon((-1,-1),(1,-1),(1,0),(0,0),(0,1),(-1,1))",
    "equations": ["laplacian(u) = 0"],
    "conditions": [{"on": "boundary", "that": "u = x^2 - y^2"}],
    "exact": {"u": "x^2 - y^2"},
}
SQUARE = {
    "kind": "equation",
    "coordinates": {"x": [0, 1], "y": [0, 2]},
    "equations": ["laplacian(u) = -1"],
    "conditions": [{"on": "x = 0; x = 1.0; y = 0", "that": "u = 0"}, {"on": "y = 2", "that": "u_y = 0"}],
}


def config(problem, **local):
    stage = {
        "fourier": {"features": 12, "sigma": 1.5, "local": {"smooth": 0, "order": 3.0, **local}},
        "optimizer": {"kind": "gauss_newton", "damping": 1e-26, "minimum_damping": 1e-32},
        "iterations": 1,
        "collocation": {"points": 120, "sampler": "chebyshev"},
    }
    return parse_config({"problem": problem, "stages": [stage]})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = RunFolder(tmp_path_factory.mktemp("run") / "l")
    train(config(L), found, say=lambda line: None)
    return found


def sampled(folder, how, **wanted):
    solution = load_solution(folder, Wanted(**wanted))
    found = how(solution)
    return replace(found, about=about_of(solution, folder, "0" * 64) | found.about)


@pytest.mark.parametrize(
    "how",
    [lambda of: _on_axes(of, 9, None), lambda of: _sampled(of, _mesh_of(of.problem, 8), None)],
    ids=["grid", "mesh"],
)
def test_a_reentrant_corner_is_a_gap_that_is_counted_and_named(folder, how):
    found = sampled(folder, how)
    points, residual = found.coordinates_of_points(), found.values["residual_equation"].reshape(-1)
    corner = (np.abs(points) < 1e-12).all(axis=1)
    assert corner.sum() == 1 and np.isnan(residual[corner]).all()
    assert np.isfinite(found.values["u"].reshape(-1)[corner]).all(), "the solution has a value there"
    accuracy = found.accuracy()
    assert accuracy.not_finite == 0
    assert accuracy.max_residual == np.nanmax(np.abs(residual)) < 1e6
    assert "beyond all bounds at 1 of" in accuracy.equation_gap and "x = 0.0, y = 0.0" in accuracy.equation_gap
    assert accuracy.exact_gap == "" and np.isfinite(accuracy.relative_l2_error)
    spoilt = replace(found, values=found.values | {"residual_equation": np.full_like(found.values["u"], np.nan)})
    assert np.isnan(spoilt.accuracy().max_residual) and spoilt.accuracy().not_finite > 0, "what is no gap is seen"
    assert WITHOUT_VALUE.encode() in export_bytes(found, "vtu" if isinstance(found, SolutionMesh) else "csv")


def test_derivatives_have_the_same_gap_and_values_none(folder):
    found = sampled(folder, lambda of: _on_axes(of, 9, None), formulas=("u_xx", "u^2"))
    corner = found.lacks_value()
    assert np.isnan(found.values["u_xx"][corner]).all() and np.isfinite(found.values["u^2"][corner]).all()
    assert found.accuracy().not_finite == 0


def test_a_run_that_reads_nothing_singular_has_no_gap(tmp_path):
    plain = config(L).model_dump(mode="json", by_alias=True)
    plain["stages"][0]["fourier"]["local"] = None
    train(parse_config(plain), RunFolder(tmp_path / "run"), say=lambda line: None)
    found = sampled(RunFolder(tmp_path / "run"), lambda of: _on_axes(of, 9, None))
    assert found.accuracy().equation_gap == "" and not found.lacks_value().any()


def test_places_are_read_as_they_were_written():
    places = [{"x": 0.1 + 0.2, "y": -1e-300}, {"x": 1.0, "y": 2.0}]
    assert places_in(places_text(places)) == places and places_in("") == []


def test_a_box_of_coordinates_has_functions_of_its_corners_where_it_asks_for_them():
    plain, follows = Equation(**SQUARE), Equation(**SQUARE | {"corners": "functions"})
    assert plain.functions == () and plain.is_box
    region = follows.system.frame.region
    assert region.domain == Box(low=(0, 0), high=(1, 2), sides=("x = 0", "x = 1", "y = 0", "y = 2"))
    assert {corner.features.sides for corner in follows.compiled.local.corners} == {
        ("y = 0", "x = 1"), ("x = 1", "y = 2"), ("y = 2", "x = 0"), ("x = 0", "y = 0")
    }  # fmt: skip
    assert len(follows.functions) > 0 and not follows.is_box
    typed = Equation(**SQUARE | {
        "coordinates": {"x": None, "y": None},
        "domain": 'box((0, 0), (1, 2), sides=("left", "right", "floor", "lid"))',
        "conditions": [{"on": "left; right; floor", "that": "u = 0"}, {"on": "lid", "that": "u_y = 0"}],
    })  # fmt: skip
    assert follows.functions == typed.functions, "as the same box typed as a domain"
    unit = np.random.default_rng(0).random((64, 2))
    np.testing.assert_array_equal(follows.collocation(unit)["interior"], typed.collocation(unit)["interior"])


def test_a_box_that_asks_for_nothing_keeps_its_hash():
    assert "corners" not in config(SQUARE).canonical_json()
    asked = config(SQUARE | {"corners": "functions"})
    assert asked.hash != config(SQUARE).hash
    assert parse_config(asked.model_dump(mode="json", by_alias=True)).hash == asked.hash


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {
                "coordinates": {"x": [0, 1]},
                "conditions": [{"on": "boundary", "that": "u = 0"}],
                "equations": ["u_xx = 1"],
            },
            "the coordinates of space are x",
        ),
        (
            {"coordinates": None, "domain": "disk((0,0),1)", "conditions": [{"on": "boundary", "that": "u = 0"}]},
            "there is a domain, whose corners have functions anyway",
        ),
        (
            {"conditions": [{"on": "periodic in x"}, {"on": "y = 0; y = 2", "that": "u = 0"}]},
            "nothing is periodic in x",
        ),
    ],
)
def test_what_has_no_such_corners_is_said(change, words):
    problem = {name: each for name, each in (SQUARE | {"corners": "functions"} | change).items() if each is not None}
    with pytest.raises(ConfigError, match=words):
        config(problem)


def test_functions_of_its_corners_make_a_box_right(tmp_path):
    """−Δu = 1 is singular in corners of a square: smooth features alone leave a thousandth."""
    left = {}
    for asked in ({}, {"corners": "functions"}):
        cut = config(SQUARE | asked, order=6.0).model_dump(mode="json", by_alias=True)
        cut["stages"][0]["fourier"] |= {"features": 40, "sigma": 2.0}
        cut["stages"][0]["collocation"]["points"] = 400
        outcome = train(parse_config(cut), RunFolder(tmp_path / f"run{len(asked)}"), say=lambda line: None)
        left[len(asked)] = outcome.records[-1].rms_residual
    assert left[1] < 1e-2 * left[0]
