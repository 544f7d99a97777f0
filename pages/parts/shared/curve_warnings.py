"""What is missing or damaged in a run's history, said beside its curves."""

from __future__ import annotations

import streamlit as st

from core.runs.curves import Curves
from pages.parts.shared.text import message


def curve_warnings(curves: Curves, state: str, name: str = "") -> None:
    """A warning for each thing that is missing or damaged; with `name`, where there are several runs."""
    for sentence in curves.warnings(state == "finished"):
        st.warning(message(f"{name}: {sentence}" if name else sentence), icon=":material/broken_image:")
