"""What can be done with ticked runs: a bar of buttons, each with the number of runs that it applies to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from core.errors import LabError
from core.jobs import many, table
from core.jobs.job import Job
from core.people import RUNNER, may
from core.settings import settings
from core.tracking.annotations import add_tag
from pages.parts.compare.selection import first
from pages.parts.shared.text import Markdown, message, plain

BUTTONS = {
    "stop": ("Stop", ":material/stop:"),
    "pause": ("Pause", ":material/pause:"),
    "resume": ("Resume", ":material/play_arrow:"),
    "retry": ("Retry", ":material/replay:"),
    "hold": ("Hold", ":material/front_hand:"),
    "release": ("Release", ":material/play_circle:"),
}


def bulk_bar(
    run_ids: Sequence[str], key: str, *, compare: bool = False, on_gone: Callable[[list[str]], None] = lambda gone: None
) -> None:
    """Draw the bar for ticked runs, nothing for none; what was done last stays below until something else is.

    Args:
        run_ids: the ticked runs.
        key: of the bar, one on each page.
        compare: offer to lay their curves over each other, where the page does not do that anyway.
        on_gone: given the ids of runs that went into the bin, before the page is drawn again.
    """
    if run_ids:
        jobs = table.these(run_ids)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            possible = many.possible(jobs)
            for action, (label, icon) in BUTTONS.items():
                count = possible[action]
                if count and st.button(f"{plain(label)} {count:d}", icon=icon, key=f"{key}.{action}"):
                    _do(key, action, _able(jobs, action))
                    st.rerun()
            if may(RUNNER):
                with st.popover("Tag…", icon=":material/sell:"):
                    _tag(run_ids, key)
            if compare:
                chosen = {"runs": first(run_ids).text()}
                st.page_link(
                    "pages/compare_runs.py", label="Compare", icon=":material/stacked_line_chart:", query_params=chosen
                )
            if count := possible["delete"]:
                with st.popover(f"Delete {count:d}", icon=":material/delete:"):
                    _delete(jobs, key, on_gone)
            if elsewhere := len(run_ids) - len(jobs):
                st.caption(f"{elsewhere:d} trained elsewhere: can be tagged alone")
    _said(key)


def _able(jobs: Sequence[Job], action: str) -> list[str]:
    return [job.run_id for job in jobs if action in many.possible_for(job)]


def _do(key: str, action: str, run_ids: list[str], **options: bool) -> list[many.Done]:
    """Do it, and keep for the next drawing what became of it."""
    label = BUTTONS[action][0] if action in BUTTONS else action.capitalize()
    try:
        with st.spinner(plain(f"{label}: {len(run_ids)} …")):
            done = many.many(action, run_ids, **options)
    except LabError as error:
        st.session_state[f"{key}.said"] = (str(error), False, [])
        st.rerun()
    undo = [each.run_id for each in done if each.ok] if action == "delete" else []
    st.session_state[f"{key}.said"] = (many.summary(action, done), all(each.ok for each in done), undo)
    st.session_state[f"{key}.toast"] = True
    return done


def _tag(run_ids: Sequence[str], key: str) -> None:
    with st.form(f"{key}.tag", border=False):
        name = st.text_input("Name", placeholder="campaign", max_chars=100)
        value = st.text_input("Value", placeholder="IPM n=1", max_chars=200)
        if st.form_submit_button(f"Tag {len(run_ids):d}", type="primary"):
            done = many.each(lambda run_id: add_tag([run_id], name, value), run_ids)
            st.session_state[f"{key}.said"] = (many.in_words("tagged", done), all(each.ok for each in done), [])
            st.session_state[f"{key}.toast"] = True
            st.rerun()


def _delete(jobs: Sequence[Job], key: str, on_gone: Callable[[list[str]], None]) -> None:
    """What deleting means, and the button that does it."""
    chosen, working = _able(jobs, "delete"), many.at_work(jobs)
    st.markdown(deletion_words())
    stop = False
    if working:
        stop = st.checkbox(
            f"Stop the {working:d} that are at work, and delete them when they have ended", key=f"{key}.ends"
        )
    count = len(chosen) if stop else len(chosen) - working
    if st.button(f"Delete {count:d}", key=f"{key}.delete", type="primary", disabled=not count):
        at_work = set() if stop else {job.run_id for job in jobs if job.active}
        done = _do(key, "delete", [run_id for run_id in chosen if run_id not in at_work], stop=stop)
        on_gone([each.run_id for each in done if each.ok])
        st.rerun()


def deletion_words() -> Markdown:
    """What becomes of runs that are deleted."""
    days = settings().retention.bin_days
    return (
        "What is deleted goes to the bin: lists, rankings and MLflow leave it out, the files stay. "
        f"**Restore** brings it back; after {days:g} days it is gone for good, in MLflow too."
    )


def _said(key: str) -> None:
    """What became of what was done last, with the way back from deleting."""
    text, well, undo = st.session_state.get(f"{key}.said", ("", True, []))
    if not text:
        return
    if st.session_state.pop(f"{key}.toast", False):
        st.toast(message(text), icon=":material/check:" if well else ":material/warning:")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        outcome(text, well)
        if undo and st.button("Undo", icon=":material/undo:", key=f"{key}.undo"):
            _do(key, "restore", undo)
            st.rerun()
        if st.button("", icon=":material/close:", key=f"{key}.close", help="Close this message."):
            st.session_state.pop(f"{key}.said")
            st.rerun()


def outcome(text: str, well: bool) -> None:
    """A message that says what became of many runs."""
    if well:
        st.success(message(text), icon=":material/check:")
    else:
        st.warning(message(text), icon=":material/warning:")
