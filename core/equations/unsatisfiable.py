"""Nonlinear equations and conditions that no real value meets: u^2 = -1, exp(u_x) = 0."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from core.equations.conditions import Kind
from core.equations.faults import Fault
from core.equations.places import Place
from core.equations.sampling import is_known, points_at, values_of, where
from core.equations.structure import fields_in, linearity
from core.equations.system import System
from core.equations.tree import Expression, Field
from core.equations.writing import shown

POINTS = 12
SIZES = np.concatenate([np.logspace(-6, 6, 481), np.logspace(6.25, 150, 576)])
VALUES = np.concatenate([-SIZES[::-1], [0.0], SIZES])
CANDIDATES = 8
"""Of the values at which two sides are nearest, those that are looked at more closely; and of small ones as many."""
SMALL = 100.0
NEARER = 60
"""Halvings of the range in which the two sides are nearest."""
FLAT = 1e-9
LEAST = 1e-6
"""Beside what both sides are made of, they are equal for all that is known when they differ by less."""


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
        if len(leaves) == 1 and is_known(residual, leaves) and not linearity([residual]).in_fields:
            yield from _fault(system, residual, leaves[0], places, text, label)


def _fault(
    system: System, residual: Expression, leaf: Field, places: list[Place], text: str, label: str
) -> Iterator[Fault]:
    points = points_at(places, system.frame, POINTS)

    def off(at: dict[str, np.ndarray], values: np.ndarray) -> np.ndarray:
        (found,) = values_of([residual], at, system.frame, {leaf: values})
        return found

    found = off(_repeated(points, len(VALUES)), np.tile(VALUES, POINTS)).reshape(POINTS, len(VALUES))
    for k in range(POINTS):
        finite = np.isfinite(found[k])
        if finite.sum() < len(VALUES) // 4 or found[k][finite].min() <= 0 <= found[k][finite].max():
            continue
        sizes = np.where(finite, np.abs(found[k]), np.inf)
        nearest = int(np.argmin(sizes))
        inner = min(max(nearest, 1), len(VALUES) - 2)
        if nearest != inner and not sizes[inner] - sizes[nearest] <= FLAT * sizes[nearest]:
            continue  # it goes on falling
        here = {name: column[k : k + 1] for name, column in points.items()}
        least = min(_least(lambda at, here=here: off(_repeated(here, len(at)), at), *near) for near in _near(sizes))
        if least > LEAST * max(1.0, float(np.abs(off(here, np.zeros(1)))[0])):
            apart = f"its two sides differ by at least {least:.3g}"
            said = f"it holds for no real value of {shown(leaf)} at {where(points, k)}: {apart}"
            yield Fault(said, text, 0, len(text), label)
            return


def _repeated(points: Mapping[str, np.ndarray], times: int) -> dict[str, np.ndarray]:
    return {name: np.repeat(column, times) for name, column in points.items()}


def _near(sizes: np.ndarray) -> Iterator[tuple[float, float]]:
    """Ranges of values in which two sides are nearest."""
    small = np.abs(VALUES) <= SMALL
    for among in (np.ones_like(small), small):
        for at in np.argsort(np.where(among, sizes, np.inf))[:CANDIDATES]:
            yield VALUES[max(0, at - 1)], VALUES[min(len(VALUES) - 1, at + 1)]


def _least(off: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> float:
    """The least size between two values, between which there is one smallest."""
    for _ in range(NEARER):
        between = np.linspace(low, high, 5)
        sizes = np.abs(off(between))
        best = int(np.nanargmin(sizes))
        low, high = between[max(0, best - 1)], between[min(4, best + 1)]
    return float(np.nanmin(sizes))
