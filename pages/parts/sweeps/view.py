"""One sweep on its page: its head and what can be done with it, its best trial and the way on, its figures."""

import streamlit as st

from core import sweeps
from core.errors import LabError
from core.people import RUNNER, may
from core.runs import run_folder
from core.sweeps import Seen
from core.sweeps.sweep import METRICS
from core.tracking.best import link, require_checkpoint
from pages.parts.shared.live_plotly import live_plotly
from pages.parts.shared.report_popover import report_popover
from pages.parts.shared.state_badge import state_badge
from pages.parts.shared.text import LONGEST, ago, message, plain
from pages.parts.sweeps.deleting import delete_popover
from pages.parts.sweeps.figures import history_figure, importance_figure, slice_figure
from pages.parts.sweeps.table import best_runs, values_in_words

HEIGHT = 330
"""Of a figure, in pixels."""


def head(seen: Seen) -> None:
    """Its name and state, how far it is, and what can be done with it."""
    known, sweep = seen.known, seen.sweep
    name, actions = st.columns([8, 4], vertical_alignment="center")
    name.markdown(f"### {plain(sweep.name, LONGEST)} {state_badge(known.state)}")
    name.caption(f"{message(sweep.sentence)} Started {ago(sweep.made)} by {plain(sweep.who, LONGEST)}.")
    with actions, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        if known.state == "running":
            if st.button(
                "Stop the sweep", icon=":material/stop:", key=f"sweeps.stop.{seen.sweep_id}", disabled=not may(RUNNER)
            ):
                sweeps.stop(seen.sweep_id)
                st.rerun()
        elif known.state in ("stopped", "failed") and st.button(
            "Go on", icon=":material/play_arrow:", key=f"sweeps.resume.{seen.sweep_id}", disabled=not may(RUNNER)
        ):
            sweeps.resume(seen.sweep_id)
            st.rerun()
        if known.over and any(trial.run_id for trial in known.trials):
            report_popover("sweeps", [seen.sweep_id])
        if known.over:
            delete_popover(seen)
    done = sum(trial.share or 0.0 for trial in known.trials if trial.state == "running")
    done += known.count("finished", "pruned", "failed")
    st.progress(min(1.0, done / sweep.trials), text=message(seen.sentence))
    if known.reason:
        if known.state == "failed":
            st.error(message(known.reason))
        else:
            st.warning(message(known.reason))


def best_trial(seen: Seen) -> None:
    """The best trial so far, and the way on from it."""
    best = seen.known.best
    words, actions = st.columns([8, 4], vertical_alignment="center")
    words.markdown(
        f":material/trophy: **Trial {best.number + 1}**, {plain(METRICS[seen.sweep.metric])} {best.value:.3e}: "
        f"{plain(values_in_words(seen, best), 300)}"
    )
    refusal = refused(best.run_id)
    with actions, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        st.page_link("pages/watch_runs.py", label="Watch", query_params={"run": best.run_id})
        if len(runs := best_runs(seen)) > 1:
            st.page_link(
                "pages/compare_runs.py", label=f"Best {len(runs):d} in Compare", query_params={"runs": ".".join(runs)}
            )
        pressed = st.button(
            "Link as parent",
            type="primary",
            icon=":material/account_tree:",
            disabled=bool(refusal) or not may(RUNNER),
            key=f"sweeps.link.{seen.sweep_id}",
            help="A next stage starts from the best trial's solution.",
        )
    if pressed:
        link(run_folder(best.run_id))
        st.switch_page("pages/launch_runs.py", query_params={"parent": best.run_id})
    if refusal:
        st.caption(f":material/block: {message(refusal)}")


def refused(run_id: str) -> str:
    """Why no next stage can start from a run; empty where one can."""
    try:
        require_checkpoint(run_folder(run_id))
    except LabError as error:
        return str(error)
    return ""


def figures(seen: Seen) -> None:
    """History, importance, and each field against the figure."""
    if not any(trial.value is not None or trial.best_residual is not None for trial in seen.known.trials):
        if not seen.known.over:
            st.info("The first points appear here with the first trial's residuals.", icon=":material/hourglass:")
        return
    left, right = st.columns([7, 5], gap="medium")
    with left:
        st.markdown("**History**", help="Each trial's figure, and the best until then.")
        live_plotly(history_figure(seen), key="sweeps.history", height=HEIGHT)
    with right:
        st.markdown("**Importance**", help="Share of the figure's variance that a field explains, by functional ANOVA.")
        if seen.known.importance:
            live_plotly(importance_figure(seen), key="sweeps.importance", height=HEIGHT)
        else:
            st.caption("It takes four finished trials with different figures.")
    if any(trial.value is not None for trial in seen.known.trials):
        st.markdown(
            "**Slices**", help="Each field against the figure, one point a finished trial; later ones in more colour."
        )
        live_plotly(slice_figure(seen), key="sweeps.slices", height=HEIGHT)
