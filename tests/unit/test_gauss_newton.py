"""Levenberg–Marquardt: the damped step, its two solvers, acceptance and the state that continues it."""

import pytest
import torch

from core.optimizers.gauss_newton import DampedSystem, GaussNewton
from core.optimizers.rows import Whole


def system(rows, columns, condition=1.0):
    generator = torch.Generator().manual_seed(3)
    U = torch.linalg.qr(torch.randn(rows, columns, generator=generator, dtype=torch.float64)).Q
    V = torch.linalg.qr(torch.randn(columns, columns, generator=generator, dtype=torch.float64)).Q
    singular = torch.logspace(0, -torch.tensor(condition).log10().item(), columns, dtype=torch.float64)
    return U @ torch.diag(singular) @ V.T, torch.randn(rows, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("damping", [1e-1, 1e-5, 1e-9, 1e-14])
def test_step_solves_the_damped_least_squares(damping):
    J, r = system(40, 12, 1e4)
    damped = DampedSystem(Whole.of(r, J))
    step = damped.step(damping)
    mu = damping * damped.scale
    stacked = torch.cat([J, mu**0.5 * torch.eye(12, dtype=torch.float64)])
    expected = torch.linalg.lstsq(stacked, -torch.cat([r, torch.zeros(12, dtype=torch.float64)])[:, None]).solution[
        :, 0
    ]
    torch.testing.assert_close(step, expected, rtol=1e-6, atol=1e-9 * float(expected.norm()))


def test_small_damping_keeps_the_digits_that_normal_equations_lose():
    J, _ = system(60, 10, 1e9)  # JᵀJ has condition 1e18, beyond float64
    wanted = torch.ones(10, dtype=torch.float64)
    step = DampedSystem(Whole.of(-(J @ wanted), J)).step(1e-24)
    assert float((step - wanted).abs().max()) < 1e-5


def test_fewer_rows_than_columns():
    J, r = system(30, 12)
    J, r = J.T.contiguous(), r[:12]
    step = DampedSystem(Whole.of(r, J)).step(1e-13)
    assert float((J @ step + r).norm()) < 1e-9


def minimise(residual, start, iterations, optimizer):
    theta = start.clone()
    for _ in range(iterations):
        base = theta.clone()

        def loss_after(step, base=base):
            theta.copy_(base + step)
            return float(residual(theta) @ residual(theta))

        report = optimizer.step(Whole.of(residual(theta), torch.func.jacrev(residual)(theta)), loss_after)
    return theta, report


def rosenbrock(t):
    return torch.stack([10 * (t[1] - t[0] ** 2), 1 - t[0]])


def test_rosenbrock():
    start = torch.tensor([-1.2, 1.0], dtype=torch.float64)
    theta, report = minimise(rosenbrock, start, 40, GaussNewton(1e-2, 1e-20))
    torch.testing.assert_close(theta, torch.ones(2, dtype=torch.float64), rtol=0, atol=1e-10)
    assert report.loss < 1e-20


class Counted:
    """Trials of a residual function, counted."""

    def __init__(self, residual, theta):
        self.residual, self.theta, self.base, self.trials = residual, theta, theta.clone(), 0

    def __call__(self, step):
        self.trials += 1
        self.theta.copy_(self.base + step)
        return float(self.residual(self.theta).square().sum())

    def rows(self, step):
        return self.residual(self.base + step)


@pytest.mark.parametrize("options", [{}, {"guard": "geodesic"}, {"guard": "line_search"}, {"dampings": 4}])
def test_guards_reach_the_same_minimum(options):
    theta, optimizer = torch.tensor([-1.2, 1.0], dtype=torch.float64), GaussNewton(1e-2, 1e-20, **options)
    for _ in range(40):
        report = optimizer.step(
            Whole.of(rosenbrock(theta), torch.func.jacrev(rosenbrock)(theta)), Counted(rosenbrock, theta)
        )
    torch.testing.assert_close(theta, torch.ones(2, dtype=torch.float64), rtol=0, atol=1e-9)
    assert report.loss < 1e-18


def test_the_geodesic_step_follows_a_curved_valley():
    """r = exp(θ) − 1, without damping: the step δ = (e^{−θ} − 1), its acceleration −δ², half of it the correction."""
    theta = torch.tensor([0.3], dtype=torch.float64)
    trial = Counted(lambda t: t.exp() - 1, theta)
    plain = torch.expm1(-theta)
    GaussNewton(1e-14, 1e-20, guard="geodesic").step(Whole.of(theta.exp() - 1, theta.exp()[None]), trial)
    torch.testing.assert_close(theta - trial.base, plain - plain**2 / 2, rtol=0.03, atol=0)
    assert abs(float(theta)) < abs(float(trial.base + plain)) / 3


def test_of_several_dampings_the_best_is_taken():
    J, r = torch.eye(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    tried = {}

    def loss_after(step):
        tried[float(step)] = float((1 + step - 0.0).square() if step > -0.9 else torch.tensor(9.0))
        return tried[float(step)]

    report = GaussNewton(1e-2, 1e-20, dampings=5).step(Whole.of(r, J), loss_after)
    assert len(tried) == 5
    assert report.loss == min(tried.values())


def test_no_decrease_restores_the_parameters_and_says_so():
    theta = torch.tensor([1.0], dtype=torch.float64)
    seen = []

    def loss_after(step):
        theta.copy_(torch.tensor([1.0], dtype=torch.float64) + step)
        seen.append(float(step))
        return float("nan")

    one = torch.ones(1, dtype=torch.float64)
    report = GaussNewton(1e-2, 1e-20).step(Whole.of(one, one[None]), loss_after)
    assert not report.accepted
    assert theta.item() == 1.0
    assert seen[-1] == 0.0


def test_continuing_from_a_state_is_the_same_as_going_on():
    start = torch.tensor([-1.2, 1.0], dtype=torch.float64)
    straight, _ = minimise(rosenbrock, start, 12, GaussNewton(1e-2, 1e-20))
    first = GaussNewton(1e-2, 1e-20)
    half, _ = minimise(rosenbrock, start, 5, first)
    second = GaussNewton(1.0, 1e-20)
    second.restore(first.state())
    resumed, _ = minimise(rosenbrock, half, 7, second)
    assert torch.equal(straight, resumed)


def test_an_undamped_step_is_that_of_least_squares_and_its_end_costs_one_trial():
    generator = torch.Generator().manual_seed(0)
    J, r = (torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((9, 4), (9,)))
    wanted = -torch.linalg.lstsq(J, r[:, None]).solution[:, 0]
    assert torch.allclose(DampedSystem(Whole.of(r, J)).step(1e-32), wanted, rtol=1e-12, atol=0)

    trials = []
    optimizer = GaussNewton(1e-32, 1e-32)
    at_minimum = r + J @ wanted
    report = optimizer.step(Whole.of(at_minimum, J), lambda step: trials.append(step) or float(at_minimum @ at_minimum))
    assert not report.accepted and len(trials) == 2  # the step, and back
    assert optimizer.damping.value == 1e-32  # where nothing helps, no damping was too small


def test_an_undamped_step_that_lowers_the_loss_by_its_rounding_alone_is_the_end():
    J, r = system(9, 4)
    r = r - J @ torch.linalg.lstsq(J, r[:, None]).solution[:, 0] + 1e-5 * J[:, 0]
    loss, optimizer = float(r @ r), GaussNewton(1e-32, 1e-32)
    reports = [optimizer.step(Whole.of(r, J), lambda step: loss * (1 - 1e-9 * bool(step.any()))) for _ in range(2)]
    assert [report.accepted for report in reports] == [True, False]  # the first may be one along what was not free
