"""What waits, steered: another place or priority, held and released, edited, copied, taken out of the queue."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli.arguments import RunArgument, SetOption, chosen_run
from core.cli.output import say
from core.cli.queue import AfterAnyOption, AfterOption, FromAfterOption
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
    """Give a waiting run another priority; a negative one after --."""
    from core import jobs

    jobs.set_priority(chosen_run(run).run_id, number)


def hold(run: RunArgument) -> None:
    """Keep a waiting run from starting until it is released."""
    from core import jobs

    jobs.hold(chosen_run(run).run_id)


def release(run: RunArgument) -> None:
    """Let a held run start, or one at once that is to be tried again later."""
    from core import jobs

    jobs.release(chosen_run(run).run_id)


def remove(run: RunArgument) -> None:
    """Take a waiting run out of the queue; resume puts it back."""
    from core import jobs

    jobs.remove(chosen_run(run).run_id)


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
    folder = chosen_run(run)
    if settings:
        revision = jobs.status(folder.run_id).revision
        jobs.edit(folder.run_id, override(store.run_config(folder), settings), revision)
    else:
        first = chosen_run(after).run_id if after else None
        jobs.set_after(folder.run_id, first, after_any=after_any, from_after=from_after)
