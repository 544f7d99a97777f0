"""How far a run is, in words."""

from __future__ import annotations

from typing import Any

from pages.parts.shared.text import LONGEST, Markdown, duration, plain, visible

NAMES = {"main": "training"}
"""Phases that people call otherwise."""


def progress_line(progress: dict[str, Any]) -> str:
    """The phase that a run is in, how much of it is done, and how long the rest of it may take, as text."""
    phase = progress.get("phase")
    if phase is None:  # written by an older version, whose run is still going
        return f"{progress.get('fraction', 0.0):.0%} done"
    if progress["unit"] == "%":
        parts = [visible(phase.capitalize(), LONGEST), f"{progress['done']:.0f} %"]
    else:
        done = f"{visible(progress['unit'], LONGEST)} {progress['done']:,.0f} of at most {progress['of']:,}"
        parts = [
            f"Stage {progress['stage'] + 1} of {progress['stages']:d}",
            visible(NAMES.get(phase, phase), LONGEST),
            done,
        ]
    if progress["eta_s"] is not None and progress["eta_s"] > 0:
        parts.append(f"at most {duration(progress['eta_s'])} left in this phase")
    return " · ".join(parts)


def progress_text(progress: dict[str, Any]) -> Markdown:
    """The same for Markdown."""
    return plain(progress_line(progress))
