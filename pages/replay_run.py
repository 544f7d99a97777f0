"""Replay: an old run, an id or a config file, put back into the Launch form; two runs compared bit by bit."""

import streamlit as st
import yaml

from core import jobs
from core.config import parse_config
from core.errors import LabError
from core.tracking.replay import verify
from pages.parts.text import ago


def from_file(upload) -> None:
    """The Launch form, filled from an uploaded config."""
    try:
        data = yaml.safe_load(upload.getvalue().decode("utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise LabError(f"{upload.name} is neither YAML nor JSON.") from error
    config = parse_config(data["config"] if isinstance(data, dict) and "config" in data else data)
    st.session_state["launch.upload"] = config.model_dump(mode="json", by_alias=True)
    st.switch_page("pages/launch_runs.py")


def pick(label: str, listed: list[jobs.Job], key: str) -> str | None:
    """A run from the list."""
    names = {job.run_id: f"{job.name or job.run_id[:8]} · {job.state} · {ago(job.submitted)}" for job in listed}
    return st.selectbox(label, list(names), index=None, format_func=names.get, key=key)


st.title("Replay")
try:
    listed = jobs.queue()
    if not listed:
        st.info("No runs yet. Launch one; later its config comes back into the form here.", icon=":material/info:")
        st.page_link("pages/launch_runs.py", label="Launch a run", icon=":material/rocket_launch:")
        st.stop()
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Back into the form")
        chosen = pick("Run", listed, "replay.run")
        pasted = st.text_input("or its id", placeholder="32 hexadecimal digits", key="replay.id").strip()
        if st.button("Fill the form", type="primary", disabled=not (chosen or pasted), icon=":material/replay:"):
            st.switch_page("pages/launch_runs.py", query_params={"replay": pasted or chosen})
        upload = st.file_uploader("or a config file", type=["json", "yaml", "yml"], key="replay.file")
        if upload is not None:
            from_file(upload)
    with right:
        st.subheader("Verify a rerun")
        source = pick("Source", listed, "replay.source")
        rerun = pick("Rerun", listed, "replay.rerun")
        if source and rerun:
            verdict = verify(source, rerun)
            show = {"bit-identical": st.success, "within tolerance": st.warning, "different": st.error}
            show[verdict.outcome](verdict.sentence())
except LabError as error:
    st.error(str(error))
