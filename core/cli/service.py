"""The service that keeps the queue going: `service install`, `uninstall`, `status`; and `look`, what it runs."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from core.cli.output import note, say
from core.errors import LabError


def install(
    serve: Annotated[
        int | None, typer.Option("--serve", metavar="PORT", min=1, max=65535, help="Serve the dashboard there too.")
    ] = None,
    now: Annotated[bool, typer.Option("--now", help="Switch it on too: now and with each start.")] = False,
) -> None:
    """Write a systemd user unit that keeps this lab's queue going, also after the machine was restarted."""
    from core import service

    path, kept = service.install(serve)
    say(f"written: {path}")
    if kept is not None:
        say(f"the one before is kept: {kept}")
    say(f"It carries {', '.join(service.carried_variables(os.environ))}; install it again when one of them changes.")
    if now:
        try:
            service.enable_now()
        except LabError as error:
            raise LabError(f"The unit is written, and not switched on. {error}") from error
        say("It is switched on.")
    else:
        say(f"Switch it on: systemctl --user daemon-reload && systemctl --user enable --now {service.NAME}")
    say(service.lingering())


def uninstall() -> None:
    """Switch the service off and remove its unit; runs go on."""
    from core import service

    for line in service.uninstall():
        say(line)


def status() -> None:
    """Whether the service is installed, switched on and at work."""
    from core import service

    for line in service.state():
        say(line)


def look() -> None:
    """Look after the queue until Ctrl-C: start what waits, settle what ended. For a machine that nobody looks at."""
    from core import jobs
    from core.home import home
    from core.jobs import events

    events.this_process_is("the service")
    note(f"looking after the runs of {home().ensure().root}")
    try:
        jobs.keep_looking()
    except KeyboardInterrupt:
        note("no longer looking; runs that are at work go on")
