"""The provenance of a run of the store."""

from __future__ import annotations

import json
from dataclasses import dataclass

from core.errors import LabError
from core.provenance import NAMES, shown
from core.runs import RunFolder
from core.runs.folder import DIFF, FACTS, PACKAGES
from core.runs.soundness import are_facts
from core.tracking import store


@dataclass(frozen=True)
class Origin:
    """Where a run's result comes from, as the run noted it at its start."""

    facts: dict[str, str]
    """Name for people → value, in the order of `NAMES`; empty for a run that noted none."""
    diff: bytes | None
    """Uncommitted changes of the code; None when there were none."""
    lock: bytes | None
    """Installed packages as `pip freeze` writes them; None for a run that noted none."""


def origin(folder: RunFolder) -> Origin:
    """The provenance of a run, from its own folder or the store. Raises LabError."""
    try:
        noted = json.loads(store.artifact(folder, FACTS) or b"{}")
    except (ValueError, RecursionError):
        noted = None
    if not are_facts(noted):
        raise LabError(f"{FACTS} of run {folder} can't be used: it is no list of facts.")
    return Origin(
        facts={name: shown(key, noted[key]) for key, name in NAMES.items() if key in noted},
        diff=store.artifact(folder, DIFF) if noted.get("git.dirty") == "true" else None,
        lock=store.artifact(folder, PACKAGES) if "environment" in noted else None,
    )
