"""Best run: the rule, the ranking by it, its lineage, and the winner as the parent of a next stage."""

import streamlit as st

from core.errors import LabError
from core.people import RUNNER, may
from core.runs import RunFolder
from core.singularity.found import LAMBDA, lambda_of
from core.tracking import store
from core.tracking.best import TIES, Ranked, Rule, link, ranking, require_checkpoint
from core.tracking.lineage import lineage
from pages.parts.best.lineage import lineage_view
from pages.parts.best.ranking import FORMAT, ranking_table
from pages.parts.people.rooms import way_to
from pages.parts.shared.deleted_experiment import deleted_experiment
from pages.parts.shared.metric_names import HOW, LABELS
from pages.parts.shared.text import LONGEST, code, message, plain, whole

USUAL = ("dense_max_residual", "relative_l2_error", "max_error", "lambda_error", "max_residual", "wall_time_s")


def choose_rule(metrics: list[str], heads: list[store.Head]) -> Rule:
    """Widgets for the rule, and the rule in words."""
    metrics = [name for name in USUAL if name in metrics] + [name for name in metrics if name not in USUAL]
    problems = ["all", *sorted({head.problem for head in heads if head.problem})]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = st.selectbox("Metric", metrics, key="metric", bind="query-params", width=230)
        direction = st.segmented_control("Best is", ["min", "max"], default="min", key="best", bind="query-params")
        how = st.selectbox("Which value", list(HOW), key="value", bind="query-params", width=150)
        problem = st.selectbox(
            "Problem", problems, problems.index(usual_problem(heads)), key="of", bind="query-params", width=170
        )
        tie = st.selectbox("A tie goes to", list(TIES), key="tie", bind="query-params", width=120)
        states = st.multiselect(
            "Eligible", sorted({head.state for head in heads}), ["finished"], key="eligible", bind="query-params"
        )
    rule = Rule(metric, direction or "min", tuple(states), "" if problem == "all" else problem, HOW[how], tie)
    if states:
        st.caption(message(rule.sentence()))
    return rule


def usual_problem(heads: list[store.Head]) -> str:
    """The problem of the newest finished run, since values of different equations say little about each other."""
    finished = [head for head in heads if head.problem and head.state == "finished"]
    return max(finished, key=lambda head: head.started).problem if finished else "all"


def run_card(run_id: str, ranked: list[Ranked], metric: str) -> None:
    """One run: its place, what can be done with it, where it comes from and what came of it."""
    place = next((k for k, run in enumerate(ranked) if run.run_id == run_id), None)
    record = store.get_run(run_id)
    name, value, buttons = st.columns([4, 3, 5], vertical_alignment="center")
    icon = ":material/trophy:" if place == 0 else ":material/scatter_plot:"
    name.markdown(f"### {icon} {plain(record.name, LONGEST)}", help=whole(record.name))
    about = plain(record.problem or record.experiment, LONGEST)
    name.caption(f"{about} · {plain(record.state)} · {code(run_id[:12])}")
    if place is not None:
        title = plain(LABELS.get(f"metrics.{metric}", metric), LONGEST)
        found = ranked[place].value
        shown = lambda_of(record, found) if metric == LAMBDA else format(found, FORMAT)
        value.metric(f"{title}, place {place + 1} of {len(ranked):,}", plain(shown))
    refusal = refused(record.folder)
    with buttons, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        pressed = st.button(
            "Link as parent of the next stage",
            type="primary",
            icon=":material/account_tree:",
            disabled=refusal is not None or not may(RUNNER),
        )
        st.page_link("pages/watch_runs.py", label="Watch", query_params={"run": run_id})
        st.page_link("pages/compare_runs.py", label="Compare", query_params={"runs": f"{run_id[:12]}.0"})
    if pressed:
        link(record.folder)
        st.switch_page("pages/launch_runs.py", query_params={"parent": run_id})
    if refusal:
        st.caption(f":material/block: {message(refusal)}")
    nodes = lineage(run_id)
    st.caption(
        "Lineage: what stands to the right started from what it is joined to. Click a run to look at it."
        if len(nodes) > 1
        else "Lineage: no run started from this one, and it started from none."
    )
    clicked = lineage_view(nodes, run_id, "best.lineage")
    if clicked and clicked != run_id:
        st.query_params["run"] = clicked
        st.rerun()


def refused(folder: RunFolder) -> str | None:
    """Why no next stage can start from a run."""
    try:
        require_checkpoint(folder)
    except LabError as error:
        return str(error)
    return None


st.title("Best run")
try:
    heads = store.heads()
    if not heads:
        if deleted_experiment():
            st.stop()
        st.info("No runs yet. Launch a few: the best of them starts the next stage here.", icon=":material/info:")
        way_to("launch", "Launch a run", ":material/rocket_launch:")
        st.stop()
    metrics = store.metric_names()
    if not metrics:
        st.info("No run has logged a metric yet.", icon=":material/info:")
        st.stop()
    rule = choose_rule(metrics, heads)
    ranked = ranking(rule) if rule.states else []
    if not ranked:
        st.info(
            "No run is eligible: none of this problem and these states has a finite value of this metric.",
            icon=":material/info:",
        )
    looked_at = st.query_params.get("run") or (ranked[0].run_id if ranked else None)
    if looked_at:
        run_card(looked_at, ranked, rule.metric)
    if ranked:
        ranking_table(ranked, rule.metric)
except LabError as error:
    st.error(message(error))
