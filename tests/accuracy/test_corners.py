"""A plate of fourth order at a re-entrant corner, with the functions that stand there and without."""

import numpy as np
import pytest

from core.config import parse_config
from core.training.objective import Objective
from tests.training import train

pytestmark = pytest.mark.accuracy

L = {"kind": "polygon", "vertices": [[-1, -1], [1, -1], [1, 0], [0, 0], [0, 1], [-1, 1]]}


def test_a_clamped_plate_with_a_corner_is_solved_with_its_functions_alone(tmp_path):
    problem = {"kind": "equation", "domain": L, "fields": ["u"], "row_weight": 100,
               "equations": ["laplacian(laplacian(u)) = 1"],
               "conditions": [{"on": "boundary", "that": "u = 0; dn(u) = 0"}]}  # fmt: skip
    left = {}
    for name, local in (("with", {"order": 4, "smooth": 2}), ("without", None)):
        stage = {"fourier": {"features": 60, "sigma": 3.0, "local": local}, "iterations": 1,
                 "optimizer": {"kind": "gauss_newton", "damping": 1e-26, "minimum_damping": 1e-32},
                 "collocation": {"points": 400, "sampler": "chebyshev"}}  # fmt: skip
        solution = train(parse_config({"problem": problem, "stages": [stage]}), tmp_path / name).solution
        points = solution.problem.collocation_towards_walls(np.random.default_rng(5).random((150, 2)))
        left[name] = float(Objective(solution, points).residuals().loss().detach())
    assert left["with"] < 1e-2 * left["without"]
