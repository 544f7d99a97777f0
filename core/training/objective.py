"""The equations at a set of points, as first-order methods (a loss) and second-order ones (r and J) see them."""

from __future__ import annotations

import functools
import math
import operator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import psutil
import torch
import torch.autograd.forward_ad as forward_ad
from torch import Tensor, nn

from core.errors import NotFiniteError, TrainingError
from core.jets import Jet, coordinates
from core.networks.layers import JetLinear, Tape
from core.networks.solution import Solution
from core.problems.base import Samples

SHARE = 0.8
"""Part of the free memory that a dense Jacobian may take."""
SECANT_STEPS = 12
ORIGIN_ROUNDING = 1e-13
"""The condition at the origin holds to rounding."""
REMEMBERED_POINTS = 50_000
"""Point sets up to this size keep what is computed from the coordinates alone; larger ones gain nothing by it."""
AFFINE = 1e-4
"""Most that an affine residual may be off, relative to what the outputs add: far above rounding in float32."""
DATA = "data"
"""The point set of the samples, and what their rows' names begin with."""


@dataclass(frozen=True)
class Residuals:
    """Residuals by name, each (n,), of one forward pass."""

    by_name: dict[str, Tensor]

    @cached_property
    def mean_squares(self) -> dict[str, Tensor]:
        """Mean square of each equation."""
        return {name: r.square().mean() for name, r in self.by_name.items()}

    def loss(self) -> Tensor:
        """Σ over the equations of the mean square: the quantity that is minimised."""
        return functools.reduce(operator.add, self.mean_squares.values())

    def maximum(self) -> Tensor:
        """Largest absolute residual."""
        largest = [torch.linalg.vector_norm(r.detach(), torch.inf) for r in self.by_name.values()]
        return largest[0] if len(largest) == 1 else torch.stack(largest).max()

    def rms(self) -> Tensor:
        """Root mean square over all points and equations."""
        if len(self.by_name) == 1:
            return next(iter(self.rms_by_name().values()))
        rows = [len(r) for r in self.by_name.values()]
        squares = zip(self.mean_squares.values(), rows, strict=True)
        return (sum(square.detach() * n for square, n in squares) / sum(rows)).sqrt()

    def rms_by_name(self) -> dict[str, Tensor]:
        """Root mean square of each equation."""
        return self._rms_by_name

    @cached_property
    def _rms_by_name(self) -> dict[str, Tensor]:
        return {name: square.detach().sqrt() for name, square in self.mean_squares.items()}


