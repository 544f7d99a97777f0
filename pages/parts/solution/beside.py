"""Two runs side by side and their difference, all seen from the same place."""

from __future__ import annotations

import streamlit as st

from core.errors import LabError
from core.singularity.views import views
from core.solution import children
from core.solution.available import Viewable
from core.solution.difference import largest, request_for
from core.solution.drawing import SceneRequest
from core.solution.wanted import Wanted
from pages.parts.in_space.component import show_scenes
from pages.parts.in_space.look import Look
from pages.parts.in_space.packed import packed
from pages.parts.shared.text import LONGEST, figure_of, message, visible
from pages.parts.solution.form import KEY, URL, Quantity
from pages.parts.solution.sampling import read_grid, sampled
from pages.parts.solution.scene import EYE, built_scene

HEIGHT = 460
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
        scenes = [packed(built_scene(path, each), colours, name, "below") for name, path, each, colours in drawn]
    except LabError as error:
        st.warning(f"The two can't be drawn: {message(error)}")
        return
    show_scenes(
        scenes, look, key=f"{KEY}.beside", revision=run.run_id + chosen, height=HEIGHT, linked=True, address=EYE
    )


def _name(run: Viewable) -> str:
    return f"{visible(run.config.name or run.config.problem.title, LONGEST)} · {run.run_id[:6]}"
