"""A picture of the domain, of a box in its first two coordinates: where each condition holds, where points are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas  # noqa: F401  # plotly asks it for its types whenever it is there, even half imported by another thread
import plotly.graph_objects as go

from core.equations.conditions import Condition, Kind
from core.equations.places import Frame, Place, Where
from core.equations.system import System
from core.problems.typed.pictures import boundaries_of
from pages.parts.shared import outline_figure
from pages.parts.shared.outline_figure import Look, draw_points
from pages.parts.shared.palette import GREY, PALETTE

if TYPE_CHECKING:
    import numpy as np

    from core.domains.pictures import Drawn

MOST_DRAWN = 10
"""Places that are told apart by colour."""
LONGEST = 46
"""Characters of what holds at a place."""
HEIGHT = 250
LINE = 21
"""Height of an entry of the legend, in pixels."""
NONE = "#dc2626"
"""Of a boundary at which nothing is asked."""
NOT_RED = tuple(color for color in PALETTE if color not in ("#e4572e", "#c1436d"))
Line = tuple[list[float], list[float]]


def domain_figure(system: System, points: Sequence[np.ndarray] = ()) -> go.Figure:
    """The domain with the places of its conditions, each in a colour of its own.

    Args:
        system: as far as it was read.
        points: sets of points (n, d), the first of them inside, over all coordinates.
    """
    frame = system.frame
    shown = drawn_coordinates(frame)
    places = [frame.names.coordinates.index(x) for x in shown]
    points = [each[:, places] for each in points]
    if frame.region is not None:
        boundaries = boundaries_of(frame.region)
        return outline_figure.outline_figure(boundaries, shown, _looks(system, boundaries), points)
    figure = go.Figure()
    low, high = (dict(zip(shown, ends, strict=True)) for ends in zip(*(frame.domain[x] for x in shown), strict=True))
    outline = _outline(frame, shown)
    _trace(figure, [outline], "", GREY, {"width": 1, "dash": "dot"})
    for k, (place, conditions) in enumerate(list(by_place(system.conditions).items())[:MOST_DRAWN]):
        _draw(figure, place, conditions, frame, shown, PALETTE[k % len(PALETTE)])
    for each in points:
        draw_points(figure, each)
    margin = {x: 0.06 * (high[x] - low[x]) for x in shown}
    x, y = shown[0], shown[1] if len(shown) > 1 else None
    figure.update_layout(
        margin={"l": 46, "r": 8, "t": 8, "b": 38},
        height=figure_height(system),
        xaxis={"title": {"text": x}, "range": [low[x] - margin[x], high[x] + margin[x]], "showgrid": False,
               "zeroline": False},
        yaxis={"title": {"text": y}, "range": [low[y] - margin[y], high[y] + margin[y]], "showgrid": False,
               "zeroline": False} if y else {"visible": False, "range": [-1, 1]},
        legend={"orientation": "v", "x": 0, "y": -0.3, "yanchor": "top", "font": {"size": 12}},
        uirevision=",".join(shown),
        hovermode="closest",
    )  # fmt: skip
    return figure


def figure_height(system: System) -> int:
    """Pixels, with a line for each place below the picture."""
    if system.frame.region is not None:
        return outline_figure.figure_height(boundaries_of(system.frame.region))
    return HEIGHT + LINE * min(len(by_place(system.conditions)), MOST_DRAWN)


def drawn_coordinates(frame: Frame) -> tuple[str, ...]:
    """The first two coordinates of space, all of a domain that is no box; of one, it and time."""
    space, time = frame.names.space, frame.names.time
    if frame.region is not None:
        return space
    return space[:2] if len(space) > 1 else (*space, *((time,) if time else ()))


def by_place(conditions: Sequence[Condition]) -> dict[Place, list[Condition]]:
    """The conditions that hold at each place."""
    found: dict[Place, list[Condition]] = {}
    for condition in conditions:
        found.setdefault(condition.place, []).append(condition)
    return found


def _looks(system: System, boundaries: Sequence[Drawn]) -> dict[str, Look]:
    """How each boundary is drawn: in the colour of its conditions, in red and dotted where there are none."""
    asked = {each.name: [] for each in boundaries}
    for condition in system.conditions:
        if condition.place.kind in (Where.BOUNDARY, Where.NAMED):
            for name in system.frame.named(condition.place):
                asked[name].append(_said(condition))
    colors: dict[str, str] = {}
    looks = {}
    for name, said in asked.items():
        together = "; ".join(dict.fromkeys(said))
        color = colors.setdefault(together, NOT_RED[len(colors) % len(NOT_RED)]) if said else NONE
        looks[name] = Look(f"{name}: {together or 'no condition'}", color, "solid" if said else "dot")
    return looks


def _draw(figure: go.Figure, place: Place, conditions: list[Condition], frame: Frame, shown: tuple, color: str) -> None:
    texts = "; ".join(dict.fromkeys(_said(each) for each in conditions))
    name = f"{place.text}: {texts}"
    name = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
    symmetric = place.kind is Where.PERIODIC
    pen = {"width": 4, "dash": "dash" if symmetric else "solid"}
    if place.kind is Where.POINT and set(shown) <= {x for x, _ in place.point}:
        at = dict(place.point)
        _trace(figure, [([at[shown[0]]], [at[shown[1]] if shown[1:] else 0.0])], name, color, None)
    elif lines := _lines(place, frame, shown):
        _trace(figure, lines, name, color, pen)
    else:  # it holds over all of the picture, as t = 0 does over x and y
        _trace(figure, [_outline(frame, shown)], name, color, {"width": 0}, fill=True)


def _said(condition: Condition) -> str:
    if condition.kind is Kind.PERIODIC:
        return condition.field
    return condition.text


def _lines(place: Place, frame: Frame, shown: tuple[str, ...]) -> list[Line]:
    """What of the picture a place is, as lines; nothing where it has no part in it of its own."""
    if place.kind is Where.SIDE and place.coordinate in shown:
        return [_side(place.coordinate, place.value, frame, shown)]
    if place.kind is Where.PERIODIC and place.coordinate in shown:
        return [_side(place.coordinate, end, frame, shown) for end in frame.domain[place.coordinate]]
    if place.kind is Where.BOUNDARY:
        return [_side(x, end, frame, shown) for x in shown if x in frame.names.space for end in frame.domain[x]]
    if place.kind is Where.POINT:
        return [_side(x, at, frame, shown) for x, at in place.point if x in shown]
    return []


def _side(coordinate: str, value: float, frame: Frame, shown: tuple[str, ...]) -> Line:
    """The line where a coordinate has a value."""
    if len(shown) == 1:
        return [value, value], [-0.5, 0.5]
    other = list(frame.domain[shown[1] if coordinate == shown[0] else shown[0]])
    return ([value, value], other) if coordinate == shown[0] else (other, [value, value])


def _outline(frame: Frame, shown: tuple[str, ...]) -> Line:
    a, b = frame.domain[shown[0]]
    if len(shown) == 1:
        return [a, b], [0.0, 0.0]
    c, d = frame.domain[shown[1]]
    return [a, b, b, a, a], [c, c, d, d, c]


def _trace(figure: go.Figure, lines: list[Line], name: str, color: str, pen: dict | None, fill: bool = False) -> None:
    """One trace of all lines; without a pen, points."""
    x = [value for line in lines for value in (*line[0], None)]
    y = [value for line in lines for value in (*line[1], None)]
    drawn = {"mode": "lines", "line": (pen or {}) | {"color": color}}
    if pen is None:
        drawn = {"mode": "markers", "marker": {"size": 10, "color": color}}
    if fill:
        drawn |= {"fill": "toself", "opacity": 0.25}
    figure.add_scatter(x=x, y=y, name=name, showlegend=bool(name), hoverinfo="name" if name else "skip",
                       hoverlabel={"namelength": -1}, **drawn)  # fmt: skip
