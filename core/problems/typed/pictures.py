"""What a picture of a typed problem shows before it is launched: where its boundary is, and where it would be asked."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from core.domains.pictures import Drawn, drawn
from core.domains.regions import Region
from core.domains.sequences import halton
from core.problems.base import Problem
from core.problems.typed.compiled import INTERIOR

MOST_POINTS = 400


@lru_cache(maxsize=32)
def boundaries_of(region: Region) -> tuple[Drawn, ...]:
    """The boundaries of a region, by name."""
    return drawn(region.domain)


@lru_cache(maxsize=32)
def points_of(problem: Problem, most: int = MOST_POINTS) -> tuple[np.ndarray, np.ndarray]:
    """Some of the points (n, d) at which a run is asked for its equations, and those of its conditions' rows."""
    sets = problem.collocation(halton(most, len(problem.coordinates), np.zeros(len(problem.coordinates))))
    others = [points for name, points in sets.items() if name != INTERIOR]
    return sets[INTERIOR], np.concatenate([np.empty((0, len(problem.coordinates))), *others])
