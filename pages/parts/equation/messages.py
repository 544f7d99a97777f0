"""What is wrong with what was typed, each message below the field that it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable

import streamlit as st

from core.equations.faults import Fault
from core.equations.functions import plain_name
from pages.parts.equation.form import Place, Places
from pages.parts.shared.text import Markdown, message, plain

MOST_SHOWN = 12
"""Messages at once; what is wrong first is mostly the cause of the rest."""
_COUNTED = re.compile(r"(equation|condition) (\d+)")
_ONE_OF = {"parameter": "parameters", "unknown": "unknowns", "field": "fields"}


def place_of(fault: Fault, places: Places) -> Place | None:
    """Where what a fault is about was typed; None for the system as a whole."""
    kind, _, name = fault.label.partition(" ")
    if counted := _COUNTED.match(fault.label):
        what = "where" if fault.label.endswith(", where") else counted[1]
        return places.get((what, int(counted[2]))) or places.get((counted[1], 0))
    if fault.label.startswith("coordinate row "):
        return places.get(("coordinate row", int(fault.label.rpartition(" ")[2])))
    if kind == "coordinate":
        named = (
            place for (what, typed), place in places.items() if what == kind and plain_name(typed) == plain_name(name)
        )
        return next(named, places["coordinates", 0])
    if kind == "field" and fault.end <= fault.start and "which is no coordinate" not in fault.message:
        what = "equation" if fault.expected.startswith("an equation") else "condition"
        return places[what, 0]
    if kind in _ONE_OF:
        return places[_ONE_OF[kind], 0]
    if kind == "exact":
        return places.get(("exact", plain_name(name)))
    return {
        "coordinates": places["coordinates", 0],
        "domain": places["domain", 0],
        "parameters": places["parameters", 0],
        "unknowns": places["unknowns", 0],
        "the equations": places["equation", 0],
        "the conditions": places["condition", 0],
    }.get(fault.label)


def show_faults(faults: Iterable[Fault], places: Places) -> list[Fault]:
    """Draw each fault below what it is about; returns those that are of the system as a whole."""
    elsewhere = []
    for number, fault in enumerate(list(faults)[:MOST_SHOWN]):
        place = place_of(fault, places)
        if place is None:
            elsewhere.append(fault)
            continue
        with place.room:
            show_fault(fault, place, number)
    return elsewhere


def show_fault(fault: Fault, place: Place | None = None, number: int = 0) -> None:
    """A sentence, the text with carets below what is meant, and the nearest name to be taken."""
    with st.container(key=f"equation-fault-{number}", gap="xsmall"):
        colour = "orange" if fault.warning else "red"
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(_sentence(fault, colour), width="content")
            if fault.nearest and place is not None and _with_nearest(fault, place) is not None:
                st.button(
                    f"Use {plain(fault.nearest)}",
                    key=f"equation.nearest.{number}",
                    on_click=_take_nearest,
                    args=(fault, place),
                    icon=":material/spellcheck:",
                    type="tertiary",
                )
        if fault.caret and (fault.start, fault.end) != (0, len(fault.text)):
            st.code(fault.caret, language=None)


def _sentence(fault: Fault, colour: str) -> Markdown:
    icon = ":material/warning:" if fault.warning else ":material/error:"
    sentence = fault.sentence
    if re.match(r"(condition \d+|field|coordinate row|exact|parameters|unknowns|the conditions|domain)", fault.label):
        sentence = sentence.removeprefix(f"{fault.label}: ")  # it stands below what it is about
    text = message(sentence)
    return f":orange[{icon} {text}]" if colour == "orange" else f":red[{icon} {text}]"


def _with_nearest(fault: Fault, place: Place) -> str | None:
    """The widget's text with the nearest name in it; None where the text isn't the one that the fault was found in."""
    held = str(st.session_state.get(place.key, ""))
    lines = held.splitlines() or [""]
    if place.line >= len(lines) or fault.text not in lines[place.line]:
        return None
    start = lines[place.line].index(fault.text)
    line = lines[place.line]
    lines[place.line] = f"{line[: start + fault.start]}{fault.nearest}{line[start + fault.end :]}"
    return "\n".join(lines)


def _take_nearest(fault: Fault, place: Place) -> None:
    """Before the page is drawn again."""
    text = _with_nearest(fault, place)
    if text is not None:
        st.session_state[place.key] = text
