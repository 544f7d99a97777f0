"""System: the machine now, what runs in its slots, what the doctor says, and what fills the disk."""

from collections.abc import Callable

import streamlit as st

from core.errors import LabError
from pages.parts.shared.text import message
from pages.parts.system.disk import disk_view
from pages.parts.system.engines import engines_view
from pages.parts.system.facts import settings_view, versions_view
from pages.parts.system.findings import findings_view
from pages.parts.system.now import now_view
from pages.parts.system.slots import slots_view


def guarded(view: Callable[[], None]) -> None:
    """A part of the page; its errors are messages, and leave the other parts alone."""
    try:
        view()
    except LabError as error:
        st.error(message(error))


st.title("System")
machine, slots = st.columns([3, 2], gap="large")
with machine:
    st.fragment(guarded, run_every=2.0)(now_view)
with slots:
    st.fragment(guarded, run_every=5.0)(slots_view)
    st.fragment(guarded, run_every=5.0)(engines_view)
well, disk = st.columns(2, gap="large")
with well:
    guarded(findings_view)
    guarded(versions_view)
    guarded(settings_view)
with disk:
    guarded(disk_view)
