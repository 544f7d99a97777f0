"""The list of all runs beside the one that is shown: ticked, filtered and opened; those that wait are steered in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from core import jobs
from core.errors import LabError, RunNotFoundError
from core.jobs import table
from core.people import RUNNER, may
from core.runs import run_folder
from core.runs.states import ACTIVE
from pages.parts.shared.bin_dialog import bin_button
from pages.parts.shared.bulk_bar import bulk_bar
from pages.parts.shared.text import message
from pages.parts.watch.timeline import FEED, HERE, STYLE, open_run

KEY = "watch.board"
ANSWER, REFUSED, DONE, EDITED = f"{KEY}.answer", f"{KEY}.refused", f"{KEY}.done", f"{KEY}.edited"
"""Keys of the session's state: what became of what was asked, what is to be said of it, the run to be edited."""
ANSWERS = 100
"""That are remembered, so that what is asked for again is not done again."""
RUNS = 10_000
"""Most that are named at once."""
HEIGHT = 600
"""Of the list, in pixels."""

_component = st.components.v2.component(
    "singularity_lab_board",
    html='<div class="board-list"></div>',
    css=STYLE,
    js=FEED + "".join((HERE / name).read_text(encoding="utf-8") for name in ("board_steering.js", "board_list.js")),
    isolate_styles=False,
)


def chosen_run() -> tuple[str | None, jobs.Job | None]:
    """The run of this page's permalink (`?run=`), else one at work, else the newest; without a job if not of here.

    (None, None) where there is no run yet. Raises RunNotFoundError for what is no id.
    """
    if wanted := st.query_params.get("run"):
        try:
            return wanted, jobs.status(wanted)
        except RunNotFoundError:
            return run_folder(wanted).run_id, None
    newest = jobs.queue(limit=1)
    job = next(iter([*table.find(ACTIVE, 1), *newest]), None)
    return (job.run_id, job) if job else (None, None)


@st.fragment
def board(chosen: str) -> None:
    """Draw the list, and what can be done with its ticked runs; a click on a run opens it.

    The browser asks `/live/board` for what moves, so that nothing here is run again for it.

    Args:
        chosen: the run that is shown large.
    """
    for refused in st.session_state.pop(REFUSED, []):
        st.toast(message(refused), icon=":material/block:")
    if (done := st.session_state.pop(DONE, None)) is not None:
        st.toast(message(done), icon=":material/check:")
    if (edited := st.session_state.pop(EDITED, None)) is not None:
        st.switch_page("pages/launch_runs.py", query_params={"edit": edited})
    found = _component(
        key=KEY,
        data={"chosen": chosen, "height": HEIGHT, "answer": st.session_state.get(ANSWER), "steers": may(RUNNER)},
        default={"ticked": []},
        on_opened_change=lambda: None,
        on_asked_change=_answer,
        on_ticked_change=lambda: None,
    )
    if found.opened:
        open_run(found.opened)
    with st.container(key="watch_bulk"):  # board.css keeps it in sight
        try:
            bulk_bar([run_id for run_id in found.ticked or [] if isinstance(run_id, str)], KEY, compare=True)
            bin_button(KEY)
        except LabError as error:
            st.error(message(error))


def _answer() -> None:
    """Do what was asked for in the list and is not done yet, before the page is drawn again."""
    given = st.session_state[KEY].get("asked")
    answers = dict(st.session_state.get(ANSWER, {}).get("answers", {}))
    for asked in given if isinstance(given, list) else []:
        token = asked.get("token") if isinstance(asked, dict) else None
        if not isinstance(token, str) or token in answers:
            continue
        answers[token] = {"said": "", "refused": ""}
        try:
            answers[token]["said"] = act(asked)
        except LabError as error:
            answers[token]["refused"] = str(error)
            st.session_state.setdefault(REFUSED, []).append(error)
    newest = dict(list(answers.items())[-ANSWERS:])
    st.session_state[ANSWER] = {"answers": newest, "event": _newest_event()}


def _newest_event() -> int:
    try:
        return table.newest_event()
    except LabError:  # the list says that it can't be read
        return 0


def act(asked: dict[str, Any]) -> str:
    """Do what the list asks for with waiting runs; returns what to say of it.

    Raises LabError for what can't be done (any more); with several runs, what could be done is done.
    """
    what, runs = asked.get("do"), asked.get("runs")
    if what not in ACTIONS or not isinstance(runs, list) or not 0 < len(runs) <= RUNS:
        raise LabError("The list asked for something that there is not. Reload the page.")
    return ACTIONS[what]([str(run_id) for run_id in runs], asked)


def _each(runs: Sequence[str], do: Callable[[str], object], done: str) -> str:
    refused = []
    for run_id in runs:
        try:
            do(run_id)
        except LabError as error:
            refused.append(str(error))
    if refused:
        more = f" So it is with {len(refused) - 1} more of {len(runs)} runs." if len(refused) > 1 else ""
        raise LabError(refused[0] + more)
    return f"{len(runs)} runs {done}." if len(runs) > 1 else ""


def _move(runs: Sequence[str], asked: dict[str, Any]) -> str:
    before = asked.get("before")
    return _each(runs, lambda run_id: jobs.move_before(run_id, before), "moved")


def _set_priority(runs: Sequence[str], asked: dict[str, Any]) -> str:
    value = asked.get("value")
    if not isinstance(value, int | float) or value != int(value):
        raise LabError("A priority is a whole number.")
    return _each(runs, lambda run_id: jobs.set_priority(run_id, int(value)), f"have priority {int(value)}")


def _hold(runs: Sequence[str], asked: dict[str, Any]) -> str:
    return _each(runs, jobs.hold, "held")


def _release(runs: Sequence[str], asked: dict[str, Any]) -> str:
    return _each(runs, jobs.release, "released")


def _remove(runs: Sequence[str], asked: dict[str, Any]) -> str:
    said = _each(runs, jobs.remove, "taken out of the queue")
    st.session_state[DONE] = f"{said or 'Taken out of the queue.'} Resume queues again what was taken out."
    return said


def _start_after(runs: Sequence[str], asked: dict[str, Any]) -> str:
    other = asked.get("after")
    jobs.set_after(runs[0], other, after_any=bool(other) and asked.get("any") is True)
    return "It starts after that one." if other else "It waits for no other run."


def _duplicate(runs: Sequence[str], asked: dict[str, Any]) -> str:
    name = jobs.status(jobs.duplicate(runs[0])).name
    st.session_state[DONE] = f"Queued: {name}."
    return f"Queued: {name}."


def _edit(runs: Sequence[str], asked: dict[str, Any]) -> str:
    st.session_state[EDITED] = runs[0]
    return ""


ACTIONS: dict[str, Callable[[Sequence[str], dict[str, Any]], str]] = {
    "move": _move,
    "priority": _set_priority,
    "hold": _hold,
    "release": _release,
    "remove": _remove,
    "after": _start_after,
    "duplicate": _duplicate,
    "edit": _edit,
}
"""By the name that the list calls them."""
