"""Launch: a preset or an old config, changed in a form that validates as you type, queued with one click."""

import streamlit as st
from pydantic import ValidationError

from core import jobs
from core.config import RunConfig, field_errors
from core.errors import LabError
from core.presets import presets
from pages.parts.config_form import config_form
from pages.parts.text import duration

EMPTY_STAGE = {"optimizer": {"kind": "gauss_newton", "damping": 1e-10}, "iterations": 10, "fourier": {}}


def start_from(data: dict) -> None:
    """Fill the form anew."""
    st.session_state["launch.data"] = data
    st.session_state["launch.form"] = st.session_state.get("launch.form", 0) + 1
    st.session_state["launch.errors"] = {}


def validate(data: dict) -> tuple[RunConfig | None, dict]:
    """The config, or the errors by field path."""
    try:
        return RunConfig.model_validate(data), {}
    except ValidationError as error:
        return None, dict(field_errors(error))


st.title("Launch a run")
ready = presets()
if "launch.data" not in st.session_state:
    start_from(next(iter(ready.values())).config.model_dump(mode="json", by_alias=True))

name = st.pills(
    "Preset",
    list(ready),
    format_func=lambda key: f"{ready[key].title} · {duration(ready[key].expected_seconds)}",
    default=next(iter(ready)),
    key="launch.preset",
    on_change=lambda: (
        start_from(ready[st.session_state["launch.preset"]].config.model_dump(mode="json", by_alias=True))
        if st.session_state["launch.preset"]
        else None
    ),
)
if name:
    st.caption(f"{ready[name].description} About {duration(ready[name].expected_seconds)} on two CPU cores.")

form, side = st.columns([5, 2], gap="large")
key = f"launch.{st.session_state['launch.form']}"
with form:
    data = config_form(RunConfig, st.session_state["launch.data"], st.session_state["launch.errors"], key)
    add, remove, _ = st.columns([1, 1, 3])
    if add.button("Add stage", disabled=len(data["stages"]) >= 12, width="stretch"):
        start_from(data | {"stages": [*data["stages"], EMPTY_STAGE]})
        st.rerun()
    if remove.button("Remove last stage", disabled=len(data["stages"]) <= 1, width="stretch"):
        start_from(data | {"stages": data["stages"][:-1]})
        st.rerun()

with side:
    data["name"] = st.text_input("Name", data.get("name", ""), max_chars=120, key=f"{key}.name")
    config, errors = validate(data)
    if errors != st.session_state["launch.errors"]:
        st.session_state["launch.errors"] = errors
        st.rerun()  # once, so that each message stands beside its field
    if config:
        st.latex(config.problem.equation)
        st.caption("Config hash")
        st.code(config.hash[:16], language=None)
    else:
        st.error("  \n".join(errors.values()))
    launch = st.button(
        "Launch", type="primary", disabled=config is None, width="stretch", icon=":material/rocket_launch:"
    )
    if launch and config:
        try:
            run_id = jobs.submit(config)
        except LabError as error:
            st.error(str(error))
        else:
            st.session_state["watch.run"] = run_id
            st.switch_page("pages/watch_runs.py", query_params={"run": run_id})
