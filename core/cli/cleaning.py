"""Clean up: what would be deleted is said first, and deleted only where that was asked for."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli.arguments import JsonOption
from core.cli.output import say, write_json
from core.errors import LabError
from core.resources import size_text

SHOWN = 20
"""Files of one kind that are named; `--all` names every one."""


def clean(
    what: Annotated[
        list[str] | None, typer.Option("--what", metavar="KIND", help="What to clean up; may be given several times.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Delete what is listed.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Name every file.")] = False,
    json_out: JsonOption = None,
) -> None:
    """List what can be cleaned up in the lab home, with sizes; with --what and --yes delete it."""
    from core.housekeeping import KINDS, carry_out, plan

    if yes and not what:
        raise LabError(f"--yes needs to know what: add --what with one of {', '.join(KINDS)}.")
    listed, unknown = [], {}
    for kind in dict.fromkeys(what or KINDS):
        try:
            listed += (items := plan([kind]))
        except LabError as error:
            if what:
                raise
            unknown[kind] = str(error)
            continue
        title = KINDS[kind].title
        say(f"{kind:<12} {len(items):>7,} files  {size_text(sum(item.frees for item in items)):>9}  {title}")
        for item in items if every else items[:SHOWN] if what else []:
            say(f"             {item.place}  {size_text(item.file.size)}")
        if what and not every and len(items) > SHOWN:
            say(f"             … and {len(items) - SHOWN:,} more; --all names them")
    for kind, why in unknown.items():
        say(f"{kind:<12} not known: {why}")
    outcome = carry_out(listed) if yes else None
    if outcome:
        say(str(outcome))
        for place, why in outcome.left[: None if every else SHOWN]:
            say(f"left: {place}: {why}")
    elif listed:
        hint = " ".join(f"--what {kind}" for kind in dict.fromkeys(what)) if what else "--what KIND"
        say(f"Nothing was deleted. `python -m core clean {hint} --yes` deletes what is listed.")
    write_json(
        json_out,
        {
            "listed": [{"kind": item.kind, "place": item.place, "bytes": item.file.size} for item in listed],
            "deleted": outcome.deleted if outcome else 0,
            "freed": outcome.freed if outcome else 0,
            "left": [{"place": place, "why": why} for place, why in outcome.left] if outcome else [],
        },
    )
