"""Figures as plotly.js takes them: plain data, made without plotly."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np

from core.reports.blocks import Chart, Field, Figure, Line
from core.reports.palette import GREY

HEIGHT = {Chart: 360, Field: 420}


LONGEST = 80
"""Characters of a text in a figure."""


def plotly_figure(figure: Figure) -> dict[str, Any]:
    """`data` and `layout` of a figure. Texts are escaped: plotly reads some HTML in them."""
    return _chart(figure) if isinstance(figure, Chart) else _field(figure)


def _chart(chart: Chart) -> dict[str, Any]:
    layout: dict[str, Any] = {
        "height": HEIGHT[Chart],
        "margin": {"l": 70, "r": 16, "t": 10, "b": 48},
        "hovermode": "x unified" if len(chart.lines) < 13 else "closest",
        "showlegend": len(chart.lines) > 1,
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "xaxis": _axis(chart.x_title, chart.log_x),
        "yaxis": _axis(chart.y_title, chart.log_y) | {"exponentformat": "power" if chart.log_y else "none"},
        "shapes": [],
        "annotations": [],
    }
    if chart.log_y:
        _decades(chart.lines, layout["yaxis"])
    for x, text in chart.marks:
        layout["shapes"].append(
            {"type": "line", "xref": "x", "yref": "paper", "x0": x, "x1": x, "y0": 0, "y1": 1,
             "line": {"width": 1, "dash": "dot", "color": GREY}}
        )  # fmt: skip
        layout["annotations"].append(
            {"x": float(np.log10(x)) if chart.log_x else x, "y": 1, "yref": "paper", "text": _escaped(text),
             "showarrow": False, "xanchor": "left", "yanchor": "top", "font": {"size": 11, "color": GREY}}
        )  # fmt: skip
    if chart.level:
        value, text = chart.level
        layout["margin"]["r"] = 20 + 7 * len(text)
        layout["shapes"].append(
            {"type": "line", "xref": "paper", "yref": "y", "x0": 0, "x1": 1, "y0": value, "y1": value,
             "line": {"width": 1, "dash": "dash", "color": GREY}}
        )  # fmt: skip
        layout["annotations"].append(
            {"x": 1, "xref": "paper", "y": value, "text": _escaped(text), "showarrow": False, "xanchor": "left",
             "xshift": 4, "yanchor": "middle", "font": {"size": 11, "color": GREY}}
        )  # fmt: skip
    return {"data": [_trace(line) for line in chart.lines], "layout": layout}


def _trace(line: Line) -> dict[str, Any]:
    alone = line.points or len(np.unique(line.x)) < 2
    return {
        "type": "scatter",
        "mode": "markers" if alone else "lines",
        "name": _escaped(line.name),
        "x": _array(line.x),
        "y": _array(line.y),
        "line": {"color": line.color, "width": 1.6, "dash": line.dash},
        "marker": {"color": line.color, "size": 15, "symbol": "circle-open", "line": {"width": 2}}
        if line.around
        else {"color": line.color, "size": 8},
        "hovertemplate": "%{y:.6g}",
    }


def _field(field: Field) -> dict[str, Any]:
    finite = field.values[np.isfinite(field.values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if field.symmetric:
        high = max(abs(low), abs(high))
        low = -high
    trace = {
        "type": "heatmap",
        "x": _array(field.x),
        "y": _array(field.y),
        "z": _array(field.values.astype(np.float32)),
        "zmin": low,
        "zmax": high,
        "colorscale": DIVERGING if field.symmetric else SEQUENTIAL,
        "colorbar": {"thickness": 12, "exponentformat": "power"},
        "hovertemplate": f"{_escaped(field.x_title)} %{{x:.4g}}, {_escaped(field.y_title)} %{{y:.4g}}: %{{z:.6g}}"
        "<extra></extra>",
    }
    layout = {
        "height": HEIGHT[Field],
        "margin": {"l": 60, "r": 16, "t": 10, "b": 48},
        "xaxis": _axis(field.x_title, False),
        "yaxis": _axis(field.y_title, False),
    }
    if field.to_scale:
        layout["yaxis"] |= {"scaleanchor": "x", "constrain": "domain"}
        layout["xaxis"] |= {"constrain": "domain"}
    return {"data": [trace], "layout": layout}


DIVERGING = [[0.0, "#2166ac"], [0.25, "#92c5de"], [0.5, "#f7f7f7"], [0.75, "#f4a582"], [1.0, "#b2182b"]]
SEQUENTIAL = [
    [0.0, "#440154"], [0.17, "#443983"], [0.33, "#31688e"], [0.5, "#21918c"], [0.67, "#35b779"], [0.83, "#90d743"],
    [1.0, "#fde725"],
]  # fmt: skip
"""RdBu and viridis, as pictures on paper have them."""


def _axis(title: str, log: bool) -> dict[str, Any]:
    return {"title": {"text": _escaped(title)}, "type": "log" if log else "linear", "automargin": True}


def _decades(lines: tuple[Line, ...], axis: dict[str, Any]) -> None:
    """Have ticks at decades alone where there are many."""
    y = np.concatenate([line.y for line in lines]) if lines else np.empty(0)
    y = y[np.isfinite(y) & (y > 0)]
    if y.size and (step := decade_step(float(y.min()), float(y.max()))):
        axis["dtick"] = step


def decade_step(low: float, high: float) -> int | None:
    """Decades between two ticks of a log axis from `low` to `high`, both positive; None for two decades or fewer."""
    decades = math.log10(high) - math.log10(low)  # their ratio may be beyond any float
    return max(1, round(decades / 8)) if decades > 2 else None


def _array(values: np.ndarray) -> dict[str, Any]:
    """An array in plotly's own binary form: a third of the text that JSON would be, and NaN has a place in it."""
    values = np.ascontiguousarray(values, dtype="<f4" if values.dtype == np.float32 else "<f8")
    found = {"dtype": values.dtype.str[1:], "bdata": base64.b64encode(values.tobytes()).decode()}
    return found | ({"shape": f"{values.shape[0]}, {values.shape[1]}"} if values.ndim == 2 else {})


def _escaped(text: str) -> str:
    """A text that plotly shows as it is: it takes `<b>`, `<a href>` and `<br>` for markup, and `%{…}` for a value."""
    text = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("%{", "%\u200b{")):
        text = text.replace(character, entity)
    return text
