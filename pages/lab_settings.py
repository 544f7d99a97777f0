"""Settings: the lab's slots, limits, clusters, rules and channels, in one file that this page and people edit alike."""

from typing import Any

import streamlit as st
from pydantic import ValidationError

from core.errors import LabError
from core.home import home
from core.jobs.engines.saving import save_settings
from core.settings import Settings, faults, in_force, text, time_zones
from pages.parts.settings.channels import channels_form, test_channel
from pages.parts.settings.engines import default_engine, engines_form, try_engine
from pages.parts.settings.logo import logo_form
from pages.parts.shared.model_form import fields_form
from pages.parts.shared.rules_form import rules_form
from pages.parts.shared.text import code, message

STATE, FORM = "settings.state", "settings.form"
"""Keys of the session's state: (the file as it was read, what was in force, what the form holds), and its number."""


def load() -> None:
    """Fill the form from what is in force now."""
    known = in_force().settings.model_dump(mode="json")
    st.session_state[STATE] = (text(), known, known)
    st.session_state[FORM] = st.session_state.get(FORM, 0) + 1


def keep(data: dict[str, Any], anew: bool, again: bool) -> None:
    """Keep what the form holds, and draw it again: `anew` where widgets were added or removed."""
    before, known, _ = st.session_state[STATE]
    st.session_state[STATE] = (before, known, data)
    st.session_state[FORM] += anew
    if anew or again:
        st.rerun()


def validated(data: dict[str, Any]) -> tuple[Settings | None, dict]:
    """The settings, or the errors by field path."""
    try:
        return Settings.model_validate(data), {}
    except ValidationError as error:
        return None, dict(faults(error))


def under(errors: dict, field: str) -> dict:
    """The errors within one field."""
    return {path[1:]: line for path, line in errors.items() if path[:1] == (field,)}


def bar(chosen: Settings | None, errors: dict, before: str, changed: bool) -> None:
    """The buttons, and in one line what keeps it from being saved."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Save", type="primary", icon=":material/save:", disabled=chosen is None or not changed):
            try:
                save_settings(chosen, before)
            except LabError as error:
                st.session_state["settings.refused"] = str(error)
            else:
                load()
                st.session_state["settings.saved"] = True
            st.rerun()
        if st.button("Discard changes", disabled=not changed):
            load()
            st.rerun()
        if errors:
            st.markdown(f":red[{message(next(iter(errors.values())))}]", width="stretch")
        else:
            st.caption("Slots, disk, retry and retention hold for what starts from now on; all else at once.")


st.title("Settings")
try:
    if STATE not in st.session_state or (
        st.session_state[STATE][1] == st.session_state[STATE][2] and st.session_state[STATE][0] != text()
    ):
        load()
    if fault := in_force().fault:
        st.error(
            f"{message(fault)}  \nSaving here puts what you see in the place of that file.", icon=":material/error:"
        )
    if st.session_state.pop("settings.saved", False):
        st.toast("Saved", icon=":material/check:")
    if refused := st.session_state.pop("settings.refused", ""):
        st.warning(message(refused), icon=":material/group:")
    st.caption(f"In {code(home().settings_file)}, which can be edited by hand too.")
    top = st.container()
    before, known, data = st.session_state[STATE]
    _, errors = validated(data)
    key = f"settings.{st.session_state[FORM]}"
    machine, telling = st.columns(2, gap="large")
    with machine:
        st.subheader("The machine")
        filled = data | fields_form(Settings, ("slots", "disk", "retry", "retention"), data, errors, key)
        zones = [None, *time_zones()]
        filled["time_zone"] = st.selectbox(
            "Time zone of messages",
            zones,
            zones.index(data["time_zone"]) if data["time_zone"] in zones else 0,
            format_func=lambda zone: zone or "UTC (default)",  # a browser says which by its words, and UTC is a zone
            key=f"{key}.zone",
            help="Of times in messages to channels. Pages show the viewer's own.",
        )
        filled |= fields_form(Settings, ("tour",), data, errors, key)
    with telling:
        st.subheader("Watch rules for every run")
        names = [channel["name"] for channel in data["channels"]]
        filled["watch"], new_rules = rules_form(data["watch"], names, under(errors, "watch"), f"{key}.watch")
        st.subheader("Channels")
        filled["channels"], new_channels, tested = channels_form(
            data["channels"], under(errors, "channels"), f"{key}.channels"
        )
        filled |= fields_form(Settings, ("reports",), data, errors, f"{key}.reports")
        logo_form()
        st.subheader("Clusters", help="Runs may be handed to them, besides this machine.")
        filled["engines"], new_engines, tried = engines_form(
            data["engines"], under(errors, "engines"), f"{key}.engines"
        )
        filled["engine"] = default_engine(data["engine"], filled["engines"], errors.get(("engine",)), key)
    chosen, wrong = validated(filled)
    anew = new_rules or new_channels or new_engines
    keep(filled, anew, wrong != errors)  # so that each message stands beside its field
    if tried is not None:
        try_engine(filled["engines"][tried])
        st.rerun()
    if tested is not None and chosen is not None:
        test_channel(chosen, tested)
        st.rerun()
    with top:
        bar(chosen, wrong, before, bool(fault) or chosen is None or chosen.model_dump(mode="json") != known)
except LabError as error:
    st.error(message(error))
