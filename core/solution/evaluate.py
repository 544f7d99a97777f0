"""A run's solution from its newest checkpoint, ready to be evaluated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.networks.marched import Marched
from core.networks.solution import Solution
from core.problems import Problem
from core.runs import RunFolder
from core.training import checkpoint as checkpoints


@dataclass(frozen=True)
class RunSolution:
    """The fields and residuals of one checkpoint of a run."""

    problem: Problem
    checkpoint: Path
    stored: checkpoints.Checkpoint
    whole: Solution | Marched
    """Over all of time, where the run goes through it in windows."""

    @property
    def lambda_(self) -> float | None:
        """λ at the checkpoint."""
        lam = self.stored.solution.lam
        return None if lam is None else float(lam.detach())

    def evaluate(self, points: np.ndarray) -> dict[str, np.ndarray]:
        """Every field and residual at points (N, d), by the problem's `value_names`, float64 (N,)."""
        return self.whole.evaluate(points)

    def reaches(self, points: np.ndarray) -> np.ndarray:
        """Whether points (N, d) lie in what is trained, (N,)."""
        return self.whole.reaches(points) if isinstance(self.whole, Marched) else np.ones(len(points), bool)


def load_solution(folder: RunFolder) -> RunSolution:
    """The solution at the run's last checkpoint. Raises LabError when it has none yet."""
    stored = checkpoints.load(folder.last)
    return RunSolution(stored.config.problem, folder.last, stored, stored.whole)
