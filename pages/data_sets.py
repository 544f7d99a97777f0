"""Datasets: files that runs learn from, meshes that they are on, their versions, and which run used which."""

import streamlit as st

from core.datasets import TAKEN, Column, add, datasets, is_mesh
from core.errors import LabError
from core.people import RUNNER, may
from core.presets.samples import SAMPLES
from core.tracking.dataset_inputs import uses
from pages.parts.datasets.mesh_view import mesh_view
from pages.parts.datasets.preview import columns_of, previewed
from pages.parts.datasets.view import chosen_dataset, dataset_view
from pages.parts.people.rooms import way_to
from pages.parts.shared.text import message


def upload_panel():
    """A file from the visitor's computer, if one is chosen, and the name that it is to have."""
    st.subheader("Add a dataset or a mesh")
    file = st.file_uploader(
        "Upload",
        type=list(TAKEN),
        key=f"datasets.file.{st.session_state.get('datasets.added', 0)}",
        help="Text with a table (CSV, TSV, COMSOL, np.savetxt), NumPy's .npy and .npz, MATLAB's .mat, or Parquet: one "
        "column for each coordinate and field, or axes and matrices over them. Or a mesh to solve an equation on: "
        "Gmsh's .msh, .vtu, .vtk, .stl, .obj, .ply, .off, .med, .mesh, .su2; its groups become boundaries.",
    )
    if file is None:
        return None, ""
    return file, st.text_input("Name", file.name, key=f"datasets.name.{file.file_id}")


def add_panel(name: str, data: bytes | None, columns: list[Column] | None, ready: bool) -> None:
    """The buttons that put the file, or the sample, into the data folder."""
    replace = st.checkbox(
        "Replace a dataset of this name", key="datasets.replace", help="Its old version is kept, with its runs."
    )
    if (
        st.button("Add", type="primary", disabled=not (ready and may(RUNNER)), icon=":material/upload:")
        and data is not None
    ):
        take(name, data, replace, columns)
    if st.button("Make the sample datasets", icon=":material/science:", disabled=not may(RUNNER)):
        take_samples(replace)
    st.caption("The samples: values of solutions from which presets find ν of Burgers' equation, and Darcy's field a.")
    if note := st.session_state.pop("datasets.note", None):
        st.success(message(note))


def take(name: str, data: bytes, replace: bool, columns: list[Column] | None = None) -> None:
    """Add a file, show it, and empty the uploader."""
    try:
        added = add(name, data, replace=replace, columns=columns)
    except LabError as error:
        st.error(message(error))
        return
    name = added.version.path
    st.session_state["datasets.note"] = f"{name}: {added.outcome}, version {added.version.digests.git_blob[:12]}."
    forget_file()
    st.query_params["dataset"] = name
    st.rerun()


def take_samples(replace: bool) -> None:
    """Add what presets learn from, and show the first."""
    (first, make), *others = SAMPLES.items()
    try:
        for name, also in others:
            add(name, also(), replace=replace)
    except LabError as error:
        st.error(message(error))
        return
    take(first, make(), replace)


def forget_file() -> None:
    """Empty the uploader, and with it the preview."""
    st.session_state["datasets.added"] = st.session_state.get("datasets.added", 0) + 1
    st.session_state.pop("datasets.preview", None)


st.title("Datasets")
main, side = st.columns([11, 4], gap="large")
with side:
    file, name = upload_panel()
columns, ready = None, False
if file is not None:
    with main, st.container(border=True):
        try:
            found = previewed(file, name, cancel=forget_file)
            if is_mesh(name):
                st.subheader("Preview")
                mesh_view(found, file.file_id)
                ready = True
            else:
                columns = columns_of(found, file.file_id)
                ready = columns is not None
        except LabError as error:
            st.error(message(error))
with side:
    try:
        add_panel(name, None if file is None else file.getvalue(), columns, ready)
    except LabError as error:
        st.error(message(error))
with main:
    try:
        listed = datasets()
        if not listed:
            st.info(
                "No datasets yet. A dataset is a file of measurements that a run learns from: upload one, or make the "
                "samples. Then choose “Burgers, viscosity from data” on the Launch page. A mesh is a domain for an "
                "equation of your own.",
                icon=":material/info:",
            )
            way_to("launch", "Launch a run", ":material/rocket_launch:")
            st.stop()
        used = uses()
        dataset_view(chosen_dataset(listed, used), used)
    except LabError as error:
        st.error(message(error))
