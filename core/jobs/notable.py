"""What people should know at once: what rules found, runs that finished or failed, channels that could not be told."""

from __future__ import annotations

from dataclasses import dataclass

from core.jobs.database import reading
from core.jobs.notices import NOTABLE, TITLES
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
    """Of the run."""
    why: str

    @property
    def urgent(self) -> bool:
        """Whether somebody should look at it now."""
        return self.kind in (*URGENT, "notice")


def latest(limit: int = 50) -> list[Notable]:
    """The newest, the newest first. Raises StoreError."""
    with reading() as connection:
        rows = connection.execute(
            "SELECT events.id, events.run_id, events.time, events.kind, events.after, events.why, jobs.name "
            f"FROM events LEFT JOIN jobs USING (run_id) WHERE {NOTABLE} ORDER BY events.id DESC LIMIT ?",
            (limit,),
        ).fetchall()
    return [_notable(*row) for row in rows]


def _notable(
    number: int, run_id: str, time: float, kind: str, after: str | None, why: str, name: str | None
) -> Notable:
    said = "notice" if kind == "notice" else after or kind
    return Notable(number, run_id, time, said, TITLES.get(said, said.capitalize()), name or run_id[:8], why)
