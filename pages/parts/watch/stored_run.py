"""A run that no slot of this machine knows: made by another program, or trained elsewhere on the same store."""

from __future__ import annotations

import math

import streamlit as st

from core.people import RUNNER, may
from core.runs.curves import recorded
from core.singularity.found import LAMBDA, lambda_of
from core.tracking.annotations import bring_back
from core.tracking.store import RunRecord
from pages.parts.shared.curves_cache import curves_of
from pages.parts.shared.data_table import data_table
from pages.parts.shared.figures import Series, curve_figure
from pages.parts.shared.live_plotly import live_plotly
from pages.parts.shared.palette import PALETTE
from pages.parts.shared.report_popover import report_popover
from pages.parts.shared.state_badge import state_badge
from pages.parts.shared.text import LONGEST, ago, code, duration, plain, visible, whole

X_AXES = {"iteration": "iteration", "wall time": "wall_time_s"}


def stored_run_view(record: RunRecord) -> None:
    """What the store says of it: where it comes from, its curves, its last metrics and its params."""
    with st.container(horizontal=True, vertical_alignment="center"):
        title = f"### {plain(record.name, LONGEST)} &nbsp; {state_badge(record.state)}"
        st.markdown(title, width="stretch", help=whole(record.name))
        if not record.deleted:
            chosen = {"runs": f"{record.run_id[:12]}.0"}
            st.page_link("pages/compare_runs.py", label="Compare", icon=":material/compare:", query_params=chosen)
        if record.problem:
            query = {"run": record.run_id}
            st.page_link("pages/replay_run.py", label="Replay", icon=":material/replay:", query_params=query)
        report_popover(f"watch.{record.run_id}", [record.run_id])
    where = "trained elsewhere" if record.problem else "made by another program"
    st.info(f"This run was {where}: it is shown as the store has it, and can't be steered.", icon=":material/info:")
    if record.deleted:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            words = "It was deleted in MLflow: lists and rankings leave it out."
            st.warning(words, icon=":material/delete:", width="stretch")
            if may(RUNNER) and st.button("Restore", icon=":material/undo:", key=f"watch.restore.{record.run_id}"):
                bring_back(record.run_id)
                st.rerun()
    took = duration(record.ended - record.started) if record.ended and record.started else "–"
    st.caption(
        f"experiment {plain(record.experiment, LONGEST)} · MLflow says {code(record.status)} · started "
        f"{ago(record.started)}, took {took} · by {plain(record.user or 'nobody named', LONGEST)} · "
        f"run {code(record.run_id)}"
    )
    _curves(record)
    left, right = st.columns(2, gap="medium")
    with left:
        metrics = {name: _metric(record, name, value) for name, value in record.metrics.items()}
        _values("Metrics, the last logged", metrics)
    with right:
        _values("Params, as they were logged", record.params)


def _curves(record: RunRecord) -> None:
    curves = curves_of(record.folder)
    names = curves.curve_names()
    if not names:
        st.caption("It logged no metric twice, so there is no curve.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Curve", names, format_func=visible, key=f"watch.curve.{record.run_id}", width=260)
        axis = st.segmented_control("x axis", list(X_AXES), default="iteration", key=f"watch.x.{record.run_id}")
        scale = st.segmented_control("y axis", ["log", "linear"], default="log", key=f"watch.y.{record.run_id}")
    axis = axis or "iteration"
    series = [Series(*recorded(curves, name, X_AXES[axis]), name, PALETTE[0])]
    gone = curves.superseded(name, X_AXES[axis])
    series += [Series(x, y, name, PALETTE[0], "dot", width=1.4, opacity=0.8) for x, y in gone]
    log = scale != "linear"
    figure = curve_figure(series, x_title=axis, y_title=name, log_y=log, revision=f"{record.run_id}{name}{axis}{log}")
    live_plotly(figure, key=f"watch.stored.{record.run_id}", height=360)
    if gone:
        st.caption("It was resumed from an earlier step; what it had logged from there on is dotted.")


def _metric(record: RunRecord, name: str, value: float) -> str:
    return lambda_of(record, value) if name == LAMBDA and math.isfinite(value) else f"{value:.10g}"


def _values(title: str, values: dict[str, str]) -> None:
    st.caption(f"{plain(title)}: {len(values):,}" if values else f"{plain(title)}: none")
    if values:
        rows = {"name": list(values), "value": list(values.values())}
        data_table(rows, hide_index=True, height=min(38 + 35 * len(values), 320))
