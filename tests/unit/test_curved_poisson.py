"""Poisson's equation on a disk with two holes and on an L, by the domain's distances, points and features."""

import numpy as np
import pytest
import torch

from core import config as configs
from core.config import Fourier
from core.domains import interior
from core.networks.solution import Solution, Term
from core.optimizers.build import build
from core.training.objective import Objective
from tests.curved import InATorus, LShape, TwoHolesByRows, TwoHolesHard, network


def error_after_one_step(problem, points, features):
    solution = Solution(problem, None)
    solution.add(Term(network(problem, *features), 1.0))
    unit = torch.quasirandom.SobolEngine(len(problem.coordinates), scramble=True, seed=0).draw(points).double().numpy()
    optimizer = build(configs.GaussNewton(damping=1e-26, minimum_damping=1e-32), 0)
    optimizer.iterate(Objective(solution, problem.collocation(unit)))
    unit = np.random.default_rng(5).random((2000, len(problem.coordinates)))
    x = problem.shape.interior(unit) if isinstance(problem, InATorus) else interior(problem.shape, unit)
    exact = problem.exact(x)["u"]
    return np.linalg.norm(solution.evaluate(x)["u"] - exact) / np.linalg.norm(exact)


@pytest.mark.parametrize(
    ("problem", "points", "features", "bar"),
    [
        (TwoHolesByRows(), 3500, (Fourier(features=150), 3.0, 60, 1.5), 1e-8),
        (TwoHolesHard(), 3500, (Fourier(features=150), 3.0, 60, 1.5), 3e-8),
        (InATorus(), 2000, (Fourier(features=200), 2.0, 0, 0.0), 1e-5),
        (LShape(), 1200, (Fourier(features=100), 2.5, 0, 0.0), 1e-8),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_one_solve_finds_the_solution(problem, points, features, bar):
    assert error_after_one_step(problem, points, features) < bar


@pytest.mark.parametrize("problem", [TwoHolesByRows, LShape])
def test_without_the_domains_own_features_it_does_not(problem):
    class Plain(problem):
        @property
        def local(self):
            return ()

        def solution(self, x):
            return problem().solution(x)

    assert error_after_one_step(Plain(), 1500, (Fourier(features=250), 4.0, 0, 0.0)) > 1e-4
