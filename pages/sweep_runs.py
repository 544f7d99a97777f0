"""Sweeps: how far each is, its best trial, how trials went one after another, and which fields mattered."""

import streamlit as st

from core import sweeps
from core.errors import LabError
from core.sweeps import Seen
from core.sweeps.sweep import TITLES
from pages.parts.people.rooms import way_to
from pages.parts.shared.text import ago, code, message, visible
from pages.parts.sweeps.deleting import bin_button, said
from pages.parts.sweeps.table import trial_table
from pages.parts.sweeps.view import best_trial, figures, head

EVERY_S = 2.0
"""Between two looks at a sweep that goes on."""


def chosen(found: list[Seen]) -> str:
    """The sweep of this page's address, else the newest; others by a click."""
    ids = [seen.sweep_id for seen in found]
    wanted = st.query_params.get("sweep", "")
    if wanted and wanted not in ids:
        st.warning("The sweep of this link is not in this lab; the newest is shown.", icon=":material/link_off:")
    first = ids.index(wanted) if wanted in ids else 0
    if len(ids) == 1:
        return ids[0]
    by_id = {seen.sweep_id: seen for seen in found}
    picked = st.selectbox(
        "Sweep",
        ids,
        first,
        format_func=lambda sweep_id: visible(in_a_line(by_id[sweep_id])),
        key=f"sweeps.chosen.{len(ids)}",
    )
    if picked != wanted:
        st.query_params["sweep"] = picked
    return picked


def in_a_line(seen: Seen) -> str:
    """A sweep among others: what its own head says of it is not said twice."""
    asked, known = seen.sweep, seen.known
    done = f"{known.count('finished')} of {asked.trials} trials by {TITLES[asked.sampler]}"
    return f"{asked.name} · {known.state} · {done} · {ago(asked.made)}"


def sweep_view(sweep_id: str) -> None:
    """One sweep, as it is now; an error is a message in its place."""
    try:
        seen = sweeps.read(sweep_id)
        head(seen)
        if seen.known.best is not None:
            best_trial(seen)
        figures(seen)
        trial_table(seen)
    except LabError as error:
        st.error(message(error))
        return
    if seen.known.over and st.session_state.get("sweeps.going") == sweep_id:
        del st.session_state["sweeps.going"]
        st.rerun()  # the page looks no more


with st.container(horizontal=True, vertical_alignment="center"):
    st.title("Sweeps", width="stretch")
    bin_button()
try:
    said()
    found = sweeps.sweeps()
    if not found:
        st.info(
            "No sweeps yet. Start one on Launch: it trains one config again and again with fields varied by a sampler, "
            "and shows which of them mattered.",
            icon=":material/tune:",
        )
        way_to("launch", "Launch: switch on Sweep", ":material/rocket_launch:")
        st.caption(f"Or on the command line: {code('python -m core sweep poisson2d-quick --field seed=0..9')}")
        st.stop()
    sweep_id = chosen(found)
    going = not next(seen for seen in found if seen.sweep_id == sweep_id).known.over
    if going:
        st.session_state["sweeps.going"] = sweep_id
    st.fragment(sweep_view, run_every=EVERY_S if going else None)(sweep_id)
except LabError as error:
    st.error(message(error))
