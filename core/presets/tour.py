"""The two runs of a first visit: the shortest there is, and the same with a narrower network to compare it with."""

from __future__ import annotations

from core.config import RunConfig, override
from core.presets import presets

BATCH = "tour"
"""By which they are known."""


def tour_runs() -> tuple[RunConfig, RunConfig]:
    """In the order in which they are queued."""
    first = presets()["poisson2d-quick"].config
    return first, override(first, ["name=poisson2d-narrower", "network.hidden=[12, 12]"])
