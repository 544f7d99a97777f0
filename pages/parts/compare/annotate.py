"""The dialog in which people write notes and tags."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.errors import LabError
from core.people import RUNNER, may
from core.tracking.annotations import LONGEST_NOTE, ConflictError, add_tag, note_of, remove_tag, set_note
from core.tracking.store import RunRecord, get_run
from core.tracking.tags import people_tags
from pages.parts.shared.text import LONGEST, message, plain, visible


@st.dialog("Notes and tags", width="large")
def annotate(records: Sequence[RunRecord]) -> None:
    """Edit the note of one of the runs and the tags of any."""
    by_id = {record.run_id: record for record in records}
    run_id = st.selectbox(
        "Run", list(by_id), format_func=lambda i: f"{visible(by_id[i].name)} · {i[:8]}", key="note.run"
    )
    try:
        _note(run_id)
        _tags(run_id, list(by_id))
    except LabError as error:
        st.error(message(error))


def _note(run_id: str) -> None:
    seen, text = f"note.seen.{run_id}", f"note.text.{run_id}"
    if seen not in st.session_state:
        st.session_state[seen] = st.session_state[text] = note_of(run_id)
    st.text_area("Note", key=text, height=150, max_chars=LONGEST_NOTE, placeholder="Markdown; MLflow shows it too.")
    conflict = st.session_state.get(f"note.conflict.{run_id}")
    if conflict is not None:
        st.warning("Someone else changed this note since you opened it. Yours is still in the box; theirs reads:")
        st.code(conflict or "(empty)", language=None, wrap_lines=True)
        with st.container(horizontal=True):
            st.button("Save mine over it", on_click=_save, args=(run_id, conflict))
            st.button("Take theirs", on_click=_take, args=(run_id, conflict))
    else:
        seen_text = st.session_state[seen]
        st.button("Save note", type="primary", on_click=_save, args=(run_id, seen_text), disabled=not may(RUNNER))
    if st.session_state.pop(f"note.saved.{run_id}", False):
        st.toast("Note saved.", icon=":material/check:")
    if error := st.session_state.pop(f"note.error.{run_id}", None):
        st.error(message(error))


def _save(run_id: str, expected: str) -> None:
    text = st.session_state[f"note.text.{run_id}"]
    try:
        set_note(run_id, text, expected)
    except ConflictError as error:
        st.session_state[f"note.conflict.{run_id}"] = error.current
        return
    except LabError as error:
        st.session_state[f"note.error.{run_id}"] = str(error)
        return
    st.session_state[f"note.seen.{run_id}"] = text
    st.session_state.pop(f"note.conflict.{run_id}", None)
    st.session_state[f"note.saved.{run_id}"] = True


def _take(run_id: str, theirs: str) -> None:
    st.session_state[f"note.seen.{run_id}"] = st.session_state[f"note.text.{run_id}"] = theirs
    st.session_state.pop(f"note.conflict.{run_id}", None)


def _tags(run_id: str, run_ids: list[str]) -> None:
    tags = people_tags(get_run(run_id).tags)
    if tags:
        removable = may(RUNNER)
        gone = st.pills(
            "Tags, click one to remove it" if removable else "Tags",
            tags,
            format_func=lambda tag: f"{plain(tag, LONGEST)} ✕" if removable else plain(tag, LONGEST),
            key=f"note.tags.{run_id}.{tags}",
            disabled=not removable,
        )
        if gone:
            remove_tag([run_id], gone.partition("=")[0])
            st.rerun(scope="fragment")
    with (
        st.form("note.tag", clear_on_submit=True, border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        name = st.text_input("New tag", placeholder="campaign", max_chars=100)
        value = st.text_input("Value", placeholder="IPM n=1", max_chars=200)
        everyone = st.checkbox(f"on all {len(run_ids)} chosen", len(run_ids) > 1) if len(run_ids) > 1 else False
        added = st.form_submit_button("Add tag", disabled=not may(RUNNER))
    if added:
        add_tag(run_ids if everyone else [run_id], name, value)
        st.rerun(scope="fragment")
