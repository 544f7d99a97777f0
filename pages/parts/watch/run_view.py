"""One run on Watch: what is known of it, what can be done to it, and what moves (`pages.parts.live`)."""

from __future__ import annotations

import streamlit as st

from core import jobs
from core.errors import LabError
from core.problems import Problem
from core.runs.faults import faults
from core.tracking.in_force import in_force
from pages.parts.live.run_state import problem_of, structure
from pages.parts.live.view import live_run
from pages.parts.shared.config_words import difference_table
from pages.parts.shared.curve_warnings import curve_warnings
from pages.parts.shared.curves_cache import curves_of_job
from pages.parts.shared.event_list import event_list
from pages.parts.shared.in_force import in_force_badge
from pages.parts.shared.report_popover import report_popover
from pages.parts.shared.state_badge import state_badge_of
from pages.parts.shared.text import LONGEST, code, message, plain, whole
from pages.parts.shared.times import moment_text
from pages.parts.watch.controls import controls, refusal
from pages.parts.watch.gone import gone


def run_view(run_id: str) -> None:
    """Everything about one run. A fragment: it is run again when its state has changed; errors are messages."""
    try:
        _draw(jobs.status(run_id))
    except LabError as error:
        st.error(message(error))


def _draw(job: jobs.Job) -> None:
    curves = curves_of_job(job)
    drawn = structure(job, curves)
    problem = problem_of(job)
    with st.container():  # however much it says, the charts keep their place among the elements, and so their zoom
        _head(job, problem)
        curve_warnings(curves, job.state)
        for fault in [] if job.active else faults(job.folder):
            st.warning(message(fault), icon=":material/broken_image:")
    live_run(job.run_id, drawn, _charts(job, problem) if job.active or job.state == "queued" else [])
    st.caption("Events")
    event_list(job.folder, height=200)


def _head(job: jobs.Job, problem: Problem | None) -> None:
    """Name, state, what can be done, and what is to be known of the run."""
    with st.container(horizontal=True, vertical_alignment="center"):
        name = job.name or job.run_id[:8]
        st.markdown(
            f"### {plain(name, LONGEST)} &nbsp; {state_badge_of(job)}",
            width="stretch",
            help=whole(name),
        )
        controls(job)
    refusal(job.run_id)
    gone(job)
    _about(job)
    if job.reason and job.state == "finished":
        st.warning(message(job.reason), icon=":material/warning:")  # its result is not to be believed at first sight
    elif job.reason:
        st.caption(message(job.reason))
    if job.untold:
        st.caption(f":material/cloud_off: Not yet in MLflow: {message(job.untold)}")
    if problem is not None and (caution := problem.caution()):
        st.warning(message(caution), icon=":material/warning:")


def _charts(job: jobs.Job, problem: Problem | None) -> list[str]:
    """Names of the charts that a run will have, so that nothing moves when their first points come."""
    with_lambda = problem is not None and problem.has_lambda
    return ["residual", *["lambda"] * with_lambda, *["machine"] * (job.engine == "local")]


def _about(job: jobs.Job) -> None:
    """When it was submitted, its config, and whether the config in force is another."""
    try:
        found = in_force(job.folder, local=True)
    except LabError:  # `faults` says it
        found = None
    badge = in_force_badge(found)
    submitted = plain(moment_text(job.submitted))
    words, further = st.columns([5, 3], vertical_alignment="center")
    words.caption(f"submitted {submitted} · config {code(job.config_hash[:12])} · run {code(job.run_id)} {badge}")
    with further, st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right", gap="small"):
        report_popover(f"watch.{job.run_id}", [job.run_id])
        st.page_link(
            "pages/present_run.py",
            label="Present",
            icon=":material/slideshow:",
            query_params={"run": job.run_id},
            help="For a projector: curve, solution and key figures in large type, live. Back leads here.",
        )
    if found and found.differing:
        difference_table(found.differing, "asked for", "in force")
