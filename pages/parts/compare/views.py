"""What Compare draws of the chosen runs: curves, configs side by side, parallel coordinates, scatter, groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.reports.curves_export import Line, curves_csv, curves_picture
from core.tracking import compare
from core.tracking.compare import METRIC, MISSING
from core.tracking.sqlite_reader import How
from core.tracking.store import RunRecord
from pages.parts.compare.figures import band_figure, parallel_figure, scatter_figure, wants_log
from pages.parts.compare.search import LABELS, label
from pages.parts.compare.selection import Selection
from pages.parts.shared.curves_cache import curves_of
from pages.parts.shared.figures import Series, curve_figure
from pages.parts.shared.live_plotly import live_plotly

X_AXES = {"iteration": ("iteration", False), "log iteration": ("iteration", True), "wall time": ("wall_time_s", False)}
DASHES = ("solid", "dash", "dot", "dashdot")
LOGARITHMIC = ("residual", "rms", "loss", "error", "damping", "norm", "rate")
HEIGHT = 460


def name_of(quantity: str) -> str:
    """A curve as a person reads it."""
    return LABELS.get(METRIC + quantity) or (f"RMS {quantity[4:]}" if quantity.startswith("rms_") else quantity)


def _axes(quantities: Sequence[str]) -> tuple[str, str, bool, bool]:
    """Widgets for the axes: title and column of x, whether x and y are logarithmic."""
    axis = st.segmented_control("x axis", list(X_AXES), default="iteration", key="x", bind="query-params")
    axis = axis or "iteration"
    usual = any(part in name for name in quantities for part in LOGARITHMIC)
    scale = st.segmented_control("y axis", ["log", "linear"], default="log", key="y", bind="query-params")
    column, log_x = X_AXES[axis]
    return axis, column, log_x, scale != "linear" and usual


def _quantities(available: dict[str, None], key: str, several: bool) -> list[str]:
    usual = [name for name in ("max_residual", "loss") if name in available][:1] or list(available)[:1]
    if several:
        return st.multiselect(
            "Curves", list(available), usual, format_func=name_of, key=key, bind="query-params", width=420
        )
    options = list(available)
    chosen = st.selectbox(
        "Curve", options, options.index(usual[0]), format_func=name_of, key=key, bind="query-params", width=150
    )
    return [chosen]


def _read(records: Sequence[RunRecord]):
    """Curves of each run, and every name of a curve that one of them has."""
    curves = {record.run_id: curves_of(record.run_id) for record in records}
    names: dict[str, None] = {}
    for item in curves.values():
        names |= dict.fromkeys(item.curve_names())
    return curves, names


def curves_view(records: Sequence[RunRecord], selection: Selection) -> None:
    """Curves over each other: any loss term, linear or log, smoothed, exported."""
    curves, available = _read(records)
    if not available:
        st.info("None of these runs has a curve yet: they have not begun, or logged no metric twice.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        quantities = _quantities(available, "curves", several=True)
        axis, column, log_x, log_y = _axes(quantities)
        weight = st.slider(
            "Smoothing",
            0.0,
            0.99,
            0.0,
            key="smoothing",
            bind="query-params",
            width=160,
            help="Weight of the past in a moving average, of logarithms on a log axis. The curve stays, faintly.",
        )
        export = st.popover("Export", icon=":material/download:")
    if not quantities:
        st.info("Choose at least one curve.")
        return
    lines, series, without = [], [], set()
    for record in records:
        for k, quantity in enumerate(quantities):
            x, y = curves[record.run_id].points(quantity, column)
            if not len(y):
                without.add(record.name)
                continue
            name = record.name if len(quantities) == 1 else f"{record.name}, {name_of(quantity)}"
            color, dash = selection.color(record.run_id), DASHES[k % len(DASHES)]
            lines.append(Line(record.run_id, record.name, quantity, x, y, color, dash))
            wide = 2.6 if record.run_id == selection.baseline else 1.6
            if weight:
                series.append(Series(x, y, name, color, dash, record.run_id, 1.0, 0.25))
                y = compare.smooth(y, weight, log_y)
            series.append(Series(x, y, name, color, dash, record.run_id, wide))
    title = name_of(quantities[0]) if len(quantities) == 1 else "value"
    if series:
        revision = f"{axis}.{','.join(quantities)}.{log_y}"
        figure = curve_figure(series, x_title=axis, y_title=title, log_x=log_x, log_y=log_y, revision=revision)
        live_plotly(figure, key="compare.curves", height=HEIGHT)
    thinned = [record.name for record in records if curves[record.run_id].source == "MLflow"]
    if thinned:
        st.caption(f"As MLflow has them, without the full history: {_some(thinned)}.")
    if without:
        st.caption(f"No such curve: {_some(sorted(without))}.")
    with export:
        _downloads(lines, axis, title, log_x, log_y)


def _downloads(lines: list[Line], axis: str, title: str, log_x: bool, log_y: bool) -> None:
    options = {"x_title": axis, "y_title": title, "log_x": log_x, "log_y": log_y}
    st.download_button(
        "Every point, CSV", lambda: curves_csv(lines, axis), "curves.csv", "text/csv", disabled=not lines
    )
    for kind, mime in (("png", "image/png"), ("svg", "image/svg+xml"), ("pdf", "application/pdf")):
        st.download_button(
            f"Picture, {kind.upper()}",
            lambda kind=kind: curves_picture(lines, kind, **options),
            f"curves.{kind}",
            mime,
            disabled=not lines,
        )


def _some(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def config_view(records: Sequence[RunRecord], selection: Selection, how: How) -> None:
    """Figures and config fields of the chosen runs side by side, the baseline first."""
    records = sorted(records, key=lambda record: record.run_id != selection.baseline)
    everything = st.toggle("All fields", key="all", bind="query-params", help="Off: only fields that differ.")
    fields = compare.config_fields(records, only_differing=not everything)
    metrics = dict.fromkeys(name for record in records for name in record.metrics)
    values = {name: compare.metric_column(records, name, how) for name in metrics}
    names = _distinct([record.name for record in records])
    rows: dict[str, list[str]] = {
        label(METRIC + name): [_figure(column[k], column[0], k, selection) for k in range(len(records))]
        for name, column in values.items()
    }
    rows |= {path: [_value(value) for value in row] for path, row in fields.items()}
    data = {"": list(rows)} | {name: [row[k] for row in rows.values()] for k, name in enumerate(names)}
    st.dataframe(
        data,
        hide_index=True,
        height=min(38 + 35 * len(rows), 640),
        column_config={"": st.column_config.TextColumn("", pinned=True, width="medium")},
    )
    if not fields:
        st.caption("Their configs are the same.")
    st.caption(
        f"{len(metrics)} metrics, then {len(fields)} config fields"
        + ("" if everything else " that differ")
        + (
            "; × is the ratio to the baseline, the first column."
            if selection.baseline
            else "; pin a baseline for ratios."
        )
    )


def _figure(value: float, baseline: float, column: int, selection: Selection) -> str:
    if np.isnan(value):
        return ""
    text = f"{value:.6g}"
    if column == 0 or selection.baseline is None or np.isnan(baseline):
        return text
    against = compare.delta(value, baseline)
    return f"{text}  (×{against.ratio:.3g})" if not np.isnan(against.ratio) else f"{text}  ({against.difference:+.3g})"


def _value(value: object) -> str:
    if value is MISSING:
        return ""
    return (
        {None: "none", True: "true", False: "false"}.get(value)
        if value is None or isinstance(value, bool)
        else str(value)
    )


def _distinct(names: list[str]) -> list[str]:
    """Names as columns need them: the second run of a name gets a number."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return result


