"""Which pages are whose, and who is signed in: what app.py asks before a page is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import streamlit as st

from core.errors import LabError
from core.people import ADMIN, RUNNER, VIEWER, may, require, visitors_sign_in
from pages.parts.people.visitor import visitor
from pages.parts.shared.text import Markdown, message

TAKES = {"": RUNNER, "launch": RUNNER, "equation": RUNNER, "settings": ADMIN}
"""The role that a page takes, by its address; the others are for all."""
FILES = {
    "launch": "pages/launch_runs.py",
    "equation": "pages/type_equation.py",
    "settings": "pages/lab_settings.py",
}
"""Those pages that take a role, as links name them."""
_FOLDER = Path(__file__).parent

_person = st.components.v2.component(
    "singularity_lab_person",
    html="<span hidden></span>",
    css=_FOLDER.joinpath("person.css").read_text(encoding="utf-8"),
    js=_FOLDER.joinpath("person.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def greet() -> None:
    """Say who is signed in; where somebody is not let in, say why and draw nothing else."""
    if not visitors_sign_in():
        return
    try:
        person = visitor()
    except LabError as error:
        st.error(message(error))
        st.stop()
    if person is None:
        st.stop()
    _person(key="people.person", data={"name": person.name, "role": person.role})


def shown(address: str) -> Literal["visible", "hidden"]:
    """Whether a page stands in the navigation, as `st.Page` asks for it."""
    return "visible" if may_enter(address) else "hidden"


def may_enter(address: str) -> bool:
    """Whether whoever acts may use a page: for links and buttons that lead there."""
    return may(TAKES.get(address, VIEWER))


def way_to(address: str, label: Markdown, icon: str, **query: str) -> None:
    """A link to a page that takes a role; nothing for those who have it not."""
    if may_enter(address):
        st.page_link(FILES[address], label=label, icon=icon, query_params=query or None)


def let_in(address: str) -> bool:
    """Whether whoever acts may use a page; if not, it says why, and the front door leads to Watch."""
    try:
        require(TAKES.get(address, VIEWER))
    except LabError as error:
        if not address:
            st.switch_page("pages/watch_runs.py")
        st.info(message(error), icon=":material/lock:")
        return False
    return True
