"""Watch: the queue, and one run's progress, residuals, λ and log while it trains."""

import streamlit as st

from core import jobs
from core.errors import LabError
from core.problems import CATALOGUE
from core.runs.faults import faults
from core.singularity.digits import iterate_text
from core.tracking.in_force import in_force
from core.tracking.store import get_run
from pages.parts.shared.config_words import difference_table
from pages.parts.shared.curve_warnings import curve_warnings
from pages.parts.shared.curves_cache import curves_of
from pages.parts.shared.figures import lambda_figure, residual_figure
from pages.parts.shared.in_force import in_force_badge
from pages.parts.shared.live_plotly import live_plotly
from pages.parts.shared.progress import progress_text
from pages.parts.shared.state_badge import state_badge
from pages.parts.shared.text import LONGEST, ago, code, duration, figure_of, message, plain, whole
from pages.parts.shared.times import moment_text
from pages.parts.shared.unknown_text import claimed_lambda
from pages.parts.watch.controls import controls, refusal
from pages.parts.watch.run_list import chosen_run, run_table
from pages.parts.watch.stored_run import stored_run_view

PROBLEMS = {problem.model_fields["kind"].default: problem for problem in CATALOGUE}


def run_view(run_id: str) -> None:
    """Everything about one run, drawn again each second while it is active."""
    job = jobs.status(run_id)
    if st.session_state.get("watch.state") != (run_id, job.state):
        st.session_state["watch.state"] = (run_id, job.state)
        st.rerun()
    curves = curves_of(job.folder)
    progress = job.folder.progress() or {}
    with st.container(horizontal=True, vertical_alignment="center"):
        name = job.name or run_id[:8]
        title = f"### {plain(name, LONGEST)} &nbsp; {state_badge(job.state)}"
        st.markdown(title, width="stretch", help=whole(name))
        controls(job)
    refusal(run_id)
    if job.reason and job.state == "finished":
        st.warning(message(job.reason), icon=":material/warning:")  # its result is not to be believed at first sight
    elif job.reason:
        st.caption(message(job.reason))
    if job.untold:
        st.caption(f":material/cloud_off: Not yet in MLflow: {message(job.untold)}")
    problem = PROBLEMS[job.problem](**job.problem_parameters) if job.problem in PROBLEMS else None
    if problem is not None and (caution := problem.caution()):
        st.warning(message(caution), icon=":material/warning:")
    if job.active and progress:
        st.progress(min(1.0, progress["fraction"]), text=progress_text(progress))
    elif job.state == "queued":
        st.progress(0.0, text=f"Queued, place {job.position:d}: it starts when a slot is free.")
    for moment, rung in zip(job.stop_moments, job.stop_rungs, strict=True):
        st.caption(f":material/chevron_right: {plain(moment_text(moment, '%H:%M:%S'))} · {plain(rung)}")
    figures(job, progress)
    curve_warnings(curves, job.state)
    for fault in [] if job.active else faults(job.folder):
        st.warning(message(fault), icon=":material/broken_image:")
    if len(curves.column("iteration")):
        live_plotly(residual_figure(curves, run_id), key=f"watch.residual.{run_id}", height=420)
        if problem is not None and problem.has_lambda:
            reference = problem.reference_lambda()
            live_plotly(
                lambda_figure(curves, run_id, reference, problem.unknown), key=f"watch.lambda.{run_id}", height=260
            )
    log = jobs.tail(run_id, 12)
    if log:
        st.caption("Log")
        st.code(log, language=None, height=220)


def figures(job: jobs.Job, progress: dict) -> None:
    """The run's key figures in one row."""
    cells = {
        "max residual": figure_of(progress.get("max_residual")),
        "RMS residual": figure_of(progress.get("rms_residual")),
        "iterations": f"{progress.get('total_iterations', 0):,}",
        "time": duration(progress.get("wall_time_s")),
    }
    if progress.get("lambda") is not None:
        unknown = PROBLEMS[job.problem].unknown if job.problem in PROBLEMS else "λ"
        # while it moves, an iterate is no claim
        claimed = unknown == "λ" and job.state in ("finished", "stopped")
        lam = progress["lambda"]
        cells = {unknown: claimed_lambda(job.folder, lam) if claimed else iterate_text(lam), **cells}
    for column, (label, value) in zip(st.columns(len(cells)), cells.items(), strict=True):
        column.metric(plain(label), plain(value))
    try:
        found = in_force(job.folder, local=True)
    except LabError:  # `faults` says it
        found = None
    badge = in_force_badge(found)
    st.caption(f"submitted {ago(job.submitted)} · config {code(job.config_hash[:12])} · run {code(job.run_id)} {badge}")
    if found and found.differing:
        difference_table(found.differing, "asked for", "in force")


def watched(run_id: str) -> None:
    """`run_view`; when it is drawn again by itself, too, its errors are messages."""
    try:
        run_view(run_id)
    except LabError as error:
        st.error(message(error))


st.title("Watch")
try:
    listed = jobs.queue()
    if not listed and "run" not in st.query_params:
        st.info("No runs yet. Launch one and watch its residual fall here.", icon=":material/info:")
        st.page_link("pages/launch_runs.py", label="Launch a run", icon=":material/rocket_launch:")
        st.stop()
    main, side = st.columns([5, 3], gap="medium")
    with side:
        if listed:
            st.fragment(run_table, run_every=2.0)()
    with main:
        run_id, job = chosen_run(listed)
        if job is None:
            stored_run_view(get_run(run_id))
        else:
            st.fragment(watched, run_every=1.0 if job.active else 5.0 if job.untold else None)(run_id)
except LabError as error:
    st.error(message(error))
