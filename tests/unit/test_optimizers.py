"""Every optimizer on a small Poisson problem; products against the dense Jacobian; the automatic choice."""

import numpy as np
import pytest
import torch

from core import config as configs
from core.config import parse_config
from core.errors import ConfigError, NotFiniteError
from core.optimizers.adam import Adam
from core.optimizers.build import build
from core.optimizers.gauss_newton import GaussNewton
from core.optimizers.rows import Whole
from core.optimizers.ssbroyden import update
from core.optimizers.woodbury import Woodbury
from core.problems.beltrami import Beltrami
from core.problems.burgers_profile import BurgersProfile
from core.problems.poisson2d import Poisson2D
from core.training import choose
from core.training.objective import Objective
from core.training.sigma import best_sigma
from tests.training import objective

ALL = [c for c in configs.OPTIMIZERS if c.model_fields["kind"].default not in (*configs.FIRST_ORDER, "auto")]

SHORT = [c() if c is not configs.ConjugateGradient else c(products=15) for c in ALL]


def loss(system):
    with torch.no_grad():
        return float(system.residuals().loss())


def descend(config, iterations, system):
    optimizer = build(config, 0)
    for _ in range(iterations):
        _, report = optimizer.iterate(system)
        assert report.loss == pytest.approx(loss(system), rel=1e-6)
        if not report.accepted:
            break
    return loss(system)


