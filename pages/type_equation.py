"""Equation: a system typed as text, checked and set in LaTeX while one types, launched with one click."""

import streamlit as st

from pages.parts.equation.as_typed import as_typed
from pages.parts.equation.draft import Draft
from pages.parts.equation.form import equation_form, form_key, kept_or, run_fields, start_from
from pages.parts.equation.gallery import first_draft, gallery
from pages.parts.equation.launching import Planned, launching, other_ways, planned
from pages.parts.equation.messages import show_faults
from pages.parts.equation.reading import read
from pages.parts.equation.seen import domain, formulas, in_words
from pages.parts.launch.panel import with_way_back

st.title("Type an equation")
kept_or(first_draft)
with st.container(horizontal=True, vertical_alignment="center"):
    if st.button("Start from an example", icon=":material/collections_bookmark:"):
        gallery()
    st.button("Start blank", icon=":material/draft:", on_click=start_from, args=(Draft(),))
    if before := st.session_state["equation.before"]:
        st.button("Back to what was typed before", icon=":material/undo:", on_click=start_from, args=(before,))
    st.caption("Your own PDE, its domain and its conditions as text. All of it is checked while you type.")
with st.container(key="equation-form"):
    typing, seeing = st.columns([6, 5], gap="large")
with typing:
    draft, places = equation_form()
    found = read(draft)
    faults = found.faults if draft.is_begun else tuple(each for each in found.faults if each.label == "domain")
    elsewhere = show_faults(faults, places)
with seeing:
    formulas(found)
    with st.container(border=True):
        run = run_fields(draft, form_key())
        launched = Planned(None) if found.faults else planned(draft, run)
        st.session_state["equation.typed"] = draft.with_run(run)
        if launched.errors != st.session_state["equation.errors"]:
            st.session_state["equation.errors"] = launched.errors
            st.rerun()  # once, so that each message stands beside its field
        with_way_back(lambda: launching(launched, elsewhere, len(faults)))
    domain(found.drawn, launched)
    in_words(found, launched)
    if launched.config is not None:
        other_ways(launched.config)
as_typed()
