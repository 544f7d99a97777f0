"""What people should know at once: what rules found, runs that finished or failed, channels that could not be told.

Of a sweep it is the end, and what was found of the machine meanwhile: its trials are looked at on its own page.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.jobs.database import reading
from core.jobs.notices import NOTABLE, SWEEP, TITLES
from core.watchers.message import URGENT


@dataclass(frozen=True)
class Notable:
    """An event that people are told of on every page."""

    id: int
    """Of the event: the later, the larger."""
    run_id: str
    time: float
    """Unix time."""
    kind: str
    """A rule's kind, how a run ended, or `notice`."""
    title: str
    name: str
    """Of the run, or of the sweep."""
    why: str
    of_sweep: bool = False
    """`run_id` is a sweep's."""

    @property
    def urgent(self) -> bool:
        """Whether somebody should look at it now."""
        return self.kind in (*URGENT, "notice")


def latest(limit: int = 50) -> list[Notable]:
    """The newest, the newest first. Raises StoreError."""
    of_sweep = "(SELECT trial.batch FROM jobs AS trial WHERE trial.sweep = events.run_id LIMIT 1)"
    with reading() as connection:
        rows = connection.execute(
            "SELECT events.id, events.run_id, events.time, events.kind, events.after, events.why, jobs.name, "
            f"{of_sweep} AS of_sweep FROM events LEFT JOIN jobs USING (run_id) "
            f"WHERE {NOTABLE} AND jobs.sweep IS NULL ORDER BY events.id DESC LIMIT ?",
            (limit,),
        ).fetchall()
    return [_notable(*row) for row in rows]


def _notable(
    number: int, run_id: str, time: float, kind: str, after: str | None, why: str, name: str | None, sweep: str | None
) -> Notable:
    said = "notice" if kind == "notice" else after or kind
    title = f"Sweep {said}" if kind == SWEEP else TITLES.get(said, said.capitalize())
    return Notable(number, run_id, time, said, title, name or sweep or run_id[:8], why, bool(kind == SWEEP or sweep))
