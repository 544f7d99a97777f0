"""What keeps the lab from working as it is set up, besides any one run: for status, doctor and pages."""

from __future__ import annotations

from core.home import home
from core.jobs import gpus, notices
from core.jobs.database import reading
from core.jobs.engines.states import engine_troubles
from core.jobs.waiting import utc


def troubles() -> list[str]:
    """One line each: settings that don't validate, GPUs and engines that are gone, channels that take nothing.

    Raises StoreError when the job table can't be read.
    """
    found = [gpus.reading().trouble, *engine_troubles()]
    if home().has_settings():
        from core.settings import in_force

        found = [in_force().fault, *found, *refusals().values()]
    return [line for line in found if line]


def refusals() -> dict[str, str]:
    """Channel → what it has not taken, and why, in a line. Raises StoreError."""
    with reading() as connection:
        return {
            each.channel: f"Channel {each.channel} has not taken {each.count} notice{'s' * (each.count > 1)} since "
            f"{utc(each.since)}, and is tried again. {each.why}"
            for each in notices.refusing(connection)
        }
