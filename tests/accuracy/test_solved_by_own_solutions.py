"""A hole in a square under operators with constant coefficients, by their own solutions and hardly any waves."""

import numpy as np
import pytest

from benchmarks.pinnacle.holes import Fit
from core.config import parse_config
from tests.training import train

pytestmark = pytest.mark.accuracy

DISK = (0.3, 0.2, 0.3)
SQUARE = {
    "kind": "difference",
    "of": {"kind": "box", "low": [-1, -1], "high": [1, 1]},
    "less": [{"kind": "disk", "centre": list(DISK[:2]), "radius": DISK[2]}],
}


@pytest.mark.parametrize(
    ("equation", "drift", "kappa"),
    [("laplacian(u) = 16*u", (0.0, 0.0), 4.0), ("laplacian(u) = 3*u_x - 4*u_y + 6*u", (1.5, -2.0), 3.5)],
)
def test_one_solve_meets_a_sum_of_solutions_fitted_on_the_boundary(equation, drift, kappa, tmp_path):
    problem = {"kind": "equation", "domain": SQUARE, "fields": ["u"], "equations": [equation],
               "conditions": [{"on": "outer", "that": "u = 0"}, {"on": "hole 1", "that": "u = 1"}]}  # fmt: skip
    local = {"share": 0, "smooth": 0, "digits": 6}
    stage = {"fourier": {"features": 20, "sigma": 2.0, "local": local}, "iterations": 2,
             "optimizer": {"kind": "gauss_newton", "damping": 1e-26, "minimum_damping": 1e-32},
             "collocation": {"points": 600, "sampler": "chebyshev"}}  # fmt: skip
    solution = train(parse_config({"problem": problem, "stages": [stage]}), tmp_path).solution
    fit = Fit(1.0, (DISK,), kappa, around=24, regular=60)
    weights, off = fit.fitted(lambda at: np.where(np.abs(at).max(axis=1) > 1 - 1e-12, 0.0, np.exp(-at @ drift)))
    assert off < 1e-9
    points = np.random.default_rng(3).uniform(-1, 1, (300, 2))
    points = points[np.hypot(*(points - DISK[:2]).T) > DISK[2]]
    wanted = np.exp(points @ drift) * (fit.columns(points) @ weights)
    found = solution.fields_at(points)["u"]
    assert np.linalg.norm(found - wanted) < 1e-6 * np.linalg.norm(wanted)
