"""Which curves Compare draws, and over which axes: widgets of its curves and its groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from core.names import residual_of
from core.tracking.compare import METRIC
from core.tracking.store import RunRecord
from pages.parts.shared.curves_cache import curves_of
from pages.parts.shared.metric_names import LABELS

X_AXES = {"iteration": ("iteration", False), "log iteration": ("iteration", True), "wall time": ("wall_time_s", False)}
LOGARITHMIC = ("residual", "rms", "loss", "error", "damping", "norm", "rate")


def curve_names(quantities: Iterable[str]) -> dict[str, str]:
    """Curves as a person reads them, each by a name of its own."""
    quantities = list(quantities)
    names = {name: LABELS.get(METRIC + name) or _name_of(name) for name in quantities}
    return names if len(set(names.values())) == len(names) else dict(zip(quantities, quantities, strict=True))


def _name_of(quantity: str) -> str:
    residual = residual_of(quantity)
    return quantity if residual is None else f"RMS {residual}"


def axes_input(quantities: Sequence[str]) -> tuple[str, str, bool, bool]:
    """Widgets for the axes: title and column of x, whether x and y are logarithmic."""
    axis = st.segmented_control("x axis", list(X_AXES), default="iteration", key="x", bind="query-params")
    axis = axis or "iteration"
    usual = any(part in name for name in quantities for part in LOGARITHMIC)
    scale = st.segmented_control("y axis", ["log", "linear"], default="log", key="y", bind="query-params")
    column, log_x = X_AXES[axis]
    return axis, column, log_x, scale != "linear" and usual


def quantities_input(available: dict[str, None], key: str, several: bool) -> list[str]:
    """Widget for the curves to draw, or for one; the residual until something else is chosen."""
    name_of = curve_names(available).get
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


def read_curves(records: Sequence[RunRecord]):
    """Curves of each run, and every name of a curve that one of them has."""
    curves = {record.run_id: curves_of(record.folder) for record in records}
    names: dict[str, None] = {}
    for item in curves.values():
        names |= dict.fromkeys(item.curve_names())
    return curves, names
