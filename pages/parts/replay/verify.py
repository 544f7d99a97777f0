"""A rerun beside its source: how far it is, then the verdict, both curves and both environments."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import jobs
from core.errors import LabError, RunNotFoundError
from core.names import residual_of
from core.runs import RunFolder, run_folder
from core.runs.curves import was_recorded
from core.runs.history import INTEGERS
from core.tracking.search import find_id, reruns
from core.tracking.store import RunRecord, get_run
from core.tracking.verify import Verdict, history_of, verify
from pages.parts.shared.config_words import difference_table, value_text
from pages.parts.shared.figures import Series, curve_figure
from pages.parts.shared.live_plotly import live_plotly
from pages.parts.shared.palette import PALETTE
from pages.parts.shared.progress import progress_text
from pages.parts.shared.text import LONGEST, Markdown, ago, message, plain, visible

ICONS = {"bit-identical": "check_circle", "within tolerance": "approximate", "different": "difference"}
LABELS = {"max_residual": "max |R|", "rms_residual": "RMS R", "loss": "loss", "lambda": "λ"}


def rerun_job(run_id: str) -> jobs.Job | None:
    """The rerun's job; None for a run of another machine."""
    try:
        return jobs.status(run_id)
    except RunNotFoundError:
        return None


@st.fragment(run_every=1.0)
def follow(run_id: str) -> None:
    """Progress of a rerun, until it ends; then the page is drawn again with the verdict."""
    try:
        job = jobs.status(run_id)
    except LabError as error:
        st.error(message(error))
        return
    if job.state == "queued":
        st.progress(0.0, text=f"The rerun waits in the queue, place {job.position:d}.")
    elif job.active:
        progress = job.folder.progress()
        if progress is None:
            st.progress(0.0, text="The rerun starts …")
            return
        st.progress(min(1.0, progress["fraction"]), text=f"Rerun: {progress_text(progress)}")
    else:
        st.rerun()


@st.cache_data(max_entries=20, show_spinner="Comparing both histories …")
def verdict_of(source: RunFolder, rerun: RunFolder, states: tuple[str, str]) -> Verdict:
    """The verdict, kept as long as neither run moves on."""
    return verify(source, rerun)


def verdict_view(verdict: Verdict, source: RunFolder, rerun: RunFolder) -> None:
    """The verdict in words, the curves over each other, the environments side by side."""
    sentence, icon = message(verdict.sentence()), f":material/{ICONS[verdict.outcome]}:"
    if verdict.outcome == "bit-identical":
        st.success(sentence, icon=icon)
    elif verdict.outcome == "within tolerance":
        st.warning(sentence, icon=icon)
    else:
        st.error(sentence, icon=icon)
    overlay(verdict, source, rerun)
    environment_table(verdict)


def overlay(verdict: Verdict, source: RunFolder, rerun: RunFolder) -> None:
    """One column of both histories over each other."""
    histories = history_of(source), history_of(rerun)
    names = [
        column.name
        for column in verdict.columns
        if column.curve and column.name not in INTEGERS and np.isfinite(histories[0][column.name]).any()
    ]

    def read_as(column: str) -> Markdown:
        residual = residual_of(column)
        return plain(LABELS.get(column, column if residual is None else f"RMS {residual}"), LONGEST)

    name = st.segmented_control(
        "Curve",
        names,
        default="max_residual",
        format_func=read_as,
        key="replay.curve",
        label_visibility="collapsed",
    )
    name = name or "max_residual"
    series = [
        Series(history["iteration"][here], history[name][here], label, color, dash)
        for history, label, color, dash in zip(
            histories, ("source", "rerun"), (PALETTE[0], PALETTE[1]), ("solid", "dash"), strict=True
        )
        for here in [was_recorded(history[name], history["loss"])]
    ]
    figure = curve_figure(
        series,
        x_title="iteration",
        y_title=LABELS.get(name, name),
        log_y=name != "lambda",
        revision=f"{rerun.run_id}{name}",
    )
    live_plotly(figure, key="replay.overlay", height=360)


def environment_table(verdict: Verdict) -> None:
    """Facts of both runs, those that differ marked; then the configs and the packages, where they differ."""
    facts = verdict.environment
    rows = {
        "environment": [f":red[**≠ {plain(f.name)}**]" if f.differs else plain(f.name) for f in facts],
        "source": [f"**{value_text(f.source)}**" if f.differs else value_text(f.source) for f in facts],
        "rerun": [f"**{value_text(f.rerun)}**" if f.differs else value_text(f.rerun) for f in facts],
    }
    st.table(rows, border="horizontal", hide_index=True)
    if verdict.config:
        st.caption("Configs differ:")
        difference_table(verdict.config, "source", "rerun")
    if verdict.packages:
        with st.expander(f"{len(verdict.packages)} installed packages differ"):
            difference_table(verdict.packages, "source", "rerun")


def choose_rerun(source: RunRecord) -> str | None:
    """Which run is compared with the source: one of its reruns, or any by its id; the address keeps it."""
    names = {r.run_id: f"{visible(r.name)} · {r.state} · {ago(r.started)} · {r.run_id[:8]}" for r in reruns(source)}
    wanted = st.query_params.get("rerun")
    options = list(dict.fromkeys([*([wanted] if wanted else []), *names]))
    chosen = st.selectbox(
        "Compare with",
        options,
        index=0 if wanted else None,
        format_func=lambda run_id: names.get(run_id, visible(run_id, LONGEST)),
        placeholder="a rerun of it, or the id of any run",
        accept_new_options=True,
        key=f"replay.rerun.{source.run_id}.{wanted}",
    )
    if not chosen:
        return None
    rerun = find_id(chosen)
    if rerun != wanted:
        st.query_params["rerun"] = rerun
    return rerun


def verification(source: RunRecord) -> None:
    """The rerun's progress, then the verdict."""
    st.subheader("Verify")
    rerun = choose_rerun(source)
    if rerun is None:
        return
    job = rerun_job(rerun)
    if job is not None and (job.active or job.state == "queued"):
        follow(rerun)
        return
    if job is not None and job.reason:
        st.caption(f"The rerun is {plain(job.state)}: {message(job.reason)}")
    state = job.state if job else get_run(rerun).state
    folders = source.folder, run_folder(rerun)
    verdict_view(verdict_of(*folders, (source.state, state)), *folders)
