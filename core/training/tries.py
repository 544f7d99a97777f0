"""What features leave after one step at points that are not trained on: Fourier features of one σ after another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.config import Chebyshev, Fourier
from core.networks.layers import Network, fourier_of, polynomials
from core.networks.solution import Solution, Term
from core.optimizers.gauss_newton import ColumnScale, DampedSystem
from core.optimizers.rows import read
from core.problems.base import Samples
from core.training.objective import Objective
from core.training.replacement import InPlace


@dataclass(frozen=True)
class Setting:
    """What features are tried in.

    `features` is how many there are, `training` and `held_out` the points of the try, point set → (n, d).
    """

    features: Fourier | Chebyshev
    training: dict[str, np.ndarray]
    held_out: dict[str, np.ndarray]


class Tries:
    """What features leave after one Gauss–Newton step, where they are not trained: those of one σ after another.

    What no σ changes, such as the stages so far and the ansatz at all points, is computed once. A context: on leaving
    it, the solution is as it was.

    Args:
        solution: its stages so far.
        setting: see there.
        epsilon: scale of the stage.
        samples: measured values, where the problem learns from data.
        damping: relative damping of the step.
        seed: of the features.
        replaces: whether the features take the place of the stages so far, near which the equation is linear enough,
            instead of correcting them.
    """

    def __init__(
        self,
        solution: Solution,
        setting: Setting,
        epsilon: float,
        samples: Samples | None,
        damping: float,
        seed: int,
        replaces: bool = False,
    ):
        self._solution, self._setting, self._damping, self._seed = solution, setting, damping, seed
        self._epsilon, self._samples = epsilon, samples
        self._replaces = replaces and len(solution.networks) > 0
        self._is_linear = isinstance(setting.features, Chebyshev) or not setting.features.hidden
        self._before: Tensor | None = None
        self._device = next(solution.parameters(), torch.zeros(0)).device

    def __enter__(self) -> Tries:
        solution, setting = self._solution, self._setting
        self._trained = [parameter.requires_grad for parameter in solution.parameters()]
        self._unknowns = [part.detach().clone() for part in solution.unknowns()]
        solution.add(Term(self._network(1.0), self._epsilon))
        self._training, self._held_out = (
            Objective(solution, points, torch.float64, self._samples) for points in (setting.training, setting.held_out)
        )
        self._training.check_memory()
        self._frozen = [each.along_frozen() for each in (self._training, self._held_out)] if self._replaces else []
        return self

    def __exit__(self, *error: object) -> None:
        self._solution.remove_last()
        for parameter, wanted in zip(self._solution.parameters(), self._trained, strict=True):
            parameter.requires_grad_(wanted)

    def left_by(self, sigma: tuple[float, ...]) -> float:
        """√loss at the points that are not trained on, by features of one σ; λ is left as it was.

        Of a nonlinear equation it is that of the linearised residuals: the square of a long step, which no features
        make smaller, would hide what they can't represent.
        """
        self._solution.replace_last(self._network(sigma))
        return self._solved()[0]

    def by_polynomials(self) -> tuple[float, Tensor]:
        """The same, and the coefficients (outputs, products) of the step, where the features are polynomials."""
        left, step = self._solved()
        weight = self._solution.networks[-1].layers[0].weight
        return left, step[: weight.numel()].view(weight.shape)

    def _solved(self) -> tuple[float, Tensor]:
        """What the last network leaves after one step, and that step."""
        solution = self._solution
        try:
            slopes = self._training.slopes()[1]
            rows = read(InPlace(slopes, self._frozen[0]) if self._replaces else slopes)
            scale = ColumnScale().update(rows.norms())
            step = DampedSystem(rows, scale).step(self._damping)
            if self._replaces or not solution.problem.linear:
                return float(self._linearised(step).norm()), step
            self._training.mover().move(step)
            with torch.no_grad():
                return float(self._held_out.residuals().loss().sqrt()), step
        finally:
            for part, before in zip(solution.unknowns(), self._unknowns, strict=True):
                part.data.copy_(before)

    def _linearised(self, step: Tensor) -> Tensor:
        """The linearised residuals (M,) at the points that are not trained on, after a step."""
        if not self._is_linear:
            _, products = self._held_out.products()
            return products.r + products.times(step)
        if self._before is None:
            with torch.no_grad():
                self._before = self._held_out.residuals().rows()
            if self._replaces:
                self._before = self._before - self._frozen[1]
        self._training.mover().move(step)
        return self._before + self._held_out.along_last()

    def _network(self, sigma: float | tuple[float, ...]) -> Network:
        problem, features = self._solution.problem, self._setting.features
        if isinstance(features, Chebyshev):
            return polynomials(features, problem.outputs, problem.circles).to(self._device)
        generator = torch.Generator().manual_seed(self._seed)
        network = fourier_of(problem, features, sigma, generator)
        return network.to(self._device)
