"""Which run started from which, at any depth and in both directions."""

from __future__ import annotations

from dataclasses import dataclass

from core.tracking import store
from core.tracking.store import Head


@dataclass(frozen=True)
class Node:
    """One run of a lineage, and its place in the picture."""

    run_id: str
    name: str
    state: str
    """`deleted` for a parent that is no longer in the store."""
    parent: str | None
    column: int
    """Generations after the oldest ancestor."""
    row: float
    """Place among its generation; a parent stands in the middle of its children."""


def lineage(run_id: str) -> list[Node]:
    """All ancestors of a run and everything that descends from the oldest of them, parents first.

    A parent that was deleted is a node without a name; a circle, which only hand-written tags can make, is cut.
    """
    heads = {head.run_id: head for head in store.heads()}
    children: dict[str, list[str]] = {}
    for head in sorted(heads.values(), key=lambda head: (head.started, head.run_id)):
        if head.parent:
            children.setdefault(head.parent, []).append(head.run_id)
    root, seen = run_id, {run_id}
    while root in heads and (parent := heads[root].parent) and parent not in seen:
        root = parent
        seen.add(root)
    nodes: list[Node] = []
    _place(root, 0, 0.0, None, heads, children, set(), nodes)
    return nodes


def _place(
    run_id: str,
    column: int,
    row: float,
    parent: str | None,
    heads: dict[str, Head],
    children: dict[str, list[str]],
    placed: set[str],
    nodes: list[Node],
) -> float:
    """Place a run above or between its descendants; returns the first free row below them."""
    placed.add(run_id)
    index = len(nodes)
    nodes.append(None)  # type: ignore[arg-type]  # its row is known once its children have theirs
    rows, below = [], row
    for child in children.get(run_id, []):
        if child not in placed:
            place = len(nodes)
            below = _place(child, column + 1, below, run_id, heads, children, placed, nodes)
            rows.append(nodes[place].row)
    head = heads.get(run_id)
    nodes[index] = Node(
        run_id,
        head.name if head else run_id[:8],
        head.state if head else "deleted",
        parent,
        column,
        (rows[0] + rows[-1]) / 2 if rows else row,
    )
    return max(below, row + 1)