class Objective:
    """Residuals of a solution's last stage at fixed points, and their Jacobian.

    Everything that the trained parameters can't change (coordinates; features and frozen stages too, unless they depend
    on a free λ) is computed once.

    Args:
        solution: its last network is trained; λ too where it requires a gradient.
        points: point set → (n, d).
        dtype: of the computation; the solution must be in it.
        samples: measured values; their rows w(u − u_i) stand beside the equations', named `data_FIELD`.
        gradient_scale: s where residuals are divided by √(1 + |∇u|²/s²), after arXiv 2511.22819; a point where the
            solution is steep then weighs less, and the quotient is differentiated as a whole.
        analytic: λ is no parameter but what the problem's `origin_condition` makes it, for any network; J is that of
            the other residuals along this constraint.
    """

    def __init__(
        self,
        solution: Solution,
        points: dict[str, np.ndarray],
        dtype: torch.dtype = torch.float64,
        samples: Samples | None = None,
        gradient_scale: float | None = None,
        analytic: bool = False,
    ):
        self.solution = solution
        self.analytic = analytic
        self.rejected_lambda: float | None = None
        """A λ outside the problem's range that a step led to since the last `linearise`."""
        self._gradient_scale = gradient_scale
        device = next(solution.parameters()).device
        self._measured: dict[str, Tensor] = {}
        self._weight = 1.0
        if samples is not None:
            points = points | {DATA: samples.points}
            self._weight = samples.weight
            self._measured = {
                field: torch.as_tensor(values, dtype=dtype, device=device) for field, values in samples.values.items()
            }
        self._x = {
            name: coordinates(
                torch.as_tensor(block, dtype=dtype, device=device), solution.layout, len(block) <= REMEMBERED_POINTS
            )
            for name, block in points.items()
        }
        self._points = points
        self._asked = {name: solution.problem.asked(block) for name, block in points.items() if name != DATA}
        self._integrals = {
            name: {
                key: (integral.field, torch.as_tensor(integral.matrix, dtype=dtype, device=device))
                for key, integral in solution.problem.integrals(block[: self._asked[name]], block).items()
            }
            for name, block in points.items()
            if name != DATA
        }
        self._cache: dict[str, tuple[tuple[Jet, ...], Tensor | None]] = {}

    @property
    def free_lambda(self) -> bool:
        """Whether λ is being solved for."""
        return self.solution.lam is not None and self.solution.lam.requires_grad

    def parameters(self) -> list[torch.nn.Parameter]:
        """Trained parameters: the last network's, layer by layer (weight, bias), then λ."""
        own = [p for layer in self.solution.networks[-1].layers for p in (layer.weight, layer.bias) if p is not None]
        return [*own, self.solution.lam] if self.free_lambda and not self.analytic else own

    def forget_frozen(self) -> None:
        """Drop what was computed once; needed after λ changed from outside."""
        self._cache.clear()

    def _features_and_frozen(self, name: str, lam: Tensor | None) -> tuple[tuple[Jet, ...], Tensor | None]:
        """What the last stage reads, and the sum of the stages before it."""
        if name in self._cache:
            return self._cache[name]
        solution, last = self.solution, len(self.solution.networks) - 1
        frozen = solution.raw(solution.features(self._x[name], lam, stop=last), stop=last)
        features = solution.features(self._x[name], lam, start=last)
        if not self.free_lambda or None not in solution.centres:
            self._cache[name] = (features, frozen)
        return features, frozen

    def _residuals(
        self, name: str, lam: Tensor | None, tape: Tape | None, leaves: Leaves | None = None
    ) -> dict[str, Tensor]:
        """Residuals on a point set. With `leaves`, its integrals take part as leaves, collected there."""
        solution = self.solution
        features, frozen = self._features_and_frozen(name, lam)
        raw = solution.raw(features, start=len(solution.networks) - 1, tape=tape)
        return self._residuals_of(raw if frozen is None else raw + frozen, name, lam, leaves)

    def _residuals_of(
        self, raw: Tensor, name: str, lam: Tensor | None, leaves: Leaves | None = None
    ) -> dict[str, Tensor]:
        solution, x = self.solution, self._x[name]
        fields = solution.fields(raw, x, lam)
        if name == DATA and self._measured:
            return {
                f"{DATA}_{field}": self._weight * (fields[field].value - measured)
                for field, measured in self._measured.items()
            }
        if integrals := self._integrals[name]:
            asked = self._asked[name]
            values = {key: matrix @ fields[field].value for key, (field, matrix) in integrals.items()}
            if leaves is not None:
                leaves.integrated = {field: fields[field].value for field, _ in integrals.values()}
                values = leaves.values = {key: v.detach().requires_grad_() for key, v in values.items()}
            fields = {key: jet.first_points(asked) for key, jet in fields.items()} | values
            x = tuple(jet.first_points(asked) for jet in x)
            lam = None if lam is None else lam[:asked]
        residuals = solution.residuals(name, fields, x, lam)
        if self._gradient_scale is None:
            return residuals
        steepness = sum(fields[field].first(i).square() for field in solution.problem.fields for i in range(len(x)))
        divisor = (1 + steepness / self._gradient_scale**2).sqrt()
        return {key: r / divisor for key, r in residuals.items()}

    def affine(self) -> dict[str, tuple[Tensor, dict[str, tuple[Tensor, Tensor]]]] | None:
        """For each point set the features, and each residual as an affine function of the last network's outputs.

        A residual is a slope (C, n, outputs) and its values (n,) where these outputs are zero. None where they
        are not said to be affine, or where a look at random outputs contradicts it.
        """
        solution = self.solution
        problem = solution.problem
        if not problem.linear or problem.integral_names or solution.lam is not None or self._gradient_scale:
            return None
        generator = torch.Generator().manual_seed(0)
        found = {}
        for name in self._x:
            (features,), frozen = self._features_and_frozen(name, None)
            shape = (*features.data.shape[:2], solution.problem.outputs)

            def residuals_at(outputs: Tensor, name=name, frozen=frozen) -> dict[str, Tensor]:
                raw = outputs * solution.epsilons[-1]
                return self._residuals_of(raw if frozen is None else raw + frozen, name, None)

            zero = features.data.new_zeros(shape).requires_grad_()
            at_zero = residuals_at(zero)
            if not all(r.requires_grad for r in at_zero.values()):
                return None
            parts = {
                key: (torch.autograd.grad(r.sum(), zero, retain_graph=True)[0], r.detach())
                for key, r in at_zero.items()
            }
            outputs = torch.randn(shape, generator=generator, dtype=torch.float64).to(features.data)
            for key, r in residuals_at(outputs).items():
                slope, constant = parts[key]
                off = (slope * outputs).sum((0, 2)) + constant - r
                if off.abs().max() > AFFINE * (r - constant).abs().max():
                    return None
            found[name] = (features.data, parts)
        return found

    def sizes(self) -> dict[str, Tensor]:
        """√Σ r² over the equations at each point, by point set: (n,)."""
        with torch.no_grad():
            return {
                name: sum(r.square() for r in self._residuals(name, self._lambda_at(name), None).values()).sqrt()
                for name in self._x
            }

    def _lambda_at(self, name: str) -> Tensor | None:
        lam = self.solution.lam
        return None if lam is None else lam.to(self._x[name][0].data.dtype).expand(self._x[name][0].data.shape[1])

    @torch.no_grad()
    def origin_residual(self) -> float:
        """The signed residual of the origin condition."""
        residuals = self._residuals("interior", self._lambda_at("interior"), None)
        return float(residuals[self.solution.problem.origin_condition][0])

    @torch.no_grad()
    def settle_lambda(self) -> bool:
        """Set λ to the root of the origin condition near it, by the secant method; False where none is found."""
        lam, (low, high) = self.solution.lam, self.solution.problem.lambda_range
        before, here = float(lam), self.origin_residual()
        old, old_residual = before, here
        lam.add_(1e-6)
        for _ in range(SECANT_STEPS):
            new, residual = float(lam), self.origin_residual()
            if abs(residual) < abs(here):
                before, here = new, residual
            if residual == old_residual or abs(here) < ORIGIN_ROUNDING:
                break
            proposed = new - residual * (new - old) / (residual - old_residual)
            old, old_residual = new, residual
            if not low < proposed < high:
                self.rejected_lambda = proposed
                break
            lam.fill_(proposed)
        lam.fill_(before)
        return abs(here) < 1e3 * ORIGIN_ROUNDING

    def residuals(self) -> Residuals:
        """All residuals at the current parameters, differentiable."""
        by_name: dict[str, Tensor] = {}
        for name in self._x:
            by_name.update(self._residuals(name, self._lambda_at(name), None))
        return Residuals(by_name)

    def shape(self) -> tuple[int, int]:
        """Rows and columns of the Jacobian, from a few points: nothing large is allocated."""
        nonlocal_ = bool(self.solution.problem.integral_names)
        few = {name: points if nonlocal_ else points[:2] for name, points in self._points.items() if name != DATA}
        few = self if nonlocal_ else Objective(self.solution, few)
        with torch.no_grad():
            rows = sum(
                asked * len(few._residuals(name, few._lambda_at(name), None)) for name, asked in self._asked.items()
            )
        rows += sum(len(values) for values in self._measured.values())
        return rows, sum(p.numel() for p in self.parameters())

    def free_memory(self) -> int:
        """Bytes that the device has left."""
        device = next(self.solution.parameters()).device
        return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available

    def check_memory(self, squared: Literal["columns", "rows"] = "columns") -> None:
        """Raise TrainingError when the dense Jacobian and what is factorised would not fit.

        Args:
            squared: whether the factorised matrix is parameters² or rows².
        """
        rows, columns = self.shape()
        needed, free = dense_bytes(rows, columns, squared), self.free_memory()
        if needed > SHARE * free:
            raise TrainingError(
                f"A {rows} × {columns} Jacobian and its factorisation would need {needed / 2**30:.1f} GiB, and "
                f"{free / 2**30:.1f} GiB are free. Use fewer collocation points or parameters, or the optimizer "
                "conjugate_gradient, which stores no Jacobian."
            )

    def mover(self) -> Move:
        """What sets the trained parameters to their present values plus a step, and returns the loss there."""
        return Move(self.parameters(), self)

    def check_finite(self, residuals: Residuals) -> None:
        """Raise NotFiniteError where a residual is NaN or infinite, naming it."""
        bad = [name for name, r in residuals.by_name.items() if not bool(torch.isfinite(r).all())]
        if bad:
            raise NotFiniteError(
                f"The residual {', '.join(bad)} of {self.solution.problem.title} is NaN or infinite at some points. "
                "Look at the problem's residuals and its collocation points."
            )

    def gradient(self) -> tuple[Residuals, float, Tensor]:
        """Residuals, loss |r|², and its gradient (P,) by one backward pass."""
        residuals = self.residuals()
        self.check_finite(residuals)
        loss = residuals.loss()
        parts = torch.autograd.grad(loss, self.parameters(), materialize_grads=True)
        return residuals, float(loss.detach()), torch.cat([part.reshape(-1) for part in parts])

    def products(self) -> tuple[Residuals, Products]:
        """Residuals, and the weighted system by its products instead of its Jacobian."""
        residuals = self.residuals()
        self.check_finite(residuals)
        return residuals, Products(self, _rows(residuals))

    def linearise(self) -> tuple[Residuals, Tensor, Tensor]:
        """Residuals, and the weighted system: r (M,) and J = ∂r/∂θ (M, P), rows scaled by 1/√n so that loss = |r|².

        One forward pass and one backward pass an equation: since a residual depends on its own sample alone, the
        cotangents of the layers' outputs under Σ_n r_n hold every sample's gradient at once. Where it depends on
        integrals too, these are leaves of that pass, and J gains (∂r/∂I)·K·∂φ/∂θ for each I = Kφ.
        """
        by_name: dict[str, Tensor] = {}
        rows, blocks = [], []
        self.rejected_lambda = None
        if self.analytic and not self.settle_lambda():
            raise TrainingError(
                f"The condition at the origin has no root in {self.solution.problem.unknown} near "
                f"{float(self.solution.lam):.6g}. Start nearer, or take another mode of lambda."
            )
        for name in self._x:
            tape: Tape = []
            lam = self._lambda_at(name)
            if self.free_lambda:
                lam = lam.detach().clone().requires_grad_()
            leaves = Leaves()
            residuals = self._residuals(name, lam, tape, leaves)
            inputs = [out for _, _, out in tape] + ([lam] if self.free_lambda else [])

            def sample_jacobian(
                values: Tensor, inputs=inputs, tape=tape, leaves=leaves
            ) -> tuple[Tensor, tuple[Tensor, ...]]:
                # data rows need not depend on λ: its column is zero there
                wanted = [*inputs, *leaves.values.values()]
                cotangents = torch.autograd.grad(values.sum(), wanted, retain_graph=True, materialize_grads=True)
                columns = [
                    part
                    for (layer, data, _), cotangent in zip(tape, cotangents, strict=False)
                    for part in _sample_gradients(layer, data, cotangent)
                ]
                if self.free_lambda:
                    columns.append(cotangents[len(tape)][:, None])
                return torch.cat(columns, dim=1), cotangents[len(inputs) :]

            of_integrated = {field: sample_jacobian(value)[0] for field, value in leaves.integrated.items()}
            for key, r in residuals.items():
                block, by_integral = sample_jacobian(r)
                block = block[: len(r)]
                for integral, slope in zip(leaves.values, by_integral, strict=True):
                    field, matrix = self._integrals[name][integral]
                    block.addcmul_(slope[:, None], matrix @ of_integrated[field])
                scale = len(r) ** -0.5
                by_name[key] = r.detach()
                rows.append(by_name[key] * scale)
                blocks.append(block.mul_(scale))
        residuals = Residuals(by_name)
        self.check_finite(residuals)
        J = torch.cat(blocks)
        if self.analytic:
            # dλ/dθ along the constraint r_origin(θ, λ) = 0, whose row is the first of its residual's
            names = list(by_name)
            row = sum(len(by_name[name]) for name in names[: names.index(self.solution.problem.origin_condition)])
            J = J[:, :-1] - torch.outer(J[:, -1], J[row, :-1] / J[row, -1])
        return residuals, torch.cat(rows), J


