"""Beside the Launch form: name, validation, hash, when it starts, and the button that queues or saves it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core import jobs
from core.config import RunConfig
from core.errors import ExperimentDeletedError, LabError
from core.tracking.tags import COPY_TAG, REPLAY_TAG
from pages.parts.launch.filling import start_from_source, validate
from pages.parts.launch.source import Source, forget_source, source_changes, waiting_source
from pages.parts.launch.sweep import on, sweep_panel, sweep_toggle
from pages.parts.launch.when import When, when_and_how_often
from pages.parts.shared.deleted_experiment import deleted_experiment
from pages.parts.shared.text import message

TAG = {"replay": REPLAY_TAG, "duplicate": COPY_TAG}
"""Kind of source → the tag that says which run it was."""


def with_way_back(draw: Callable[[], None]) -> None:
    """Draw what queues runs; where their experiment was deleted, say so with a button that brings it back."""
    try:
        draw()
    except ExperimentDeletedError:
        st.session_state["launch.deleted"] = True
    except LabError as error:
        st.error(message(error))
    if "launch.deleted" in st.session_state and not deleted_experiment():
        del st.session_state["launch.deleted"]


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
    if source is not None and source.kind == "edit":
        _save(config, source)
    else:
        sweep_toggle()
        if on():
            sweep_panel(config, config.name or config.problem.kind if config else "")
        else:
            launch_button(config, source)
    if config is not None and source is not None:
        source_changes(source, config, restore=start_from_source)


def launch_button(config: RunConfig | None, source: Source | None) -> None:
    """When and how often, and the button that queues the run or the batch and goes to Watch.

    Args:
        config: None while it is not valid: the button can't be pressed then.
        source: where a form's values come from, if from anywhere.

    Raises:
        ExperimentDeletedError: see `with_way_back`.
    """
    kind = source.kind if source else None
    batch = config.name or config.problem.kind if config else ""
    button = st.container()  # above what is unfolded, so that it stays where it is
    first = jobs.wait_of(source.name).get("after") if kind == "duplicate" else None
    when = when_and_how_often(config, batch, first)
    label = f"Launch {len(when.rows)} runs" if len(when.rows) > 1 else "Launch"
    ready = config is not None and not when.fault
    with button:
        st.caption(when.start(jobs.capacity()))
        if not st.button(label, type="primary", disabled=not ready, width="stretch", icon=":material/rocket_launch:"):
            return
        try:
            _queue(config, batch, when, {TAG[kind]: source.name} if kind in TAG else None)
        except ExperimentDeletedError:
            raise  # the page has a way out
        except LabError as error:
            st.error(message(error))


def _queue(config: RunConfig, batch: str, when: When, tags: dict[str, str] | None) -> None:
    st.session_state.pop("launch.deleted", None)
    run_id = _submit_all(config, batch, when, tags) if when.rows else jobs.submit(config, tags=tags, **when.options())
    st.switch_page("pages/watch_runs.py", query_params={"run": run_id})


def _submit_all(config: RunConfig, batch: str, when: When, tags: dict[str, str] | None) -> str:
    progress = st.progress(0.0, text="Queueing")
    runs = jobs.submit_many(
        config,
        when.rows,
        batch=batch,
        tags=tags,
        done=lambda queued, of: progress.progress(queued / of, text=f"{queued:d} of {of:d} queued"),
        **when.options(),
    )
    return runs[0]


def _save(config: RunConfig | None, source: Source) -> None:
    changed = config is not None and config != source.config
    if st.button("Save the change", type="primary", disabled=not changed, width="stretch", icon=":material/save:"):
        try:
            jobs.edit(source.name, config, source.revision)
        except jobs.ChangedMeanwhileError as error:
            # what was typed stays in the form; the table below says from now on what saving it would change of theirs
            st.session_state["launch.source"] = waiting_source(source.name)
            st.session_state["launch.refused"] = str(error)
            st.rerun()
        st.session_state.pop("launch.refused", None)
        _leave(source)
    if st.button("Leave it as it is", width="stretch", icon=":material/close:"):
        _leave(source)
    if refused := st.session_state.pop("launch.refused", None):
        st.error(message(refused), icon=":material/group:")


def _leave(source: Source) -> None:
    forget_source()
    st.switch_page("pages/watch_runs.py", query_params={"run": source.name})
