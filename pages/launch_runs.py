"""Launch: a preset or an old config, changed in a form that validates as you type, queued with one click."""

import streamlit as st
from pydantic import ValidationError

from core import jobs
from core.config import Fourier, GaussNewton, RunConfig, Stage, field_errors
from core.errors import LabError
from core.presets import presets
from core.problems import CATALOGUE
from core.tracking.datasets import pinned
from core.tracking.store import run_config
from pages.parts.config_form import fields_form
from pages.parts.text import duration

UNKNOWN = {problem.model_fields["kind"].default: problem.unknown for problem in CATALOGUE if problem.has_lambda}
# What "Add a stage" adds: a Fourier correction, whose first step is nearly undamped since it is linear.
NEXT_STAGE = Stage(optimizer=GaussNewton(damping=1e-10), iterations=10, fourier=Fourier()).model_dump(mode="json")


def start_from(data: dict) -> None:
    """Fill the form anew."""
    st.session_state["launch.data"] = data
    st.session_state["launch.form"] = st.session_state.get("launch.form", 0) + 1
    st.session_state["launch.errors"] = {}


def start_from_preset() -> None:
    """Fill the form from the preset that was clicked."""
    if name := st.session_state["launch.preset"]:
        start_from(presets()[name].config.model_dump(mode="json", by_alias=True))


def start_from_link() -> None:
    """Fill the form from the permalink, once: `?replay=RUN` with a run's config, `?parent=RUN` with its next stage."""
    for key in ("replay", "parent"):
        run_id = st.query_params.get(key)
        if not run_id or st.session_state.get("launch.source") == (key, run_id):
            continue
        config = run_config(run_id)
        data = config.model_dump(mode="json", by_alias=True)
        if key == "parent":
            from core.tracking.best import require_checkpoint

            require_checkpoint(run_id)
            data |= {"parent": run_id, "stages": [NEXT_STAGE], "name": f"{config.name or run_id[:8]}, next stage"}
        st.session_state["launch.source"] = (key, run_id)
        st.session_state["launch.preset"] = None
        start_from(data)
    if uploaded := st.session_state.pop("launch.upload", None):
        st.session_state["launch.preset"] = None
        start_from(uploaded)


def source_note(config: RunConfig) -> None:
    """Where the form came from and what was changed since."""
    key, run_id = st.session_state.get("launch.source", ("", ""))
    if st.query_params.get(key) != run_id or not run_id:
        return
    if key == "parent":
        st.caption(f":material/account_tree: Starts from the frozen solution of run `{run_id[:12]}`.")
        return
    from core.tracking.replay import differences

    changed = differences(run_config(run_id), config)
    st.caption(f":material/replay: Replay of run `{run_id[:12]}`: " + ("as it was." if not changed else "changed:"))
    for item in changed:
        st.caption(f"`{item.field}` {item.before} → {item.after}")


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
                st.caption(f"λ stands for {unknown} here.")
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


def launch_panel(data: dict) -> None:
    """Name, validation, hash and the button."""
    data = data | {"name": st.text_input("Name", data["name"], key=f"launch.{st.session_state['launch.form']}.name")}
    config, errors = validate(data)
    if errors != st.session_state["launch.errors"]:
        st.session_state["launch.errors"] = errors
        st.rerun()  # once, so that each message stands beside its field
    if config is None:
        st.error("  \n".join(errors.values()), icon=":material/error:")
        if ("problem", "dataset") in errors:
            st.page_link("pages/data_sets.py", label="Datasets", icon=":material/dataset:")
    else:
        source_note(config)
        st.caption("Config hash")
        st.code(config.hash[:24], language=None)
        free = [slot for slot in jobs.capacity() if not slot.busy]
        st.caption("A slot is free: it starts at once." if free else "All slots are busy: it waits in the queue.")
    if st.button("Launch", type="primary", disabled=config is None, width="stretch", icon=":material/rocket_launch:"):
        run_id = jobs.submit(config)
        st.switch_page("pages/watch_runs.py", query_params={"run": run_id})


st.title("Launch a run")
if "launch.data" not in st.session_state:
    st.session_state["launch.preset"] = next(iter(presets()))
    start_from_preset()
try:
    start_from_link()
except LabError as error:
    st.error(str(error))
main, side = st.columns([10, 3], gap="large")
with main:
    chosen = st.pills(
        "Preset",
        list(presets()),
        format_func=lambda name: f"{presets()[name].title} · {duration(presets()[name].expected_seconds)}",
        key="launch.preset",
        on_change=start_from_preset,
    )
    if chosen:
        st.caption(f"{presets()[chosen].description} The time is for two CPU cores.")
    data = fill_in()
with side:
    kind = data["problem"]["kind"]
    problem = next(p for p in CATALOGUE if p.model_fields["kind"].default == kind)
    st.caption(problem.title)
    for part in problem.equation.split(r"\quad"):
        st.latex(part.strip(" ,"))
    try:
        launch_panel(data)
    except LabError as error:
        st.error(str(error))
