"""A message to a channel: one try within a total time, and what came of it in words that hold no secret."""

from __future__ import annotations

from core.errors import LabError
from core.people import ADMIN, needs
from core.settings import Channel, Settings, Webhook
from core.watchers.mail import send_mail
from core.watchers.message import Message
from core.watchers.webhook import post

LIMIT_S = 10.0
"""Seconds for one try, from the look-up of the address to the answer."""


@needs(ADMIN)
def send(channel: Channel, message: Message, zone: str | None = None, limit_s: float = LIMIT_S) -> str:
    """Tell a channel; returns what it answered, in a few words.

    Raises NotTakenError saying why it was not taken. Neither has any part of a webhook's address but its host, of a
    password, or of what a server wrote: servers repeat addresses in their errors.

    Args:
        channel: which.
        message: what.
        zone: time zone of the times in it.
        limit_s: seconds for all of it, but for a look-up of the address that can't be cut off.
    """
    if isinstance(channel, Webhook):
        return post(channel, message, zone, limit_s)
    return send_mail(channel, message, zone, limit_s)


def channel_named(chosen: Settings, name: str) -> Channel:
    """The channel of this name. Raises LabError naming those there are."""
    found = next((channel for channel in chosen.channels if channel.name == name), None)
    if found is None:
        names = ", ".join(channel.name for channel in chosen.channels)
        raise LabError(
            f"There is no channel {name!r}. "
            + (f"There are: {names}." if names else "None is set up yet: the page Settings adds one.")
        )
    return found
