"""Gauss–Newton in the space of the rows: for fewer rows than parameters, with SPRING's momentum."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from core.optimizers.gauss_newton import NO_GAIN, TrustRatioDamping
from core.optimizers.report import StepReport


class Woodbury:
    """δ = βφ − Jᵀ(JJᵀ + μI)⁻¹(r + βJφ), φ the step before.

    With β = 0 the damped Gauss–Newton step by Woodbury's identity (ENGD-W, Guzmán-Cordero et al., arXiv 2505.12149),
    one M×M Cholesky factorisation instead of a P×P one. With β > 0 SPRING (Goldshlager, Abrahamsen, Lin, arXiv
    2401.10190): what the rows don't determine is carried over from the step before. μ follows the trust ratio.

    Args:
        damping: first μ, relative to the largest squared norm of a row of J.
        minimum_damping: its floor; JJᵀ squares the condition number, so that less than 1e-15 means nothing.
        momentum: β in [0, 1).
    """

    MAX_TRIALS = 12

    def __init__(self, damping: float, minimum_damping: float, momentum: float):
        self.damping = TrustRatioDamping(damping, minimum_damping)
        self.momentum = momentum
        self._previous: Tensor | None = None

    def step(self, r: Tensor, J: Tensor, loss_after: Callable[[Tensor], float]) -> StepReport:
        """One iteration.

        Args:
            r: residuals (M,).
            J: Jacobian (M, P).
            loss_after: sets the parameters to θ + δ for a given δ (P,) and returns the loss there, NaN allowed.
        """
        kernel = (J @ J.T).mT
        info = torch.empty((), dtype=torch.int32, device=J.device)
        scale = float(kernel.diagonal().max().clamp_min(torch.finfo(J.dtype).tiny))
        before, ratio = float(r @ r), float("nan")
        carried = None
        if self.momentum and self._previous is not None and self._previous.shape == J.shape[1:]:
            carried = self.momentum * self._previous.to(J)
        target = r if carried is None else r + J @ carried
        for trial in range(self.MAX_TRIALS):
            factor = kernel.clone()  # column-major like the original, so that it is factorised in place
            factor.diagonal().add_(self.damping.value * scale)
            torch.linalg.cholesky_ex(factor, out=(factor, info))
            if info.item():
                self.damping.reject()
                continue
            step = -(J.T @ torch.cholesky_solve(target[:, None], factor)[:, 0])
            if carried is not None:
                step = step + carried
            change = J @ step
            predicted = float(-(2 * r + change) @ change)
            if trial and predicted < NO_GAIN * before:
                break
            after = loss_after(step)
            ratio = (before - after) / predicted if predicted > 0 else float("nan")
            if after < before and ratio > 1e-4:
                self.damping.accept(min(ratio, 1.0))
                self._previous = step
                return StepReport(True, after, self.damping.value, ratio, float(step.norm()))
            if carried is not None:
                # a carried step that leads uphill is dropped before the damping grows
                carried, target = None, r
            else:
                self.damping.reject()
        loss_after(torch.zeros_like(J[0]))
        self._previous = None
        return StepReport(False, before, self.damping.value, ratio)

    def iterate(self, objective):
        """See `Optimizer.iterate`."""
        residuals, r, J = objective.linearise()
        return residuals, self.step(r, J, objective.mover())

    def state(self):
        """See `Optimizer.state`."""
        return {"damping": self.damping.value, "growth": self.damping.growth, "previous": self._previous}

    def restore(self, state):
        """See `Optimizer.restore`."""
        self.damping.value, self.damping.growth = state["damping"], state["growth"]
        self._previous = state["previous"]
