"""benchmarks.pinnacle: its tables are read, its texts are whole, its own references are what they say."""

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.pinnacle import holes, measuring, references, spectral
from benchmarks.pinnacle.__main__ import _lines, main
from benchmarks.pinnacle.cases import CASES, EQUATIONS
from benchmarks.pinnacle.tables import Table, TableError, read_table, relative_l2
from core.config import override
from core.presets import resolve
from tests.training import train

SUITE = """burgers1d-c poisson2d-c poisson2d-cg heat2d-ms heat2d-lt ns2d-c ns2d-cg wave1d-c ks gray-scott poisson5d
heat5d poisson-inverse"""
SECONDS = ("own solution", "own spectral reference", "Cole–Hopf")
"""References that take a while to be computed."""


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(text)
    return path


def test_a_table_of_moments_has_time_as_its_last_coordinate(tmp_path):
    path = table(tmp_path, "x,y,u@t=0,u@t=0.5\n1,2,3,4\n5,6,7,8\n")
    found = read_table(path, ["x", "y", "t"], ["u"])
    assert found.points.tolist() == [[1, 2, 0], [5, 6, 0], [1, 2, 0.5], [5, 6, 0.5]]
    assert found.values["u"].tolist() == [3, 7, 4, 8]


def test_a_table_of_several_fields_is_read_without_its_gaps(tmp_path):
    path = table(tmp_path, "x,y,u,v\n0,0,1,2\n0,1,NaN,3\n1,1,4,5\n")
    found = read_table(path, ["x", "y"], ["u", "v"])
    assert found.points.tolist() == [[0, 0], [1, 1]]
    assert found.values["v"].tolist() == [2, 5]


@pytest.mark.parametrize("text", ["", "x,u\n1\n", "x,u\n1,two\n", "x,v\n1,2\n"])
def test_a_table_that_is_none_is_told_in_one_line(tmp_path, text):
    with pytest.raises(TableError) as caught:
        read_table(table(tmp_path, text), ["x"], ["u"])
    assert "\n" not in str(caught.value)


def test_the_error_is_over_all_fields_together():
    ref = {"u": np.array([3.0, 0.0]), "v": np.array([0.0, 4.0])}
    found = {"u": np.array([3.0, 0.3]), "v": np.array([0.4, 4.0])}
    assert relative_l2(found, ref) == pytest.approx(0.1)


def test_every_row_of_the_suite_is_there_and_is_a_preset_or_has_a_file_of_its_own():
    assert set(SUITE.split()) <= set(CASES)
    assert {path.stem for path in EQUATIONS.glob("*.yaml")} == {name for name, case in CASES.items() if not case.preset}


@pytest.mark.parametrize("name", CASES)
def test_a_row_is_a_typed_equation_with_the_fields_and_the_domain_that_it_is_asked_for(name):
    case, problem = CASES[name], resolve(CASES[name].config).problem
    assert problem.kind == "equation"
    assert {field for check in case.checks for field in check.fields} <= {*problem.fields, *case.slopes}
    assert {field for field, _, _ in case.slopes.values()} <= set(problem.fields)
    if case.checks[0].needs_table or case.checks[0].against in SECONDS:
        return
    points, _ = case.seen_as(case.checks[0].reference(None).points[:500])
    low, high = np.array(problem.domain()).T
    assert (points >= low - 1e-12).all()
    assert (points <= high + 1e-12).all()
    assert problem.holds(points).all()


def test_the_exact_references_agree_with_the_typed_ones():
    for name in ("wave1d-c", "poisson5d"):
        held = CASES[name].checks[0].reference(None)
        exact = resolve(CASES[name].config).problem.exact(held.points)
        assert relative_l2(exact, held.values) < 1e-14


def test_holes_are_solved_to_many_digits_on_their_boundary():
    u, off = holes.laplace()
    assert off < 1e-9
    assert u(np.array([[0.3, 0.2], [0.5, 0.1], [-0.5, -0.5]])) == pytest.approx([0, 1, 1], abs=1e-9)


