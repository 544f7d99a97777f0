"""Gross–Pitaevskii vortices by shooting from the origin: an independent solver, to hold trained ones against."""

from __future__ import annotations

import math

import numpy as np

ORDER = 36
"""Of the Taylor polynomials that are integrated with."""
START = 0.5
"""Up to here the power series at the origin is used."""
STEP, SHARE = 0.25, 0.2
"""Longest step, and the longest as a share of r, since 0 is a singular point of the equation."""
AT_ONCE = 64
"""Slopes that are shot with at once."""


def shoot(charge: int) -> tuple[float, np.ndarray]:
    """The profile of a charge n ≥ 1, to about 1e-13.

    f″ + f′/r − n²f/r² + (1−f²)f = 0 is integrated from f ~ a·rⁿ, in float64, without any change of variables. Too large
    an a takes f beyond 1, too small a one back to 0: what lies between is halved until there is nothing between.

    Returns:
        a·2ⁿ·n!, which is 1 to 2, as f is nearly this times the Bessel function Jₙ in the core; and rows (r, f, f′), as
        far as the slopes on both sides agree.
    """
    low, high = 1.0, 2.0
    for _ in range(20):
        slopes = np.linspace(low, high, AT_ONCE)
        beyond = np.flatnonzero(_shots(charge, slopes)[0])
        low, high = slopes[beyond[0] - 1], slopes[beyond[0]]
        if high - low <= 4 * np.spacing(low):
            break
    _, path = _shots(charge, np.array([low, high]))
    alike = np.abs(path[:, 1] - path[:, 2]) <= 1e-14
    count = len(path) if alike.all() else int(np.argmin(alike))
    return float(low), path[:count, [0, 1, 3]]


def _shots(n: int, slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether f gets beyond 1 for each slope (m,), and rows (r, f (m), f′ (m)) until all have ended."""
    r = START
    f, df = _at_start(n, slopes)
    beyond, ended = np.zeros(len(slopes), bool), np.zeros(len(slopes), bool)
    path = [np.concatenate([[r], f, df])]
    while not ended.all():
        step = min(STEP, SHARE * r)
        moved = _step(n, r, f, df, step)
        f, df = (np.where(ended, old, new) for old, new in zip((f, df), moved, strict=True))
        r += step
        beyond |= ~ended & (f > 1)
        ended |= (f > 1) | (df < 0)
        path.append(np.concatenate([[r], f, df]))
    return beyond, np.array(path)


def _at_start(n: int, slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """F and f′ (m,) at `START` from f = rⁿ Σ p_k r^{2k}."""
    series = np.zeros((30, len(slopes)))
    series[0] = slopes / (2.0**n * math.factorial(n))
    for k in range(1, len(series)):
        j = k - 1 - n  # the cube's power of r² that meets this one
        square = [np.sum(series[: i + 1] * series[i::-1], axis=0) for i in range(j + 1)]
        cube = sum(square[i] * series[j - i] for i in range(j + 1))
        series[k] = (cube - series[k - 1]) / (4 * k * (k + n))
    powers = n + 2 * np.arange(len(series))[:, None]
    return (series * START**powers).sum(0), (series * powers * START ** (powers - 1.0)).sum(0)


def _step(n: int, r: float, f: np.ndarray, df: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    """F and f′ (m,) one step further, by the Taylor polynomial at r."""
    c = np.zeros((ORDER + 1, len(f)))
    square, bent = np.zeros_like(c), np.zeros((ORDER + 3, len(f)))  # f², and f − f³ from its third row on
    c[0], c[1] = f, df
    for k in range(ORDER - 1):
        square[k] = np.sum(c[: k + 1] * c[k::-1], axis=0)
        bent[k + 2] = c[k] - np.sum(square[: k + 1] * c[k::-1], axis=0)
        forcing = r * r * bent[k + 2] + 2 * r * bent[k + 1] + bent[k]
        known = r * (k + 1) * (2 * k + 1) * c[k + 1] + (k * k - n * n) * c[k] + forcing
        c[k + 2] = -known / (r * r * (k + 2) * (k + 1))
    powers = np.arange(ORDER + 1)[:, None]
    return (c * step**powers).sum(0), (c[1:] * powers[1:] * step ** powers[:-1]).sum(0)
