"""Settings as pages save them: no cluster is taken out of them while runs of this lab are on it."""

from __future__ import annotations

from core.errors import LabError
from core.jobs import table
from core.people import ADMIN, needs
from core.settings import Settings, save, settings


@needs(ADMIN)
def save_settings(chosen: Settings, before: str | None = None) -> None:
    """Save settings, unless a cluster that they no longer name has runs.

    Whoever edits the file by hand is not held back, and told afterwards (`engine_troubles`).

    Args:
        chosen: what shall be in force.
        before: as `core.settings.save` has it.

    Raises LabError naming the clusters and what to do, and whatever `core.settings.save` does.
    """
    kept = {(engine.name, engine.kind) for engine in chosen.engines}
    gone = [engine.name for engine in settings().engines if (engine.name, engine.kind) not in kept]
    runs = table.clusters_at_work() if gone else {}
    if busy := [f"{name} has {runs[name]:,} run{'s' * (runs[name] > 1)}" for name in gone if name in runs]:
        raise LabError(
            f"Not saved: {' and '.join(busy)}, and nobody would look after them. Stop them, or wait until they have "
            "ended; then remove it, or change its name."
        )
    save(chosen, before)
