"""How sharply the residual tells one λ from another: the basin of the funnel, from the Jacobian of a trained run.

At a fixed λ + δ the network relaxes, and what it can't follow remains. To first order that is the part of ∂r/∂λ outside
the range of ∂r/∂θ: the residual rises by `steepness`·|δ| on either side. Where it has a floor, from rounding or from a
network too small, λ is known to floor/steepness and no better: the width of the basin that arXiv 2509.14185 reads off
its runs at many λ.
"""

from __future__ import annotations

import torch

from core.optimizers.report import Objective

PRECISION = 1e-14
"""Directions of the network with smaller singular values, relatively, can't be followed in float64."""


def steepness(objective: Objective) -> float:
    """Least RMS change of the residuals for each unit that λ moves, the trained network following as well as it can.

    Args:
        objective: with λ free and last among its parameters, at more points than it has parameters.
    """
    _, _, J = objective.linearise()
    network, towards_lambda = J[:, :-1].cpu(), J[:, -1].cpu()
    scale = torch.linalg.vector_norm(network, dim=0).clamp_min(torch.finfo(J.dtype).tiny)
    U, S, _ = torch.linalg.svd(network / scale, full_matrices=False)
    followed = U[:, PRECISION * S[0] < S]
    left = towards_lambda - followed @ (followed.T @ towards_lambda)
    return float(torch.linalg.vector_norm(left))


def uncertainty(rms_residual: float, rise: float) -> float:
    """Half of the width of λ's basin: where the residual has risen by as much as its floor.

    Args:
        rms_residual: the floor, at points that were not trained on.
        rise: `steepness`.
    """
    return rms_residual / rise if rise > 0 else float("inf")
