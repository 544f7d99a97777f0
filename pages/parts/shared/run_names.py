"""Runs by name, told apart where names are shared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from core.tracking.store import RunRecord
from pages.parts.shared.text import visible


def run_names(records: Iterable[RunRecord]) -> dict[str, str]:
    """Run id → a name of its own: widgets and columns know runs by it alone. Shared names are followed by ids."""
    found = {record.run_id: visible(record.name) for record in records}
    runs_of = Counter(found.values())
    names = {run_id: name if runs_of[name] == 1 else f"{name} · {run_id[:8]}" for run_id, name in found.items()}
    if len(set(names.values())) < len(names):
        return {run_id: f"{name} · {run_id}" for run_id, name in found.items()}
    return names
