"""A download whose file is made when it is asked for; where it can't be made, the page says why."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.runtime import get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.errors import LabError
from pages.parts.shared.text import Markdown, message

FAILED = "failed downloads"


def made_download(
    label: Markdown, make: Callable[[], bytes], file_name: str, mime: str, *, disabled: bool = False
) -> None:
    """A button that makes a file and downloads it, without running the page again.

    Streamlit tells nobody why a file could not be made. Here the page is run again then, and has the reason below,
    however often it runs, until that file is made or another one is asked for.

    Args:
        label: of the button, another for each on a page.
        make: gives the file's content; called in a thread of the server.
        file_name: as the browser shall save it.
        mime: type of the content.
        disabled: there is nothing to download.
    """
    failed: dict[tuple[str, str], str] = st.session_state.setdefault(FAILED, {})
    for other in [each for each in failed if each[0] == label and each[1] != file_name]:
        del failed[other]
    asked, session = (label, file_name), get_script_run_ctx().session_id

    def made() -> bytes:
        try:
            content = make()
        except Exception as error:
            failed[asked] = str(error) if isinstance(error, LabError) else f"{type(error).__name__}: {error}"
            _run_again(session)
            raise
        failed.pop(asked, None)  # seen when the page runs next; now that would take the file from the browser
        return content

    # without a rerun after the click, which would replace what the browser is about to ask for
    icon = ":material/download:"
    st.download_button(label, made, file_name, mime, on_click="ignore", disabled=disabled, icon=icon)
    if reason := failed.get(asked):
        st.error(message(reason))


def _run_again(session_id: str) -> None:
    """Run a visitor's page again, from another thread than its own."""
    found = get_instance()._session_mgr.get_active_session_info(session_id)
    if found is not None:
        found.session.request_rerun(found.session._client_state)  # with its address and widgets, as after an edit
