"""Versions, and the settings in force."""

from __future__ import annotations

import streamlit as st
import yaml

from core.machine import Gpus
from core.provenance import versions
from core.settings import in_force
from pages.parts.people.rooms import way_to
from pages.parts.shared.data_table import data_table
from pages.parts.shared.text import message


@st.cache_resource(show_spinner=False)
def _versions() -> dict[str, str]:
    driver = Gpus().driver()
    return versions() | ({"NVIDIA driver": driver} if driver else {})


def versions_view() -> None:
    """What this program stands on."""
    st.subheader("Versions")
    data_table([{"What": what, "Version": said} for what, said in _versions().items()], hide_index=True)


def settings_view() -> None:
    """The lab's settings as they are in force, and what is wrong with the file."""
    st.subheader("Settings in force")
    found = in_force()
    if found.fault:
        st.error(message(found.fault), icon=":material/error:")
    shown = found.settings.model_dump(mode="json", exclude={"channels"})  # addresses of channels are secrets
    shown["channels"] = [{"kind": each.kind, "name": each.name} for each in found.settings.channels]
    st.code(yaml.safe_dump(shown, sort_keys=False, allow_unicode=True), language="yaml", height=320)
    way_to("settings", "Change them", ":material/tune:")
