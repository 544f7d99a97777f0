"""Self-scaled Broyden: a quasi-Newton method that reaches far lower losses than BFGS on PINNs."""

from __future__ import annotations

import math
import warnings

import numpy as np
import torch
from scipy.optimize._linesearch import LineSearchWarning, line_search_wolfe1, line_search_wolfe2

from core.optimizers.report import StepReport


def update(H: np.ndarray, s: np.ndarray, y: np.ndarray, gradient: np.ndarray, length: float) -> np.ndarray:
    """The self-scaled Broyden update of the inverse Hessian (Urbán, Stefanou, Pons, arXiv 2405.04230, section 3).

    Args:
        H: the approximation (n, n) that gave the step s = −length·H·gradient.
        s: step (n,).
        y: change of the gradient (n,), with y·s > 0.
        gradient: before the step (n,).
        length: of the step along −H·gradient.

    Returns:
        (H − Hy yᵀH / yᵀHy + φ v vᵀ)/τ + s sᵀ/(y·s), with φ and τ between those of BFGS and DFP by Al-Baali's rules.
    """
    n = len(s)
    ys = y @ s
    Hy = H @ y
    yHy = y @ Hy
    b = -length * (s @ gradient) / ys
    h = yHy / ys
    a = h * b - 1
    if a > 1e-14:
        c = math.sqrt(a / (a + 1))
        low = min(1.0, h * (1 - c))
        theta = max((low - 1) / a, min(1 / low if low > 0 else math.inf, (1 - b) / b))
    else:
        theta = 0.0
    sigma = 1 + a * theta
    root = sigma ** (-1 / (n - 1)) if n > 1 and sigma > 0 else 1.0
    first = min(1.0, 1 / b)
    tau = first * min(root, 1 / theta) if theta > 0 else min(first * root, sigma)
    phi = (1 - theta) / sigma
    v = math.sqrt(yHy) * (s / ys - Hy / yHy)
    new = (H - np.outer(Hy, Hy) / yHy + phi * np.outer(v, v)) / tau + np.outer(s, s) / ys
    return (new + new.T) / 2


class SSBroyden:
    """Minimises the loss by −H∇ with a strong Wolfe line search; H is a dense matrix (P, P) in float64."""

    def __init__(self):
        self._H: np.ndarray | None = None
        self._last_slope: float | None = None

    def iterate(self, objective):
        """See `Optimizer.iterate`."""
        residuals, loss, gradient = objective.gradient()
        g = gradient.numpy(force=True)
        if self._H is None or len(self._H) != len(g):
            self._H = np.eye(len(g))
        direction = -self._H @ g
        if not g @ direction < 0:
            self._H, direction = np.eye(len(g)), -g
        move = objective.mover()
        known: dict[bytes, tuple[float, np.ndarray]] = {}

        def at(x: np.ndarray) -> tuple[float, np.ndarray]:
            key = x.tobytes()
            if key not in known:
                value = move(torch.as_tensor(x).to(gradient))
                slope = objective.gradient()[2].numpy(force=True) if math.isfinite(value) else np.full_like(g, np.nan)
                known[key] = (value, slope)
            return known[key]

        start = np.zeros_like(g)
        known[start.tobytes()] = (loss, g)
        arguments = (lambda x: at(x)[0], lambda x: at(x)[1], start, direction, g, loss)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LineSearchWarning)  # a failed search is told by its length, None
            length = line_search_wolfe1(*arguments, None, c1=1e-4, c2=0.9)[0]
            if length is None:
                length = line_search_wolfe2(*arguments, None, c1=1e-4, c2=0.9)[0]
        after, slope = at(length * direction) if length is not None else (math.inf, g)
        if not after < loss:
            move(torch.zeros_like(gradient))
            fresh = np.array_equal(self._H, np.eye(len(g)))
            self._H = np.eye(len(g))
            # a matrix gone bad is forgotten once; if even the gradient leads nowhere, this is the end
            return residuals, StepReport(not fresh, loss)
        step, y = length * direction, slope - g
        move(torch.as_tensor(step).to(gradient))
        if y @ step > 0 and y @ self._H @ y > 0:
            self._H = update(self._H, step, y, g, length)
        return residuals, StepReport(True, after, step_norm=float(np.linalg.norm(step)))

    def state(self):
        """See `Optimizer.state`."""
        return {"H": None if self._H is None else torch.as_tensor(self._H)}

    def restore(self, state):
        """See `Optimizer.restore`."""
        self._H = None if state["H"] is None else state["H"].numpy().copy()
