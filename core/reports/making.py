"""A report, from the runs that it is about to a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import core
from core.errors import LabError
from core.files import written_beside
from core.reports.blocks import Report
from core.reports.curve_charts import Thinner
from core.reports.html import html_bytes
from core.reports.run_facts import run_facts
from core.reports.run_sections import run_sections
from core.reports.times import moment
from core.runs import RunFolder

CURVES_OF_A_RUN = 10
"""Curves that a run has in its report, about."""

Seen = Callable[[float], None]


def report_of(folders: Sequence[RunFolder], seen: Seen = lambda share: None) -> Report:
    """A report about runs. Raises RunNotFoundError.

    Args:
        folders: of the runs.
        seen: hears how much is done, from 0 to 1.
    """
    thinner = Thinner(CURVES_OF_A_RUN)
    facts = run_facts(folders[0])
    seen(0.4)
    problem = "" if facts.problem is None else f"{facts.problem.title}, "
    return Report(
        title=facts.name,
        subtitle=f"{problem}run {facts.run_id}, {facts.state}",
        sections=tuple(run_sections(facts, thinner)),
        made=f"{moment(time.time())}, Singularity Lab {core.__version__}",
        runs=(facts.run_id,),
        missing=facts.missing,
    )


def write_report(report: Report, path: Path, form: str) -> None:
    """Write a report as html; what is at the path stays where the disk does not take it. Raises LabError."""
    data = html_bytes(report)
    try:
        with written_beside(path) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        raise LabError(f"{path} can't be written: {error.strerror or error}.") from None
