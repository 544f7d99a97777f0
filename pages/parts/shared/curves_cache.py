"""One cursor a run, shared by all visitors and pages: what was read is never read again."""

from __future__ import annotations

import streamlit as st

from core.runs import RunFolder
from core.runs.curves import Curves
from core.tracking.curves import run_curves


@st.cache_resource(max_entries=64, show_spinner=False)
def _curves_of(folder: RunFolder) -> Curves:
    return run_curves(folder)


def curves_of(folder: RunFolder) -> Curves:
    """The curves of a run as they are now."""
    curves = _curves_of(folder)
    curves.update()
    return curves
