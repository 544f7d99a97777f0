"""What a channel is told: one message, and its texts."""

from __future__ import annotations

import platform
import time as clock
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

LONGEST = 1000
"""Characters of a message's text: ntfy takes 4,096 bytes."""
URGENT = ("diverged", "memory", "disk", "failed", "crashed")
"""Kinds that somebody should look at now."""


@dataclass(frozen=True)
class Message:
    """One notice, the same for every channel. None of its texts holds a control character or a secret."""

    id: str
    """The same at each try: whoever got it twice knows by it."""
    kind: str
    """A rule's kind, how a run ended, or `test`."""
    title: str
    text: str
    time: float
    """Unix time of the event."""
    machine: str
    run: dict[str, str] = field(default_factory=dict)
    """Id, name and problem of the run; empty for a test."""

    @property
    def urgent(self) -> bool:
        """Whether somebody should look at it now."""
        return self.kind in URGENT

    def signed(self, zone: str | None) -> str:
        """The text with when and where it happened.

        Args:
            zone: time zone by its name; UTC without one.
        """
        return f"{self.text}\n{moment(self.time, zone)} · {self.machine}"


def moment(time: float, zone: str | None) -> str:
    """A Unix time as people read it, with its zone's name."""
    there = datetime.fromtimestamp(time, ZoneInfo(zone) if zone else UTC)
    return f"{there:%Y-%m-%d %H:%M:%S} {zone or 'UTC'}"


def iso(time: float) -> str:
    """A Unix time in UTC as ISO 8601."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds")


def trial() -> Message:
    """A message by which people see that a channel works."""
    return Message(
        uuid.uuid4().hex,
        "test",
        "Test of a channel",
        "Singularity Lab can tell you here what happens to its runs.",
        clock.time(),
        platform.node(),
    )
