"""A problem's exact solution at points, checked: its code may be anybody's, and no solution is lost over it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from core.errors import LabError, sentence

if TYPE_CHECKING:
    from core.problems.base import Problem


class ExactSolutionError(LabError):
    """A problem's `exact` does not say what the fields are."""

    def __init__(self, why: str):
        super().__init__(f"the exact solution can't be used: {why.rstrip('.')}")


def exact_values(problem: Problem, points: np.ndarray) -> dict[str, np.ndarray] | None:
    """Field → its exact values (N,) at points (N, d), as real numbers; None where the problem knows none.

    Raises ExactSolutionError where its code fails, or gives something else.
    """
    try:
        given = problem.exact(points)
    except (Exception, SystemExit) as error:
        raise ExactSolutionError(sentence(error)) from error
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise ExactSolutionError(f"it is no dictionary of fields but {type(given).__name__}")
    return {name: _values(given[name], name, len(points)) for name in problem.fields if name in given}


def _values(given: object, name: str, count: int) -> np.ndarray:
    try:
        values = np.asarray(given)
    except Exception as error:  # an array of another library, lists of different lengths
        raise ExactSolutionError(f"its values of {name!r} are no array: {sentence(error)}") from error
    if np.iscomplexobj(values) or values.dtype.kind not in "fiub":
        raise ExactSolutionError(f"its values of {name!r} are {values.dtype}, not real numbers")
    if values.shape not in ((count,), (count, 1)):
        raise ExactSolutionError(f"its values of {name!r} have the shape {values.shape}, not ({count},)")
    return values.reshape(count).astype(np.float64)
