"""Widgets that say what of a solution is sampled: view, checkpoint, stages, value or formula, how fine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.errors import LabError
from core.problems import Problem
from core.runs import RunFolder
from core.singularity.views import is_given, on_cells, takes_wanted, usual_resolution, views
from core.solution import streamfunction
from core.solution.derived import derived_formulas, vectors_of, velocity_of
from core.solution.drawing import displayed, value_range
from core.solution.formulas import Vocabulary, vocabulary
from core.solution.grid import check_resolution, largest_resolution
from core.solution.sampled import Sampled
from core.solution.wanted import ALL, LAST, Wanted, checkpoints_of, stages_at
from pages.parts.shared.text import LONGEST, Markdown, message, plain, visible

KEY = "solution"
FORMULA = "formula …"
URL = "query-params"


@dataclass(frozen=True)
class Quantity:
    """One of a sample's values as it is to be shown."""

    name: str
    """Key of the sample's values: a value's own name, or the formula that it is."""
    called: str
    """What people call it."""
    typed: bool = False
    """Whether it is a formula."""
    logarithmic: bool = False
    limits: tuple[float, float] = (0.0, 1.0)
    """Range over the whole sample."""
    signed: bool = False
    """Whether zero is the middle that matters: residuals, errors and blow-ups, unless drawn as logarithms."""

    @property
    def constant(self) -> bool:
        """Whether it is the same everywhere, to rounding."""
        return not self.limits[0] < self.limits[1]

    @property
    def title(self) -> str:
        """For axes and colour bars."""
        return f"log₁₀ |{self.called}|" if self.logarithmic else self.called


def view_input(problem: Problem) -> str:
    """One of the views that a problem has: a self-similar profile also stands for a solution in physical time."""
    offered = list(views(problem))
    if len(offered) == 1:
        return offered[0]
    shown = st.segmented_control("View", offered, default=offered[0], format_func=plain, key="view", bind=URL)
    return shown if shown in offered else offered[0]


