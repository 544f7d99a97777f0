"""Gauss–Newton from random products alone: an average of rank-1 estimates of JᵀJ."""

from __future__ import annotations

import torch
from torch import Tensor

from core.optimizers.gauss_newton import TrustRatioDamping
from core.optimizers.report import StepReport


class RankOneEMA:
    """JᵀJ = E[(Jᵀv)(Jᵀv)ᵀ] for v of random signs, averaged over iterations (arXiv 2509.14185, methods).

    The average C is kept as a dense P×P matrix. The step is a combination αd + βδ of d = −(C + μI)⁻¹Jᵀr and the step
    before, δ; α and β minimise the quadratic model of the true JᵀJ, which costs two more products (Martens and Grosse,
    arXiv 1503.05671, section 7). No Jacobian is stored.

    Args:
        damping: first μ, relative to the mean of C's diagonal.
        minimum_damping: floor of the damping, relative likewise.
        decay: weight of the old average in each update.
        probes: random vectors an iteration.
        seed: of the random vectors.
    """

    MAX_TRIALS = 8

    def __init__(self, damping: float, minimum_damping: float, decay: float, probes: int, seed: int = 0):
        self.damping = TrustRatioDamping(damping, minimum_damping)
        self.decay, self.probes = decay, probes
        self._generator = torch.Generator().manual_seed(seed)
        self._average: Tensor | None = None
        self._weight = 0.0
        self._previous: Tensor | None = None

    def _update(self, system) -> None:
        rows = len(system.r)
        for _ in range(self.probes):
            signs = torch.randint(0, 2, (rows,), generator=self._generator).to(system.r) * 2 - 1
            column = system.transposed(signs)
            if self._average is not None:  # restored ones come from a file, on the CPU
                self._average = self._average.to(column)
            if self._average is None or len(self._average) != len(column):
                self._average, self._weight, self._previous = column.new_zeros(len(column), len(column)), 0.0, None
            self._average.mul_(self.decay).addr_(column, column, alpha=1 - self.decay)
            self._weight = self.decay * self._weight + 1 - self.decay

    def iterate(self, objective):
        """See `Optimizer.iterate`."""
        residuals, system = objective.products()
        r = system.r
        self._update(system)
        gradient = system.transposed(r)
        average = self._average / self._weight
        scale = float(average.diagonal().mean().clamp_min(torch.finfo(r.dtype).tiny))
        before, ratio = float(r @ r), float("nan")
        if self._previous is not None:
            self._previous = self._previous.to(r)
        previous_image = None if self._previous is None else system.times(self._previous)
        move = objective.mover()
        for _ in range(self.MAX_TRIALS):
            mu = self.damping.value * scale
            damped = average.clone()
            damped.diagonal().add_(mu)
            factor, info = torch.linalg.cholesky_ex(damped)
            if info.item():
                self.damping.reject()
                continue
            direction = -torch.cholesky_solve(gradient[:, None], factor)[:, 0]
            step, image = self._combine(direction, system.times(direction), previous_image, gradient, mu)
            predicted = float(-(2 * r + image) @ image)
            after = move(step)
            ratio = (before - after) / predicted if predicted > 0 else float("nan")
            if after < before and ratio > 1e-4:
                self.damping.accept(min(ratio, 1.0))
                self._previous = step
                return residuals, StepReport(True, after, self.damping.value, ratio, float(step.norm()))
            self.damping.reject()
            move(torch.zeros_like(step))
        move(torch.zeros_like(gradient))
        self._previous = None
        return residuals, StepReport(False, before, self.damping.value, ratio)

    def _combine(self, direction, image, previous_image, gradient, mu) -> tuple[Tensor, Tensor]:
        """The best αd + βδ of the damped quadratic model, and its image under J."""
        basis, images = [direction], [image]
        if previous_image is not None:
            basis.append(self._previous)
            images.append(previous_image)
        D, M = torch.stack(basis), torch.stack(images)
        gram = M @ M.T + mu * (D @ D.T)
        # on the host: no CUDA driver solves a least-squares problem that may lack rank
        small = gram.cpu(), -(D @ gradient)[:, None].cpu()
        weights = torch.linalg.lstsq(*small, driver="gelsd").solution[:, 0].to(D)
        return weights @ D, weights @ M

    def state(self):
        """See `Optimizer.state`."""
        return {
            "damping": self.damping.value,
            "growth": self.damping.growth,
            "average": self._average,
            "weight": self._weight,
            "previous": self._previous,
            "generator": self._generator.get_state(),
        }

    def restore(self, state):
        """See `Optimizer.restore`."""
        self.damping.value, self.damping.growth = state["damping"], state["growth"]
        self._average, self._weight, self._previous = state["average"], state["weight"], state["previous"]
        self._generator.set_state(state["generator"])
