"""How far fields are from an exact solution, where that has a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.errors import LabError, sentence

if TYPE_CHECKING:
    from core.problems.base import Problem

UNUSABLE = "the exact solution can't be used, so errors are not measured"
NAMED = 3
"""Places without an exact value that are named; the others are counted."""


@dataclass(frozen=True)
class ExactError:
    """Errors over the points at which the exact solution is finite, all fields together."""

    relative_l2: float | None
    """‖u − u*‖₂ / ‖u*‖₂; None where there is no such point, or u* is zero at all of them."""
    largest: float | None
    """max |u − u*|; None where there is no such point."""
    missing: int
    """Points without an exact value."""
    gap: str
    """Where these are and what is measured instead, in one sentence; empty where there are none."""


def exact_fields(problem: Problem, points: np.ndarray) -> dict[str, np.ndarray] | None:
    """A problem's exact fields at points (N, d), each (N,); None where it knows none.

    A column (N, 1) and a single number are taken for what they mean. Raises LabError for what is no value of each
    field at each point.
    """
    try:
        found = problem.exact(points)
    except (Exception, SystemExit) as error:  # of whoever wrote the problem
        raise LabError(f"{UNUSABLE}: exact() failed, {sentence(error)}") from error
    if found is None:
        return None
    if not isinstance(found, Mapping) or any(name not in found for name in problem.fields):
        given = ", ".join(map(str, found)) if isinstance(found, Mapping) else f"a {type(found).__name__}"
        raise LabError(
            f"{UNUSABLE}: exact() gives {given or 'nothing'}, and the fields are {', '.join(problem.fields)}"
        )
    return {name: _values(name, found[name], len(points)) for name in problem.fields}


def _values(name: str, given: object, n: int) -> np.ndarray:
    """One exact field as floats (n,)."""
    try:
        values = np.asarray(given)
        if np.iscomplexobj(values) and np.any(values.imag):
            raise LabError(f"{UNUSABLE}: exact() gives complex numbers for {name}")
        values = values.real.astype(float)
    except (TypeError, ValueError):
        raise LabError(f"{UNUSABLE}: exact() gives no numbers for {name}") from None
    if values.ndim == 0:
        return np.full(n, float(values))
    if values.shape not in ((n,), (n, 1)):
        raise LabError(f"{UNUSABLE}: exact() gives {name} the shape {values.shape}, not {(n,)}")
    return values.reshape(n)


def exact_error(
    errors: Mapping[str, np.ndarray], exact: Mapping[str, np.ndarray], places: Callable[[np.ndarray], list[str]]
) -> ExactError:
    """Errors against exact values, summed up.

    A point at which an exact value is NaN or infinite takes no part, and is told of. One at which a field is NaN does:
    the error is NaN then.

    Args:
        errors: field → its distance from the exact values at the points, of any shape.
        exact: the same of its exact values.
        places: from indices of points to their names, such as "x = 0, t = 1".
    """
    error, wanted = (np.array([np.ravel(part[name]) for name in exact], dtype=float) for part in (errors, exact))
    known = np.isfinite(wanted).all(axis=0)
    missing = np.flatnonzero(~known)
    relative = largest = None
    if known.any():
        error, norm = error[:, known], float(np.linalg.norm(wanted[:, known]))
        largest = float(np.abs(error).max())
        relative = float(np.linalg.norm(error)) / norm if norm else None
    if not len(missing):
        return ExactError(relative, largest, 0, "")
    named = "; ".join(places(missing[:NAMED])) + ("; …" if len(missing) > NAMED else "")
    rest = f"errors are over the other {known.sum():,}" if known.any() else "no error can be measured"
    gap = f"the exact solution is NaN or infinite at {len(missing):,} of {len(known):,} points ({named}): {rest}"
    return ExactError(relative, largest, len(missing), gap)


def places_of(names: tuple[str, ...], points: np.ndarray) -> Callable[[np.ndarray], list[str]]:
    """What names the points (N, d) by their coordinates, for `exact_error`."""

    def places(indices: np.ndarray) -> list[str]:
        return [
            ", ".join(f"{name} = {value:.6g}" for name, value in zip(names, points[index], strict=True))
            for index in indices
        ]

    return places
