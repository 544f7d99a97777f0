"""Channels as a form: addresses go from the browser to the lab and never back."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.errors import LabError
from core.jobs.troubles import refusals
from core.settings import Email, Settings, Webhook
from core.watchers.channels import send
from core.watchers.message import trial
from core.watchers.webhook import host_of
from pages.parts.shared.model_form import Path, fields_form
from pages.parts.shared.text import LONGEST, LONGEST_MESSAGE, message, plain

KINDS = {"slack": "Slack", "mattermost": "Mattermost", "ntfy": "ntfy", "json": "JSON to a URL", "email": "E-mail"}
MAIL_FIELDS = ("host", "port", "security", "sender", "to", "user", "password_variable")
TESTED = "settings.tested"
"""Key of the session's state: name of a channel → whether it took the test, and what was said."""


def channels_form(
    channels: list[dict[str, Any]], errors: dict[Path, str], key: str
) -> tuple[list[dict[str, Any]], bool, int | None]:
    """Channels as they are in the form, whether one was added or removed, and which is to be tested.

    Args:
        channels: plain data to start from, addresses included.
        errors: messages by field path within the channels, (0, "name").
        key: prefix of the widgets' keys; a new one is needed where one was added or removed.
    """
    found, tested, refused = [], None, refusals()
    for index, channel in enumerate(channels):
        own = {path[1:]: line for path, line in errors.items() if path[:1] == (index,)}
        with st.container(border=True):
            filled, test = _channel(channel, own, f"{key}.{index}")
            if line := refused.get(channel["name"]):
                st.warning(message(line), icon=":material/notifications_paused:")
        if filled is not None:
            found.append(filled)
            tested = index if test else tested
    kind = st.pills("Add a channel", list(KINDS), format_func=lambda kind: plain(KINDS[kind]), key=f"{key}.add")
    if kind:
        return [*found, _fresh(kind, {channel["name"] for channel in found})], True, None
    return found, len(found) < len(channels), tested


def _channel(channel: dict[str, Any], errors: dict[Path, str], key: str) -> tuple[dict[str, Any] | None, bool]:
    """One channel, None when it is removed; and whether it is to be tested."""
    kind = channel["kind"]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(KINDS[kind])}**", width="stretch")
        test = st.button("Send a test", icon=":material/send:", type="tertiary", key=f"{key}.test")
        removed = st.button("Remove", icon=":material/close:", type="tertiary", key=f"{key}.remove")
    if kind == "email":
        filled = {"kind": kind} | fields_form(Email, ("name", *MAIL_FIELDS), channel, errors, key)
    else:
        name, address = st.columns(2, gap="small")
        with name:
            filled = {"kind": kind} | fields_form(Webhook, ("name",), channel, errors, key)
        known = channel.get("url", "")
        typed = address.text_input(
            "Address",
            key=f"{key}.url",
            type="password",
            placeholder=_host(channel) if known else "https://…",
            help="Whoever knows it can write there, so it is not shown again. Empty: as it is.",
        )
        filled["url"] = typed.strip() or known
    for path, line in errors.items():
        if path[:1] in ((), ("url",)):
            st.markdown(f":red[{plain(line, LONGEST_MESSAGE)}]")
    _said(filled["name"])
    return (None if removed else filled), test


def _said(name: str) -> None:
    """What came of the last test."""
    if name in (told := st.session_state.get(TESTED, {})):
        taken, said = told[name]
        if taken:
            st.success(message(said), icon=":material/check:")
        else:
            st.error(message(said), icon=":material/error:")


def _host(channel: dict[str, Any]) -> str:
    try:
        return f"{host_of(Webhook(**channel))}/…"
    except ValueError:
        return "not an address"


def _fresh(kind: str, names: set[str]) -> dict[str, Any]:
    """A new channel with a name that none has."""
    name = next(name for k in range(1, 100) if (name := kind if k == 1 else f"{kind} {k}") not in names)
    if kind == "email":
        return {"kind": kind, "name": name, "host": "", "port": 587, "security": "starttls", "sender": "", "to": ""}
    return {"kind": kind, "name": name, "url": ""}


def test_channel(chosen: Settings, index: int) -> None:
    """Send a test to a channel as the form has it, and keep what came of it."""
    channel = chosen.channels[index]
    with st.spinner(f"Telling {plain(channel.name, LONGEST)} …"):
        try:
            answer = True, f"Taken: {send(channel, trial(), chosen.time_zone)}."
        except LabError as error:
            answer = False, str(error)
    st.session_state[TESTED] = st.session_state.get(TESTED, {}) | {channel.name: answer}
