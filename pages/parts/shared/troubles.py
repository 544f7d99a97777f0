"""What keeps the lab from working as it is set up, on the pages where people wait for it."""

from __future__ import annotations

import streamlit as st

from core.errors import StoreError
from core.jobs import troubles
from pages.parts.shared.text import message

EVERY_S = 20.0
"""Seconds after which it is looked at again on a page that stands open."""


@st.fragment(run_every=EVERY_S)
def troubles_view() -> None:
    """A line for settings that do not validate and for GPUs that have vanished; nothing where all is well."""
    try:
        lines = troubles()
    except StoreError as error:
        st.error(message(error))
        return
    for line in lines:
        st.warning(message(line), icon=":material/warning:")