def test_what_the_holes_of_poisson_boltzmann_are_cut_from_solves_its_equation():
    points = np.array([[0.3, 0.9], [0.9, -0.2], [0.0, 0.99]])
    along, across = (holes._constant_on_the_square(each, 8.0) for each in (points, points[:, ::-1]))
    assert along == pytest.approx(across, abs=1e-9)
    w = holes._solved_on_the_square(
        lambda x, y: (64 + 5 * np.pi**2) * np.sin(np.pi * x) * np.sin(2 * np.pi * y), 64.0, 32
    )
    assert w(points) == pytest.approx(np.sin(np.pi * points[:, 0]) * np.sin(2 * np.pi * points[:, 1]), abs=1e-12)
    fit = holes.Fit(1.0, holes.HOLES_CG, 8.0, around=1, regular=1)
    at, h = np.array([[0.0, 0.1]]), 1e-4
    moved = [fit.columns(at + step) for step in ([h, 0], [-h, 0], [0, h], [0, -h])]
    there = fit.columns(at)
    assert (sum(moved) - 4 * there) / h**2 == pytest.approx(64 * there, rel=1e-4, abs=1e-4)


def test_half_of_the_heated_square_stands_for_all_of_it():
    (waves,) = spectral.heat_with_source([0.5], 32, 20)
    points = np.column_stack([np.random.default_rng(0).random((50, 2)), np.full(50, 0.5)])
    half, signs = CASES["heat2d-lt"].seen_as(points)
    assert (half[:, 0] <= 0.5).all()
    assert signs * waves.at(half[:, :2])[0] == pytest.approx(waves.at(points[:, :2])[0], abs=1e-12)
    walls = np.array([[0, 0.3], [0.25, 0.7], [0.4, 0], [0.2, 1]])
    assert waves.at(walls)[0] == pytest.approx(0, abs=1e-12)  # the continuation meets the walls' condition by itself


def test_the_heat_equation_by_the_spectral_reference_decays_as_it_should():
    k2 = spectral.squares([16], [2 * np.pi])[None]
    flow = spectral.Flow(-k2, lambda state, t: np.zeros_like(state))
    x = 2 * np.pi * np.arange(16) / 16
    (state,) = flow.states(np.fft.fft(np.sin(3 * x))[None], [0.1], 2)
    at = np.array([[0.3], [2.0]])
    found = spectral.Waves((0.0,), (2 * np.pi,), state).at(at)[0]
    assert found == pytest.approx(np.exp(-0.9) * np.sin(3 * at[:, 0]), abs=1e-14)


def test_the_spectral_reference_is_of_fourth_order_in_time():
    errors = []
    exact = spectral.kuramoto_sivashinsky([0.1], 64, 640)[0].coefficients
    for steps in (40, 80):
        errors.append(abs(spectral.kuramoto_sivashinsky([0.1], 64, steps)[0].coefficients - exact).max())
    assert 10 < errors[0] / errors[1] < 25


def test_points_are_the_same_each_time():
    assert (references.wave1d().points == references.wave1d().points).all()


def test_an_unknown_row_and_a_folder_that_is_none_are_one_line_each(tmp_path, capsys):
    assert main(["burger"]) == 2
    assert main(["--reference", str(tmp_path / "none")]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    lines = error.splitlines()
    assert len(lines) == 2
    assert re.match("there is no row burger; there are burgers1d-c, ", lines[0])


def test_a_run_is_held_against_values_at_any_points(lab_home):
    # what is given on its walls makes the ansatz of this row exact, whatever a few features are trained to
    few = ["stages.0.fourier.features=3", "stages.0.fourier.sigma=1", "stages.0.collocation.points=8"]
    case, run_id = CASES["poisson5d"], "a" * 32
    (lab_home / "runs").mkdir(parents=True)
    train(override(resolve(case.config), [*few, "stages.0.iterations=1"]), lab_home / "runs" / run_id)
    held = references.poisson5d()
    assert measuring.errors(case, str(lab_home), run_id, held, ("u",))["all"] < 1e-6
    off = Table(held.coordinates, held.points, {"u": 1.25 * held.values["u"]})
    assert measuring.errors(case, str(lab_home), run_id, off, ("u",))["u"] == pytest.approx(0.2, abs=1e-6)


def test_a_row_is_printed_with_each_of_its_checks():
    check = {"against": "exact", "fields": ["u"], "relative_l2": 2e-7, "bar": 1e-6, "met": True}
    table_check = check | {"against": "a table", "bar": None}
    found = {"name": "wave1d-c", "seconds": 12.3, "load": [0, 1], "published": 0.065, "way": "as it stands"}
    first, second = _lines(found | {"checks": [check, table_check]}).splitlines()
    assert first == "| wave1d-c | exact | u | 2.00e-07 | 1.0e-06 met | 12.3 | 1.0 | 6.5e-02 | as it stands |"
    assert second.startswith("|  | a table | u | 2.00e-07 |  |")
    assert _lines({"name": "ns2d-c", "skipped": "it needs --reference DIR"}).startswith("| ns2d-c | it needs")