def _columns(records: Sequence[RunRecord], columns: Sequence[str], how: How) -> dict[str, list]:
    frame = compare.table(records, columns, how)
    return {column: frame[column].tolist() for column in columns}


def parallel_view(records: Sequence[RunRecord], sort: str, how: How) -> None:
    """Parallel coordinates of everything that the search found."""
    names = [name for name in compare.column_names(records) if "." in name or name in ("problem", "state", "duration")]
    varying = [name for name in names if name.startswith("params.") and _varies(records, name)]
    usual = [name for name in varying if _is_number(records, name) or _few(records, name)]
    target = sort if sort.startswith(METRIC) else next((name for name in names if name.startswith(METRIC)), None)
    usual = ["problem"] * (len({record.problem for record in records}) > 1) + usual[:5] + ([target] if target else [])
    axes = st.multiselect("Axes", names, usual, format_func=label, key="axes", bind="query-params")
    if len(axes) < 2:
        st.info("Choose at least two axes.")
        return
    columns = _columns(records, axes, how)
    could = [name for name in axes if all(isinstance(value, int | float) for value in columns[name])]
    usual_log = [name for name in could if wants_log(np.asarray(columns[name], dtype=float))]
    log = st.pills(
        "Logarithmic", could, default=usual_log, format_func=label, selection_mode="multi", key=f"log.{'.'.join(axes)}"
    )
    color = target if target in axes else axes[-1]
    figure = parallel_figure(columns, set(log), color)
    live_plotly(figure, key="compare.parallel", height=HEIGHT)
    drawn, total = figure.layout.meta["drawn"], figure.layout.meta["of"]
    st.caption(
        f"{drawn} of {total} runs found have all of these values. Drag along an axis to choose a range, drag its name "
        f"to move it. Coloured by {label(color)}."
    )


def _varies(records: Sequence[RunRecord], column: str) -> bool:
    if column in ("params.config_hash", "params.problem.kind"):  # told by other columns
        return False
    values = {compare.cell(record, column) for record in records} - {None}
    return len(values) > 1