@pytest.mark.parametrize(
    ("config", "iterations", "bar"),
    [
        (configs.GaussNewton(), 40, 1e-8),
        (configs.GaussNewton(guard="geodesic"), 40, 1e-8),
        (configs.GaussNewton(guard="line_search"), 40, 1e-8),
        (configs.GaussNewton(dampings=3), 40, 1e-7),
        (configs.Woodbury(), 40, 1e-8),
        (configs.Woodbury(momentum=0.5), 40, 1e-8),
        (configs.ConjugateGradient(products=40), 5, 1e-4),
        (configs.RankOneEMA(), 30, 1e-4),
        (configs.LBFGS(), 60, 1e-4),
        (configs.SSBroyden(), 60, 1e-5),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_every_optimizer_solves_poisson(config, iterations, bar):
    assert descend(config, iterations, objective(points=80)) < bar


def test_quasi_newton_methods_beat_adam():
    system = objective()
    adam = Adam(system.parameters(), 3e-3)
    for _ in range(30):
        adam.forget_gradients()
        system.residuals().loss().backward()
        adam.step()
    bar = loss(system)
    for config in (configs.LBFGS(), configs.SSBroyden(), configs.RankOneEMA()):
        assert descend(config, 30, objective()) < 0.1 * bar


def test_adam_is_torchs():
    ours, theirs = objective(), objective()
    a = Adam(ours.parameters(), 1e-2)
    b = torch.optim.Adam(theirs.parameters(), lr=1e-2)
    for _ in range(20):
        for system, optimizer in ((ours, a), (theirs, b)):
            for p in system.parameters():
                p.grad = None
            system.residuals().loss().backward()
            optimizer.step()
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("activation", ["tanh", "sine"])
@pytest.mark.parametrize("problem", [Poisson2D(), BurgersProfile(), Beltrami()], ids=lambda p: p.kind)
def test_products_equal_the_dense_jacobian(problem, activation):
    system = objective(problem, hidden=(7, 6), points=30, activation=activation)
    _, r, J = system.linearise()
    _, products = system.products()
    torch.testing.assert_close(products.r, r, rtol=1e-12, atol=1e-14)
    generator = torch.Generator().manual_seed(1)
    v = torch.randn(J.shape[1], generator=generator, dtype=torch.float64)
    w = torch.randn(J.shape[0], generator=generator, dtype=torch.float64)
    torch.testing.assert_close(products.times(v), J @ v, rtol=1e-11, atol=1e-12 * float((J @ v).abs().max()))
    torch.testing.assert_close(products.transposed(w), J.T @ w, rtol=1e-11, atol=1e-12 * float((J.T @ w).abs().max()))


def test_woodbury_step_is_the_gauss_newton_step():
    """(JᵀJ + μI)⁻¹Jᵀ = Jᵀ(JJᵀ + μI)⁻¹."""
    J = torch.randn(12, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    r = torch.randn(12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    steps = []

    def loss_after(step):
        steps.append(step)
        return float((r + J @ step).square().sum())

    assert Woodbury(1e-3, 1e-14, 0.0).step(r, J, loss_after).accepted
    mu = 1e-3 * float(J.square().sum(1).max())
    direct = -torch.linalg.solve(J.T @ J + mu * torch.eye(40, dtype=torch.float64), J.T @ r)
    torch.testing.assert_close(steps[0], direct, rtol=1e-9, atol=1e-12)


def test_self_scaled_update_keeps_the_secant_and_stays_positive():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(6, 6))
    A = A @ A.T + 6 * np.eye(6)
    H, x = np.eye(6), rng.normal(size=6)
    for _ in range(12):
        g = A @ x
        length = (g @ H @ g) / (g @ H @ A @ H @ g)
        s = -length * (H @ g)
        H = update(H, s, A @ s, g, length)
        np.testing.assert_allclose(H @ (A @ s), s, rtol=1e-7, atol=1e-14)
        assert np.linalg.eigvalsh(H).min() > 0
        x = x + s
    assert np.linalg.norm(x) < 1e-6


@pytest.mark.parametrize("config", [configs.Woodbury(momentum=0.5), *SHORT], ids=lambda c: c.kind)
def test_restoring_continues_bit_by_bit(config, tmp_path):
    straight = objective(points=40)
    first = build(config, 3)
    for _ in range(5):
        first.iterate(straight)
    torch.save(first.state(), tmp_path / "state.pt")
    broken = objective(points=40)
    with torch.no_grad():
        for p, q in zip(broken.parameters(), straight.parameters(), strict=True):
            p.copy_(q)
    second = build(config, 3)
    second.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    for _ in range(4):
        first.iterate(straight)
        second.iterate(broken)
    for p, q in zip(broken.parameters(), straight.parameters(), strict=True):
        assert torch.equal(p, q)


def test_auto_says_why(monkeypatch):
    assert choose.choose(objective(points=300), "auto").config.kind == "gauss_newton"
    wide = choose.choose(objective(points=30), "float64")
    assert wide.config.kind == "woodbury"
    assert "30 × 105" in wide.reason
    assert "fewer rows" in wide.reason
    low = choose.choose(objective(), "amp-bf16")
    assert low.config.kind == "adam"
    assert "amp-bf16" in low.reason
    monkeypatch.setattr(Objective, "free_memory", lambda self: 10_000)
    small = choose.choose(objective(), "auto")
    assert small.config.kind == "conjugate_gradient"
    assert "100 × 105" in small.reason


@pytest.mark.parametrize("model", ALL, ids=lambda c: c.__name__)
def test_second_order_refuses_reduced_precision(model):
    kind = model.model_fields["kind"].default
    stage = {"optimizer": {"kind": kind}, "precision": "float32"}
    with pytest.raises(ConfigError, match=f"{kind}, which needs float64"):
        parse_config({"problem": {"kind": "poisson2d"}, "stages": [stage]})


class Broken(Poisson2D):
    """A residual that is NaN on one side of the diagonal."""

    def residuals(self, points, u, x, lam):
        return {"poisson": (x[0].value - x[1].value).sqrt() + u["u"].value}


@pytest.mark.parametrize("model", ALL, ids=lambda c: c.__name__)
def test_nan_in_a_residual_is_named(model):
    with pytest.raises(NotFiniteError, match="residual poisson of Poisson 2D is NaN"):
        build(model(), 0).iterate(objective(Broken()))


def test_columns_without_effect_do_not_disturb():
    J = torch.randn(30, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    J[:, 2] = 0
    J[:, 4] = J[:, 3]
    r = torch.randn(30, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    best = float((r + J @ torch.linalg.lstsq(J, -r[:, None], driver="gelsd").solution[:, 0]).square().sum())

    def loss_after(step):
        return float((r + J @ step).square().sum())

    reports = (
        GaussNewton(1e-10, 1e-32).step(Whole.of(r, J), loss_after),
        Woodbury(1e-8, 1e-14, 0.0).step(r, J, loss_after),
    )
    for report in reports:
        assert report.accepted
        assert report.loss == pytest.approx(best, rel=1e-4)


def test_sigma_is_found_downhill_by_common_factor_and_each_input():
    asked = []

    def left_by(sigma):
        asked.append(sigma)
        x, t = np.log2(sigma)
        return (x - 3) ** 2 + (t + 2) ** 2 if sigma[0] < 100 else float("nan")

    found = np.log2(best_sigma(left_by, (1.0, 1.0), [(0,), (1,)]).sigma)
    np.testing.assert_allclose(found, [3, -2], atol=0.5)
    assert len(asked) == len(set(asked)) < 25


def test_the_search_ends_at_the_first_sigma_that_leaves_only_rounding():
    asked = []
    found = best_sigma(lambda sigma: asked.append(sigma) or (1e-16 if sigma[0] > 3 else 1 / sigma[0]), (1.0, 1.0)).sigma
    assert found == asked[-1]
    assert found[0] > 3
    assert len(asked) == 3


def test_the_search_ends_at_the_bottom_between_its_tries():
    found = best_sigma(lambda sigma: np.exp((np.log2(sigma[0]) - 1.8) ** 2), (1.0,)).sigma
    assert np.log2(found[0]) == pytest.approx(1.8, abs=1e-9)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_sigma_that_leaves_no_number_is_never_chosen(bad):
    found = best_sigma(lambda sigma: bad if sigma[0] > 1.5 else 1 / sigma[0], (1.0,)).sigma
    assert 1.0 <= found[0] <= 1.5
