"""What commands do with one run or several: each by itself, and one line for each that it could not be done with."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from core.cli.arguments import chosen_run
from core.cli.output import print_error, say
from core.errors import LabError

RunsArgument = Annotated[
    list[str], typer.Argument(metavar="RUN...", help="Run ids; the first characters of each are enough.")
]


def do(action: str, runs: list[str], **options: Any) -> None:
    """Do one of `core.jobs.many.ACTIONS` with the runs that were typed.

    Raises LabError with the reason of one run; of several each has a line, and any refusal makes the exit code 2.
    """
    from core.jobs import many

    if len(runs) == 1:
        many.ACTIONS[action].do(chosen_run(runs[0]).run_id, **options)
        return
    known, unknown = [], []
    for run in runs:
        try:
            known.append(chosen_run(run).run_id)
        except LabError as error:
            unknown.append(many.Done(run, False, str(error), error))
    done = [*many.many(action, known, **options), *unknown]
    for each in done:
        if not each.ok:
            print_error(each.message)
    well = sum(each.ok for each in done)
    say(f"{well} {many.ACTIONS[action].done}" + (f", {len(done) - well} could not be" if well < len(done) else ""))
    if well < len(done):
        raise typer.Exit(2)
