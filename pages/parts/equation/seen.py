"""Beside the form: what was typed, set as mathematics, and what the program makes of it."""

from __future__ import annotations

import streamlit as st

from core.equations.description import description
from core.equations.system import System
from core.problems.typed.pictures import points_of
from pages.parts.equation.domain_figure import domain_figure, drawn_coordinates, figure_height
from pages.parts.equation.launching import Planned
from pages.parts.equation.messages import show_fault
from pages.parts.equation.reading import Read
from pages.parts.shared.live_plotly import live_plotly
from pages.parts.shared.text import Markdown, plain

FIRST_WARNING = 100
"""Numbers of warnings; those of faults are below."""


def in_words(read: Read, planned: Planned) -> None:
    """Warnings, and once nothing is wrong what the program sees and does."""
    for number, fault in enumerate(read.warnings, FIRST_WARNING):
        show_fault(fault, number=number)
    if read.system is not None and planned.config is not None:
        conditions = planned.config.problem.how_conditions_are_met
        st.markdown(_list([*description(read.system), *conditions, *planned.words]))


def domain(system: System | None, planned: Planned) -> None:
    """The picture of the domain with the places of conditions, and with some of the points of the planned run."""
    if system is None:
        return
    points = () if planned.config is None else points_of(planned.config.problem)
    live_plotly(domain_figure(system, points), key="equation.domain", height=figure_height(system))
    shown = drawn_coordinates(system.frame)
    if planned.config is not None:
        total = planned.config.stages[0].collocation.points
        st.caption(f"Grey: {len(points[0]):,} of the {total:,} points at which the first stage asks.")
    if others := [name for name in system.names.coordinates if name not in shown]:
        st.caption(f"Drawn over {_listed(list(shown))}, the same for each {_listed(others)}.")


def formulas(read: Read) -> None:
    """Equations and conditions; a line that means nothing yet stands there as it was typed."""
    with st.container(border=True, key="equation-formulas"):
        if not read.equations and not read.conditions:
            st.caption("What you type is set here as mathematics.")
        if read.equations:
            st.latex(read.equations)
        if read.conditions:
            st.latex(read.conditions)


def _listed(names: list[str]) -> Markdown:
    return plain(" and ".join((", ".join(names[:-1]), names[-1]) if names[1:] else names))


def _list(lines: list[str]) -> Markdown:
    return "\n".join(f"- {plain(line)}" for line in lines)
