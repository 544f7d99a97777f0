"""Which runs a page draws, in which colours, against which baseline: keyed by run id and kept in the URL.

`?runs=1f3a9b2c44de.0,77aa01b2c3d4.3*` — the first digits of a run's id, its colour's place in the palette, a star on
the baseline. A run keeps its colour when others come and go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import streamlit as st

from pages.parts.shared.palette import PALETTE

DIGITS = 12


@dataclass(frozen=True)
class Selection:
    """Chosen runs."""

    slots: dict[str, int] = field(default_factory=dict)
    """Run id → place in the palette, in the order chosen."""
    baseline: str | None = None

    def __bool__(self) -> bool:
        return bool(self.slots)

    def color(self, run_id: str) -> str:
        """A run's colour."""
        return PALETTE[self.slots[run_id] % len(PALETTE)]

    def ticked(self, shown: Sequence[str], rows: Iterable[int]) -> Selection:
        """The selection after ticks in a table: what the table does not show stays chosen."""
        wanted = {shown[row] for row in rows if row < len(shown)}
        kept = {run_id: slot for run_id, slot in self.slots.items() if run_id in wanted or run_id not in shown}
        for run_id in shown:
            if run_id in wanted and run_id not in kept:
                kept[run_id] = next(k for k in range(len(kept) + 1) if k not in kept.values())
        return Selection(kept, self.baseline if self.baseline in kept else None)

    def text(self) -> str:
        """As the URL has it."""
        return ",".join(
            f"{run_id[:DIGITS]}.{slot}" + "*" * (run_id == self.baseline) for run_id, slot in self.slots.items()
        )


def first(run_ids: Iterable[str]) -> Selection:
    """A selection of these runs in the palette's order."""
    return Selection({run_id: k for k, run_id in enumerate(run_ids)})


def from_text(text: str, run_ids: Iterable[str]) -> tuple[Selection, list[str]]:
    """The selection that a URL means, and the beginnings of ids that no run has any more."""
    known = {run_id[:DIGITS]: run_id for run_id in run_ids}
    slots, baseline, missing = {}, None, []
    for item in filter(None, text.split(",")):
        start, _, rest = item.strip().partition(".")
        run_id = known.get(start[:DIGITS])
        if run_id is None:
            missing.append(start[:DIGITS])
            continue
        slot = rest.rstrip("*")
        slots[run_id] = int(slot) if slot.isdecimal() and len(slot) < 4 else len(slots)
        if rest.endswith("*"):
            baseline = run_id
    return Selection(slots, baseline), missing


def keep(selection: Selection) -> None:
    """Put a selection into the URL."""
    if selection:
        st.query_params["runs"] = selection.text()
    else:
        st.query_params.pop("runs", None)


def leave(run_ids: Iterable[str]) -> None:
    """Untick runs in the URL and in the table, which gets a new identity: its ticks can't be taken off from here."""
    gone = {run_id[:DIGITS] for run_id in run_ids}
    items = [item for item in st.query_params.get("runs", "").split(",") if item.strip()[:DIGITS] not in gone]
    st.query_params["runs"] = ",".join(items)
    if not items:
        st.query_params.pop("runs")
    st.session_state["compare.cleared"] = st.session_state.get("compare.cleared", 0) + 1


def dot(color: str) -> str:
    """A coloured dot as a picture for a table's cell."""
    return (
        "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg' width='16' height='16'>"
        f"<circle cx='8' cy='8' r='6' fill='%23{color.removeprefix('#')}'/></svg>"
    )
