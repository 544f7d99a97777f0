"""One cursor a run, shared by all visitors and pages: what was read is never read again."""

from __future__ import annotations

import streamlit as st

from core.runs.curves import Curves
from core.tracking.curves import run_curves


@st.cache_resource(max_entries=64, show_spinner=False)
def _curves_of(run_id: str) -> Curves:
    return run_curves(run_id)


def curves_of(run_id: str) -> Curves:
    """The curves of a run as they are now."""
    curves = _curves_of(run_id)
    curves.update()
    return curves
