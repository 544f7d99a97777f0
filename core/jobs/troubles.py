"""What keeps the lab from working as it is set up, besides any one run: for status, doctor and pages."""

from __future__ import annotations

from core.home import home
from core.jobs import gpus


def troubles() -> list[str]:
    """One line each: settings that don't validate, GPUs that have vanished."""
    found = [gpus.reading().trouble]
    if home().has_settings():
        from core.settings import in_force

        found.insert(0, in_force().fault)
    return [line for line in found if line]
