"""Compare: every run of the store in one table; the selected ones over each other."""

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import LabError
from core.tracking import store
from core.tracking.curves import run_curves
from pages.parts.figures import Series, color_of, curve_figure
from pages.parts.live_plotly import live_plotly

X_AXES = {"iteration": ("iteration", False), "log iteration": ("iteration", True), "wall time": ("wall_time_s", False)}
METRICS = {
    "max_residual": "max |R|",
    "relative_l2_error": "rel. L2",
    "lambda": "λ",
    "lambda_error": "|λ − ref|",
    "wall_time_s": "seconds",
}


def table(records: list[store.RunRecord]) -> pd.DataFrame:
    """One row a run, newest first, indexed by run id."""
    rows = {
        record.run_id: {
            "name": record.name,
            "problem": record.problem or record.experiment,
            "state": record.state,
            **{label: record.metrics.get(key, np.nan) for key, label in METRICS.items()},
            "started": pd.Timestamp(record.started, unit="s"),
        }
        for record in records
    }
    return pd.DataFrame.from_dict(rows, orient="index")


st.title("Compare")
try:
    records = store.runs()
except LabError as error:
    st.error(str(error))
    st.stop()
if not records:
    st.info("No runs yet. Launch two and lay their curves over each other here.", icon=":material/info:")
    st.page_link("pages/launch_runs.py", label="Launch a run", icon=":material/rocket_launch:")
    st.stop()

words = st.text_input("Filter", placeholder="name, problem or state", key="compare.filter").lower().split()
frame = table(records)
searchable = (frame["name"] + " " + frame["problem"] + " " + frame["state"]).str.lower()
frame = frame[[all(word in text for word in words) for text in searchable]]
scientific = {label: st.column_config.NumberColumn(label, format="%.2e") for label in METRICS.values()}
scientific["λ"] = st.column_config.NumberColumn("λ", format="%.8f")
scientific["seconds"] = st.column_config.NumberColumn("seconds", format="%.1f")
event = st.dataframe(
    frame.dropna(axis="columns", how="all"),
    key=f"compare.table.{' '.join(words)}",
    on_select="rerun",
    selection_mode="multi-row",
    hide_index=True,
    height=min(38 + 35 * len(frame), 360),
    column_config=scientific | {"started": st.column_config.DatetimeColumn("started", format="D MMM, HH:mm:ss")},
)
selected = [frame.index[row] for row in event.selection.rows]
if selected:
    st.query_params["runs"] = ",".join(selected)
linked = [run_id for run_id in st.query_params.get("runs", "").split(",") if run_id in frame.index]
chosen = selected or linked or list(frame.index[:5])
st.caption(
    f"{len(frame)} of {len(records)} runs. Tick rows to choose what is drawn"
    + ("." if selected or linked else "; until then the newest five.")
)

left, middle, right = st.columns(3)
axis = left.segmented_control("x axis", list(X_AXES), default="iteration", key="compare.x") or "iteration"
quantity = middle.selectbox("Curve", ["max_residual", "rms_residual", "loss", "lambda", "damping"], key="compare.y")
log_y = right.toggle("Logarithmic y", value=True, key="compare.log") and quantity != "lambda"

column, log_x = X_AXES[axis]
series, missing = [], 0
for run_id in chosen:
    curves = run_curves(run_id)
    curves.update()
    y = curves.column(quantity)
    if len(y):
        series.append(
            Series(curves.column(column), y, frame.loc[run_id, "name"], color_of(run_id, chosen), group=run_id)
        )
    else:
        missing += 1
if series:
    figure = curve_figure(
        series, x_title=axis, y_title=quantity, log_x=log_x, log_y=log_y, revision=f"{axis}.{quantity}.{log_y}"
    )
    live_plotly(figure, key="compare.curves", height=480)
if missing:
    st.caption(
        f"{missing} of the chosen runs have no curve here yet: they have not started, or another program made them."
    )
