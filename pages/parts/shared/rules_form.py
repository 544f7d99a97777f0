"""Watch rules as a form: one box each, added and removed; for the lab's settings and for one run alike."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.rules import MOST_RULES, RULES, Failed, Finished
from pages.parts.shared.model_form import Path, fields_form
from pages.parts.shared.text import LONGEST_MESSAGE, described, plain, visible

TITLES = {
    "diverged": "Diverged",
    "stalled": "Stalled",
    "drifting": "λ drifts",
    "memory": "Memory low",
    "disk": "Disk low",
    "finished": "Finished",
    "failed": "Failed",
}
MODELS = {rule.model_fields["kind"].default: rule for rule in RULES}


def rules_form(
    rules: list[dict[str, Any]], channels: list[str], errors: dict[Path, str], key: str
) -> tuple[list[dict[str, Any]], bool]:
    """Rules as they are in the form, unvalidated, and whether one was added or removed: a new `key` is needed then.

    Args:
        rules: plain data to start from.
        channels: names of the lab's channels.
        errors: messages by field path within the rules, (0, "factor").
        key: prefix of the widgets' keys.
    """
    found = []
    for index, rule in enumerate(rules):
        with st.container(border=True):
            filled = _rule(rule, channels, {path[1:]: line for path, line in errors.items() if path[:1] == (index,)},
                           f"{key}.{index}")  # fmt: skip
        if filled is not None:
            found.append(filled)
    if len(rules) < MOST_RULES:
        kind = st.pills("Add a rule", list(TITLES), format_func=lambda kind: plain(TITLES[kind]), key=f"{key}.add")
        if kind:
            return [*found, MODELS[kind]().model_dump(mode="json")], True
    return found, len(found) < len(rules)


def _rule(rule: dict[str, Any], channels: list[str], errors: dict[Path, str], key: str) -> dict[str, Any] | None:
    """One rule; None when it is removed."""
    kind = rule["kind"]
    model = MODELS[kind]
    filled = {"kind": kind, "stop": False, "tell": rule.get("tell") or []}
    with st.container(horizontal=True, vertical_alignment="center"):
        about = described(model.__doc__.splitlines()[0])
        st.markdown(f"**{plain(TITLES[kind])}**", width="stretch", help=about)
        if model not in (Finished, Failed):
            filled["stop"] = st.checkbox(
                "Stop the run", bool(rule.get("stop")), key=f"{key}.stop", help="It leaves a checkpoint."
            )
        removed = st.button("Remove", icon=":material/close:", type="tertiary", key=f"{key}.remove")
    names = tuple(name for name in model.model_fields if name not in ("kind", "stop", "tell"))
    figures, told = st.columns(2, gap="small") if names else (None, st.container())
    if figures is not None:
        with figures:
            filled |= fields_form(model, names, rule, errors, key)
    if channels or filled["tell"]:
        options = list(dict.fromkeys([*channels, *filled["tell"]]))
        filled["tell"] = told.multiselect(
            "Tell", options, filled["tell"], format_func=visible, key=f"{key}.tell", placeholder="all channels"
        )
    for path, line in errors.items():
        if path[:1] not in [(name,) for name in names]:
            st.markdown(f":red[{plain(line, LONGEST_MESSAGE)}]")
    return None if removed else filled
