"""Problems: exact solutions satisfy their equations, hard constraints hold for any network."""

import numpy as np
import pytest
import torch

from core.config import MLP
from core.forms import Layout
from core.jets import Jet, coordinates
from core.networks.layers import mlp
from core.networks.solution import Solution, Term
from core.problems import CATALOGUE
from core.problems.allen_cahn import AllenCahn
from core.problems.allen_cahn_reference import reference
from core.problems.beltrami import Beltrami
from core.problems.boxes import faces
from core.problems.burgers_profile import BurgersProfile
from core.problems.burgers_viscous import BurgersViscous
from core.problems.heat1d import Heat1D
from core.problems.heat2d import Heat2D
from core.problems.heat3d import Heat3D
from core.problems.helmholtz import Helmholtz
from core.problems.poisson2d import Poisson2D
from core.problems.poisson3d import Poisson3D
from core.problems.poisson5d import Poisson5D
from core.problems.poisson5d_cosine import Poisson5DCosine
from core.problems.taylor_green import TaylorGreen
from core.problems.wave import Wave


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


def differences(problem, points, h=1e-3):
    """The exact fields as jets, their derivatives by central differences of fourth order."""
    first = {-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}
    second = {-2: -1 / 12, -1: 4 / 3, 1: 4 / 3, 2: -1 / 12}
    d = len(problem.coordinates)
    layout = Layout.of(d, problem.forms)
    here = problem.exact(points)
    near = {(i, k): problem.exact(points + k * h * np.eye(d)[i]) for i in range(d) for k in first}
    fields = {}
    for name in problem.fields:
        parts = [here[name], *(sum(c * near[i, k][name] for k, c in first.items()) / h for i in range(d))]
        for form in problem.forms.values():
            assert all(i == j for i, j, _ in form)
            terms = (
                c * (-5 / 2 * here[name] + sum(w * near[i, k][name] for k, w in second.items())) for i, _, c in form
            )
            parts.append(sum(terms) / h**2)
        fields[name] = Jet(torch.as_tensor(np.array(parts)), layout)
    return fields, coordinates(torch.as_tensor(points), layout)


EXACT = [
    *(Heat1D(), Heat2D(), Heat3D(diffusivity=0.05), Wave(), Helmholtz(), Helmholtz(a1=2, a2=3, wavenumber=4.0)),
    *(Poisson5D(), Poisson5DCosine(), TaylorGreen(viscosity=0.1), Beltrami(), Beltrami(a=0.5, d=1.5)),
    BurgersViscous(viscosity=0.05, stretch=0.1),
]


@pytest.mark.parametrize("problem", EXACT, ids=lambda p: p.kind)
def test_exact_fields_solve_every_equation(problem):
    low, high = np.array(problem.domain()).T
    points = low + (high - low) * (0.1 + 0.8 * np.random.default_rng(3).random((40, len(low))))
    for name in problem.collocation(np.random.default_rng(4).random((24, len(low)))):
        at = points if name == "interior" else problem.collocation((points - low) / (high - low))[name]
        fields, x = differences(problem, at)
        for key, residual in problem.residuals(name, fields, x, None).items():
            assert residual.abs().max() < 1e-6, (name, key)


@pytest.mark.parametrize("problem", [Heat2D(), Wave(), TaylorGreen(), Beltrami()], ids=lambda p: p.kind)
def test_ansatz_holds_the_initial_value(problem):
    low, high = np.array(problem.domain()).T
    points = low + (high - low) * np.random.default_rng(0).random((50, len(low)))
    points[:, problem.coordinates.index("t")] = 0
    values, exact = random_solution(problem).evaluate(points), problem.exact(points)
    for name in set(problem.fields) - {"p"}:
        np.testing.assert_allclose(values[name], exact[name], atol=1e-13)


@pytest.mark.parametrize("problem", [Heat3D(), Wave(), Helmholtz(), BurgersViscous(stretch=0.01)], ids=lambda p: p.kind)
def test_ansatz_vanishes_on_the_walls(problem):
    space = len(problem.coordinates) - (problem.time is not None)
    points = faces(np.random.default_rng(0).random((60, len(problem.coordinates))), problem.domain(), space)
    assert np.abs(random_solution(problem).evaluate(points)["u"]).max() < 1e-14


def test_stretched_burgers_is_odd():
    points = np.random.default_rng(0).random((40, 2))
    solution = random_solution(BurgersViscous(stretch=0.02))
    right, left = solution.evaluate(points), solution.evaluate(points * [-1, 1])
    np.testing.assert_allclose(right["u"], -left["u"], atol=1e-15)
    np.testing.assert_allclose(right["residual_burgers"], -left["residual_burgers"], atol=1e-10)
    assert solution.evaluate(np.array([[0.0, 0.5]]))["u"] == 0


def test_faces_cover_every_wall():
    points = faces(np.random.default_rng(0).random((12, 3)), ((-1.0, 2.0), (0.0, 3.0), (0.0, 1.0)), 2)
    assert [set(points[rows, axis]) for axis, rows in ((0, [0, 4, 8]), (0, [1, 5]), (1, [2, 6]), (1, [3, 7]))] == [
        *({-1.0}, {2.0}, {0.0}, {3.0})
    ]
    assert len(set(points[:, 2])) == 12


def test_allen_cahn_reference_converges_and_solves_the_equation():
    fine, coarse = reference(1e-3), reference(1e-3, 512, 2000)
    rng = np.random.default_rng(2)
    x, t = rng.uniform(-1, 1, 300), rng.uniform(0.05, 1, 300)
    np.testing.assert_allclose(fine(x, t), coarse(x, t), atol=1e-6)
    inside = np.stack([rng.uniform(-0.8, 0.8, 40), rng.uniform(0.2, 0.9, 40)], axis=1)
    problem = AllenCahn(diffusivity=1e-3)
    fields, at = differences(problem, inside, h=2e-3)
    assert problem.residuals("interior", fields, at, None)["allen_cahn"].abs().max() < 1e-4
    np.testing.assert_allclose(fine(x, 0 * t), x**2 * np.cos(np.pi * x), atol=1e-6)


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
    residuals = set()
    for name, points in sets.items():
        assert points.shape[1] == len(p.coordinates)
        points = points[: p.asked(points)]  # what comes after them is integrated over
        for (low, high), column in zip(p.domain(), points.T, strict=True):
            assert low <= column.min()
            assert column.max() <= high + 1e-12 * (high - low)
        values = solution.evaluate(points, name)
        assert set(p.fields) <= set(values)
        residuals |= {name for name in values if name.startswith("residual_")}
    in_force = {name for name in p.row_names if not name.startswith("data_")}  # a gauge may be a row or an ansatz
    assert in_force <= set(p.residual_names)
    assert residuals == {f"residual_{name}" for name in in_force}
    for i in range(len(p.coordinates)):
        assert (np.diff(p.axis(i, 33)) > 0).all()
    assert p.title
    assert "=" in p.equation