@dataclass
class Leaves:
    """The integrals of a point set, cut off from what they are integrals of."""

    values: dict[str, Tensor] = field(default_factory=dict)
    """Integral → (m,)."""
    integrated: dict[str, Tensor] = field(default_factory=dict)
    """Field that is integrated → (n,)."""


def dense_bytes(rows: int, columns: int, squared: Literal["columns", "rows"]) -> int:
    """Bytes that a dense Jacobian takes with the copies that its factorisation makes."""
    return 8 * (3 * rows * columns + 4 * (columns if squared == "columns" else rows) ** 2)


def _rows(residuals: Residuals) -> Tensor:
    """R (M,), scaled so that the loss is |r|²."""
    return torch.cat([r * len(r) ** -0.5 for r in residuals.by_name.values()])


class Products:
    """J and Jᵀ at the parameters' present values, by products; valid until they move.

    Args:
        objective: whose Jacobian it is.
        r: its weighted residuals (M,), differentiable.
    """

    def __init__(self, objective: Objective, r: Tensor):
        self._parameters = objective.parameters()
        self._graph = r
        self._module = _RowsOf(objective)
        names = {id(p): name for name, p in self._module.named_parameters()}
        self._names = [names[id(p)] for p in self._parameters]
        self.r = r.detach()

    def transposed(self, w: Tensor) -> Tensor:
        """Jᵀw (P,) for w (M,), by one backward pass."""
        parts = torch.autograd.grad(self._graph, self._parameters, w, retain_graph=True, materialize_grads=True)
        return torch.cat([part.reshape(-1) for part in parts])

    def times(self, v: Tensor) -> Tensor:
        """Jv (M,) for v (P,), by one pass of forward-mode differentiation."""
        parts = v.split([p.numel() for p in self._parameters])
        with forward_ad.dual_level():
            duals = {
                name: forward_ad.make_dual(p.detach(), part.view_as(p))
                for name, p, part in zip(self._names, self._parameters, parts, strict=True)
            }
            tangent = forward_ad.unpack_dual(torch.func.functional_call(self._module, duals, ())).tangent
        return torch.zeros_like(self.r) if tangent is None else tangent.detach()


