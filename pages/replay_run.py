"""Replay: an old run, an id or a config file, put back into the Launch form; a rerun verified digit by digit."""

import streamlit as st

from core.errors import LabError
from core.people import RUNNER, may
from core.replay import missing_parent, submit_rerun
from core.runs import RunFolder, run_folder
from core.tracking.in_force import in_force
from core.tracking.search import find_id, find_runs
from core.tracking.store import RunRecord, get_run, stored_config
from pages.parts.launch.source import uploaded_source
from pages.parts.people.rooms import may_enter, way_to
from pages.parts.replay.provenance import provenance_view
from pages.parts.replay.verify import verification
from pages.parts.shared.config_words import note_list
from pages.parts.shared.data_table import data_table
from pages.parts.shared.deleted_experiment import deleted_experiment
from pages.parts.shared.in_force import in_force_view
from pages.parts.shared.state_badge import state_badge
from pages.parts.shared.text import LONGEST, ago, code, message, plain, whole

ENDED = ("finished", "stopped", "failed", "crashed", "paused")


def open_run(run_id: str) -> None:
    """Show another run; the address says which."""
    st.query_params["run"] = run_id
    st.query_params.pop("rerun", None)


def open_selected(listed: list[RunRecord]) -> None:
    """The run whose row was clicked."""
    if rows := st.session_state[st.session_state["replay.table"]]["selection"]["rows"]:
        open_run(listed[rows[0]].run_id)


def picker() -> None:
    """Every run of the store that has a config, found by name, problem, state or id; or a config file."""
    text = st.text_input("Find a run", placeholder="name, problem, state, or an id", key="replay.find").strip()
    listed = find_runs(text)
    if not listed:
        if text:
            st.warning(
                f"No run fits {code(text, LONGEST)}: neither its name, problem or state, nor the beginning of its id "
                "or hash."
            )
        elif not deleted_experiment():
            st.info("No runs yet. Launch one; later its config comes back into the form.", icon=":material/info:")
            way_to("launch", "Launch a run", ":material/rocket_launch:")
    if listed and st.session_state.get("replay.found") != text:
        st.session_state["replay.found"] = text
        if text and len(listed) == 1 and listed[0].run_id.startswith(text.lower()):
            open_run(listed[0].run_id)
    if listed:
        st.session_state["replay.table"] = f"replay.table.{text}"
        data_table(
            [{"run": r.name, "problem": r.problem, "state": r.state, "started": ago(r.started)} for r in listed],
            key=st.session_state["replay.table"],
            on_select=lambda: open_selected(listed),
            selection_mode="single-row",
            hide_index=True,
            height=min(38 + 35 * len(listed), 424),
        )
        if len(listed) == 100:
            st.caption("The newest 100; a word above finds older ones.")
    if not may_enter("launch"):  # which is where a file's config goes
        return
    upload = st.file_uploader("or a config file", type=["json", "yaml", "yml"], max_upload_size=1, key="replay.file")
    if upload is not None:
        st.session_state["launch.upload"] = uploaded_source(upload.getvalue(), upload.name)
        st.switch_page("pages/launch_runs.py")


def run_panel(folder: RunFolder) -> RunRecord:
    """The chosen run, what can be done with it, and where it comes from."""
    record, reading = get_run(folder.run_id), stored_config(folder)
    st.markdown(f"### {plain(record.name, LONGEST)} &nbsp; {state_badge(record.state)}", help=whole(record.name))
    st.caption(
        f"{plain(record.problem, LONGEST)} · {ago(record.started)} · config {code(reading.config.hash[:12])} · "
        f"run {code(folder.run_id)}"
    )
    note_list(reading.notes)
    missing = missing_parent(reading.config)
    if missing:
        st.warning(message(missing))
    with st.container(horizontal=True):
        fills = may_enter("launch")
        if fills and st.button("Fill the Launch form", type="primary", icon=":material/replay:"):
            st.switch_page("pages/launch_runs.py", query_params={"replay": folder.run_id})
        can = record.state in ENDED and not missing and may(RUNNER)
        if st.button("Verify by a rerun", disabled=not can, icon=":material/verified:", help="Trains it once more."):
            st.query_params["rerun"] = submit_rerun(folder)
            st.rerun()
    try:
        in_force_view(in_force(folder))
    except LabError as error:
        st.warning(message(error), icon=":material/broken_image:")
    provenance_view(folder)
    return record


st.title("Replay")
left, right = st.columns([5, 7], gap="large")
with left:
    try:
        picker()
    except LabError as error:
        st.error(message(error))
with right:
    try:
        if wanted := st.query_params.get("run"):
            verification(run_panel(run_folder(find_id(wanted))))
        else:
            st.caption("Choose a run: its config comes back into the Launch form, or it is trained again and compared.")
    except LabError as error:
        st.error(message(error))
