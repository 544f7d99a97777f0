"""A run for a projector: its name and equation, what moves of it in large type, its solution beside that."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core import jobs
from core.errors import LabError
from pages.parts.live.run_state import problem_of, structure
from pages.parts.live.view import live_run
from pages.parts.present.solution import solution_presented
from pages.parts.shared.curves_cache import curves_of_job
from pages.parts.shared.state_badge import state_badge_of
from pages.parts.shared.text import LONGEST, message, plain

EVERY_S = 10.0
"""Seconds between two looks at the solution of a run at work: sampling it takes a moment of the same processor."""
_style = st.components.v2.component(
    "singularity_lab_presenter",
    html="<span hidden></span>",
    css=Path(__file__).with_name("present.css").read_text(encoding="utf-8"),
    isolate_styles=False,
)
"""Takes everything but the run off the page, for as long as it is there."""


def run_presented(run_id: str) -> None:
    """The whole of the page."""
    _style(key="present.style")
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.fragment(_curves)(run_id)
    with right:
        st.fragment(_solution, run_every=None if jobs.status(run_id).ended_for_good else EVERY_S)(run_id)


def _curves(run_id: str) -> None:
    """Run again when the run's state has changed."""
    try:
        job = jobs.status(run_id)
        problem = problem_of(job)
        st.markdown(f"# {plain(job.name or job.run_id[:8], LONGEST)} &nbsp; {state_badge_of(job)}")
        if job.reason:
            st.markdown(message(job.reason))
        expects = ["residual", *["lambda"] * (problem is not None and problem.has_lambda)]
        live_run(run_id, structure(job, curves_of_job(job)), expects, large=True)
    except LabError as error:
        st.error(message(error))


def _solution(run_id: str) -> None:
    try:
        job = jobs.status(run_id)
        if (problem := problem_of(job)) is not None:
            for part in filter(None, problem.equation.split(r"\quad")):
                st.latex(part.strip(" ,"))
        if job.has_checkpoint:
            solution_presented(job.folder)
        else:
            st.markdown("The solution appears with the first checkpoint.")
    except LabError as error:
        st.error(message(error))
