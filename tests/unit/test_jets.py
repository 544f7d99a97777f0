"""Taylor-mode derivatives against nested autograd, and assembled Jacobians against autograd's."""

import math

import numpy as np
import pytest
import torch

from core.config import MLP, Fourier
from core.forms import Layout
from core.jets import Jet, coordinates, stack
from core.networks.layers import fourier, mlp
from core.networks.solution import Solution, Term
from core.problems import CATALOGUE
from core.training.objective import Objective

FORMS = {"laplacian": ((0, 0, 1.0), (1, 1, 1.0)), "xy": ((0, 1, 1.0),), "odd": ((0, 0, 2.0), (0, 1, -3.0), (1, 1, 0.5))}
LAYOUT = Layout.of(2, FORMS)

FUNCTIONS = {
    "sin": lambda x, y: (x * y).sin() * 3 + y,
    "cos": lambda x, y: (x + y * 2).cos() * x,
    "exp": lambda x, y: (x * y * 0.5).exp() - 1,
    "log": lambda x, y: (x * x + y * y + 1).log(),
    "log1p": lambda x, y: (x * x + y * y).log1p(),
    "tanh": lambda x, y: (x * 2 - y).tanh() * y,
    "power": lambda x, y: (x + y) ** 3 + x**1,
    "quotient": lambda x, y: (x + 1.0) / (y * y + 2),
    "mixed signs": lambda x, y: 1 - (2 - x) * (y - 0.5) / 3,
}


def nested(function, points, form):
    """The form Σ c ∂_i∂_j of a function of tensors by differentiating twice."""
    p = points.clone().requires_grad_()
    value = function(p[:, 0], p[:, 1])
    (gradient,) = torch.autograd.grad(value.sum(), p, create_graph=True)
    rows = [torch.autograd.grad(gradient[:, i].sum(), p, retain_graph=True, allow_unused=True)[0] for i in range(2)]
    rows = [torch.zeros_like(p) if row is None else row for row in rows]
    return value, gradient, sum(c * rows[i][:, j] for i, j, c in form)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arithmetic_equals_nested_autograd(name):
    points = torch.rand(20, 2, dtype=torch.float64) + 0.1
    jet = FUNCTIONS[name](*coordinates(points, LAYOUT))
    for key, form in FORMS.items():
        value, gradient, second = nested(FUNCTIONS[name], points, form)
        torch.testing.assert_close(jet.value, value, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(jet.gradient.T, gradient, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(jet.second(key), second, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("activation", ["tanh", "sine", "fourier"])
def test_networks_equal_nested_autograd(activation):
    generator = torch.Generator().manual_seed(1)
    if activation == "fourier":
        network = fourier(Fourier(features=7, hidden=(5,)), 2.0, 2, 1, generator)
        torch.nn.init.normal_(network.layers[-1].weight)
    else:
        network = mlp(MLP(hidden=(9, 8), activation=activation), 2, 1, generator)
    points = torch.rand(15, 2, dtype=torch.float64)
    outputs = network(stack(coordinates(points, LAYOUT)))
    jet = Jet(outputs.data[..., 0], LAYOUT)
    for key, form in FORMS.items():
        value, gradient, second = nested(lambda x, y: by_autograd(network, x, y), points, form)
        torch.testing.assert_close(jet.value, value, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(jet.gradient.T, gradient, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(jet.second(key), second, rtol=1e-12, atol=1e-11)


def by_autograd(network, x, y):
    """The same network in ordinary tensor operations."""
    a = torch.stack([x, y], dim=-1)
    if network.basis is not None:
        a = torch.cat([(a @ network.basis.T).cos(), (a @ network.basis.T).sin()], dim=-1)
    function = torch.sin if network.activation == "sine" else torch.tanh
    for layer in network.layers[:-1]:
        a = function(a @ layer.weight.T + layer.bias)
    return (a @ network.layers[-1].weight.T + network.layers[-1].bias)[:, 0]


@pytest.mark.parametrize("problem", CATALOGUE, ids=lambda c: c.__name__)
@pytest.mark.parametrize("stages", [1, 2])
def test_assembled_jacobian_equals_autograd(problem, stages):
    problem = problem()
    solution = Solution(problem, 0.45 if problem.has_lambda else None)
    generator = torch.Generator().manual_seed(0)
    solution.add(Term(mlp(MLP(hidden=(6, 5)), problem.inputs, problem.outputs, generator), 1.0))
    if stages == 2:
        network = fourier(Fourier(features=4, hidden=(3,)), 3.0, problem.inputs, problem.outputs, generator)
        torch.nn.init.normal_(network.layers[-1].weight, std=0.3)
        solution.add(Term(network, 0.1))
    if solution.lam is not None:
        solution.lam.requires_grad_(True)
    points = problem.collocation(np.random.default_rng(0).random((11, len(problem.coordinates))) * 0.5)
    objective = Objective(solution, points)
    residuals, r, J = objective.linearise()
    direct = objective.residuals()
    torch.testing.assert_close(torch.cat(list(direct.by_name.values())), torch.cat(list(residuals.by_name.values())))
    assert math.isclose(direct.loss().item(), float(r @ r), rel_tol=1e-12)
    rows = torch.cat([value / math.sqrt(len(value)) for value in direct.by_name.values()])
    expected = torch.stack(
        [
            torch.cat([g.reshape(-1) for g in torch.autograd.grad(row, objective.parameters(), retain_graph=True)])
            for row in rows
        ]
    )
    torch.testing.assert_close(J, expected, rtol=1e-9, atol=1e-10 * float(expected.abs().max()))
