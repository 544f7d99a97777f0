"""Typed equations to start from, each with its picture, its formula, its time and its measured error."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.equations.latex_system import latex_of_system
from core.presets import Preset, presets
from pages.parts.equation.draft import KIND, Draft, draft_of
from pages.parts.equation.form import start_from
from pages.parts.equation.reading import system_text
from pages.parts.shared.text import described, duration, plain

COLUMNS = 3
LONGEST_SOURCE = 30
"""Characters of a source that has room on a card."""


def typed_presets() -> dict[str, Preset]:
    """The presets that are typed equations, quickest first; last those that need a dataset, which may not be there."""
    found = {name: preset for name, preset in presets().items() if preset.kind == KIND}
    return dict(sorted(found.items(), key=lambda item: item[1].config.problem.uses_data))


def first_draft() -> Draft:
    """What a new visitor finds: the first example on a box, or nothing where there is none."""
    on_a_box = (preset for preset in typed_presets().values() if preset.config.problem.shape is None)
    return next(map(draft_of_preset, on_a_box), Draft())


def draft_of_preset(preset: Preset) -> Draft:
    """The texts of a typed preset."""
    found = draft_of(preset.config.model_dump(mode="json", by_alias=True))
    return replace(found, seconds=preset.expected_seconds)


@st.dialog("Start from an example", width="large")
def gallery() -> None:
    """Cards to choose from; the chosen one fills the form."""
    examples = list(typed_presets().items())
    for first in range(0, len(examples), COLUMNS):
        for part, (name, preset) in zip(st.columns(COLUMNS), examples[first : first + COLUMNS], strict=False):
            with part:
                _card(name, preset)


def _card(name: str, preset: Preset) -> None:
    with st.container(border=True, height="stretch", key=f"equation-card-{name}"):
        st.markdown(f"**{plain(preset.title.removesuffix(', typed'))}**")
        if preset.picture is not None:
            st.image(preset.picture, width="stretch")
        st.latex(_formula(preset))
        error = "" if preset.relative_l2 is None else f", relative L2 error {preset.relative_l2:.1e}"
        st.caption(f"{duration(preset.expected_seconds)} on two cores{error}. {described(preset.description)}")
        if st.button("Start from this", key=f"equation.start.{name}", on_click=_start, args=(preset,), width="stretch"):
            st.rerun()  # all of the page, which closes the dialog


def _start(preset: Preset) -> None:
    """Before anything is drawn again."""
    start_from(draft_of_preset(preset))


def _formula(preset: Preset) -> str:
    """Its equations alone, long sources as f."""
    typed = system_text(draft_of_preset(preset).data())
    return latex_of_system(replace(typed, conditions=()), LONGEST_SOURCE)
