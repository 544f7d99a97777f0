"""What happened to runs: who did what when, from which state to which, why, on which machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.arguments import chosen_run
from core.cli.output import say

if TYPE_CHECKING:
    from core.jobs.events import Event

POLL_S = 0.5


def events(
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="One run; all of the lab unless said.")] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Until the run ends, or until Ctrl-C.")] = False,
) -> None:
    """What happened to a run, or to all: when, who, what, why, where. Times are in UTC."""
    from core import jobs
    from core.jobs import table
    from core.jobs.events import of_run

    folder = chosen_run(run) if run else None
    last = table.newest_event()
    shown = of_run(folder) if folder else table.events_since(0)
    for event in shown:
        say(_line(event, named=folder is None))
    if not shown and not follow:
        say(
            "Nothing was noted of this run: it was made by an older program, or elsewhere." if run else "No events yet."
        )
    while follow:
        ended = folder is not None and jobs.status(folder.run_id).ended_for_good
        for event in table.events_since(last):
            last = event.id
            if folder is None or event.run_id == folder.run_id:
                say(_line(event, named=folder is None))
        if ended:
            return
        time.sleep(POLL_S)


def _line(event: Event, *, named: bool) -> str:
    moment = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(event.time))
    run = f"{event.run_id[:8]}  " if named else ""
    change = event.after or ""
    if event.before is not None and event.before != event.after:
        change = f"{event.before} -> {event.after or '-'}"
    what = change if event.kind == "state" else f"{event.kind}{f', {change}' if change else ''}"
    why = f"  {event.why}" if event.why else ""
    return f"{moment}  {run}{what:<24}  {event.who}@{event.machine}{why}"
