"""What came out of a run: state, figures on the dense grid, and λ with the digits that are supported."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from core.errors import LabError
from core.names import error_metric, unknown_column
from core.plain_text import lasting
from core.problems.base import Problem
from core.problems.exact_error import exact_fields
from core.reports.blocks import Block, Words
from core.reports.pieces import logged, pairs, size_text
from core.reports.run_facts import RunFacts
from core.reports.times import moment
from core.singularity.certificate import certified
from core.singularity.digits import iterate_text, number_text, reference_text
from core.singularity.found import lambda_of
from core.singularity.laws import LAWS, PARAMETERS, published


def result_blocks(facts: RunFacts) -> list[Block]:
    """State, remark, and the figures on the dense grid."""
    record, metrics, problem = facts.record, facts.record.metrics, facts.problem
    took = metrics.get("wall_time_s") or (record.ended - record.started if record.ended and record.started else None)
    line = f"Run {record.run_id}, {facts.state}"
    line += f" after {lasting(took)} of training" if took is not None and not facts.foreign else ""
    line += f". Begun {moment(record.started)}" if record.started else ""
    blocks: list[Block] = [Words(f"{line}.")]
    if record.deleted:
        blocks.append(Words("It was deleted from the store: lists and rankings leave it out.", "warning"))
    if facts.foreign:
        blocks.append(Words("Another program made this run: it is told here as the store has it.", "note"))
    elif not facts.ended:
        blocks.append(Words(f"It is {facts.state}: all of this is as it stood when the report was made.", "warning"))
    if facts.reason:
        blocks.append(Words(facts.reason, "warning"))
    rows = [(name, size_text(metrics[key])) for key, name in FIGURES.items() if key in metrics]
    if problem is not None and problem.has_lambda:
        rows += lambda_rows(facts)
    if rows:
        blocks.append(pairs(rows))
    elif not facts.foreign:
        blocks.append(Words("It has no figures on the dense grid: they are computed when a run ends by itself."))
    if facts.foreign:
        blocks += logged("Metrics, the last logged", {k: f"{v:.10g}" for k, v in metrics.items()})
        blocks += logged("Params, as they were logged", record.params)
    elif problem is not None and "relative_l2_error" not in metrics and facts.ended:
        blocks.append(Words(why_no_error(problem, metrics), "note"))
    if facts.note:
        blocks.append(Words(f"Note: {facts.note}"))
    if facts.tags:
        blocks.append(Words(f"Tags: {', '.join(facts.tags)}", "note"))
    return blocks


def why_no_error(problem: Problem, metrics: Mapping[str, float]) -> str:
    """Why a run that has ended has no relative error, in one sentence."""
    middle = np.array([[(low + high) / 2 for low, high in problem.domain()]])
    try:
        exact = exact_fields(problem, middle)
    except LabError as error:
        return f"{str(error).rstrip('.')}."
    if exact is None:
        return "No exact solution is known for it, so there is no error against one."
    if "dense_max_residual" in metrics:
        return "It has no relative error: its exact solution is zero, or has no value, where it was measured."
    return "Its exact solution is known; the error against it is measured at a run's end, which this one did not reach."


FIGURES = {
    "dense_max_residual": "max residual, dense grid not trained on",
    "dense_rms_residual": "RMS residual, dense grid",
    "relative_l2_error": "relative L2 error against the exact solution",
    "max_error": "max error against the exact solution",
}
"""Metric → what people call it."""


def lambda_rows(facts: RunFacts) -> list[tuple[str, str]]:
    """λ with the digits that are supported, and how far it is from what is known or published."""
    problem, record, found = facts.problem, facts.record, facts.certificate
    lam = found.lambda_ if found else record.metrics.get("lambda")
    if lam is None or not math.isfinite(lam):
        return [(problem.unknown, "none was found")]
    text = found.lambda_text if found else lambda_of(record, lam)
    if not found and (error := record.metrics.get(error_metric(problem.unknown))) is not None:
        text = number_text(lam, error)
    rows = [(problem.unknown, text)]
    for name in problem.further_unknowns:
        if (value := record.metrics.get(unknown_column(name))) is not None:
            rows.append((name, number_text(value, record.metrics.get(error_metric(name)))))
    known: dict[str, float] = {}
    if certified(problem) and facts.record.problem in PARAMETERS:
        at = float(getattr(problem, PARAMETERS[record.problem]))
        known = {
            source: value for source, points in published(record.problem).items() for x, value in points if x == at
        }
    reference = problem.reference_lambda()
    if reference is not None and reference not in known.values():
        known = {"known": reference} | known
    for source, value in known.items():
        rows.append((f"{problem.unknown}, {source}", reference_text(value)))
        rows.append((f"difference from {source}", f"{abs(lam - value):.2e}"))
    if known == {} and (law := LAWS.get(record.problem)) and certified(problem):
        value = law.value(float(getattr(problem, PARAMETERS[record.problem])))
        rows.append((law.label, iterate_text(value)))
    if found:
        rows.append(("certificate", f"{'holds' if found.holds else 'does not hold'} at {found.tolerance:g}"))
    elif certified(problem):
        rows.append(("certificate", "none: runs get one at their end"))
    return rows
