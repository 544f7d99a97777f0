"""Launch: a preset or an old config, changed in a form that validates as you type, queued with one click."""

import streamlit as st
from pydantic import ValidationError

from core import jobs
from core.config import RunConfig, field_errors
from core.datasets import pinned
from core.errors import ExperimentDeletedError, LabError
from core.presets import presets
from core.problems import CATALOGUE, REFUSED
from core.tracking.tags import REPLAY_TAG
from pages.parts.launch.form import fields_form
from pages.parts.launch.source import NEXT_STAGE, Source, forget_source, linked_source, source_changes, source_notes
from pages.parts.shared.deleted_experiment import deleted_experiment
from pages.parts.shared.text import LONGEST, described, duration, message, plain

UNKNOWN = {problem.model_fields["kind"].default: problem.unknown for problem in CATALOGUE if problem.has_lambda}


def start_from(data: dict) -> None:
    """Fill the form anew."""
    st.session_state["launch.data"] = data
    st.session_state["launch.form"] = st.session_state.get("launch.form", 0) + 1
    st.session_state["launch.errors"] = {}


def start_from_preset(name: str) -> None:
    """Fill the form from a preset."""
    st.session_state["launch.preset"] = name
    start_from(presets()[name].config.model_dump(mode="json", by_alias=True))


def preset_clicked() -> None:
    """Fill the form from the preset that was clicked, and forget what it held."""
    if name := st.session_state["launch.preset"]:
        forget_source()
        start_from_preset(name)


def start_from_source(source: Source) -> None:
    """Fill the form from an old run or a file."""
    st.session_state["launch.source"] = source
    st.session_state["launch.preset"] = None
    start_from(source.form_data())


def validate(data: dict) -> tuple[RunConfig | None, dict]:
    """The config with its dataset's version, or the errors by field path."""
    try:
        return pinned(RunConfig.model_validate(data)), {}
    except ValidationError as error:
        return None, dict(field_errors(error))
    except LabError as error:
        return None, {("problem", "dataset"): str(error)}


def fill_in() -> dict:
    """The form in two columns: what is solved and with which network, then the stages."""
    data, errors = st.session_state["launch.data"], st.session_state["launch.errors"]
    key = f"launch.{st.session_state['launch.form']}"
    what, how = st.columns([4, 5], gap="large")
    with what:
        filled = fields_form(RunConfig, ("problem", "network"), data, errors, key)
        if unknown := UNKNOWN.get(filled["problem"]["kind"]):
            if unknown != "λ":
                st.caption(f"λ stands for {plain(unknown)} here.")
            filled |= fields_form(RunConfig, ("lambda",), data, errors, key)
        filled |= fields_form(RunConfig, ("seed", "device"), data, errors, key)
    with how:
        filled |= fields_form(RunConfig, ("stages",), data, errors, key)
        count = len(filled["stages"])
        with st.container(horizontal=True):
            add = st.button("Add a stage", disabled=count >= 12, icon=":material/add:")
            remove = st.button("Remove the last stage", disabled=count <= 1, icon=":material/remove:")
    filled = data | filled
    if add or remove:
        start_from(filled | {"stages": [*filled["stages"], NEXT_STAGE] if add else filled["stages"][:-1]})
        st.rerun()
    return filled


def launch_panel(data: dict, source: Source | None) -> None:
    """Name, validation, hash and the button; below it, where nothing can jump, what differs from the source."""
    data = data | {"name": st.text_input("Name", data["name"], key=f"launch.{st.session_state['launch.form']}.name")}
    config, errors = validate(data)
    if errors != st.session_state["launch.errors"]:
        st.session_state["launch.errors"] = errors
        st.rerun()  # once, so that each message stands beside its field
    if config is None:
        st.error(message("\n".join(errors.values())), icon=":material/error:")
        if ("problem", "dataset") in errors:
            st.page_link("pages/data_sets.py", label="Datasets", icon=":material/dataset:")
    else:
        if caution := config.problem.caution():
            st.warning(message(caution), icon=":material/warning:")
        st.caption("Config hash")
        st.code(config.hash[:24], language=None)
        free = [slot for slot in jobs.capacity() if not slot.busy]
        st.caption("A slot is free: it starts at once." if free else "All slots are busy: it waits in the queue.")
    if st.button("Launch", type="primary", disabled=config is None, width="stretch", icon=":material/rocket_launch:"):
        tags = {REPLAY_TAG: source.name} if source and source.kind == "replay" else None
        st.session_state.pop("launch.deleted", None)
        run_id = jobs.submit(config, tags=tags)
        st.switch_page("pages/watch_runs.py", query_params={"run": run_id})
    if config is not None and source is not None:
        source_changes(source, config, restore=start_from_source)


st.title("Launch a run")
if "launch.data" not in st.session_state:
    start_from_preset(next(iter(presets())))
try:
    if linked := linked_source():
        start_from_source(linked)
except LabError as error:
    st.error(message(error))
source = st.session_state.get("launch.source")
main, side = st.columns([9, 3], gap="large")
with main:
    chosen = st.pills(
        "Preset",
        list(presets()),
        format_func=lambda name: f"{plain(presets()[name].title)} · {duration(presets()[name].expected_seconds)}",
        key="launch.preset",
        on_change=preset_clicked,
        wrap=True,
    )
    if chosen:
        st.caption(f"{described(presets()[chosen].description)} The time is for two CPU cores.")
    if source:
        source_notes(source)
    data = fill_in()
with side:
    kind = data["problem"]["kind"]
    problem = next(p for p in CATALOGUE if p.model_fields["kind"].default == kind)
    st.caption(plain(problem.title, LONGEST))
    for part in problem.equation.split(r"\quad"):
        st.latex(part.strip(" ,"))
    try:
        launch_panel(data, source)
    except ExperimentDeletedError:
        st.session_state["launch.deleted"] = True
    except LabError as error:
        st.error(message(error))
    if "launch.deleted" in st.session_state and not deleted_experiment():
        del st.session_state["launch.deleted"]
    if REFUSED:
        with st.expander(f"Problems that could not be loaded: {len(REFUSED)}"):
            for refused in REFUSED:
                st.caption(message(refused))
