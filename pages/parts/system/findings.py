"""What the doctor found, and what to do about it; looked for in the background by a process of its own."""

from __future__ import annotations

import streamlit as st

from core.background import Background
from core.doctor import Finding, examined_apart
from core.home import home
from pages.parts.shared.data_table import data_table
from pages.parts.shared.text import ago, described, message, plain

CHECKS = 19
"""Findings of a sound lab, to tell how far one is."""
NEWER_THAN_S = 600.0
"""Findings that are older are looked for again when somebody opens the page."""


@st.cache_resource(show_spinner=False)
def _doctor(root: str) -> Background[list[Finding]]:
    return Background(lambda said: examined_apart(lambda found: said(len(found) / CHECKS, found)))


def findings_view() -> None:
    """The findings; drawn again by itself while they are being looked for."""
    known = _doctor(str(home().root)).ask(NEWER_THAN_S)
    st.subheader("Findings")
    st.fragment(_findings, run_every=1.0 if known.busy else None)(known.busy)


def _findings(was_busy: bool) -> None:
    doctor = _doctor(str(home().root))
    known = doctor.ask()
    if was_busy != known.busy:
        st.rerun()
    if known.busy:
        st.progress(known.share, text="Looking at home, slots, store, torch and renderers …")
    if known.error:
        st.error(message(known.error))
    found = known.so_far or [] if known.value is None else known.value
    amiss = [finding for finding in found if not finding.ok]
    for finding in amiss:
        text = f"**{plain(finding.what)}**: {message(finding.detail)}"
        st.error(f"{text}  \n**What to do:** {described(finding.remedy)}", icon=":material/error:")
    for finding in found:
        if finding.ok and finding.remedy:
            text = f"**{plain(finding.what)}**: {message(finding.detail)}"
            st.info(f"{text}  \n**What to do:** {described(finding.remedy)}", icon=":material/info:")
    well = [finding for finding in found if finding.ok]
    if not amiss and not known.busy and found:
        st.success("All is well.", icon=":material/check:")
    with st.container(horizontal=True, vertical_alignment="center"):
        if known.value is not None:
            st.caption(f"looked at {ago(known.at)}")
        if st.button("Look again", disabled=known.busy, key="system.look", icon=":material/refresh:"):
            doctor.ask(0.0)
            st.rerun()
    if well:
        with st.expander(f"{len(well)} things that are well"):
            data_table([{"What": each.what, "Detail": each.detail} for each in well], hide_index=True)
