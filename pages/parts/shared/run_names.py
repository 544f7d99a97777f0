"""Runs by name, told apart where names are shared."""

from __future__ import annotations

from collections.abc import Iterable

from core.tracking.store import RunRecord
from pages.parts.shared.text import visible


def run_names(records: Iterable[RunRecord]) -> dict[str, str]:
    """Run id → a name of its own: widgets and columns know runs by it alone. Shared names are followed by ids."""
    records = list(records)
    found = {record.run_id: visible(record.name) for record in records}
    names = list(found.values())
    found = {i: name if names.count(name) == 1 else f"{name} · {i[:8]}" for i, name in found.items()}
    if len(set(found.values())) < len(found):
        found = {record.run_id: f"{visible(record.name)} · {record.run_id}" for record in records}
    return found
