"""Data whose truth is known: exact values of a problem's fields at random points, noise added where it is wanted."""

from __future__ import annotations

import numpy as np

from core.errors import LabError
from core.problems.base import DataProblem


def exact_samples(problem: DataProblem, count: int, noise: float = 0.0, seed: int = 0) -> bytes:
    """A CSV file with a column for each coordinate and measured field; the same for a problem and seed everywhere.

    Args:
        problem: with an exact solution.
        count: rows.
        noise: standard deviation of what is added, as a part of each field's largest value.
        seed: of points and noise.

    Raises:
        LabError: the problem has no exact solution, or no field is measured.
    """
    rng = np.random.default_rng(seed)
    points = problem.collocation(rng.random((count, len(problem.coordinates))))["interior"]
    exact = problem.exact(points)
    if exact is None:
        raise LabError(f"{problem.title} has no exact solution that values could be taken from.")
    if not problem.measured:
        raise LabError(f"{problem.title} measures no field: it names no dataset, or data for none of its fields.")
    columns = list(points.T)
    for name in problem.measured:
        added = noise * np.abs(exact[name]).max() * rng.standard_normal(count)
        columns.append(exact[name] + added if noise else exact[name])
    names = ",".join((*problem.coordinates, *problem.measured))
    return (names + "\n" + "".join(",".join(map(repr, row)) + "\n" for row in np.stack(columns, 1).tolist())).encode()
