"""What runs have found: the best of them, and of one its solution for ParaView, its summary, its certificate."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli.arguments import JsonOption, RunArgument, chosen_run, readable
from core.cli.output import check_writable, note, say, write_json
from core.errors import LabError


def best(
    metric: Annotated[str, typer.Option(help="MLflow metric, for example dense_max_residual.")] = "dense_max_residual",
    direction: Annotated[str, typer.Option(help="min or max.")] = "min",
    how: Annotated[str, typer.Option(help="Which value counts: last, min, max or at-checkpoint.")] = "last",
    state: Annotated[list[str] | None, typer.Option(help="Eligible state, finished by default; repeatable.")] = None,
    problem: Annotated[str, typer.Option(help="Only runs of this problem.")] = "",
    tie: Annotated[str, typer.Option(help="Who wins a tie: earlier, later or faster.")] = "earlier",
    link: Annotated[bool, typer.Option("--link", help="Mark it as the parent of the next stage.")] = False,
) -> None:
    """The best run by a rule, which is printed beside it."""
    from core.singularity.found import LAMBDA, lambda_of
    from core.tracking.best import Rule, ranking, winner

    for text in (metric, problem, *(state or [])):
        readable(text, "The rule's")
    rule = Rule(metric, direction, tuple(state or ["finished"]), problem, how, tie)
    record = winner(rule, link)
    value = ranking(rule)[0].value
    shown = lambda_of(record, value) if metric == LAMBDA else f"{value:.6g}"
    say(f"{record.run_id}  {record.name}  {metric} {shown}{'  linked' if link else ''}")
    note(rule.sentence())


def certificate(
    run: RunArgument,
    json_out: JsonOption = None,
    tolerance: Annotated[float | None, typer.Option(help="Judge the same residuals by another tolerance.")] = None,
) -> None:
    """A run's residual certificate. Exit code 1 when it does not hold, or the dense grid contradicts it."""
    from core.singularity import certificate as certificates

    check_writable(json_out)
    folder = chosen_run(run)
    found = certificates.read(folder)
    if found is None:
        raise LabError(f"Run {folder} has no certificate: runs get one at their end, if their problem has a λ.")
    if tolerance is not None:
        found = found.at(tolerance)
    if not certificates.is_current(found):
        note("note: the run went on since; its end makes a new certificate")
    write_json(json_out, found.as_dict())
    say(found.sentence())
    if not found.holds or found.contradiction:
        raise typer.Exit(1)
