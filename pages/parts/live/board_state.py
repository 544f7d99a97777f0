"""The board as pages draw it: each run a few short fields, and of two boards what is new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.jobs.board import Board, BoardReader, Entry
from core.jobs.engines.contract import LOCAL, Slot
from core.runs.states import known_state
from pages.parts.shared.progress import NAMES
from pages.parts.shared.text import LONGEST, visible

EVERY_S = 1.0

_reader = BoardReader()
_rows: dict[str, tuple[Entry, dict[str, Any]]] = {}
"""Run id → what was last drawn of it, and how: most rows stay as they are."""


@dataclass(frozen=True)
class BoardState:
    """A board for JSON."""

    runs: dict[str, dict[str, Any]]
    """Run id → its fields, in the order in which they are listed; what is absent is empty, false or unknown."""
    order: list[str]
    head: dict[str, Any]
    """What is said of the whole."""


def build() -> BoardState:
    """The board now. Raises StoreError when the job table can't be read."""
    return drawn(_reader.read())


def drawn(board: Board) -> BoardState:
    """What pages draw of a board."""
    rows = {run_id: _row(run_id, entry) for run_id, entry in board.entries.items()}
    _rows.clear()
    _rows.update(rows)
    head = {
        "slots": [{"name": slot.name, "busy": slot.busy} for slot in _shown(board, rows)],
        "counts": board.counts,
        "held": board.held,
        "event": board.event,
        "now": round(board.made, 1),
    }
    return BoardState({run_id: row for run_id, (_, row) in rows.items()}, list(rows), head)


def _shown(board: Board, rows: dict[str, tuple[Entry, dict[str, Any]]]) -> list[Slot]:
    """All slots of this machine, and those of clusters that runs are in or come to: a cluster may have thousands."""
    used = {row.get("slot") for entry, row in rows.values() if entry.due is not None}
    return [slot for slot in board.slots if slot.engine == LOCAL or slot.name in used]


def _row(run_id: str, entry: Entry) -> tuple[Entry, dict[str, Any]]:
    known = _rows.get(run_id)
    return known if known is not None and known[0] == entry else (entry, _run(entry))


def _run(entry: Entry) -> dict[str, Any]:
    job, due = entry.job, entry.due
    begins, ends = (due.starts, due.ends) if due else (job.started, job.ended)
    fields = {
        "name": visible(job.name or job.run_id[:8], LONGEST),
        "state": known_state(job.state),
        "problem": visible(job.problem, LONGEST),
        "device": "" if job.device == "auto" else job.device,
        "slot": (due.slot if due else job.slot) or "",
        "begins": _second(begins),
        "ends": _second(ends),
        "fraction": None if entry.fraction is None else round(min(1.0, entry.fraction), 3),
        "phase": visible(NAMES.get(entry.phase, entry.phase)) if job.active else "",
        "pending": visible(f"{job.engine}: {job.engine_word}", LONGEST) if job.active and job.engine_word else "",
        "residual": entry.max_residual,
        "held": job.held and job.state == "queued",
        "priority": job.priority,
        "after": visible(job.after_name or job.after_run[:8], LONGEST) if job.after_run else "",
        "afterAny": job.after_any,
        "due": _second(job.due),
        "batch": visible(job.batch or "", LONGEST),
        "latest": bool(due and due.latest),
        "why": visible((job.held and job.reason) or due.why, 200) if due else "",
        "source": visible(due.source, 200) if due else "",
    }
    return {name: value for name, value in fields.items() if value not in (None, "", False, 0)}


def _second(moment: float | None) -> int | None:
    return None if moment is None else round(moment)


def differs(before: BoardState, after: BoardState) -> bool:
    """Whether two boards look different; the moment alone is nothing new."""
    return (
        before.order != after.order
        or before.runs != after.runs
        or {**before.head, "now": 0} != {**after.head, "now": 0}
    )


def news(before: BoardState | None, after: BoardState) -> dict[str, Any]:
    """What makes `after` of `before`, for JSON; all of it where there is no `before`, its runs in their order.

    `order` is [place, how many ids to take out there, ids to put there].
    """
    if before is None:
        return after.head | {"whole": True, "runs": after.runs}
    changed = {run_id: run for run_id, run in after.runs.items() if before.runs.get(run_id) != run}
    found = after.head | {"runs": changed, "gone": [run_id for run_id in before.runs if run_id not in after.runs]}
    if before.order != after.order:
        found["order"] = _splice(before.order, after.order)
    return found


def _splice(before: list[str], after: list[str]) -> tuple[int, int, list[str]]:
    most = min(len(before), len(after))
    first = next((k for k in range(most) if before[k] != after[k]), most)
    last = next((k for k in range(most - first) if before[-1 - k] != after[-1 - k]), most - first)
    return first, len(before) - last - first, after[first : len(after) - last]
