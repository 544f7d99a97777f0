"""Levenberg–Marquardt on a dense Jacobian: damped Gauss–Newton descent × trust-ratio damping."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from core.errors import NotFiniteError
from core.optimizers import triangle
from core.optimizers.report import Residuals, StepReport, Trial
from core.optimizers.rows import Rows, read

WELL_CONDITIONED = 1e-7
"""Relative damping from which the normal equations lose no digit that matters, so that Cholesky may be used."""

UNDAMPED = 1e-31
"""Relative damping below which it is none: rounding is larger."""

CONVERGED = 1e-4
"""Part of the loss below which what an undamped step promises, and what it does, is nothing."""

ROUNDED = 1e-24
"""Loss, of residuals that are divided by their natural scale, below which an undamped step follows rounding."""

MOST_RISE, MOST_AHEAD = 1e6, 3
"""An undamped step may raise the loss so many times over, where at most so many further ones bring it below again.

Far from the solution along what the residual hardly tells, such as λ, Newton's step is right to first order, what is
of second order is more than the small residual there was, and the next step removes it (the watchdog of Chamberlain
et al., Math. Programming Study 16, 1982). Damping would creep along that direction instead. All of them are one
iteration, so that nothing that looks at a run between two ever sees a loss that rose.
"""

SHRINKS, OPENED = 0.5, 10.0
"""Times the step before: a shorter one tells that they still converge, a longer that something is free that was not."""

ROUNDING = 1e-22
"""Part of the loss below which what a step promises is rounding, however long it is."""

NO_GAIN = 1e-9
"""Once a step was rejected, a smaller one that promises less than this part of the loss is not worth a trial."""


class DampedSystem:
    """Minimises |r + Jδ|² + μ|Dδ|² for many μ from one factorisation, D diagonal.

    While μ is large the normal equations are formed once and each μ costs one Cholesky. Below `WELL_CONDITIONED` they
    would square the condition number past float64, so [J r] is reduced to its triangle once, in place, and each μ
    solves the stacked system [R; √μ D] by QR, as optimistix and MINPACK do. QR does not mind how columns are scaled,
    so J is never scaled itself.

    Args:
        rows: r (M,) and J (M, P).
        scale: diagonal (P,) of D; None: ones.
    """

    def __init__(self, rows: Rows, scale: Tensor | None = None):
        self.rows = rows
        norms = rows.norms()
        self.diagonal = torch.ones_like(norms) if scale is None else scale
        self.scale = float((norms / self.diagonal).square().max().clamp_min(torch.finfo(norms.dtype).tiny))
        self._gram: Tensor | None = None

    def step(self, damping: float) -> Tensor:
        """δ (P,) for the damping μ = `damping` · (largest squared column norm of J/D)."""
        mu = damping * self.scale
        self._factor: Tensor | None = None  # the last one makes room
        if damping >= WELL_CONDITIONED:
            factor = self._cholesky(mu)
            if factor is not None:
                self._factor, self._upper = factor, False
                return -torch.cholesky_solve(self._gradient[:, None], factor)[:, 0] / self.diagonal
        R, c = self.rows.triangle()
        if mu < UNDAMPED * self.scale:
            return -triangle.solve(R, c)
        S, y = R.triu().div_(self.diagonal), c.clone()
        triangle.damp(S, y, mu**0.5)
        self._factor, self._upper = S, True
        return -triangle.solve(S, y) / self.diagonal

    def _cholesky(self, mu: float) -> Tensor | None:
        if self._gram is None:
            self._gram = self.rows.gram().div_(self.diagonal).div_(self.diagonal[:, None])
            self._gradient = self.rows.gradient() / self.diagonal
        factor = self._gram.clone()  # column-major like the original, so that it is factorised in place
        factor.diagonal().add_(mu)
        info = torch.empty((), dtype=torch.int32, device=factor.device)
        torch.linalg.cholesky_ex(factor, out=(factor, info))
        return factor if info.item() == 0 else None

    def correction(self, rows: Tensor) -> Tensor:
        """δ (P,) that minimises |rows + Jδ|² + μ|Dδ|² for other rows (M,), at the damping of the last step.

        By the factor of JᵀJ + μD² that the last step left: accurate enough for a correction, not for a step. All rows
        must be there (`Whole`).
        """
        wanted = self.rows.transposed(rows)
        if self._factor is None:
            R, _ = self.rows.triangle()
            return -triangle.solve(R, triangle.transposed_solve(R, wanted))
        wanted /= self.diagonal
        if self._upper:
            found = triangle.solve(self._factor, triangle.transposed_solve(self._factor, wanted))
        else:
            found = torch.cholesky_solve(wanted[:, None], self._factor)[:, 0]
        return -found / self.diagonal


@dataclass
class TrustRatioDamping:
    """Damping from the ratio ρ of actual to predicted decrease (Nielsen, IMM-REP-1999-05)."""

    value: float
    minimum: float
    growth: float = 2.0

    def accept(self, ratio: float) -> None:
        """After a step that decreased the loss."""
        self.value = max(self.minimum, self.value * max(0.1, 1 - (2 * ratio - 1) ** 3))
        self.growth = 2.0

    def reject(self) -> None:
        """After one that did not."""
        self.value *= self.growth
        self.growth *= 2.0


class ColumnScale:
    """Scale of each parameter: the largest norm its column of J had lately (Marquardt 1963, Moré 1978).

    Damping then acts on all parameters alike. Without it, random features next to an unknown exponent λ, whose columns
    differ by many powers of ten, leave a linear second stage at 1e-8 where it reaches 1e-14 with it.
    """

    MEMORY = 0.95
    """A scale forgets its largest norm by this factor an iteration."""
    FLOOR = 1e-8
    """Smallest scale relative to the largest: a parameter without any effect must not be scaled up without bound."""

    def __init__(self):
        self.value: Tensor | None = None

    def update(self, norms: Tensor) -> Tensor:
        """The scales (P,) for new norms of columns (P,); they start over when the number of parameters has changed."""
        norms = norms.clamp_min(self.FLOOR * float(norms.max().clamp_min(torch.finfo(norms.dtype).tiny)))
        if self.value is None or self.value.shape != norms.shape:
            self.value = norms
        else:
            self.value = torch.maximum(self.value.to(norms) * self.MEMORY, norms)
        return self.value


class GaussNewton:
    """Levenberg–Marquardt for loss(θ) = |r(θ)|², on columns of J scaled to about one.

    Args:
        damping: first damping, relative to the largest squared norm of a scaled column.
        minimum_damping: floor of the damping, relative likewise.
        guard: `geodesic` adds half the geodesic acceleration (Transtrum and Sethna, arXiv 1201.5885) where it is small
            beside the step; `line_search` halves a rejected step before the damping grows; None does neither.
        dampings: so many dampings, each ten times the next, from one factorisation; the best step is taken. None: one.
    """

    MAX_TRIALS = 12
    """Dampings tried in one iteration before it is given up; the last is 2^78 times the first."""
    PROBE = 0.1
    """Part of the step at which the second derivative along it is taken (0.1 in the paper)."""
    MOST_ACCELERATION = 0.75
    """Twice the acceleration over the step beyond which the model is not to be trusted (0.75 in the paper)."""
    MAX_HALVINGS = 3

    def __init__(
        self,
        damping: float,
        minimum_damping: float,
        guard: Literal["geodesic", "line_search"] | None = None,
        dampings: int | None = None,
    ):
        self.damping = TrustRatioDamping(damping, minimum_damping)
        self.scale = ColumnScale()
        self.guard = guard
        self.dampings = dampings or 1
        self.last = 0.0
        self._promised = math.inf
        """Part of the loss that the last step which was left as it is, though it raised it, should have gained."""

    def iterate(self, objective):
        """See `Optimizer.iterate`."""
        residuals, rows = self._linearised(objective)
        move = objective.mover()
        report = self.step(rows, move, may_rise=True)
        if report is None:
            del rows  # two of them need not fit
            after = self._onward(objective, float(residuals.loss()))
            if after is not None:
                return residuals, StepReport(True, after, self.damping.value, float("nan"), self.last)
            move(torch.zeros_like(self.scale.value))
            if self._promised < CONVERGED:  # a damped step would gain no more than that
                return residuals, StepReport(False, float(residuals.loss()), self.damping.value, float("nan"), 0.0)
            residuals, rows = self._linearised(objective)
            report = self.step(rows, move)
        return residuals, report

    def _linearised(self, objective) -> tuple[Residuals, Rows]:
        residuals, slopes = objective.slopes()
        return residuals, read(slopes, whole=self.guard == "geodesic")

    def _onward(self, objective, limit: float) -> float | None:
        """The loss once further undamped steps have brought it below `limit`; None where they don't."""
        for _ in range(MOST_AHEAD):
            try:
                residuals, rows = self._linearised(objective)
            except NotFiniteError:
                return None
            step = DampedSystem(rows, self.scale.update(rows.norms())).step(self.damping.value)
            if rows.decrease(step) < CONVERGED * float(residuals.loss()):
                return None  # it has come to rest, and above
            after = objective.mover()(step)
            if after < limit:
                return after
            if not after < MOST_RISE * limit:
                return None
        return None

    def step(self, rows: Rows, loss_after: Trial, may_rise: bool = False) -> StepReport | None:
        """One iteration: steps of growing damping until one decreases the loss.

        Args:
            rows: r (M,) and J (M, P) at θ; all of them (`Whole`) for the geodesic guard.
            loss_after: sets the parameters to θ + δ for a given δ (P,) and returns the loss there, NaN allowed. Called
                a last time with δ = 0 when no step is accepted, so that θ is restored. The geodesic guard also asks
                its `rows(δ)`, the residuals (M,) there.
            may_rise: whether an undamped step may be left as it is although it raised the loss.

        Returns:
            The report; `accepted` is False when no damping gave a decrease: θ is as good as float64 tells. None where
            the parameters were left at a step that raised the loss.
        """
        system = DampedSystem(rows, self.scale.update(rows.norms()))
        before, begun_with = rows.loss(), self.damping.value
        ratio = float("nan")
        for trial in range(self.MAX_TRIALS):
            if self.dampings > 1 and not trial:
                self.damping.value = self._best_of_several(system, loss_after)
            damping = self.damping.value
            step = system.step(damping)
            predicted = rows.decrease(step)
            if trial and predicted < NO_GAIN * before:
                break
            if self.guard == "geodesic":
                step = self._accelerated(system, step, loss_after)
            after = loss_after(step)
            if self.guard == "line_search":
                for _ in range(self.MAX_HALVINGS):
                    if after < before:
                        break
                    step = step / 2
                    predicted = rows.decrease(step)
                    after = loss_after(step)
            ratio = (before - after) / predicted if predicted > 0 else float("nan")
            gained = after < before and ratio > 1e-4
            nothing = predicted < CONVERGED * before and abs(after - before) < CONVERGED * before
            if not trial:
                # a direction that the loss hardly knows, λ for one: the steps along it are long at first, then shrink
                length = float(step.norm())
                nothing = nothing and (
                    SHRINKS * self.last < length < OPENED * self.last or predicted < ROUNDING * before
                )
                self.last = length
            if damping < UNDAMPED and (nothing or (before < ROUNDED and not gained)):
                break  # Newton's own step neither promised nor changed anything: a shorter one will not either
            if gained:
                self.damping.accept(min(ratio, 1.0))
                return StepReport(True, after, damping, ratio, float(step.norm()))
            if may_rise and damping < UNDAMPED and after < MOST_RISE * before:
                self._promised = predicted / before
                return None
            self.damping.reject()
        loss_after(torch.zeros_like(step))
        tried, self.damping.value = self.damping.value, begun_with  # where none helps, none was too small
        return StepReport(False, before, tried, ratio, 0.0)

    def _best_of_several(self, system: DampedSystem, loss_after: Trial) -> float:
        """The damping around the present one whose step leaves least; the present one where none leaves a number."""
        middle = self.dampings // 2
        around = [self.damping.value * 10.0 ** (k - middle) for k in range(self.dampings)]
        tried = sorted({max(self.damping.minimum, damping) for damping in around})
        losses = [loss_after(system.step(damping)) for damping in tried]
        finite = [(loss, damping) for loss, damping in zip(losses, tried, strict=True) if math.isfinite(loss)]
        return min(finite)[1] if finite else self.damping.value

    def _accelerated(self, system: DampedSystem, step: Tensor, loss_after: Trial) -> Tensor:
        """The step with half the geodesic acceleration, or without where that is too large to be believed."""
        h, rows = self.PROBE, system.rows
        bend = (loss_after.rows(h * step) - rows.r - h * rows.times(step)) * (2 / h**2)
        acceleration = system.correction(bend)
        bent, straight = (float((system.diagonal * part).norm()) for part in (acceleration, step))
        return step + acceleration / 2 if bent * 2 <= self.MOST_ACCELERATION * straight else step

    def state(self):
        """See `Optimizer.state`."""
        return {
            "damping": self.damping.value,
            "growth": self.damping.growth,
            "scale": self.scale.value,
            "last": self.last,
        }

    def restore(self, state):
        """See `Optimizer.restore`."""
        self.damping.value, self.damping.growth = state["damping"], state["growth"]
        self.scale.value = state["scale"]
        self.last = state.get("last", 0.0)  # not in checkpoints of before it was asked for
