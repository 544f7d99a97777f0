"""A first visit: an empty lab offers a tour, which a line above each of its pages leads through.

Where it stands is read from the lab itself: it has no run, or the tour's alone. So it outlives a reload, and is over
once somebody has launched a run of their own, or has ended it, which the lab's settings remember.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from core import jobs
from core.errors import LabError
from core.home import home
from core.jobs import table
from core.people import ADMIN, RUNNER, may
from core.presets.tour import BATCH, tour_runs
from core.settings import in_force, save, text
from pages.parts.shared.text import Markdown, message

ENDED = "tour.ended"
"""Key of the session's state: it was ended here, whether or not the settings could be written."""
EVERY_S = 2.0
"""Seconds between two looks while the next page has nothing to show yet."""

ARROW = ":material/arrow_forward:"

_over: set[Path] = set()
"""Homes in which there are other runs."""


def tour(page: str) -> None:
    """Draw the tour's line above a page, or nothing.

    Args:
        page: the page's address, such as `watch`.
    """
    if st.session_state.get(ENDED) or home().root in _over or page not in STEPS or not may(RUNNER):
        return
    try:
        if not in_force().settings.tour:
            return
        runs = table.find(limit=3)
    except LabError:  # the page itself says it
        return
    if not runs:
        _tour_line(
            "**First time here?** Two runs of a quarter of a minute each: launch them, watch the first one, look at "
            "its solution, compare both.",
            _offer,
        )
    elif all(job.batch == BATCH for job in runs):
        first = min(runs, key=lambda job: job.submitted)
        waits = page == "watch" and not first.has_checkpoint and not first.ended_for_good
        st.fragment(_step, run_every=EVERY_S if waits else None)(page, [job.run_id for job in reversed(runs)])
    else:
        _over.add(home().root)


def _tour_line(said: Markdown, actions: Callable[[], None]) -> None:
    with st.container(border=True, key="tour"):
        words, further = st.columns([5, 2], vertical_alignment="center")
        words.markdown(said)
        with further, st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right"):
            actions()


def _offer() -> None:
    if st.button("Start the tour", type="primary", icon=":material/tour:", key="tour.start"):
        try:
            run_ids = [jobs.submit(config, batch=BATCH, why="For the tour.") for config in tour_runs()]
            st.switch_page("pages/watch_runs.py", query_params={"run": run_ids[0]})
        except LabError as error:
            st.error(message(error))
    _end("No, thanks")


def _step(page: str, run_ids: list[str]) -> None:
    try:
        STEPS[page](run_ids)
    except LabError as error:
        st.error(message(error))


def _launched(run_ids: list[str]) -> None:
    def actions() -> None:
        st.page_link("pages/watch_runs.py", label="Next: Watch", icon=ARROW, query_params={"run": run_ids[0]})
        _end()

    _tour_line("**Tour, 1 of 4.** Both runs are queued. This form makes others of them, and any other run.", actions)


def _watched(run_ids: list[str]) -> None:
    job = jobs.status(run_ids[0])
    if job.ended_for_good and not job.has_checkpoint:
        lacking = "This run left no solution. Its log says why; *System* says what this machine lacks."
        _tour_line(f"**Tour, 2 of 4.** {lacking}", _end)
        return

    def actions() -> None:
        st.page_link(
            "pages/solution_3d.py",
            label="Next: Solution 3D",
            icon=ARROW,
            query_params={"run": job.run_id},
            disabled=not job.has_checkpoint,
        )
        _end()

    _tour_line(
        "**Tour, 2 of 4.** The curves are residuals: how far the network is from solving its equation. The run is a "
        "process of its own: close this tab, and it goes on.",
        actions,
    )


def _seen(run_ids: list[str]) -> None:
    def actions() -> None:
        compared = {"runs": ",".join(run_ids)}
        st.page_link("pages/compare_runs.py", label="Next: Compare", icon=ARROW, query_params=compared)
        _end()

    _tour_line(
        "**Tour, 3 of 4.** The solution itself: turn it with the mouse, and choose its error as the value. The "
        "download has exactly these numbers, for ParaView.",
        actions,
    )


def _compared(run_ids: list[str]) -> None:
    def actions() -> None:
        st.page_link("pages/launch_runs.py", label="Launch", icon=ARROW)
        _end()

    _tour_line(
        "**Tour, 4 of 4.** Ticked runs lie over each other, here a network and a narrower one. The address keeps what "
        "you see. Now launch a run of your own.",
        actions,
    )


STEPS: dict[str, Callable[[list[str]], None]] = {
    "launch": _launched,
    "": _launched,
    "watch": _watched,
    "solution": _seen,
    "compare": _compared,
}
"""By the page's address."""


def _end(label: Markdown = "End the tour") -> None:
    st.button(label, key="tour.end", on_click=_remember)


def _remember() -> None:
    """In the settings too, unless their file is at fault: what stands in it is a person's to put right."""
    st.session_state[ENDED] = True
    known = in_force()
    if not known.fault and may(ADMIN):  # another person has ended it for this visit
        try:
            save(known.settings.model_copy(update={"tour": False}), text())
        except LabError as error:
            st.toast(message(error))
