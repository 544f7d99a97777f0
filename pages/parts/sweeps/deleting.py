"""Sweeps deleted and brought back: what goes is said before, and the bin's button is there while a sweep is in it."""

from __future__ import annotations

import streamlit as st

from core import sweeps
from core.errors import LabError
from core.jobs import retention, sweep_bin
from core.jobs.sweep_bin import Binned
from core.people import ADMIN, RUNNER, may
from core.sweeps import Seen
from pages.parts.shared.bulk_bar import deletion_words, outcome
from pages.parts.shared.text import LONGEST, ago, message, plain

SAID = "sweeps.said"


def delete_popover(seen: Seen) -> None:
    """What deleting this sweep means, and the button that does it; for a sweep that is over."""
    with st.popover("", icon=":material/delete:", help="Delete the sweep.", disabled=not may(RUNNER)):
        try:
            going = sweeps.going_with(seen.sweep_id)
        except LabError as error:  # it is about to close, or goes on again
            st.caption(message(error))
            return
        count = len(going.runs)
        trials = bool(count) and st.checkbox(
            f"Its trials' {count:d} {'run' if count == 1 else 'runs'}, too", key=f"sweeps.trials.{seen.sweep_id}"
        )
        st.markdown(message(going.sentence(trials=trials)))
        st.caption(deletion_words())
        if st.button("Delete", type="primary", key=f"sweeps.delete.{seen.sweep_id}", disabled=not may(RUNNER)):
            with st.spinner("Deleting …"):
                _say(lambda: sweeps.delete(seen.sweep_id, trials=trials), undo=seen.sweep_id)
            st.query_params.pop("sweep", None)
            st.rerun()


def _say(deed, undo: str = "") -> None:
    """Do it, and keep for the next drawing what became of it."""
    try:
        st.session_state[SAID] = (deed(), True, undo)
    except LabError as error:
        st.session_state[SAID] = (str(error), False, "")


def said() -> None:
    """What became of what was done last, with the way back from deleting."""
    text, well, undo = st.session_state.get(SAID, ("", True, ""))
    if not text:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        outcome(text, well)
        if undo and st.button("Undo", icon=":material/undo:", key="sweeps.undo"):
            with st.spinner("Restoring …"):
                _say(lambda: sweeps.restore(undo))
            st.query_params["sweep"] = undo
            st.rerun()
        if st.button("", icon=":material/close:", key="sweeps.close", help="Close this message."):
            st.session_state.pop(SAID)
            st.rerun()


def bin_button() -> None:
    """A button with the number of sweeps in the bin, which opens it; nothing while none is."""
    count = len(sweep_bin.content())
    if count and st.button(f"Bin {count:d}", icon=":material/delete:", key="sweeps.bin", help="Deleted sweeps."):
        bin_dialog()


@st.dialog("Deleted sweeps", width="large", on_dismiss="rerun")
def bin_dialog() -> None:
    """The sweeps in the bin, each with the way back and the way out."""
    try:
        for one in sweep_bin.content():
            _one(one)
    except LabError as error:
        st.error(message(error))


def _one(one: Binned) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(one.name, LONGEST)}**", width="content")
        runs = f", {len(one.trials)} runs with it" if one.trials else ""
        going = max(0.0, (retention.goes_at(one) - one.binned) / retention.DAY_S)
        st.caption(f"deleted {ago(one.binned)}{plain(runs)}; gone for good {going:g} days after that", width="stretch")
        if st.button("Restore", icon=":material/undo:", key=f"sweeps.back.{one.sweep_id}", disabled=not may(RUNNER)):
            _say(lambda: sweeps.restore(one.sweep_id))
            st.query_params["sweep"] = one.sweep_id
            st.rerun()
        if may(ADMIN):
            with st.popover("For good", icon=":material/delete_forever:"):
                st.markdown("This can't be undone: the sweep's folder, its trials' figures, and what MLflow has of it.")
                if one.trials:
                    st.caption("The runs that went with it stay in the bin, which is on Watch.")
                if st.button("Delete for good", type="primary", key=f"sweeps.for_good.{one.sweep_id}"):
                    with st.spinner("Deleting …"):
                        _say(lambda: retention.delete_for_good([one.sweep_id]).sentence())
                    st.rerun()
