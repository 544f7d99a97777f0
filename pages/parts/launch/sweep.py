"""A sweep on the Launch form: a tick beside each field that can be varied, and beside the form how and how often."""

from __future__ import annotations

from typing import Any

import streamlit as st
from pydantic.fields import FieldInfo

from core import sweeps
from core.config import RunConfig
from core.errors import ExperimentDeletedError, LabError
from core.jobs.engines.contract import LOCAL
from core.people import RUNNER, may
from core.sweeps.axis import HOW_TO_WRITE
from core.sweeps.fields import LEFT_OUT, within
from core.sweeps.sweep import METRICS, MOST_PARALLEL, SAMPLERS, TITLES, USUAL_TRIALS, Sweep, places, plan
from pages.parts.launch.when import where_to
from pages.parts.shared.text import message, plain, visible

ON, VARIED = "launch.sweep", "launch.varied"
"""Keys of the session's state: whether the form is one of a sweep; path of a field → what is tried of it."""


def on() -> bool:
    """Whether the form is one of a sweep."""
    return bool(st.session_state.get(ON))


class Ticks:
    """What is ticked beside the fields of a form, and what is to be tried of it.

    Args:
        key: prefix of the widgets' keys.
    """

    def __init__(self, key: str):
        self._key = f"{key}.sweep"
        self.varied: dict[str, str] = {}

    def beside(self, info: FieldInfo, value: Any, path: tuple[str | int, ...]) -> None:
        """Draw the tick of a field, where it can be varied, and below it what is to be tried."""
        where = ".".join(map(str, path))
        field = next((field for field in within(value, info, where) if field.path == where), None)
        if field is None or path[0] in LEFT_OUT or path[-1] == "kind":
            return
        if not st.checkbox("Sweep", key=f"{self._key}.{where}", help="Try several values of this field."):
            return
        self.varied[where] = st.text_input(
            "Values",
            field.suggestion,
            key=f"{self._key}.{where}.what",
            placeholder="1..20, or 16, 32, 64",
            help=f"{HOW_TO_WRITE}.",
            label_visibility="collapsed",
        )


def sweep_toggle() -> None:
    """The switch between one run and a sweep."""
    st.toggle("Sweep", key=ON, help="Ticks appear beside the fields: each ticked one is varied by a sampler.")


def sweep_panel(config: RunConfig | None, batch: str) -> None:
    """How the ticked fields are varied, what comes of that, and the button that starts the sweep.

    Args:
        config: what the form holds; None while that is not valid.
        batch: name of the sweep.

    Raises:
        ExperimentDeletedError: the store's experiment was deleted; the page has a way out.
    """
    varied = st.session_state.get(VARIED, {})
    sampler = st.pills(
        "Sampler",
        list(SAMPLERS),
        default="tpe",
        format_func=lambda name: plain(TITLES[name]),
        key="launch.sweep.sampler",
    )
    sampler = sampler or "tpe"
    st.caption(f"It tries {SAMPLERS[sampler]}.")
    options: dict[str, Any] = {"sampler": sampler, "name": batch}
    left, right = st.columns(2)
    options["engine"] = engine = where_to()
    at_once = places(config, engine or LOCAL) if config else 1
    if sampler == "grid":
        left.caption("As many trials as combinations. A range says how many: 1e-6..1e-2 log 5.")
    else:
        options["trials"] = int(left.number_input("Trials", 1, 500, USUAL_TRIALS, key="launch.sweep.trials"))
    options["parallel"] = int(right.number_input("At a time", 1, MOST_PARALLEL, at_once, key="launch.sweep.parallel"))
    options["metric"] = st.selectbox(
        "Least is best", list(METRICS), format_func=lambda name: visible(METRICS[name]), key="launch.sweep.metric"
    )
    options["prune"] = st.toggle(
        "Prune", key="launch.sweep.prune", help="Stop trials whose residual lies above the others' median on the way."
    )
    sweep = _planned(config, varied, options)
    label = f"Start {sweep.trials:d} trials" if sweep else "Start the sweep"
    if not st.button(
        label, type="primary", disabled=sweep is None or not may(RUNNER), width="stretch", icon=":material/tune:"
    ):
        return
    try:
        sweep_id = sweeps.start(config, varied, **options)
    except ExperimentDeletedError:
        raise
    except LabError as error:
        st.error(message(error))
        return
    st.switch_page("pages/sweep_runs.py", query_params={"sweep": sweep_id})


def _planned(config: RunConfig | None, varied: dict[str, str], options: dict[str, Any]) -> Sweep | None:
    """What would be started, said in a sentence; why it can't be, where it can't."""
    if config is None:
        return None
    if not varied:
        st.info("Tick Sweep beside a field of the form.", icon=":material/arrow_back:")
        return None
    try:
        sweep = plan(config, varied, **options)
    except LabError as error:
        st.error(message(error))
        return None
    for axis in sweep.axes:
        st.caption(message(f"{axis.path}: {axis.title}"))
    return sweep
