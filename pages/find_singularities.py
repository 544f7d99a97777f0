"""Singularities: a search for a self-similar blow-up, its λ among all others, its certificate, profile and blow-up."""

import streamlit as st

from core.errors import LabError, RunNotFoundError
from core.problems import Problem
from core.runs.curves import recorded
from core.runs.funnel import FunnelPoint
from core.singularity import certificate as certificates
from core.singularity import similarity
from core.singularity.found import Found, found_runs
from core.tracking import store
from pages.parts.shared.curve_warnings import curve_warnings
from pages.parts.shared.curves_cache import curves_of
from pages.parts.shared.deleted_experiment import deleted_experiment
from pages.parts.shared.live_plotly import live_plotly
from pages.parts.shared.text import message
from pages.parts.singularities.analysis import analysis_view
from pages.parts.singularities.certificate import certificate_view, equations_view, search_numbers
from pages.parts.singularities.choice import KEY, choose_run, invitation
from pages.parts.singularities.head import head, path_line
from pages.parts.singularities.order import order_view
from pages.parts.singularities.plane import plane_view
from pages.parts.singularities.profile import profile_view
from pages.parts.singularities.search_figures import funnel_figure, iterations_figure


def certificate_of(run: Found) -> certificates.Certificate | None:
    """The run's certificate; its tags know whether there is one, without a search through artifacts each second.

    A damaged one is a warning and no certificate.
    """
    try:
        return None if run.holds is None else certificates.read(run.folder)
    except LabError as error:
        st.warning(message(error), icon=":material/broken_image:")
        return None


def funnel_of(run: Found) -> list[FunnelPoint]:
    """The points of the run's funnel; of a damaged one there are none, and a warning."""
    try:
        return run.folder.funnel()
    except LabError as error:
        st.warning(message(error), icon=":material/broken_image:")
        return []


def search(run_id: str, problem: Problem) -> None:
    """What moves while a run trains: its figures, λ against iteration and among all runs, certificate and funnel."""
    runs = found_runs()
    run = next((item for item in runs if item.run_id == run_id), None)
    if run is None:
        st.error(message(RunNotFoundError(run_id)))  # deleted meanwhile
        return
    before = st.session_state.get(f"{KEY}.state")
    st.session_state[f"{KEY}.state"] = (run_id, run.state)
    if before not in (None, (run_id, run.state)) and before[0] == run_id:
        st.rerun()
    path_line(run)
    curves, reference = curves_of(run.folder), problem.reference_lambda()
    curve_warnings(curves, run.state)
    _, lam = recorded(curves, "lambda")
    search_numbers(run, float(lam[-1]) if len(lam) else None, reference)
    left, right = st.columns(2, gap="large")
    with left:
        targets = {"λ": None, "|λ − last|": lam[-1] if len(lam) else None, "|λ − known|": reference}
        offered = [name for name, value in targets.items() if name == "λ" or value is not None]
        shown = st.segmented_control("Against iteration", offered, default="λ", key=f"{KEY}.target.{len(offered)}")
        figure = iterations_figure(curves, run_id, targets[shown or "λ"], reference)
        live_plotly(figure, key=f"{KEY}.iterations.{run_id}", height=320)
    with right:
        order_view(runs, run)
    left, right = st.columns(2, gap="large")
    certificate = certificate_of(run)
    with left:
        certificate_view(certificate)
    with right:
        if certificate and certificate.equations:
            equations_view(certificate)
        points = funnel_of(run)
        if points:
            over = st.segmented_control("Funnel against", ["λ", "distance of λ"], default="λ", key=f"{KEY}.funnel")
            center = points[-1].lambda_ if over == "distance of λ" else None
            live_plotly(funnel_figure(points, run_id, center), key=f"{KEY}.funnel.{run_id}", height=340)
            st.caption("λ frozen, the network relaxed; numbered as the secant went, its bracket shaded.")
        elif not (certificate and certificate.equations):
            st.caption("No funnel: λ was solved for together with the profile, or the search has not begun.")


def searching(run_id: str, problem: Problem) -> None:
    """`search`; when it is drawn again by itself, too, its errors are messages."""
    try:
        search(run_id, problem)
    except LabError as error:
        st.error(message(error))


st.title("Singularities")
try:
    runs = found_runs()
    if not runs:
        if deleted_experiment():
            st.stop()
        st.info("No search yet. Launch one by a click, and watch its λ settle here.", icon=":material/info:")
        invitation(list(similarity.EQUATIONS))
        st.stop()
    if (run := choose_run(runs)) is None:
        st.stop()
    problem = store.run_config(run.folder).problem
    head(run, problem)
    live = run.state not in (*store.ENDED, "paused")
    st.fragment(searching, run_every=1.0 if live else None)(run.run_id, problem)
    if run.folder.has_checkpoint:
        if similarity.is_plane_profile(problem):
            plane_view(run.folder, problem)
        else:
            profile_view(run.folder, problem, certificate_of(run))
    else:
        st.caption("The profile is drawn from the first checkpoint on.")
    analysis_view(run.kind)
except LabError as error:
    st.error(message(error))
