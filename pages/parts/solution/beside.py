"""Two runs side by side and their difference, all seen from the same place."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from core.errors import LabError
from core.singularity.views import views
from core.solution import children
from core.solution.available import Viewable
from core.solution.difference import largest, request_for
from core.solution.drawing import SceneRequest
from core.solution.wanted import Wanted
from pages.parts.shared.live_plotly import live_plotly
from pages.parts.shared.text import LONGEST, figure_of, message, visible
from pages.parts.solution.form import KEY, URL, Quantity
from pages.parts.solution.sampling import read_grid, sampled
from pages.parts.solution.scene import EYE, Look, built_scene, scene_figure

HEIGHT = 460
NARROW = 0.72
"""Size of the scenes: seen from as far as a single one, they fit a canvas that is less wide than high."""
DIVERGING = "coolwarm"


def beside(
    run: Viewable, others: list[Viewable], path, asked: tuple[str, int, Wanted | None], quantity: Quantity,
    request: SceneRequest, look: Look,
) -> None:  # fmt: skip
    """A choice of another run of the same kind of problem; its scene, and the difference where points are the same.

    Args:
        run: the one that the page shows.
        others: all runs that have something to look at.
        path: the sampled file that is shown.
        asked: the view, how fine, and what is wanted, for the other to be sampled alike.
        quantity: what is shown.
        request: how.
        look: in which colours, from where.
    """
    alike = {item.run_id: item for item in others
             if item.run_id != run.run_id and item.config.problem.kind == run.config.problem.kind
             and item.config.problem.coordinates == run.config.problem.coordinates}  # fmt: skip
    if not alike:
        st.caption("No other run of this problem has a solution here.")
        return
    chosen = st.selectbox("Other run", list(alike), format_func=lambda key: _name(alike[key]), key="other", bind=URL)
    other, (view, resolution, wanted) = alike[chosen], asked
    further = {} if wanted is None or wanted == Wanted() else {"wanted": wanted}
    try:
        second = sampled("other", views(other.config.problem)[view], other.folder, resolution, **further)
        if quantity.name not in read_grid(second).values:
            raise LabError(f"That run has no value {quantity.called!r:.60}.")
    except (LabError, KeyError) as error:
        st.warning(f"The other run can't be drawn: {message(error)}")
        return
    drawn = [(_name(run), path, request, look), (_name(other), second, request, look)]
    try:
        less = children.made_file("core.solution.difference:difference_file", path, second, quantity.name)
        size = largest(read_grid(less), quantity.name)
        around = Look(DIVERGING, (-size, size) if size else (-1.0, 1.0), "difference", look.camera, look.turned)
        drawn.append(("first less second", less, request_for(request, quantity.name, size), around))
        st.caption(f"Largest difference {figure_of(size)}")
    except LabError as error:
        st.caption(message(error))
    try:
        figure = _figure(drawn, run.run_id + chosen)
    except LabError as error:
        st.warning(f"The two can't be drawn: {message(error)}")
        return
    live_plotly(figure, key=f"{KEY}.beside", height=HEIGHT, linked=True, camera=EYE)


def _name(run: Viewable) -> str:
    return f"{visible(run.config.name or run.config.problem.title, LONGEST)} · {run.run_id[:6]}"


def _figure(drawn: list[tuple], revision: str) -> go.Figure:
    """Scenes next to each other, the last with colours of its own; bars of them lie below, and leave the width."""
    whole, many = go.Figure(), len(drawn)
    for k, (name, path, request, look) in enumerate(drawn):
        part = scene_figure(built_scene(path, request), look, revision)
        scene = f"scene{k + 1 if k else ''}"
        pair = k < 2  # the two have the same colours
        for trace in part.data:
            trace.scene = scene
            if getattr(trace, "showscale", None):
                trace.showscale = k > 0
                trace.colorbar.update(
                    orientation="h", x=(1 if pair else 2.5) / many, xanchor="center", y=0.1, yanchor="top",
                    thickness=10, len=0.8 * (2 if pair else 1) / many, title={"text": ""},
                )  # fmt: skip
            whole.add_trace(trace)
        box = part.layout.scene.to_plotly_json() | {"domain": {"x": [k / many, (k + 0.98) / many], "y": [0.12, 0.94]}}
        box["aspectratio"] = {axis: NARROW * length for axis, length in box["aspectratio"].items()}
        for axis in ("xaxis", "yaxis", "zaxis"):
            box[axis]["nticks"] = 4
        whole.update_layout({scene: box})
        whole.add_annotation(text=name, x=(k + 0.49) / many, y=1, xref="paper", yref="paper", showarrow=False,
                             xanchor="center")  # fmt: skip
    whole.update_layout(margin={"l": 0, "r": 0, "t": 34, "b": 0}, showlegend=False,
                        uirevision=f"{revision}.{drawn[0][3].camera}.{drawn[0][3].turned}")  # fmt: skip
    return whole
