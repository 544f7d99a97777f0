"""What people should know at once, for every page: the last of it, for JSON."""

from __future__ import annotations

from typing import Any

from core.jobs import notable
from pages.parts.shared.text import LONGEST, visible

EVERY_S = 3.0
MOST = 50
WORDS = 400
"""Characters of what happened."""


def build() -> dict[str, Any]:
    """The newest first. Raises StoreError."""
    return {
        "notices": [
            {
                "id": each.id,
                "at": f"sweeps?sweep={each.run_id}" if each.of_sweep else f"watch?run={each.run_id}",
                "time": each.time,
                "kind": each.kind,
                "urgent": each.urgent,
                "title": f"{each.title}: {visible(each.name, LONGEST)}",
                "why": visible(each.why, WORDS),
            }
            for each in notable.latest(MOST)
        ]
    }
