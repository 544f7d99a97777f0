"""The bin: deleted runs, to be restored or deleted for good; a button that is there while something is in it."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from core.errors import LabError
from core.jobs import bin, many, retention, table
from core.jobs.job import EMPTYING, Job
from core.people import ADMIN, RUNNER, may
from core.settings import settings
from pages.parts.shared.bulk_bar import outcome
from pages.parts.shared.data_table import data_table
from pages.parts.shared.text import message
from pages.parts.shared.times import viewer_zone


def bin_button(key: str) -> None:
    """A button with the number of runs in the bin, which opens it; nothing while the bin is empty."""
    count, icon = len(table.binned_ids()), ":material/delete:"
    if count and st.button(f"Bin {count:,}", icon=icon, key=f"{key}.bin", help="Deleted runs: restore them."):
        st.session_state.pop("bin.said", None)
        bin_dialog()


@st.dialog("Bin", width="large", on_dismiss="rerun")
def bin_dialog() -> None:
    """The deleted runs, and what can be done with the ticked ones."""
    try:
        _content()
    except LabError as error:
        st.error(message(error))


def _content() -> None:
    jobs = bin.content()
    st.caption(
        f"Each is deleted for good {settings().retention.bin_days:g} days after it came here: "
        "its folder, its checkpoints, and its row and files in MLflow."
    )
    if said := st.session_state.get("bin.said"):
        text, well = said
        outcome(text, well)
    if not jobs:
        st.info("The bin is empty.", icon=":material/delete:")
        return
    zone = viewer_zone().key
    columns = {
        name: st.column_config.DatetimeColumn(f"{name}, {zone}", format="D MMM, HH:mm", timezone=zone)
        for name in ("Deleted", "Goes for good")
    }
    # a table of its own after each deed, since ticks can't be taken off from here
    shown = data_table(
        [_row(job) for job in jobs],
        key=f"bin.table.{len(jobs)}.{jobs[0].run_id}",
        on_select="rerun",
        selection_mode="multi-row",
        hide_index=True,
        height=min(38 + 35 * len(jobs), 388),
        column_config=columns,
    )
    ticked = [jobs[row].run_id for row in shown["selection"]["rows"] if row < len(jobs)]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button(
            f"Restore {len(ticked):d}", icon=":material/undo:", type="primary", disabled=not (ticked and may(RUNNER))
        ):
            done = many.many("restore", ticked)
            _say(many.summary("restore", done), all(each.ok for each in done))
        if not ticked:
            st.caption("Tick runs to restore them.")
            return
        if not may(ADMIN):
            return
        with st.popover(f"Delete {len(ticked):d} for good", icon=":material/delete_forever:"):
            st.markdown("This can't be undone: folders, checkpoints, and what MLflow has of them.")
            if st.button("Delete for good", type="primary", key="bin.for_good"):
                with st.spinner("Deleting …"):
                    emptied = retention.delete_for_good(ticked)
                _say(emptied.sentence(), not (emptied.kept or emptied.left))


def _say(text: str, well: bool) -> None:
    st.session_state["bin.said"] = (text, well)
    st.rerun(scope="fragment")


def _row(job: Job) -> dict[str, object]:
    going = job.bin_step == EMPTYING
    return {
        "Run": job.name or job.run_id[:8],
        "State": "being deleted" if going else job.state,
        "Problem": job.problem,
        "Deleted": datetime.fromtimestamp(job.binned, UTC),
        "Goes for good": datetime.fromtimestamp(retention.goes_at(job), UTC),
    }
