"""How sharply the residual tells one λ from another: the basin of the funnel, from the Jacobian of a trained run.

At a fixed λ + δ the network relaxes, and what it can't follow remains. To first order that is the part of ∂r/∂λ outside
the range of ∂r/∂θ: the residual rises by `steepness`·|δ| on either side. Where it has a floor, from rounding or from a
network too small, λ is known to floor/steepness and no better: the width of the basin that arXiv 2509.14185 reads off
its runs at many λ.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from core.optimizers import triangle
from core.optimizers.report import Objective
from core.optimizers.rows import read

PRECISION = 1e-14
"""Directions of the network with smaller singular values, relatively, can't be followed in float64."""
SPARE = 1.25
"""So many rows for each column are enough to see what the network can't follow."""


def steepness(objective: Objective) -> float:
    """Least RMS change of the residuals for each unit that λ moves, the trained network following as well as it can.

    It is the last diagonal entry of R in a QR decomposition of the Jacobian with ∂r/∂λ as its last column: the part of
    that column outside the span of all others. Where columns depend on others up to rounding they would span anything:
    a second decomposition, of R with a small multiple of the identity below, makes such directions cost what they
    move. Singular values say the same at twenty times the time.

    Args:
        objective: with λ free and last among its parameters, at more points than it has parameters.
    """
    rows = read(objective.slopes()[1])
    R, _ = rows.triangle()
    S, beside, alone = R[:-1, :-1].triu(), R[:-1, -1].clone(), float(R[-1, -1].abs())
    S /= rows.norms()[:-1].clamp_min(torch.finfo(S.dtype).tiny)
    del rows, R
    least = PRECISION * _largest_singular_value(S)
    if (S.diagonal().abs() < least).any():
        alone = math.hypot(alone, float(torch.linalg.vector_norm(triangle.damp(S, beside, least))))
    return alone


def _largest_singular_value(R: Tensor) -> float:
    """By the power method, which here needs the order of magnitude alone."""
    x = torch.ones(R.shape[1], dtype=R.dtype, device=R.device)
    for _ in range(20):
        x = R.T @ (R @ x)
        x /= torch.linalg.vector_norm(x).clamp_min(torch.finfo(R.dtype).tiny)
    return float(torch.linalg.vector_norm(R @ x))


def uncertainty(rms_residual: float, rise: float) -> float:
    """Half of the width of λ's basin: where the residual has risen by as much as its floor.

    Args:
        rms_residual: the floor, at points that were not trained on.
        rise: `steepness`.
    """
    return rms_residual / rise if rise > 0 else float("inf")
