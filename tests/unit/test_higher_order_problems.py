"""Equations of third and fourth order: trained to their solutions, by every optimizer, within the memory foreseen."""

import numpy as np
import pytest
import torch

from core import config as configs
from core.config import Fourier, parse_config
from core.networks.layers import fourier
from core.networks.solution import Solution, Term
from core.optimizers.adam import Adam
from core.optimizers.build import build
from core.training import room
from core.training.affine_loss import AffineLoss
from core.training.objective import Objective
from core.training.state import RunState
from tests.higher_order import Beam, KortewegDeVries, Plate
from tests.training import objective


def chebyshev(problem, points):
    unit = torch.quasirandom.SobolEngine(len(problem.coordinates), scramble=True, seed=0).draw(points).double().numpy()
    return problem.collocation(0.5 - 0.5 * np.cos(np.pi * unit))


def sobol(problem, points):
    unit = torch.quasirandom.SobolEngine(len(problem.coordinates), scramble=True, seed=0).draw(points).double().numpy()
    return problem.collocation(unit)


def error_of(solution):
    problem = solution.problem
    low, high = np.array(problem.domain()).T
    x = low + (high - low) * np.random.default_rng(5).random((1000, len(problem.coordinates)))
    exact = problem.exact(x)["u"]
    return np.linalg.norm(solution.evaluate(x)["u"] - exact) / np.linalg.norm(exact)


@pytest.mark.parametrize(
    ("problem", "features", "sigma", "points", "damping", "iterations", "bar"),
    [
        (Beam(), 40, 4.0, chebyshev(Beam(), 200), 1e-26, 1, 1e-13),
        (Plate(), 250, 3.0, chebyshev(Plate(), 800), 1e-26, 1, 1e-11),
        (KortewegDeVries(), 250, (16.0, 16.0, 0.5), sobol(KortewegDeVries(), 700), 1e-12, 4, 5e-6),
    ],
    ids=["beam", "plate", "kdv"],
)
def test_fourier_features_find_the_solution(problem, features, sigma, points, damping, iterations, bar):
    solution = Solution(problem, None)
    generator = torch.Generator().manual_seed(0)
    solution.add(Term(fourier(Fourier(features=features), sigma, problem.inputs, 1, generator), 1.0))
    system = Objective(solution, points)
    optimizer = build(configs.GaussNewton(damping=damping, minimum_damping=1e-32), 0)
    for _ in range(iterations):
        optimizer.iterate(system)
    assert error_of(solution) < bar


def loss(system):
    with torch.no_grad():
        return float(system.residuals().loss())


@pytest.mark.parametrize(
    ("config", "iterations", "gain"),
    [
        (configs.GaussNewton(), 15, 1e-5),
        (configs.Woodbury(), 15, 1e-5),
        (configs.ConjugateGradient(products=12), 4, 1e-2),
        (configs.RankOneEMA(), 20, 1e-2),
        (configs.LBFGS(), 40, 1e-2),
        (configs.SSBroyden(), 40, 1e-2),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_every_optimizer_takes_equations_of_fourth_order(config, iterations, gain):
    system = objective(Beam(waves=1), (10, 10), 40)
    before, optimizer = loss(system), build(config, 0)
    for _ in range(iterations):
        optimizer.iterate(system)
    assert loss(system) < gain * before


def test_adam_takes_equations_of_fourth_order():
    system = objective(Plate(), (8, 8), 60)
    before, adam = loss(system), Adam(system.parameters(), 1e-2)
    for _ in range(60):
        adam.forget_gradients()
        system.residuals().loss().backward()
        adam.step()
    assert loss(system) < 0.5 * before
    assert AffineLoss.of(system) is None, "the compiled kernel goes to second order"


@pytest.mark.parametrize("activation", ["tanh", "sine"])
@pytest.mark.parametrize("problem", [Beam(), Plate(), KortewegDeVries()], ids=lambda problem: problem.kind)
def test_jacobian_and_products_are_autograds(problem, activation):
    system = objective(problem, (6, 5), 9, activation)
    generator = torch.Generator().manual_seed(1)
    network = fourier(Fourier(features=4, hidden=(3,)), 2.0, problem.inputs, 1, generator).requires_grad_(True)
    torch.nn.init.normal_(network.layers[-1].weight, std=0.3, generator=generator)
    for stages in (1, 2):
        if stages == 2:
            system.solution.add(Term(network, 0.1))
            system.forget_frozen()
        _, r, J = system.linearise()
        rows = system.residuals().rows()
        every = [torch.autograd.grad(row, system.parameters(), retain_graph=True) for row in rows]
        expected = torch.stack([torch.cat([part.reshape(-1) for part in parts]) for parts in every])
        close = {"rtol": 1e-9, "atol": 1e-10 * float(expected.abs().max())}
        torch.testing.assert_close(J, expected, **close)
        v = torch.randn(J.shape[1], generator=generator, dtype=torch.float64)
        _, products = system.products()
        torch.testing.assert_close(products.times(v), J @ v, **close)
        torch.testing.assert_close(products.transposed(r), J.T @ r, **close)


def state(problem, network):
    stage = {"optimizer": {"kind": "adam"}, "iterations": 1, "collocation": {"points": 1000}}
    config = parse_config({"problem": {"kind": "poisson2d"}, "network": network, "stages": [stage]})
    config = config.model_copy(update={"problem": problem})
    return RunState(config, torch.device("cpu"), Solution(problem, None), None, lambda: None, print)


@pytest.mark.parametrize("asked", ["gradient", "products", "linearise"])
@pytest.mark.parametrize("problem", [Beam(), Plate()], ids=lambda problem: problem.kind)
def test_the_memory_foreseen_is_what_is_taken(problem, asked):
    run = state(problem, {"hidden": [30, 30]})
    network, how = room.network_like(run), room.arithmetic("float64", run.device)
    foreseen = room.point_bytes(run, network, asked, 3000, how) / room.SLACK
    assert foreseen == pytest.approx(room._measured(run, network, asked, 3000, how, None), rel=0.05)
    if asked != "linearise":
        assert foreseen < 8 * room.COPIES * 3000 * 62 * run.solution.layout.components, "what is small by the widths is"
