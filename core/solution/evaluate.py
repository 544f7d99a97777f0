"""A run's solution from one of its checkpoints, ready to be evaluated: all of its sum, some stages, typed formulas."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from core.equations.tree import Field
from core.errors import LabError
from core.networks.marched import Marched
from core.networks.solution import Solution
from core.problems import Problem
from core.runs import RunFolder
from core.solution import formulas
from core.solution.wanted import ALL, Wanted, checkpoint_path
from core.training import checkpoint as checkpoints


@dataclass(frozen=True)
class RunSolution:
    """The fields and residuals of one checkpoint of a run."""

    problem: Problem
    checkpoint: Path
    stored: checkpoints.Checkpoint
    whole: Solution | Marched
    """Over all of time, where the run goes through it in windows; of the stages that are wanted."""
    without: Solution | Marched | None = None
    """The same without its last stage, where that one's correction alone is wanted."""
    wanted: Wanted = ALL

    @property
    def lambda_(self) -> float | None:
        """λ at the checkpoint."""
        lam = self.stored.solution.lam
        return None if lam is None else float(lam.detach())

    @cached_property
    def words(self) -> formulas.Vocabulary:
        """What formulas may name."""
        return formulas.vocabulary(self.problem)

    def on(self, device: torch.device) -> RunSolution:
        """The same, evaluated on a device; what comes of it are NumPy's arrays all the same."""
        for part in (self.whole, self.without):
            if part is not None:
                part.to(device)
        return self

    def evaluate(self, points: np.ndarray) -> dict[str, np.ndarray]:
        """Every field and residual at points (N, d), by the problem's `value_names`, float64 (N,).

        Of a correction alone the fields: a residual is no sum.
        """
        point_set = "interior" if self.wanted.residuals and self.without is None else None
        found = self.whole.evaluate(points, point_set)
        if self.without is None:
            return found
        before = self.without.evaluate(points, None)
        return {name: found[name] - before[name] for name in self.problem.fields}

    def blocks(self, points: np.ndarray, most: int) -> list[slice]:
        """Parts of points (N, d) to evaluate one after the other: `most` points, or larger grids where they are one."""
        found = self.whole.blocks_on_grid(points)
        return found or [slice(start, min(start + most, len(points))) for start in range(0, len(points), most)]

    @cached_property
    def places_without_value(self) -> tuple[dict[str, float], ...]:
        """See `Problem.places_without_value`; none where no stage reads what is singular there."""
        follows = any(network.reads is not None for network in self.whole.networks)
        return self.problem.places_without_value if follows else ()

    @cached_property
    def formulas_of_derivatives(self) -> tuple[str, ...]:
        """The wanted formulas that hold a derivative."""
        read = self.words.read(self.wanted.formulas)
        return tuple(typed for typed, node in zip(self.wanted.formulas, read, strict=True)
                     if formulas.derivatives_in([node]))  # fmt: skip

    def formulas_at(self, points: np.ndarray, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The wanted formulas at points (N, d), each (N,), from what was evaluated there. Raises LabError."""
        nodes = self.words.read(self.wanted.formulas)
        if not nodes:
            return {}
        leaves = formulas.derivatives_in(nodes)
        found = formulas.evaluated(nodes, self.words, points, values, self._slopes(points, leaves), self.lambda_)
        return dict(zip(self.wanted.formulas, found, strict=True))

    def _slopes(self, points: np.ndarray, leaves: tuple[Field, ...]) -> dict[Field, np.ndarray]:
        if not leaves or not len(points):
            return dict.fromkeys(leaves, np.zeros(len(points)))
        asked = [(self.words.fields[leaf.name], tuple(sorted(self.words.places[by] for by in leaf.by)))
                 for leaf in leaves]  # fmt: skip
        found = self.whole.derivatives_at(points, asked)
        if self.without is not None:
            found = found - self.without.derivatives_at(points, asked)
        return dict(zip(leaves, found, strict=True))

    def reaches(self, points: np.ndarray) -> np.ndarray:
        """Whether points (N, d) lie in what is trained, (N,)."""
        return self.whole.reaches(points) if isinstance(self.whole, Marched) else np.ones(len(points), bool)


def load_solution(folder: RunFolder, wanted: Wanted = ALL) -> RunSolution:
    """The solution at one of a run's checkpoints, the last one unless another is wanted.

    Raises LabError when there is none yet, when it has fewer stages, and for a formula that can't be read.
    """
    path = checkpoint_path(folder, wanted.checkpoint)
    stored = checkpoints.load(path)
    whole, problem = stored.whole, stored.config.problem
    formulas.vocabulary(problem).read(wanted.formulas)
    there = stored.terms
    stages = there if wanted.stages is None else wanted.stages
    if not 0 <= stages <= there:
        raise LabError(f"This checkpoint's solution is a sum of {there} stages; {stages} of them can't be taken.")
    if wanted.alone and not stages:
        raise LabError("The ansatz alone has no last stage whose correction could be shown.")
    return RunSolution(
        problem,
        path,
        stored,
        whole if wanted.stages is None else whole.first_stages(stages),
        whole.first_stages(stages - 1) if wanted.alone else None,
        wanted,
    )
