"""What was found of one thing that a lab needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    what: str
    ok: bool
    detail: str
    remedy: str = ""
    """What to do about it, a step that works; every finding that is not ok has one, and others may advise one."""
