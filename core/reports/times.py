"""Times of day in a report: in UTC, and said so, since it is read anywhere."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(seconds: float) -> str:
    """A Unix time as 2026-03-02 09:30 UTC; a dash where it is no time that a calendar has."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return "–"