def resolution_input(problem: Problem, run_id: str, view: str) -> int:
    """Points along each axis; in physical time space has one axis at least, and time is another.

    What the memory can't hold is said, with the largest that it can, and the usual one is drawn.
    """
    start = usual_resolution(problem, view)
    if is_given(problem, view):
        st.caption("On the points of the mesh itself.")
        return start
    if on_cells(view):
        choices = [start // 2, start, 2 * start, 4 * start]
        return st.select_slider("Cells along", choices, start, format_func=plain, key=f"{KEY}.cells.{run_id}.{view}")
    chosen = int(st.number_input(
        "Resolution", 2, 100_000, start, 1 + start // 8 * 2, key=f"n-{view.replace(' ', '-')}", bind=URL,
        help="Points along each axis.",
    ))  # fmt: skip
    try:
        check_resolution(problem, chosen)
    except LabError as error:
        fits = min(start, largest_resolution(problem))
        if fits < 2:
            raise
        st.warning(f"{message(error)} Shown at {fits}.")
        return fits
    return chosen


def stage_input(problem: Problem, folder: RunFolder, view: str) -> Wanted:
    """Which checkpoint, and which of its stages."""
    if not takes_wanted(view, problem):
        return ALL
    there = list(checkpoints_of(folder))
    asked = st.query_params.get("checkpoint", LAST)
    with st.expander("Checkpoint and stages", expanded=any(k in st.query_params for k in ("checkpoint", "stages"))):
        if asked not in there:
            st.warning(f"There is no checkpoint {plain(asked, 40)} here. This is the newest.")
        names = {LAST: "newest", "best": "best: least largest residual"}
        chosen = st.selectbox(
            "Checkpoint", there, format_func=lambda name: names.get(name, f"end of {name.replace('-', ' ')}"),
            key="checkpoint", bind=URL,
        )  # fmt: skip
        most = stages_at(folder, chosen)
        stages, alone = None, False
        if most > 1:
            every = ["all", *(str(k) for k in range(1, most))]
            picked = st.segmented_control(
                "Sum of the first", every, default="all", format_func=plain, key="stages", bind=URL
            )
            stages = None if picked in (None, "all") else int(picked)
            alone = st.toggle("Only what the last of them adds", key="alone", bind=URL,
                              help="Fields with that stage less fields without it.")  # fmt: skip
    return Wanted(chosen or LAST, stages, alone)


def value_input(
    problem: Problem, grid: Sampled, view: str, later: tuple[str, ...] = ()
) -> tuple[Quantity, tuple[str, ...]]:
    """What is shown, and the formulas that have to be sampled for it: none for a value that is there.

    A formula that is none is said, and the first value shown. `later`: values that are sampled once they are chosen.
    """
    fields = [name for name in problem.fields if name in grid.values]
    known = [*fields, *later, *(name for name in grid.values if name not in fields)]
    derived = derived_formulas(problem) if takes_wanted(view, problem) else {}
    derived = {name: text for name, text in derived.items() if name not in grid.values}
    flows = takes_wanted(view, problem) and not on_cells(view) and len(velocity_of(problem)) == 2
    stream = [streamfunction.NAME] if flows and streamfunction.NAME not in grid.values else []
    offered = [*known, *derived, *stream, *([FORMULA] if takes_wanted(view, problem) else [])]
    name = st.selectbox("Value", offered, format_func=visible, key="value", bind=URL)
    if name in derived:
        st.caption(plain(derived[name], LONGEST))
        return Quantity(derived[name], name, True), (derived[name],)
    if name in stream:
        st.caption("u = ψ_y, v = −ψ_x, integrated over the grid")
    if name != FORMULA:
        return Quantity(name, name), ()
    words = vocabulary(problem)
    start = f"{next(iter(words.fields), '0')}^2"
    text = st.text_input("Formula", start, key="formula", bind=URL, help=_formula_help(words)).strip()
    try:
        words.check_known(words.read([text]), known)
    except LabError as error:
        st.warning(message(error))
        return first_value(grid), ()
    return Quantity(text, text, True), () if text in known else (text,)


def first_value(grid: Sampled) -> Quantity:
    """What is shown where what was asked for can't be."""
    first = next(iter(grid.values))
    return Quantity(first, first)


def _formula_help(words: Vocabulary) -> Markdown:
    named = ", ".join(plain(name) for name in words.names.values)
    told = "As equations are typed: + − / ^, sin, exp, sqrt, where, and exact derivatives, as in u_x or laplacian(u)."
    return f"{plain(told)} It may name {named}."


def vectors_offered(problem: Problem, view: str) -> dict[str, tuple[str, ...]]:
    """What arrows and streamlines may follow: its name → the formulas of its components."""
    return vectors_of(problem) if takes_wanted(view, problem) else {}


def vectors_input(offered: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The formulas of the components that arrows and streamlines follow."""
    name = st.selectbox("Along", list(offered), format_func=visible, key="along", bind=URL)
    return offered[name]


def quantity_of(grid: Sampled, chosen: Quantity) -> Quantity:
    """The value with how it is drawn: as a logarithm or not, and its range; what has no value anywhere is said."""
    grows = chosen.name in grid.blow_ups  # by powers of ten: on a linear scale there is only its last moment
    around_zero = grid.around_zero(chosen.name)
    logarithmic = (around_zero or chosen.typed) and st.toggle(
        "log₁₀ of the absolute value", grows, key="log-grows" if grows else "log", bind=URL
    )
    values = displayed(grid.values[chosen.name], logarithmic)
    limits = value_range(values, logarithmic)
    _say_gaps(grid, chosen, values, limits)
    signed = not logarithmic and (around_zero or limits[0] < 0 < limits[1])
    return Quantity(chosen.name, chosen.called, chosen.typed, logarithmic, limits, signed)


def _say_gaps(grid: Sampled, chosen: Quantity, values: np.ndarray, limits: tuple[float, float]) -> None:
    inside = grid._of_domain(values)
    missing = int((~np.isfinite(inside)).sum())
    beyond = int((grid._of_domain(grid.lacks_value()) & ~np.isfinite(inside)).sum())
    if missing == inside.size:
        st.warning(f"{plain(chosen.called, 60)} has no value at any of the {inside.size:,} points: nothing is drawn.")
    elif missing:
        why = "" if not beyond else f", at {beyond:,} because derivatives are beyond all bounds in a corner"
        st.caption(f"No value at {missing:,} of {inside.size:,} points{why}; nothing is drawn there.")
    elif inside.size and inside.min() == inside.max():
        st.caption(f"{plain(chosen.called, 60)} is {inside.flat[0]:.6g} everywhere.")
    elif not limits[0] < limits[1]:
        st.caption(f"{plain(chosen.called, 60)} is {limits[0]:.6g} everywhere, but for rounding.")
