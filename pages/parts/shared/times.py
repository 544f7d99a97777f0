"""Times as the person at the browser has them: one zone, theirs, and named wherever a time of day stands."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def viewer_zone() -> ZoneInfo:
    """The browser's time zone; UTC where it tells none, or one that this machine does not know."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def moment_text(moment: float | datetime, pattern: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A Unix time, or a time with a zone, as that of the viewer, with the zone's name."""
    zone = viewer_zone()
    there = moment.astimezone(zone) if isinstance(moment, datetime) else datetime.fromtimestamp(moment, zone)
    return f"{there.strftime(pattern)} {zone.key}"


def today() -> date:
    """The viewer's day."""
    return datetime.now(viewer_zone()).date()


def midnight(day: date) -> str:
    """When a day begins for the viewer, in ISO 8601 with the offset."""
    return datetime.combine(day, time(), viewer_zone()).isoformat()


def iso_text(text: str) -> str:
    """The same for a time that a file says in ISO 8601; what is none is left as it stands."""
    try:
        written = datetime.fromisoformat(text)
    except ValueError:
        return text
    try:
        return moment_text(written) if written.tzinfo else text
    except OverflowError:  # there, it is before the first year or after the last
        return text
