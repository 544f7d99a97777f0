"""Problems: exact solutions satisfy their equations, hard constraints hold for any network."""

import numpy as np
import pytest
import torch

from core.config import MLP
from core.networks.jets import Jet, Layout, coordinates
from core.networks.layers import mlp
from core.networks.solution import Solution, Term
from core.problems import CATALOGUE
from core.problems.burgers_profile import BurgersProfile
from core.problems.burgers_viscous import BurgersViscous
from core.problems.poisson2d import Poisson2D
from core.problems.poisson3d import Poisson3D


def random_solution(problem, lam=None):
    solution = Solution(problem, lam)
    generator = torch.Generator().manual_seed(5)
    solution.add(Term(mlp(MLP(hidden=(8, 8)), problem.inputs, problem.outputs, generator), 1.0))
    return solution


@pytest.mark.parametrize("problem", [Poisson2D(), Poisson3D()], ids=lambda p: p.kind)
def test_poisson_exact_solution_solves_the_equation(problem):
    d = len(problem.coordinates)
    points = torch.rand(50, d, dtype=torch.float64)
    layout = Layout.of(d, problem.forms)
    x = coordinates(points, layout)
    u = (x[0] * np.pi).sin()
    for jet in x[1:]:
        u = u * (jet * np.pi).sin()
    np.testing.assert_allclose(u.value.numpy(), problem.exact(points.numpy())["u"], atol=1e-14)
    assert problem.residuals("interior", {"u": u}, x, None)["poisson"].abs().max() < 1e-13


@pytest.mark.parametrize("problem", [Poisson2D(), Poisson3D()], ids=lambda p: p.kind)
def test_poisson_ansatz_vanishes_on_the_boundary(problem):
    points = np.random.default_rng(0).random((64, len(problem.coordinates)))
    points[np.arange(64), np.arange(64) % points.shape[1]] = np.arange(64) % 2
    assert np.abs(random_solution(problem).evaluate(points)["u"]).max() == 0


def test_viscous_burgers_exact_solution():
    problem = BurgersViscous()
    x = np.linspace(-1, 1, 41)
    initial = problem.exact(np.stack([x, np.zeros(41)], 1))["u"]
    np.testing.assert_allclose(initial, -np.sin(np.pi * x), atol=1e-15)
    early = problem.exact(np.stack([x, np.full(41, 1e-9)], 1))["u"]
    np.testing.assert_allclose(early, -np.sin(np.pi * x), atol=1e-7)
    # the steepest slope at the origin, |u_x| = 152.00516 at t = 1.6037/π (Basdevant et al. 1986, table 2)
    h, t = 1e-5, 1.6037 / np.pi
    u = problem.exact(np.array([[-2 * h, t], [-h, t], [h, t], [2 * h, t]]))["u"]
    slope = (u[0] - 8 * u[1] + 8 * u[2] - u[3]) / (12 * h)
    assert abs(-slope - 152.00516) < 2e-4


def test_viscous_burgers_exact_solution_satisfies_the_equation():
    problem = BurgersViscous(viscosity=0.05)
    rng = np.random.default_rng(1)
    points = np.stack([rng.uniform(-0.9, 0.9, 30), rng.uniform(0.1, 0.9, 30)], 1)
    h = 1e-3

    def u(dx=0.0, dt=0.0):
        return problem.exact(points + np.array([dx, dt]))["u"]

    u_t = (u(dt=-2 * h) - 8 * u(dt=-h) + 8 * u(dt=h) - u(dt=2 * h)) / (12 * h)
    u_x = (u(-2 * h) - 8 * u(-h) + 8 * u(h) - u(2 * h)) / (12 * h)
    u_xx = (-u(-2 * h) + 16 * u(-h) - 30 * u() + 16 * u(h) - u(2 * h)) / (12 * h * h)
    np.testing.assert_allclose(u_t + u() * u_x - 0.05 * u_xx, 0, atol=1e-6)


def test_viscous_burgers_ansatz_meets_initial_and_boundary_values():
    solution = random_solution(BurgersViscous())
    x = np.linspace(-1, 1, 21)
    start = solution.evaluate(np.stack([x, np.zeros(21)], 1))["u"]
    np.testing.assert_allclose(start, -np.sin(np.pi * x), atol=1e-15)
    walls = solution.evaluate(np.array([[-1.0, 0.3], [1.0, 0.7]]))["u"]
    np.testing.assert_allclose(walls, 0, atol=1e-15)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_profile_exact_solution_is_the_implicit_one(order):
    problem = BurgersProfile(order=order)
    y = problem.axis(0, 501)[:, None]
    U = problem.exact(y)["U"]
    np.testing.assert_allclose(-U - np.sign(U) * np.abs(U) ** (problem.power + 1), y[:, 0], rtol=1e-13, atol=1e-15)
    assert problem.reference_lambda() == 1 / (2 * order + 2)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_profile_residual_vanishes_for_the_exact_profile(order):
    """The network output that gives the exact profile makes the residual zero, from y = 0.3 to y = 1e4."""
    problem = BurgersProfile(order=order)
    m = problem.power
    y = np.sinh(np.linspace(0.3, 10, 60))
    layout = Layout.of(1, {})
    x = coordinates(torch.as_tensor(y[:, None]), layout)
    lam = torch.full((60,), problem.reference_lambda(), dtype=torch.float64)
    q = problem.compactified(x[0], lam)
    U = torch.as_tensor(problem.exact(y[:, None])["U"])
    slope = -1 / (1 + (m + 1) * U.abs() ** m)  # U′ from y = −U − U^{m+1}
    exact = Jet(torch.stack([U, slope]), layout)
    M = (exact / (x[0] * q) * -1.0 - 1) / (1 - q)
    a = 1 - m * (1 + lam) / problem.scale
    raw = (M - a) / (1 - q)
    fields = problem.ansatz((raw,), x, lam)
    np.testing.assert_allclose(fields["U"].value, U, rtol=1e-12)
    assert problem.residuals("interior", fields, x, lam)["profile"].abs().max() < 1e-10


def test_profile_residual_is_finite_and_decides_lambda_at_the_origin():
    problem = BurgersProfile()
    solution = random_solution(problem, lam=0.45)
    at_origin = solution.evaluate(np.array([[0.0], [1e-9], [1e-4]]))["residual_profile"]
    a = 1 - 2 * 1.45 / problem.scale
    np.testing.assert_allclose(at_origin, (1 - a) * (2 * 0.45 - 1), rtol=1e-6)


@pytest.mark.parametrize("problem", CATALOGUE, ids=lambda c: c.__name__)
def test_every_problem_keeps_the_interface(problem):
    p = problem()
    unit = np.random.default_rng(0).random((16, len(p.coordinates)))
    sets = p.collocation(unit)
    solution = random_solution(p, p.lambda_start())
    for name, points in sets.items():
        assert points.shape[1] == len(p.coordinates)
        for (low, high), column in zip(p.domain(), points.T, strict=True):
            assert low <= column.min()
            assert column.max() <= high
        values = solution.evaluate(points, name)
        assert set(p.fields) <= set(values)
    assert {f"residual_{name}" for name in p.residual_names} <= set(values)
    for i in range(len(p.coordinates)):
        assert (np.diff(p.axis(i, 33)) > 0).all()
    assert p.title
    assert "=" in p.equation
