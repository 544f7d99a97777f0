"""The logo of the lab's reports: a picture that is looked at before it is taken."""

import streamlit as st

from core.errors import LabError
from core.reports.logo import LARGEST, keep_logo, logo, remove_logo
from pages.parts.shared.text import message

KEY = "settings.logo"


def logo_form() -> None:
    """The logo as it is, a place for another one, and a button that takes it away; each acts at once."""
    number = st.session_state.setdefault(f"{KEY}.number", 0)
    given = st.file_uploader(
        f"Logo of reports, PNG or JPEG, at most {LARGEST // 1000:d} kB",
        type=["png", "jpg", "jpeg"],
        max_upload_size=1,
        key=f"{KEY}.{number}",
    )
    try:
        if given is not None:
            keep_logo(given.getvalue())
            st.session_state[f"{KEY}.number"] = number + 1
            st.rerun()
    except LabError as error:
        st.error(message(error))
    try:
        found = logo()
    except LabError as error:
        st.warning(message(error))
        found = None
    if found is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.image(found.data, width=160)
            if st.button("Remove the logo", icon=":material/delete:", key=f"{KEY}.remove"):
                remove_logo()
                st.rerun()
