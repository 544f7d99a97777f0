"""Which run started from which, at any depth and in both directions."""

from __future__ import annotations

from collections.abc import Sequence
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
    way: str = ""
    """How it came from its parent's problem, in words; empty for a run that solves the same."""


def lineage(run_id: str) -> list[Node]:
    """All ancestors of a run and everything that descends from the oldest of them, parents first.

    A parent that was deleted is a node without a name; a circle, which only hand-written tags can make, is cut.
    """
    return family(run_id, store.heads())


def family(run_id: str, runs: Sequence[Head]) -> list[Node]:
    """The lineage of a run among `runs`."""
    heads = {head.run_id: head for head in runs}
    children: dict[str, list[str]] = {}
    for head in sorted(runs, key=lambda head: (head.started, head.run_id)):
        if head.parent:
            children.setdefault(head.parent, []).append(head.run_id)
    root, seen = run_id, {run_id}
    while root in heads and (parent := heads[root].parent) and parent not in seen:
        root = parent
        seen.add(root)

    column, parent_of, young = {root: 0}, {root: None}, {}
    order, waiting = [], [root]
    while waiting:
        at = waiting.pop()
        order.append(at)
        young[at] = [child for child in children.get(at, []) if child not in column]
        for child in young[at]:
            column[child], parent_of[child] = column[at] + 1, at
        waiting += reversed(young[at])
    leaves = (at for at in order if not young[at])
    row: dict[str, float] = {at: float(k) for k, at in enumerate(leaves)}
    for at in reversed(order):
        if young[at]:
            row[at] = (row[young[at][0]] + row[young[at][-1]]) / 2
    return [
        Node(
            at,
            heads[at].name if at in heads else at[:8],
            heads[at].state if at in heads else "deleted",
            parent_of[at],
            column[at],
            row[at],
            heads[at].way if at in heads else "",
        )
        for at in order
    ]
