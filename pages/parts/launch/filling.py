"""What the Launch form holds: filled from a preset or a source, drawn in two columns, validated."""

from __future__ import annotations

import streamlit as st
from pydantic import ValidationError

from core.config import RunConfig, field_errors, why_no_growth
from core.datasets import pinned
from core.errors import LabError
from core.presets import presets
from core.problems import CATALOGUE, Problem
from pages.parts.launch.guards import guards
from pages.parts.launch.source import NEXT_STAGE, Source, forget_source
from pages.parts.launch.sweep import VARIED, Ticks, on
from pages.parts.shared.model_form import fields_form
from pages.parts.shared.text import plain


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
        file = "dataset" if data["problem"].get("dataset") else "domain"
        return None, {("problem", file): str(error)}


def chosen_problem(data: dict) -> Problem | type[Problem]:
    """The problem that the form holds; its class where the form's values are none of it."""
    kind = next(each for each in CATALOGUE if each.model_fields["kind"].default == data["kind"])
    try:
        return kind.model_validate(data)
    except ValidationError:
        return kind


def unknown_of(data: dict) -> str | None:
    """What λ is called in the problem that the form holds; None where it has none."""
    problem = chosen_problem(data)
    if isinstance(problem, type) and (typed := data.get("unknowns")):
        return next(iter(typed))  # while something else of it is wrong
    return problem.unknown if problem.has_lambda else None


def further_of(data: dict) -> tuple[str, ...]:
    """Unknown numbers beside λ of the problem that the form holds."""
    problem = chosen_problem(data)
    return () if isinstance(problem, type) else tuple(problem.further_unknowns)


def can_grow(data: dict) -> bool:
    """Whether the problem that the form holds may have features that grow."""
    problem = chosen_problem(data)
    return not isinstance(problem, type) and not why_no_growth(problem)


def has_domain(data: dict) -> bool:
    """Whether the problem that the form holds has a domain other than a box, which features may follow."""
    problem = chosen_problem(data)
    return not isinstance(problem, type) and not problem.is_box


def _is_local(data: dict) -> bool:
    """Whether a stage that the form was filled with follows a domain: what is set is shown, whatever the problem."""
    return any((stage.get("fourier") or {}).get("local") for stage in data.get("stages") or ())


def can_be_cut(data: dict) -> bool:
    """Whether the problem that the form holds has a time that can be cut into windows."""
    problem = chosen_problem(data)
    return not isinstance(problem, type) and not problem.why_not_cut()


def fill_in() -> dict:
    """The form in two columns: what is solved and with which network, then the stages."""
    data, errors = st.session_state["launch.data"], st.session_state["launch.errors"]
    key = f"launch.{st.session_state['launch.form']}"
    ticks = Ticks(key)
    tick = ticks.beside if on() else None
    what, how = st.columns([4, 5], gap="large")
    with what:
        filled = fields_form(RunConfig, ("problem", "network"), data, errors, key, beside=tick)
        if unknown := unknown_of(filled["problem"]):
            if unknown != "λ":
                beside = further_of(filled["problem"])
                more = f" {plain(', '.join(beside))}: released with it." if beside else ""
                st.caption(f"λ stands for {plain(unknown)} here.{more}")
            filled |= fields_form(RunConfig, ("lambda",), data, errors, key, beside=tick)
        if data.get("parent"):
            filled |= fields_form(RunConfig, ("continuation",), data, errors, key, beside=tick)
        if data.get("windows") or can_be_cut(filled["problem"]):
            filled |= fields_form(RunConfig, ("windows",), data, errors, key, beside=tick)
        filled |= fields_form(RunConfig, ("seed", "device"), data, errors, key, beside=tick)
    with how:
        without = frozenset() if has_domain(filled["problem"]) or _is_local(data) else frozenset({"local"})
        filled |= fields_form(RunConfig, ("stages",), data, errors, key, without, tick)
        count = len(filled["stages"])
        with st.container(horizontal=True):
            add = st.button("Add a stage", disabled=count >= 12, icon=":material/add:")
            remove = st.button("Remove the last stage", disabled=count <= 1, icon=":material/remove:")
        if data.get("growth") or can_grow(filled["problem"]):
            filled |= fields_form(RunConfig, ("growth",), data, errors, key, beside=tick)
        guarded, anew = guards(data, errors, key)
    st.session_state[VARIED] = ticks.varied
    filled = data | filled | guarded
    if anew:
        start_from(filled)
        st.rerun()
    if add or remove:
        start_from(filled | {"stages": [*filled["stages"], NEXT_STAGE] if add else filled["stages"][:-1]})
        st.rerun()
    return filled
