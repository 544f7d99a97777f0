"""What of a figure is new: its curves' points from the first one on that is another.

Buckets of thinned curves have fixed edges (`core.runs.curves.bucket`), so that of a growing curve only the last few
points change until the buckets are made wider. The points are compared all the same: what is sent is right whatever
the builder of the figure did.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

POINTS = ("x", "y")
"""What of a trace grows."""


def whole(figure: dict[str, Any]) -> dict[str, Any]:
    """The figure for JSON.

    Args:
        figure: `data`, whose x and y are arrays (n,), and `layout`.
    """
    traces = [trace | {name: _plain(trace[name]) for name in POINTS if name in trace} for trace in figure["data"]]
    return {"data": traces, "layout": figure["layout"]}


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any] | None:
    """What makes `after` of `before`, for JSON; None where nothing is new.

    `traces` has for each trace how many points to keep, and those that follow them; where a trace is more than
    that, the whole figure.
    """
    if len(before["data"]) != len(after["data"]) or any(
        _style(old) != _style(new) for old, new in zip(before["data"], after["data"], strict=True)
    ):
        return whole(after)
    traces = [_new_points(old, new) for old, new in zip(before["data"], after["data"], strict=True)]
    found: dict[str, Any] = {}
    if any(keep < len(old["x"]) or x for (keep, x, _), old in zip(traces, before["data"], strict=True)):
        found["traces"] = traces
    if before["layout"] != after["layout"]:
        found["layout"] = after["layout"]
    return found or None


def applied(before: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
    """A figure for JSON with what is new put in, as the page's script does it."""
    if "data" in news:
        return news
    data = [dict(trace) for trace in before["data"]]
    for trace, (keep, x, y) in zip(data, news.get("traces", ()), strict=False):
        trace["x"], trace["y"] = [*trace["x"][:keep], *x], [*trace["y"][:keep], *y]
    return {"data": data, "layout": news.get("layout", before["layout"])}


def _style(trace: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in trace.items() if name not in POINTS}


def _new_points(old: dict[str, Any], new: dict[str, Any]) -> tuple[int, list[float | None], list[float | None]]:
    most = min(len(old["x"]), len(new["x"]))
    other = np.zeros(most, dtype=bool)
    for name in POINTS:
        a, b = np.asarray(old[name])[:most], np.asarray(new[name])[:most]
        other |= ~((a == b) | (np.isnan(a) & np.isnan(b)))
    keep = int(np.argmax(other)) if other.any() else most
    return keep, _plain(new["x"][keep:]), _plain(new["y"][keep:])


def _plain(values: np.ndarray) -> list[float | None]:
    """Numbers for JSON, whole ones short; None for what is not finite, which Plotly leaves out."""
    numbers = values.tolist()
    if values.dtype.kind != "f":
        return numbers
    if values.dtype == np.float32:
        numbers = [float(f"{v:.8g}") for v in numbers]  # else each has the digits of a float64
    return [(int(v) if v.is_integer() and abs(v) < 1e15 else v) if math.isfinite(v) else None for v in numbers]
