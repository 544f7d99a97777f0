"""What waits, steered: another place or priority, held and released, edited, copied, taken out of the queue."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli.arguments import RunArgument, SetOption, chosen_run
from core.cli.output import say
from core.cli.queue import AfterAnyOption, AfterOption, FromAfterOption
from core.cli.several import RunsArgument, do
from core.errors import LabError
from core.plain_text import shortened


def move(
    run: RunArgument,
    place: Annotated[str | None, typer.Argument(metavar="PLACE", help="first, last, or a number from 1.")] = None,
    before: Annotated[str | None, typer.Option(metavar="RUN", help="Right before this one.")] = None,
) -> None:
    """Give a waiting run another place in the queue."""
    from core import jobs

    if (place is None) == (before is None):
        raise LabError("Say where to: first, last, a number, or --before RUN.")
    run_id = chosen_run(run).run_id
    if before is not None:
        jobs.move_before(run_id, chosen_run(before).run_id)
    elif place == "last":
        jobs.move_before(run_id, None)
    elif place == "first":
        jobs.move(run_id, 1)
    elif place.isascii() and place.isdigit() and len(place) < 10:
        jobs.move(run_id, int(place))
    else:
        raise LabError(f"{shortened(place)!r} is no place in the queue: first, last, or a number from 1.")
    say(f"place {jobs.status(run_id).position}")


def priority(
    run: RunArgument,
    number: Annotated[int, typer.Argument(metavar="N", help="Higher ones go first; -1000 to 1000, 0 by itself.")],
) -> None:
    """Give a waiting run another priority."""
    from core import jobs

    jobs.set_priority(chosen_run(run).run_id, number)


def send(
    run: RunArgument,
    engine: Annotated[str, typer.Argument(metavar="ENGINE", help="local, an engine of the settings, or auto.")],
) -> None:
    """Have a waiting run go to another engine."""
    from core import jobs

    jobs.send(chosen_run(run).run_id, engine)


def hold(runs: RunsArgument) -> None:
    """Keep waiting runs from starting until they are released."""
    do("hold", runs)


def release(runs: RunsArgument) -> None:
    """Let held runs start, and those at once that are to be tried again later."""
    do("release", runs)


def remove(runs: RunsArgument) -> None:
    """Take waiting runs out of the queue; resume puts them back."""
    do("remove", runs)


def duplicate(
    run: RunArgument,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Of the copy.")] = None,
) -> None:
    """Queue a run with the config of another one, whatever became of that."""
    from core import jobs

    say(jobs.duplicate(chosen_run(run).run_id, name))


def edit(
    run: RunArgument,
    settings: SetOption = None,
    after: AfterOption = None,
    after_any: AfterAnyOption = False,
    from_after: FromAfterOption = False,
    no_after: Annotated[bool, typer.Option("--no-after", help="Wait for no other run.")] = False,
) -> None:
    """Change the config of a run that has not begun, or what it starts after."""
    from core import jobs
    from core.config import override
    from core.tracking import store

    if bool(settings) + bool(after) + no_after != 1:
        raise LabError("Say the one thing that is to change: --set FIELD=VALUE (as often as needed), --after RUN, or "
                       "--no-after.")  # fmt: skip
    if (after_any or from_after) and not after:
        raise LabError("--after-any and --from-after go with --after RUN.")
    folder = chosen_run(run)
    if settings:
        revision = jobs.status(folder.run_id).revision
        jobs.edit(folder.run_id, override(store.run_config(folder), settings), revision)
    else:
        first = chosen_run(after).run_id if after else None
        jobs.set_after(folder.run_id, first, after_any=after_any, from_after=from_after)
