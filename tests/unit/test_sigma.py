"""What a try of Fourier features is judged by."""

import numpy as np
import torch

from core.config import Fourier
from core.networks.solution import Solution
from core.problems.equation import EXAMPLE, Equation
from core.training.objective import Objective
from core.training.tries import Setting, Tries

BENT = EXAMPLE | {"equations": ["u_t + u*u_x = 3*kappa*u_xx"], "exact": {}}


def test_features_are_judged_by_what_they_leave_of_the_linearised_equation():
    problem = Equation(**BENT)
    solution = Solution(problem, None)
    rng = np.random.default_rng(0)
    points, held_out = (problem.collocation(rng.random((n, 2))) for n in (400, 200))
    with Tries(solution, Setting(Fourier(features=120), points, held_out), 1.0, None, 1e-14, 0) as tries:
        left = tries.left_by((2.0, 2.0))
        solution.replace_last(tries._network((2.0, 2.0)))
        _, r, J = Objective(solution, points).linearise()
        step = torch.linalg.lstsq(J, -r, driver="gelsd", rcond=1e-12).solution
        there = Objective(solution, held_out)
        _, r, J = there.linearise()
        after = there.mover()(step) ** 0.5
    assert left < 20 * float((r + J @ step).norm())
    assert after > 100 * left  # the square of the step, which no features make smaller
