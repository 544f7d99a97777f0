"""Compare: every run of the store in one table; the chosen ones over each other, side by side, in groups."""

from collections.abc import Iterable

import streamlit as st

from core import jobs
from core.errors import LabError
from core.tracking import store
from core.tracking.spreadsheets import csv_of
from pages.parts.compare.annotate import annotate
from pages.parts.compare.configs import config_view
from pages.parts.compare.curves import curves_view
from pages.parts.compare.first_paint import let_it_paint
from pages.parts.compare.groups import groups_view
from pages.parts.compare.parallel import parallel_view
from pages.parts.compare.scatter import scatter_view
from pages.parts.compare.search import Shown, search_bar
from pages.parts.compare.selection import Selection, first, from_text, keep, leave
from pages.parts.compare.table import run_table
from pages.parts.people.rooms import way_to
from pages.parts.shared.bin_dialog import bin_button
from pages.parts.shared.bulk_bar import bulk_bar
from pages.parts.shared.deleted_experiment import deleted_experiment
from pages.parts.shared.made_download import made_download
from pages.parts.shared.report_popover import report_popover
from pages.parts.shared.run_names import run_names
from pages.parts.shared.text import LONGEST, message, plain

VIEWS = ("Curves", "Configs", "Parallel", "Scatter", "Groups")
UNCHOSEN = 5
"""Runs drawn until some are ticked."""


def unticked(order: Iterable[str], by_id: dict[str, store.RunRecord]) -> Selection:
    """What is drawn until something is ticked: the first runs of the table that have a curve.

    A run has its first metric with its first points; queued ones, and those that failed before, have none. Where no run
    has any, the first ones stand for the views without curves.
    """
    order = list(order)
    return first([run_id for run_id in order if by_id[run_id].metrics][:UNCHOSEN] or order[:UNCHOSEN])


def selection_bar(shown: Shown, by_id: dict[str, store.RunRecord], chosen: Selection, ticked: bool, frame) -> str:
    """What is chosen, the baseline, notes, export, and which view."""
    total, names = len(by_id), run_names(by_id[run_id] for run_id in chosen.slots)
    note = f"{len(shown.records):,} of {total:,} runs · " + (f"{len(chosen.slots)} chosen" if ticked else "none ticked")
    if not ticked and any(record.metrics for record in shown.records):
        count = len(chosen.slots)
        note += f", so the first {count} with a curve are drawn" if count > 1 else ", so the one with a curve is drawn"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(note, width="stretch")
        if ticked:
            baseline = st.selectbox(
                "Baseline",
                list(chosen.slots),
                list(chosen.slots).index(chosen.baseline) if chosen.baseline else None,
                format_func=names.get,
                placeholder="Pin a baseline",
                label_visibility="collapsed",
                width=220,
                key=f"compare.baseline.{chosen.text()}",
            )
            if baseline != chosen.baseline:
                keep(Selection(chosen.slots, baseline))
                st.rerun()
            if st.button("Clear", icon=":material/close:", help="Untick all runs."):
                leave(chosen.slots)
                st.rerun()
        if st.button("Notes and tags", icon=":material/edit_note:"):
            for key in [key for key in st.session_state if str(key).startswith("note.")]:
                del st.session_state[key]
            annotate([store.get_run(run_id) for run_id in chosen.slots])
        made_download("CSV", lambda: csv_of(frame), "runs.csv", "text/csv")
        report_popover("compare", list(chosen.slots), meeting=True)
        bin_button("compare")
    view = st.segmented_control(
        "View",
        VIEWS,
        default="Curves",
        key="view",
        bind="query-params",
        label_visibility="collapsed",
    )
    return view or "Curves"


def draw(view: str, shown: Shown, chosen: Selection, by_id: dict[str, store.RunRecord]) -> None:
    """The chosen view."""
    picked = [by_id[run_id] for run_id in chosen.slots]
    if view == "Curves":
        curves_view(picked, chosen)
    elif view == "Configs":
        config_view(picked, chosen, shown.how)
    elif view == "Parallel":
        parallel_view(shown)
    elif view == "Scatter":
        scatter_view(shown, chosen)
    else:
        groups_view(shown)


st.title("Compare")
try:
    records = store.runs()
    if not records:
        if deleted_experiment():
            st.stop()
        st.info("No runs yet. Launch two and lay their curves over each other here.", icon=":material/info:")
        way_to("launch", "Launch a run", ":material/rocket_launch:")
        st.stop()
    by_id = {record.run_id: record for record in records}
    st.session_state["compare.known"] = list(by_id)
    shown = search_bar(records)
    selection, missing = from_text(st.query_params.get("runs", ""), by_id)
    if missing:
        st.warning(
            f"No longer in the store, so not shown: {plain(', '.join(missing), LONGEST)}. "
            "The other runs of this link are below.",
            icon=":material/link_off:",
        )
    if untold := jobs.untold():
        runs = "a run" if len(untold) == 1 else f"{len(untold):d} runs"
        st.caption(f":material/cloud_off: Results of {runs} are not yet in MLflow: {message(untold[0].untold)}")
    frame = run_table(shown, selection)
    bulk_bar(list(selection.slots), "compare.bulk", on_gone=leave)
    let_it_paint("compare")
    if not shown.records:
        st.info("No run matches. Take a word away, or a filter.", icon=":material/search_off:")
    chosen = selection or unticked(frame.index, by_id)
    view = selection_bar(shown, by_id, chosen, bool(selection), frame)
    if chosen:
        draw(view, shown, chosen, by_id)
except LabError as error:
    st.error(message(error))
