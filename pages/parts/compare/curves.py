"""Curves of the chosen runs over each other: any loss term, smoothed, exported."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.reports.curves_export import Line, curves_csv, curves_picture
from core.runs.curves import recorded
from core.tracking.statistics import smooth
from core.tracking.store import RunRecord
from pages.parts.compare.chart import chart
from pages.parts.compare.curve_choice import axes_input, curve_names, quantities_input, read_curves
from pages.parts.compare.selection import Selection
from pages.parts.shared.curve_warnings import curve_warnings
from pages.parts.shared.figures import Series, curve_figure
from pages.parts.shared.made_download import made_download
from pages.parts.shared.run_names import run_names
from pages.parts.shared.text import LONGEST, Markdown, plain

DASHES = ("solid", "dash", "dot", "dashdot")


def curves_view(records: Sequence[RunRecord], selection: Selection) -> None:
    """Curves over each other: any loss term, linear or log, smoothed, exported."""
    curves, available = read_curves(records)
    if not available:
        st.info("None of these runs has a curve yet: they have not begun, or logged no metric twice.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        quantities = quantities_input(available, "curves", several=True)
        axis, column, log_x, log_y = axes_input(quantities)
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
    lines, series, without, again = [], [], set(), set()
    names, titles = run_names(records), curve_names(available)
    for record in records:
        for k, quantity in enumerate(quantities):
            x, y = recorded(curves[record.run_id], quantity, column)
            if not len(y):
                without.add(names[record.run_id])
                continue
            run = names[record.run_id]
            name = run if len(quantities) == 1 else f"{run}, {titles[quantity]}"
            color, dash = selection.color(record.run_id), DASHES[k % len(DASHES)]
            lines.append(Line(record.run_id, record.name, quantity, x, y, color, dash))
            for old_x, old_y in curves[record.run_id].superseded(quantity, column):
                again.add(run)
                series.append(Series(old_x, old_y, name, color, "dot", record.run_id, 1.4, 0.8))
            wide = 2.6 if record.run_id == selection.baseline else 1.6
            if weight:
                series.append(Series(x, y, name, color, dash, record.run_id, 1.0, 0.25))
                y = smooth(y, weight, log_y)
            series.append(Series(x, y, name, color, dash, record.run_id, wide))
    title = titles[quantities[0]] if len(quantities) == 1 else "value"
    if series:
        revision = f"{axis}.{','.join(quantities)}.{log_y}"
        figure = curve_figure(series, x_title=axis, y_title=title, log_x=log_x, log_y=log_y, revision=revision)
        chart(figure, "curves")
    for record in records:
        curve_warnings(curves[record.run_id], record.state, names[record.run_id])
    thinned = [names[record.run_id] for record in records if curves[record.run_id].source == "MLflow"]
    if thinned:
        st.caption(f"As MLflow has them, without the full history: {_some(thinned)}.")
    if again:
        st.caption(f"Resumed from an earlier step, what they had logged from there on dotted: {_some(sorted(again))}.")
    if without:
        st.caption(f"No such curve: {_some(sorted(without))}.")
    with export:
        _downloads(lines, axis, title, log_x, log_y)


def _downloads(lines: list[Line], axis: str, title: str, log_x: bool, log_y: bool) -> None:
    options = {"x_title": axis, "y_title": title, "log_x": log_x, "log_y": log_y}
    made_download("Every point, CSV", lambda: curves_csv(lines, axis), "curves.csv", "text/csv", disabled=not lines)
    for kind, mime in (("png", "image/png"), ("svg", "image/svg+xml"), ("pdf", "application/pdf")):
        made_download(
            f"Picture, {plain(kind.upper())}",
            lambda kind=kind: curves_picture(lines, kind, **options),
            f"curves.{kind}",
            mime,
            disabled=not lines,
        )


def _some(names: list[str], most: int = 5) -> Markdown:
    return ", ".join(plain(name, LONGEST) for name in names[:most]) + (
        f" and {len(names) - most} more" if len(names) > most else ""
    )
