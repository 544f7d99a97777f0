"""What fills the disk, and the clean-up: what would be deleted is listed before anything is."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.background import Background, Known, Say
from core.errors import LabError
from core.home import home
from core.housekeeping import KINDS, Item, Outcome, Survey, carry_out, plan, survey
from core.people import ADMIN, carried, may
from core.resources import size_text
from pages.parts.shared.data_table import data_table
from pages.parts.shared.text import Markdown, ago, message, plain

NEWER_THAN_S = 300.0
"""Sizes that are older are added up again when somebody opens the page."""
LISTED = 1000
"""Files of a plan that are shown; all are counted, and all of them are deleted."""


@dataclass(frozen=True)
class Looked:
    """The disk, and what a clean-up of each kind would delete, or why that is not known."""

    survey: Survey
    plans: dict[str, list[Item]]
    unknown: dict[str, str]


def _look(said: Say[Looked]) -> Looked:
    plans, unknown = {}, {}
    found = survey(lambda share: said(0.7 * share))
    for k, kind in enumerate(KINDS):
        try:
            plans[kind] = plan([kind])
        except LabError as error:
            unknown[kind] = str(error)
        said(0.7 + 0.3 * (k + 1) / len(KINDS))
    return Looked(found, plans, unknown)


@st.cache_resource(show_spinner=False)
def _disk(root: str) -> Background[Looked]:
    return Background(_look)


def disk_view() -> None:
    """Sizes and clean-up; drawn again by itself while something is being counted or deleted."""
    known = _disk(str(home().root)).ask(NEWER_THAN_S)
    cleaning = _cleaning()
    busy = known.busy or (cleaning is not None and cleaning.ask().busy)
    st.subheader("Disk")
    st.fragment(_disk_fragment, run_every=0.5 if busy else None)(busy)


def _disk_fragment(was_busy: bool) -> None:
    disk = _disk(str(home().root))
    known, cleaning = disk.ask(), _cleaning()
    done = cleaning.ask() if cleaning is not None else None
    if was_busy != (known.busy or (done is not None and done.busy)):
        st.rerun()  # by the whole page, which knows whether this part is to be drawn again by itself
    if known.busy:
        st.progress(known.share, text="Adding up what fills the disk …")
    if known.error:
        st.error(message(known.error))
    if known.value is not None:
        _sizes(known.value.survey, known.at)
        _clean_up(known.value, busy=known.busy or (done is not None and done.busy))
    if done is not None:
        _result(done)  # below the button that began it


def _sizes(found: Survey, at: float) -> None:
    whole = sum(size for size, _ in found.shares.values()) or 1
    st.caption(
        f"{size_of(whole)} in the lab home, {size_of(found.free)} of {size_of(found.total)} free on its disk · "
        f"added up {ago(at)}"
    )
    rows = [
        {"What": what, "Share": size / whole, "Size": size_text(size), "Files": count}
        for what, (size, count) in found.shares.items()
        if size
    ]
    share = st.column_config.ProgressColumn("", format=" ", min_value=0.0, max_value=1.0, width=120)
    data_table(
        rows, hide_index=True, height=min(38 + 35 * len(rows), 458), column_config={"Share": share}, key="system.sizes"
    )
    for note in found.notes:
        st.caption(f":material/info: {message(note)}")


def _clean_up(looked: Looked, busy: bool) -> None:
    st.markdown("**Clean up**")
    chosen = []
    for kind, what in KINDS.items():
        items = looked.plans.get(kind, [])
        size = size_of(sum(item.frees for item in items))
        detail = "not known" if kind in looked.unknown else f"{files_of(len(items))}, {size}" if items else "nothing"
        ticked = st.checkbox(
            f"{plain(what.title)} · {plain(detail)}",
            key=f"system.clean.{kind}",
            disabled=busy or not items,
            help=plain(looked.unknown.get(kind, what.about)),
        )
        if ticked and items:
            chosen += items
    if chosen:
        size = size_of(sum(item.frees for item in chosen))
        data_table(
            [{"File": item.place, "Size": size_text(item.file.size)} for item in chosen[:LISTED]],
            hide_index=True,
            height=min(38 + 35 * len(chosen), 250),
            key="system.listed",
        )
        if len(chosen) > LISTED:
            st.caption(f"and {len(chosen) - LISTED:,} more")
        st.button(
            f"Delete {'this file' if len(chosen) == 1 else f'these {len(chosen):,} files'}, {size}",
            type="primary",
            icon=":material/delete:",
            disabled=busy or not may(ADMIN),
            on_click=_begin,
            args=(chosen,),  # those that were shown, whatever is found meanwhile
            key="system.delete",
        )
    elif st.button("Look again", disabled=busy, icon=":material/refresh:", key="system.again"):
        _disk(str(home().root)).ask(0.0)
        st.rerun()


def _begin(items: list[Item]) -> None:
    """Delete on a thread; this visitor's page tells how far it is, and what became of it."""
    cleaning = Background(carried(lambda said: carry_out(items, said)))
    cleaning.ask()
    st.session_state["system.cleaning"] = cleaning
    st.session_state["system.counted"] = False
    for kind in KINDS:
        st.session_state[f"system.clean.{kind}"] = False


def _cleaning() -> Background[Outcome] | None:
    return st.session_state.get("system.cleaning")


def _result(done: Known[Outcome]) -> None:
    if done.busy:
        st.progress(done.share, text="Deleting …")
        return
    if not st.session_state["system.counted"]:
        st.session_state["system.counted"] = True
        _disk(str(home().root)).ask(0.0)
        st.rerun()
    if done.error:
        st.error(message(done.error))
    elif done.value is not None:
        if not done.value.left:
            st.success(plain(str(done.value)), icon=":material/delete:")
        else:
            st.warning(plain(str(done.value)), icon=":material/delete:")
            with st.expander(f"{len(done.value.left):,} files that were left"):
                data_table([{"File": place, "Why": why} for place, why in done.value.left[:LISTED]], hide_index=True)


def files_of(count: int) -> Markdown:
    """A number of files in words."""
    return "1 file" if count == 1 else f"{count:,} files"


def size_of(count: float) -> Markdown:
    """Bytes as a person reads them."""
    return plain(size_text(count))
