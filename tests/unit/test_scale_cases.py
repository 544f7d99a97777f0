"""The registry of `python -m benchmarks.scale`, and what it does with a case."""

import json

import pytest

from benchmarks.scale import __main__ as program
from benchmarks.scale.case import Case, Figure, NotHereError
from benchmarks.scale.registry import cases


def test_every_case_has_a_name_of_its_own_and_says_what_it_measures():
    for name, case in cases().items():
        assert name == case.name
        assert case.what


@pytest.mark.parametrize(
    ("holds", "bar", "met"), [("at most", 3, True), ("at most", 2, False), ("at least", 3, True), (None, None, None)]
)
def test_a_figure_is_held_to_its_bar(holds, bar, met):
    assert Figure("seconds", 3, "s", holds, bar).met is met


def test_a_case_that_lacks_a_program_is_skipped_with_the_reason():
    def measure():
        raise NotHereError("there is no slurmctld on the PATH")

    row = program._measured(Case("queue", "how long", measure))
    assert row["skipped"] == "there is no slurmctld on the PATH"
    assert "skipped: there is no slurmctld" in program._lines(row)[0]


def test_figures_are_rows_of_a_table_and_plain_data():
    row = program._measured(Case("queue", "how long", lambda: [Figure("wait", 0.25, "s", "at most", 0.2)]))
    assert json.loads(json.dumps(row))["figures"][0]["met"] is False
    assert "| queue | wait | 0.25 s | at most 0.2: missed |" in program._lines(row)[0]


def test_an_unknown_case_is_refused_in_a_line(capsys):
    assert program.main(["nothing"]) == 2
    assert capsys.readouterr().err.startswith("there is no case nothing;")
