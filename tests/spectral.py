"""An independent oracle for profiles of gCLM: Chebyshev polynomials in q, least squares in numpy, no network.

The same equation as `core.problems.self_similar`, n(t) = (1−q) Σ c_k T_k(x(q)), and half as many polynomials in
(1+t²)^{−1/2}, the other power in which a far field decays, solved for together with λ by Levenberg–Marquardt with a
singular value decomposition. Nothing that trains uses it.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial import chebyshev

from core.problems.hilbert import UNIFORM, Crowding, nodes, operators

REACH = 13.0


def stable_lambda(a: float, start: float, width: float, modes: int = 60, step: float = 0.045) -> tuple[float, float]:
    """λ of the stable profile at `a`, and the largest residual; `start` is λ's start, `width` the core's."""
    return _solve(a, start, width, modes, step, UNIFORM, None)


def layered_lambda(a: float, start: float, width: float, layer: float, modes: int, step: float) -> tuple[float, float]:
    """Likewise of a profile with a layer at t = `layer`, which is resolved by stretching q there."""
    alpha, center, w, strength = 1 / (1 + start), np.arcsinh(layer), 0.045, 11.0
    middle = (1 + layer**2) ** (-alpha / 2)
    in_q = w * alpha * np.cosh(center) ** -alpha * np.tanh(center)

    def stretch(q):
        return q + strength * in_q * np.arcsinh((q - middle) / in_q)

    low, high = stretch(0.0), stretch(1.0)

    def warp(q):
        slope = 1 + strength / np.sqrt(1 + ((q - middle) / in_q) ** 2)
        return 2 * (stretch(q) - low) / (high - low) - 1, 2 * slope / (high - low)

    return _solve(a, start, width, modes, step, Crowding(center, w, strength), warp, frozen=50)


def _solve(a, start, width, modes, step, crowding, warp, frozen=5):
    sigma = nodes(step, REACH, 1 / (1 + start), crowding)
    count = int((sigma <= REACH).sum()) + 1
    t = np.sinh(np.concatenate([[0.0], sigma]))
    H, K = operators(np.concatenate([[0.0], sigma[: count - 1]]), sigma, crowding)
    others = modes // 2 if warp is None else 1

    def polynomials(x, degree):
        T = chebyshev.chebvander(np.clip(x, -1, 1), degree)
        return T, np.stack([T[:, :degree] @ _derivative(k, degree) for k in range(degree + 1)], axis=1)

    def equation(c, lam, jacobian=False):
        alpha, log = 1 / (1 + lam), np.log1p(t * t)
        q, p, one_minus_q = np.exp(-alpha / 2 * log), np.exp(-log), -np.expm1(-alpha / 2 * log)
        x, slope = (2 * q - 1, 2.0) if warp is None else warp(q)
        T, D = polynomials(x, modes)
        B = one_minus_q[:, None] * T
        yB = (-alpha * (1 - p) * q)[:, None] * (one_minus_q[:, None] * D * np.reshape(slope, (-1, 1)) - T)
        root = np.exp(-log / 2)
        T, D = polynomials(2 * root - 1, others)
        T, D = T[:, 1:], D[:, 1:]
        y_slope = -(1 - p) * root * 2
        yB = np.hstack([yB, (-alpha * (1 - p) * q)[:, None] * -T + (one_minus_q * y_slope)[:, None] * D])
        B = np.hstack([B, one_minus_q[:, None] * T])
        omega = -width * t * np.exp(-(1 + alpha) / 2 * log + B @ c)
        here = t[:count]
        stretching = H @ omega[1:]
        velocity = np.where(here == 0, stretching, K @ omega[1:] / np.where(here == 0, 1, here))
        b, yn = 1 - (1 + alpha) * (1 - p[:count]), yB[:count] @ c
        decay = np.exp(-min(alpha, 1.0) / 2 * log[:count])
        r = ((2 + lam) * p[:count] + (1 + lam + a * velocity) * yn + a * velocity * b - stretching) / decay
        if not jacobian:
            return r
        moved = omega[1:, None] * B[1:]
        dH = H @ moved
        dV = K @ moved / np.where(here == 0, 1, here)[:, None]
        dV[0] = dH[0]
        J = ((1 + lam + a * velocity)[:, None] * yB[:count] + a * dV * (yn + b)[:, None] - dH) / decay[:, None]
        by_lambda = (equation(c, lam + 1e-6) - equation(c, lam - 1e-6)) / 2e-6
        return r, np.concatenate([J, by_lambda[:, None]], axis=1)

    unknowns = modes + 1 + others
    c, lam, damping = np.zeros(unknowns), start, 1e-2
    r = equation(c, lam)
    for iteration in range(120):
        r, J = equation(c, lam, jacobian=True)
        if iteration < frozen:
            J = J[:, :-1]
        scale = np.linalg.norm(J, axis=0)
        U, S, Vt = np.linalg.svd(J / scale, full_matrices=False)
        for _ in range(12):
            change = -(Vt.T @ (S / (S**2 + damping * S[0] ** 2) * (U.T @ r))) / scale
            new_c, new_lam = c + change[:unknowns], lam + (change[-1] if iteration >= frozen else 0.0)
            new = equation(new_c, new_lam) if new_lam > -1 else np.full_like(r, np.inf)
            if np.isfinite(new).all() and new @ new < r @ r:
                break
            damping *= 4
        else:
            break
        gained = new @ new < 0.98 * (r @ r)
        c, lam, r, damping = new_c, new_lam, new, max(damping / 6, 1e-30)
        if not gained and iteration > frozen + 5 and damping < 1e-24:
            break
    return float(lam), float(np.abs(r).max())


def _derivative(k: int, degree: int) -> np.ndarray:
    """T_k′ in T_0 … T_{degree−1}."""
    return np.pad(chebyshev.chebder(np.eye(degree + 1)[k]), (0, degree))[:degree]
