"""The experiment of the runs made here was deleted: that is said where its runs are missed, with the way back."""

from __future__ import annotations

import streamlit as st

from core.errors import ExperimentDeletedError, LabError
from core.people import ADMIN, may
from core.tracking import store
from pages.parts.shared.text import message


def deleted_experiment() -> bool:
    """Say that it is deleted, with a button that brings it back; False where it is not. Raises StoreError."""
    if not store.experiment_is_deleted():
        return False
    st.error(message(ExperimentDeletedError(store.EXPERIMENT)), icon=":material/error:")
    if refused := st.session_state.pop("experiment.refused", None):
        st.error(message(refused))
    st.button(
        "Restore the experiment", icon=":material/restore_from_trash:", on_click=_restore, disabled=not may(ADMIN)
    )
    return True


def _restore() -> None:
    """Before the page is drawn again."""
    try:
        store.restore_experiment()
    except LabError as error:
        st.session_state["experiment.refused"] = str(error)
    else:
        st.toast("The experiment and its runs are back.", icon=":material/restore_from_trash:")
