"""The end of the Equation page: name, seed and device, what is still wrong, the button, and the run as YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from core.config import RunConfig, config_yaml
from core.equations.faults import Fault
from core.plain_text import lasting
from core.presets.plan import plan
from core.problems.typed.as_class import class_source
from pages.parts.equation.draft import Draft
from pages.parts.equation.messages import show_fault
from pages.parts.launch.filling import validate
from pages.parts.launch.panel import launch_button
from pages.parts.launch.source import Source
from pages.parts.shared.text import LONGEST, message, plain

FORMS = ("YAML", "Python class")
FIRST_ELSEWHERE = 50
"""Numbers of faults of the system as a whole; those at their places are below."""


@dataclass(frozen=True)
class Planned:
    """The run that a draft stands for."""

    config: RunConfig | None
    """None while something is wrong."""
    words: tuple[str, ...] = ()
    """How its stages were chosen."""
    errors: Mapping = field(default_factory=dict)
    """What the config finds wrong, by field path."""


def planned(draft: Draft, run: Mapping[str, Any]) -> Planned:
    """A sound draft as a run: with the stages that came with its problem, else with planned ones.

    Args:
        draft: without faults.
        run: name, seed and device.
    """
    data = {**draft.run, **run, "problem": draft.data()}
    config, errors = validate(data | ({"stages": draft.own_stages} if draft.own_stages else {}))
    if config is None:
        return Planned(None, errors=errors)
    automatic = plan(config.problem, config.windows is None)
    if not draft.own_stages:
        return Planned(automatic.of(config), automatic.words)
    count = len(config.stages)
    words = automatic.words
    if config.stages != automatic.stages:
        words = (f"{count} stage{'s' * (count != 1)}, as they came with this problem.",)
    if draft.seconds is not None:
        words = (*words, f"It takes about {lasting(draft.seconds)} on two cores.")
    return Planned(config, words)


def launching(found: Planned, elsewhere: list[Fault], wrong: int) -> None:
    """The button, and why it can't be pressed.

    Args:
        found: the run.
        elsewhere: what is wrong with the system as a whole, said nowhere above.
        wrong: how many faults there are in all.
    """
    for number, fault in enumerate(elsewhere, FIRST_ELSEWHERE):
        show_fault(fault, number=number)
    if wrong > len(elsewhere):
        st.caption(f":red[:material/error: {wrong - len(elsewhere)} to mend in what is typed.]")
    elif found.errors:
        st.error(message("\n".join(found.errors.values())), icon=":material/error:")
    elif found.config is None and not elsewhere:
        st.caption("It can be launched once an equation and its conditions are typed.")
    launch_button(found.config, None)


def other_ways(config: RunConfig) -> None:
    """The run as a file, as a class, and in the form where every stage can be set."""
    with st.expander("As text", icon=":material/data_object:"):
        name = config.name or "equation"
        form = st.segmented_control("Form", FORMS, default=FORMS[0], label_visibility="collapsed", key="equation.as")
        if form == FORMS[1]:
            file, text = class_source(config.problem, name)
            st.caption(f"With `LAB_PROBLEMS={plain(file)}` in the environment of who starts the program it is a "
                       "problem like those of the catalogue. Its equations are Python, to be changed.")  # fmt: skip
            mime = "text/x-python"
        else:
            file, text, mime = "equation.yaml", config_yaml(config), "application/yaml"
        st.code(text, language="python" if form == FORMS[1] else "yaml", height=320)
        left, right = st.columns(2)
        with left:
            st.download_button(
                "Download", text, file, mime, on_click="ignore", icon=":material/download:", width="stretch"
            )
        with right:
            if st.button("Open in the Launch form", icon=":material/tune:", width="stretch",
                         help="Network, stages and points are changed there."):  # fmt: skip
                st.session_state["launch.upload"] = Source("file", name[:LONGEST], config, ())
                st.switch_page("pages/launch_runs.py")