class _RowsOf(nn.Module):
    """An objective's weighted residuals as a module, so that its parameters can be replaced by dual numbers."""

    def __init__(self, objective: Objective):
        super().__init__()
        self.solution = objective.solution
        self._objective = objective

    def forward(self) -> Tensor:
        return _rows(self._objective.residuals())


def _sample_gradients(layer: JetLinear, data: Tensor, cotangent: Tensor) -> list[Tensor]:
    return layer.sample_gradients(data.detach(), cotangent)


class Move:
    """Sets parameters to their value at creation plus a flat step, and returns the loss there."""

    def __init__(self, parameters: list[torch.nn.Parameter], objective: Objective):
        self.parameters = parameters
        self.objective = objective
        self.base = [p.detach().clone() for p in parameters]
        lam = objective.solution.lam
        self.lam = None if lam is None else lam.detach().clone()

    @torch.no_grad()
    def __call__(self, step: Tensor) -> float:
        """Move by `step` (P,) from where the parameters were; the loss there, NaN allowed."""
        self._move(step)
        objective, solution = self.objective, self.objective.solution
        if objective.analytic and not objective.settle_lambda():
            return math.nan
        low, high = solution.problem.lambda_range
        if solution.lam is not None and not low < float(solution.lam) < high:
            objective.rejected_lambda = float(solution.lam)
            return math.nan
        return float(self.objective.residuals().loss())

    @torch.no_grad()
    def rows(self, step: Tensor) -> Tensor:
        """Move likewise; the weighted residuals (M,) there."""
        self._move(step)
        return _rows(self.objective.residuals())

    def _move(self, step: Tensor) -> None:
        start = 0
        if self.objective.analytic:
            self.objective.solution.lam.copy_(self.lam)
        for p, base in zip(self.parameters, self.base, strict=True):
            p.copy_(base + step[start : start + p.numel()].view_as(p))
            start += p.numel()
