"""Nonlinear equations and conditions that no real value meets: u^2 = -1, exp(u_x) = 0."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from core.equations.conditions import Kind
from core.equations.faults import Fault
from core.equations.places import Place
from core.equations.sampling import is_known, points_at, values_of, where
from core.equations.structure import fields_in
from core.equations.system import System
from core.equations.tree import Expression, Field
from core.equations.writing import shown

POINTS = 12
VALUES = np.concatenate([[0.0], *(sign * np.logspace(-6, 6, 481) for sign in (1, -1))])
NEARER = 60
"""Halvings of the range in which the two sides are nearest."""
FLAT = 1e-9
LEAST = 1e-6
"""Beside what both sides are made of, they are equal for all that is known when they differ by less."""


@np.errstate(all="ignore")  # values there are none of are looked for
def unsatisfiable(system: System) -> Iterator[Fault]:
    """Those with one field or derivative, whose two sides differ by more than nothing at a point, whatever it is.

    What has a field without limits in two places, or goes to zero far out, is not said: exp(u) = 0 is nearly met.
    """
    texts = [equation for equation in system.equations for _ in equation.left]
    asked = [
        (residual, [], text.text, label)
        for residual, label, text in zip(system.residuals, system.residual_labels, texts, strict=True)
    ]
    asked += [
        (each.residual, [each.place], each.text, each.label)
        for each in system.conditions
        if each.kind is Kind.NONLINEAR
    ]
    for residual, places, text, label in asked:
        leaves = fields_in(residual)
        if len(leaves) == 1 and is_known(residual, leaves):
            yield from _fault(system, residual, leaves[0], places, text, label)


def _fault(
    system: System, residual: Expression, leaf: Field, places: list[Place], text: str, label: str
) -> Iterator[Fault]:
    points = points_at(places, system.frame, POINTS)

    def off(at: dict[str, np.ndarray], values: np.ndarray) -> np.ndarray:
        (found,) = values_of([residual], at, system.frame, {leaf: values})
        return found

    found = off(_repeated(points, len(VALUES)), np.tile(VALUES, POINTS)).reshape(POINTS, len(VALUES))
    order = np.argsort(VALUES)
    found, values = found[:, order], VALUES[order]
    for k in range(POINTS):
        finite = np.isfinite(found[k])
        if finite.sum() < len(values) // 4 or found[k][finite].min() * found[k][finite].max() <= 0:
            continue
        nearest = int(np.argmin(np.where(finite, np.abs(found[k]), np.inf)))
        sizes, inner = np.abs(found[k]), min(max(nearest, 1), len(values) - 2)
        if nearest != inner and not sizes[inner] - sizes[nearest] <= FLAT * sizes[nearest]:
            continue  # it goes on falling
        here = {name: column[k : k + 1] for name, column in points.items()}
        least = _least(lambda at, here=here: off(_repeated(here, len(at)), at), values[inner - 1], values[inner + 1])
        if least > LEAST * max(1.0, float(np.abs(off(here, np.zeros(1)))[0])):
            apart = f"its two sides differ by at least {least:.3g}"
            said = f"it holds for no real value of {shown(leaf)} at {where(points, k)}: {apart}"
            yield Fault(said, text, 0, len(text), label)
            return


def _repeated(points: Mapping[str, np.ndarray], times: int) -> dict[str, np.ndarray]:
    return {name: np.repeat(column, times) for name, column in points.items()}


def _least(off: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> float:
    """The least size between two values, between which there is one smallest."""
    for _ in range(NEARER):
        between = np.linspace(low, high, 5)
        sizes = np.abs(off(between))
        best = int(np.nanargmin(sizes))
        low, high = between[max(0, best - 1)], between[min(4, best + 1)]
    return float(np.nanmin(sizes))
