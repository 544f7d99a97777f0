"""What is asked of the network itself where somebody points: the values at a point, and along a line between two."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from core.errors import LabError
from core.problems import Problem
from core.solution import at_points
from core.solution.at_points import SolutionPoints
from core.solution.available import Viewable
from core.solution.pointing import point_at
from core.solution.sampled import Sampled
from core.solution.wanted import Wanted
from pages.parts.shared.live_plotly import live_plotly
from pages.parts.shared.text import Markdown, message, plain
from pages.parts.solution.figures import curve_figure_of
from pages.parts.solution.form import KEY, URL, Quantity
from pages.parts.solution.sampling import read_points, sampled

AT, FROM, TO = "at", "from", "to"
NEXT = "solution.next-end"
"""Which end of the line the next click is."""

Ends = tuple[tuple[float, ...], tuple[float, ...]]


def picker(problem: Problem, grid: Sampled, moment: int, has_line: bool) -> Callable[[list[float]], None]:
    """What a click in the scene does: it is an end of the line where there is one, else where the network is asked."""

    def picked(place: list[float]) -> None:
        point = _written(point_at(problem, grid, moment, place))
        if not has_line:
            st.query_params[AT] = point
            return
        end = st.session_state.get(NEXT, FROM)
        st.session_state[end] = point
        st.session_state[NEXT] = TO if end == FROM else FROM

    return picked


def _written(point: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.9g}" for value in point)


def line_input(problem: Problem, by_mouse: bool) -> Ends | None:
    """The two ends of a line, typed or clicked; what is none is said, and None."""
    low, high = np.array(problem.domain(), dtype=float).T
    middle = (low + high) / 2
    usual = np.array([middle, middle])
    usual[:, 0] = low[0], high[0]
    left, right = st.columns(2)
    names = ", ".join(plain(name) for name in problem.coordinates)
    typed = [
        column.text_input(f"{label}: {names}", _written(tuple(value)), key=key, bind=URL)
        for column, label, value, key in ((left, "From", usual[0], FROM), (right, "To", usual[1], TO))
    ]
    if by_mouse:
        st.caption("A click in the view is the line's start, the next its end."
                   if st.session_state.get(NEXT, FROM) == FROM else "The next click is the line's end.")  # fmt: skip
    try:
        ends = tuple(at_points.read_point(text, problem) for text in typed)
        at_points.line(*ends)
    except LabError as error:
        st.warning(message(error))
        return None
    return ends


def line_plot(ends: Ends, quantity: Quantity, formulas: tuple[str, ...], run: Viewable, wanted: Wanted) -> None:
    """The value along a line between two points, evaluated by the network itself."""
    found = _asked("line", at_points.line(*ends), quantity, formulas, run, wanted)
    if found is None:
        return
    outside = found.about.get("points_outside", 0)
    if outside:
        st.caption(f"{outside:,} of {found.points:,} points lie outside of the domain and have no value.")
    figure = curve_figure_of(found, quantity, (found.along, "distance along the line"), f"{run.run_id}.line")
    live_plotly(figure, key=f"{KEY}.line.{run.run_id}", height=300)


def probe(quantity: Quantity, formulas: tuple[str, ...], run: Viewable, wanted: Wanted) -> None:
    """The values at the point that was clicked, or that the address names; none is asked for where there is none."""
    text = st.query_params.get(AT)
    if text is None:
        return
    said, button = st.columns([8, 1], vertical_alignment="center")
    button.button("Forget", type="tertiary", on_click=lambda: st.query_params.pop(AT, None), key=f"{KEY}.forget")
    with said:
        try:
            point = at_points.read_point(text, run.config.problem)
        except LabError as error:
            st.warning(message(error))
            return
        found = _asked("probe", np.array([point]), quantity, formulas, run, wanted)
        if found is not None:
            st.markdown(_values(found, quantity))


def _values(found: SolutionPoints, quantity: Quantity) -> Markdown:
    """The value first, with what it should be; then the other fields."""
    places = zip(found.coordinates, found.points_of[0], strict=True)
    parts = [f"At {plain(name)} = {value:.6g}" if k == 0 else f"{plain(name)} = {value:.6g}"
             for k, (name, value) in enumerate(places)]  # fmt: skip
    parts.append(f"**{plain(quantity.called, 60)} = {found.values[quantity.name][0]:.12g}**")
    if (exact := found.exact_of(quantity.name)) is not None:
        parts.append(f"exact {exact[0]:.12g}")
    special = {
        quantity.name,
        *found.names.residuals.values(),
        *found.names.exact.values(),
        *found.names.errors.values(),
    }
    parts += [f"{plain(name, 60)} = {value[0]:.12g}" for name, value in found.values.items() if name not in special]
    return " · ".join(parts)


def _asked(
    place: str, points: np.ndarray, quantity: Quantity, formulas: tuple[str, ...], run: Viewable, wanted: Wanted
) -> SolutionPoints | None:
    """The network at points; None, and said, where it or the value can't be had."""
    asked = Wanted(wanted.checkpoint, wanted.stages, wanted.alone, formulas)
    try:
        found = read_points(sampled(place, at_points.points_file, run.folder, points, wanted=asked))
    except LabError as error:
        st.warning(message(error))
        return None
    if quantity.name not in found.values:
        st.caption(f"{plain(quantity.called)} is known on the grid alone.")
        return None
    return found
