"""The search box of Compare with its filters, columns and order, all kept in the URL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import streamlit as st

from core.errors import LabError
from core.tracking.compare import METRIC, column_names
from core.tracking.search import Filters, search
from core.tracking.store import How, RunRecord
from core.tracking.tags import people_tags
from pages.parts.shared.metric_names import HOW, labels
from pages.parts.shared.text import LONGEST, Markdown, message, plain
from pages.parts.shared.times import viewer_zone

USUAL = (
    "state",
    "problem",
    "metrics.dense_max_residual",
    "metrics.max_residual",
    "metrics.relative_l2_error",
    "metrics.lambda",
    "metrics.wall_time_s",
    "started",
)


@dataclass(frozen=True)
class Shown:
    """What the table shows."""

    records: list[RunRecord]
    """Runs that pass, not yet in order."""
    columns: list[str]
    sort: str
    descending: bool
    how: How
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of every column that there is."""

    def label(self, column: str) -> str:
        """A column as widgets and axes name it, unlike any other."""
        return self.labels[column]


def search_bar(records: Sequence[RunRecord]) -> Shown:
    """Search box, filters, columns and order in one row."""
    names = column_names(records)
    usual, named = usual_columns(names), labels(names)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Search",
            key="q",
            bind="query-params",
            type="search",
            placeholder="words, or a filter: metrics.max_residual < 1e-8 and params.seed = '3'",
            help="Plain words look in name, id, problem, state, tags and notes. Filters are MLflow's: `metrics.loss < "
            "1e-6`, ``params.`stages.0.iterations` = '80'``, `tags.lab.state = 'crashed'`, `attributes.status = "
            "'FAILED'`, joined by `and`. Words may stand before a filter.",
        )
        filters = _filters(records)
        with st.popover("Columns", icon=":material/view_column:"):
            columns = st.multiselect(
                "Columns", names, usual, format_func=named.get, key="columns", bind="query-params", width=520
            )
        sort, down, how = _order(names, named)
    found = _search(filter(filters.match, records), text)
    return Shown(found, columns or usual, sort, down, HOW[how], named)


def _order(names: Sequence[str], named: Mapping[str, str]) -> tuple[str, bool, str]:
    """What sorts the table, whether the largest comes first, and which value of a metric counts."""
    chosen = named.get(st.session_state.get("sort")) or st.query_params.get("sort", "started")
    upwards = (st.session_state.get("order") or st.query_params.get("order")) == "↑"
    title = f"{plain(chosen, LONGEST)} {'↑' if upwards else '↓'}"
    with st.popover(title, icon=":material/sort:", key="compare.order", help="Order of the table"):
        sort = st.selectbox(
            "Sort by", names, names.index("started"), format_func=named.get, key="sort", bind="query-params", width=320
        )
        down = st.segmented_control(
            "Order",
            ["↓", "↑"],
            default="↓",
            key="order",
            bind="query-params",
            help="↓ largest or newest first, ↑ smallest or oldest first.",
        )
        how = st.selectbox(
            "Metrics are",
            list(HOW),
            key="how",
            bind="query-params",
            width=320,
            help="Which value of a metric stands in the table and sorts it: the last one logged, the lowest or highest "
            "of the whole history, or that at the checkpoint which a next stage would start from.",
        )
    return sort, down != "↑", how


def usual_columns(names: Sequence[str]) -> list[str]:
    """The columns a lab looks at first; where runs of other programs have other metrics, their commonest too."""
    usual = [name for name in USUAL if name in names]
    metrics = [name for name in names if name.startswith(METRIC)]
    known = sum(name.startswith(METRIC) for name in usual)
    extra = [name for name in metrics if name not in usual][: max(0, 3 - known)]
    return usual[:-1] + extra + usual[-1:]


def _search(records, text: str) -> list[RunRecord]:
    """The result; while a filter is broken, its message and the result from before."""
    records = list(records)
    try:
        found = search(records, text)
    except LabError as error:
        st.error(message(error), icon=":material/filter_alt_off:")
        return search(records, st.session_state.get("compare.good_search", ""))
    st.session_state["compare.good_search"] = text
    return found


def _filters(records: Sequence[RunRecord]) -> Filters:
    def choice(title: Markdown, values: set[str], key: str) -> tuple[str, ...]:
        return tuple(st.multiselect(title, sorted(values), key=key, bind="query-params", width=340))

    keys = ("experiment", "problem", "state", "tag", "from", "until")
    active = sum(bool(st.session_state.get(key) or st.query_params.get(key)) for key in keys)
    title = f"Filters · {active:d}" if active else "Filters"
    with st.popover(title, icon=":material/filter_alt:", key="compare.filters"):
        experiments = choice("Experiment", {record.experiment for record in records}, "experiment")
        problems = choice("Problem", {record.problem for record in records if record.problem}, "problem")
        states = choice("State", {record.state for record in records}, "state")
        tags = choice("Tag", {tag for record in records for tag in people_tags(record.tags)}, "tag")
        left, right = st.columns(2)
        begin = left.date_input("Started from", None, key="from", bind="query-params")
        end = right.date_input("until", None, key="until", bind="query-params")
        zone = viewer_zone()
        st.caption(f"Days as they are in {plain(zone.key)}.")
    return Filters(
        experiments,
        problems,
        states,
        tags,
        dt.datetime.combine(begin, dt.time.min, zone).timestamp() if begin else 0.0,
        dt.datetime.combine(end, dt.time.max, zone).timestamp() if end else float("inf"),
    )
