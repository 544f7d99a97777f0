"""What happened to a run, as a table: when, who, what, from which state to which, why, on which machine."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from core.jobs import events
from core.runs import RunFolder
from pages.parts.shared.data_table import data_table
from pages.parts.shared.times import viewer_zone

ROW, HEAD = 35, 38
"""Pixels."""


def event_list(folder: RunFolder, *, height: int = 320) -> None:
    """All events of a run, the newest first; times are the viewer's."""
    found = events.of_run(folder)
    if not found:
        st.caption("Nothing was noted of this run: it was made by an older program, or elsewhere.")
        return
    rows = [_row(event) for event in reversed(found)]
    zone = viewer_zone().key
    data_table(
        rows,
        hide_index=True,
        height=min(HEAD + ROW * len(rows), height),
        column_config={
            "When": st.column_config.DatetimeColumn(
                f"When, {zone}",
                format="D MMM, HH:mm:ss",
                timezone=zone,
                width=150,
                help="In the time zone of your browser.",
            ),
            "What": st.column_config.TextColumn(width=90),
            "From → to": st.column_config.TextColumn(width=140),
            "Who": st.column_config.TextColumn(width=120),
            "Why": st.column_config.TextColumn(width="large"),
            "Machine": st.column_config.TextColumn(width=110),
        },
    )


def _row(event: events.Event) -> dict[str, object]:
    return {
        "When": datetime.fromtimestamp(event.time, UTC),
        "What": event.kind,
        "From → to": change(event),
        "Why": event.why,
        "Who": event.who,
        "Machine": event.machine,
    }


def change(event: events.Event) -> str:
    """What it changed, as "queued → running"; the state alone where that stayed."""
    if event.before is None or event.before == event.after:
        return event.after or ""
    return f"{event.before} → {event.after or '–'}"
