"""Datasets: files that runs learn from, their versions, and which run used which."""

import streamlit as st

from core.datasets import add, datasets
from core.errors import LabError
from core.problems.burgers_inverse import SAMPLE, sample_csv
from core.tracking.dataset_inputs import uses
from pages.parts.datasets.view import chosen_dataset, dataset_view
from pages.parts.shared.text import message


def upload_panel() -> None:
    """A file from the visitor's computer, or the sample, into the data folder."""
    st.subheader("Add a dataset")
    file = st.file_uploader(
        "Upload",
        type=["csv", "npy", "npz"],
        key=f"datasets.file.{st.session_state.get('datasets.added', 0)}",
        help=".csv with a header row and numbers below it, .npz with one array a column, or .npy with rows of numbers.",
    )
    replace = st.checkbox(
        "Replace a dataset of this name", key="datasets.replace", help="Its old version is kept, with its runs."
    )
    if st.button("Add", type="primary", disabled=file is None, icon=":material/upload:") and file is not None:
        take(file.name, file.getvalue(), replace)
    if st.button("Make the sample dataset", icon=":material/science:"):
        take(SAMPLE, sample_csv(), replace)
    st.caption("The sample: 500 values of a solution of Burgers' equation, from which the preset finds ν.")
    if note := st.session_state.pop("datasets.note", None):
        st.success(message(note))


def take(name: str, data: bytes, replace: bool) -> None:
    """Add a file, show it, and empty the uploader."""
    try:
        added = add(name, data, replace=replace)
    except LabError as error:
        st.error(message(error))
        return
    st.session_state["datasets.note"] = f"{name}: {added.outcome}, version {added.version.digests.git_blob[:12]}."
    st.session_state["datasets.added"] = st.session_state.get("datasets.added", 0) + 1
    st.query_params["dataset"] = name
    st.rerun()


st.title("Datasets")
main, side = st.columns([11, 4], gap="large")
with side:
    try:
        upload_panel()
    except LabError as error:
        st.error(message(error))
with main:
    try:
        listed = datasets()
        if not listed:
            st.info(
                "No datasets yet. A dataset is a file of measurements that a run learns from: upload one, or make the "
                "sample. Then choose “Burgers, viscosity from data” on the Launch page.",
                icon=":material/info:",
            )
            st.page_link("pages/launch_runs.py", label="Launch a run", icon=":material/rocket_launch:")
            st.stop()
        used = uses()
        dataset_view(chosen_dataset(listed, used), used)
    except LabError as error:
        st.error(message(error))
