"""Channels: send a test message to one of the lab's."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli.output import note, say
from core.errors import LabError


def notify(channel: Annotated[str, typer.Argument(metavar="CHANNEL")]) -> None:
    """Send a test message to a channel of the lab's settings, and say what came back."""
    from core.settings import in_force
    from core.watchers.channels import channel_named, send
    from core.watchers.message import trial
    from core.watchers.trying import NotTakenError

    found = in_force()
    if found.fault:
        note(found.fault)
    lab = found.settings
    try:
        said = send(channel_named(lab, channel), trial(), lab.time_zone)
    except NotTakenError as error:
        raise LabError(f"Channel {channel} did not take it. {error}") from None
    say(f"{channel}: {said}")
