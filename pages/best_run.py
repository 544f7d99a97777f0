"""Best run: the rule, the ranking by it, and the winner as the parent of a next stage."""

import pandas as pd
import streamlit as st

from core.errors import LabError
from core.tracking import store
from core.tracking.best import Rule, link, ranking
from pages.parts.text import ago

METRICS = {
    "dense_max_residual": "max residual on the dense grid",
    "relative_l2_error": "relative L2 error",
    "max_error": "max error",
    "lambda_error": "error of λ",
    "max_residual": "max residual on the training points",
    "wall_time_s": "wall time",
}


def choose_rule(problems: list[str]) -> Rule:
    """Widgets for the rule, and the rule in words."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = st.selectbox("Metric", list(METRICS), format_func=METRICS.get, key="best.metric", width=320)
        direction = st.segmented_control("Best is", ["min", "max"], default="min", key="best.direction") or "min"
        problem = st.selectbox(
            "Problem", ["", *problems], format_func=lambda p: p or "all", key="best.problem", width=220
        )
        states = st.multiselect("States", list(store.ENDED), ["finished"], key="best.states", width=320)
    rule = Rule(metric, direction, tuple(states), problem)
    st.caption(rule.sentence())
    return rule


st.title("Best run")
try:
    records = store.runs()
    if not records:
        st.info("No runs yet. Launch a few: the best of them starts the next stage here.", icon=":material/info:")
        st.page_link("pages/launch_runs.py", label="Launch a run", icon=":material/rocket_launch:")
        st.stop()
    rule = choose_rule(sorted({record.problem for record in records if record.problem}))
    ranked = ranking(rule) if rule.states else []
    if not ranked:
        st.info("No run is eligible: none of these states has a finite value of this metric.", icon=":material/info:")
        st.stop()
    winner = ranked[0]
    name, value, button = st.columns([3, 2, 3], vertical_alignment="center")
    name.markdown(f"### :material/trophy: {winner.name}")
    value.metric(METRICS[rule.metric], f"{winner.metrics[rule.metric]:.3e}")
    if button.button("Link as parent of the next stage", type="primary", icon=":material/account_tree:"):
        link(winner.run_id)
        st.switch_page("pages/launch_runs.py", query_params={"parent": winner.run_id})
    table = pd.DataFrame(
        [
            {
                "name": record.name,
                "problem": record.problem,
                "state": record.state,
                METRICS[rule.metric]: record.metrics[rule.metric],
                "started": ago(record.started),
                "linked": record.tags.get("lab.next_stage_parent") == "true",
            }
            for record in ranked[:200]
        ]
    )
    table.index += 1
    formats = {METRICS[rule.metric]: st.column_config.NumberColumn(format="%.3e")}
    st.dataframe(table, column_config=formats, height=min(38 + 35 * len(table), 560))
except LabError as error:
    st.error(str(error))