def scatter_view(records: Sequence[RunRecord], selection: Selection, sort: str, how: How) -> None:
    """Any two numbers of everything that the search found against each other."""
    numbers = [
        name
        for name in compare.column_names(records)
        if name.startswith(METRIC) or name == "duration" or (name.startswith("params.") and _is_number(records, name))
    ]
    if len(numbers) < 2:
        st.info("These runs have fewer than two numbers to draw.")
        return
    target = sort if sort in numbers else numbers[0]
    other = next(name for name in ("metrics.wall_time_s", *numbers) if name in numbers and name != target)
    words = ["state", "problem", "experiment"] + [
        name for name in compare.column_names(records) if name.startswith("params.") and _few(records, name)
    ]
    row = st.container(horizontal=True, vertical_alignment="bottom")
    with row:
        options = {"format_func": label, "bind": "query-params", "width": 240}
        x = st.selectbox("x", numbers, numbers.index(other), key="sx", **options)
        y = st.selectbox("y", numbers, numbers.index(target), key="sy", **options)
        by = st.selectbox("Colour", words, 1, key="by", **options)
    values = {name: np.asarray(column, dtype=float) for name, column in _columns(records, [x, y], how).items()}
    with row:
        log = tuple(
            st.toggle(f"Log {axis}", wants_log(values[name]), key=f"log.{axis}.{name}")
            for axis, name in (("x", x), ("y", y))
        )
    figure = scatter_figure(
        values[x],
        values[y],
        [record.name for record in records],
        [str(compare.cell(record, by)) for record in records],
        {k: selection.color(r.run_id) for k, r in enumerate(records) if r.run_id in selection.slots},
        titles=(label(x), label(y)),
        log=log,
    )
    live_plotly(figure, key="compare.scatter", height=HEIGHT)


def _is_number(records: Sequence[RunRecord], column: str) -> bool:
    values = [value for record in records if (value := compare.cell(record, column)) is not None]
    return all(isinstance(value, int | float) for value in values)


def _few(records: Sequence[RunRecord], column: str) -> bool:
    return 1 < len({compare.cell(record, column) for record in records}) <= 10


def groups_view(records: Sequence[RunRecord], sort: str, how: How) -> None:
    """Runs grouped by a field: how each group did, its median curve and quartiles."""
    fields = ["problem", "state", "experiment"] + [
        name for name in compare.column_names(records) if name.startswith("params.") and _varies(records, name)
    ]
    metrics = [name for name in compare.column_names(records) if name.startswith(METRIC)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = st.selectbox("Group by", fields, format_func=label, key="group", bind="query-params", width=190)
        start = metrics.index(sort) if sort in metrics else 0
        metric = st.selectbox("Metric", metrics, start, format_func=label, key="gm", bind="query-params", width=170)
        found = compare.groups(records, by)
        drawn = dict(sorted(found.items(), key=lambda item: -len(item[1]))[:10])
        some = [record for runs in drawn.values() for record in runs[:40]]
        curves, available = _read(some)
        if available:
            quantities = _quantities(available, "gc", several=False)
            axis, column, log_x, log_y = _axes(quantities)
    rows = []
    for value, runs in found.items():
        numbers = compare.metric_column(runs, metric.removeprefix(METRIC), how)
        finite = numbers[np.isfinite(numbers)]
        low, median, high = np.quantile(finite, (0.25, 0.5, 0.75)) if len(finite) else (np.nan,) * 3
        best = (finite.min(), finite.max()) if len(finite) else (np.nan, np.nan)
        rows.append(
            {
                label(by): value,
                "runs": len(runs),
                "with a finite value": len(finite),
                "lowest": best[0],
                "lower quartile": low,
                "median": median,
                "upper quartile": high,
                "highest": best[1],
            }
        )
    numbers = ("lowest", "lower quartile", "median", "upper quartile", "highest")
    st.dataframe(
        rows,
        hide_index=True,
        height=min(38 + 35 * len(rows), 250),
        column_config={name: st.column_config.NumberColumn(name, format="%.2e") for name in numbers},
    )
    if not available:
        return
    bands = {
        value: compare.band([curves[r.run_id].points(quantities[0], column) for r in runs[:40]], log_y, log_x)
        for value, runs in drawn.items()
    }
    figure = band_figure(bands, x_title=axis, y_title=name_of(quantities[0]), log_x=log_x, log_y=log_y)
    live_plotly(figure, key="compare.groups", height=HEIGHT)
    note = "Lines are medians, bands reach from the lower to the upper quartile"
    if len(found) > 10 or any(len(runs) > 40 for runs in drawn.values()):
        note += "; drawn are the 10 largest groups, of each the first 40 runs"
    st.caption(note + ".")
