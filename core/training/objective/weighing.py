"""What rows of equations count, beside what the problem itself gives them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.config import Stage
from core.networks.knots import cell_volumes, knots_of
from core.problems import Problem
from core.problems.base import INTERIOR


@dataclass(frozen=True)
class Weighing:
    """Of a stage's rows.

    Args:
        gradient_scale: s where residuals are divided by √(1 + |∇u|²/s²), after arXiv 2511.22819; a point where the
            solution is steep then weighs less, and the quotient is differentiated as a whole.
        knots: of each coordinate, where points are nodes of the cells: a row of the equations counts as √ of its cell's
            volume over the mean one, so that the loss is an integral.
    """

    gradient_scale: float | None = None
    knots: tuple[tuple[float, ...], ...] | None = None

    @classmethod
    def of(cls, stage: Stage, problem: Problem) -> Weighing:
        """As a stage asks for it."""
        if stage.collocation.sampler != "cells":
            return cls(stage.gradient_scale)
        return cls(stage.gradient_scale, tuple(map(tuple, map(np.ndarray.tolist, knots_of(stage.splines, problem)))))

    @classmethod
    def of_plain(cls, data: dict[str, Any]) -> Weighing:
        """From what `plain` gives."""
        return cls(**data)

    def plain(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @property
    def is_none(self) -> bool:
        """Whether all rows count alike."""
        return self.gradient_scale is None and self.knots is None

    def of_points(self, name: str, points: np.ndarray) -> np.ndarray | None:
        """What rows at points (n, d) of a set are multiplied by, (n,); None: all by one."""
        if self.knots is None or name != INTERIOR:
            return None
        knots = [np.array(own) for own in self.knots]
        volume = float(np.prod([own[-1] - own[0] for own in knots]))
        cells = float(np.prod([len(own) - 1 for own in knots]))
        return np.sqrt(cell_volumes(points, knots) * cells / volume)


ALIKE = Weighing()
"""All rows count alike."""
