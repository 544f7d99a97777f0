"""A bell on every page: how much happened that the visitor has not seen, the list of it, and a toast when it happens.

Its script asks `/live/notices` and draws by itself, so that no page is run again. What a tab has seen, it keeps itself.

The script also notices that another server answers than the one that drew the page. A fragment is known to the one that
drew it alone: what is clicked in one would be dropped without a word. So the page is run again as a whole.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.parts.live.shared_state import SERVER
from pages.parts.live.view import SOURCE

_FOLDER = Path(__file__).parent

_bell = st.components.v2.component(
    "singularity_lab_bell",
    html="<span hidden></span>",
    css=_FOLDER.joinpath("bell.css").read_text(encoding="utf-8"),
    js=SOURCE + _FOLDER.joinpath("bell.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def bell() -> None:
    """Put the bell into the head of the page; it takes no room in it."""
    _bell(key="notices.bell", data={"server": SERVER}, on_restarted_change=_run_again)


def _run_again() -> None:
    """A component's message runs the page again, which is all it is for."""
