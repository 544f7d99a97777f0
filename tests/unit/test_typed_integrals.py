"""Integral conditions as typed: what they mean, by which sums they are asked for, and what is refused."""

import numpy as np
import pytest
import torch

from core.config import Fourier, parse_config
from core.errors import ConfigError
from core.jets import coordinates
from core.networks.layers import fourier
from core.networks.solution import Solution, Term
from core.problems.equation import Equation
from core.problems.typed.ansatz import Derivatives
from core.training.affine_loss import AffineLoss
from core.training.objective import Objective
from tests.training import train

COSINES = {
    "coordinates": {"x": [0, 1], "y": [0, 2]},
    "fields": ["u"],
    "equations": ["laplacian(u) = -2*pi^2*u"],
    "exact": {"u": "cos(pi*x)*cos(pi*y)"},
}
ROD = {
    "coordinates": {"x": [0, 1], "t": [0, 1]},
    "time": "t",
    "fields": ["u"],
    "equations": ["u_t = u_xx/10"],
    "exact": {"u": "1 + cos(pi*x)*exp(-pi^2*t/10)"},
}


def typed(base, *conditions, **changes):
    given = [{"on": on, "that": that} for on, that in conditions]
    return {"kind": "equation"} | base | {"conditions": given} | changes


def refused(problem):
    with pytest.raises(ConfigError) as caught:
        parse_config({"problem": problem, "stages": []})
    return str(caught.value)


WALLS = ("boundary", "dn(u) = 0")
ENDS = (("t = 0", "u = 1 + cos(pi*x)"), WALLS)


@pytest.mark.parametrize(
    "where, text, line",
    [
        ("everywhere", "int(u/x) = 0", "the integral of u/x does not settle"),
        ("everywhere", "int(u/(x - 0.3)^2) = 0", "does not settle"),
        ("everywhere", "int(u*sin(1e5*x)) = 0", "changes too fast along x"),
        ("everywhere", "int(u*log(x - 0.5)) = 0", "what is integrated has none at x = "),
        ("everywhere", "int(int(u, x), y) = 0", "an integral within an integral"),
        ("everywhere", "int(u, x, x) = 0", "over one coordinate twice"),
        ("everywhere", "int(u, k) = 0", "no coordinate"),
        ("everywhere", "int(u) = 1", "the exact solution's integral is off by 1"),
        ("everywhere", "int(u, x) = y", "off by 2 at y = "),
        ("(0.5, 0.5)", "int(u) = 0", "nothing is left to integrate over"),
        ("x = 0", "int(u, x) = 0", "nothing is left to integrate over"),
        ("boundary", "int(u, x) = 0", "on the whole boundary"),
        ("everywhere", "u = 0", "no place"),
    ],
)
def test_integrals_that_cannot_be(where, text, line):
    found = refused(typed(COSINES, WALLS, (where, text)))
    assert line in found
    assert "\n" not in found.strip() or "conditions.1" in found


@pytest.mark.parametrize(
    "base, where, text",
    [
        (COSINES, "everywhere", "int(u) = 0"),
        (COSINES, "", "int(u^2 + u_x) = 1/2"),
        (COSINES, "x = 0", "int(u) = 0"),
        (COSINES, "boundary", "int(u) = 0"),
        (COSINES, "boundary", "int(u*dn(u)) + int(u^2) = 1.5*2"),
        (COSINES, "everywhere", "int(u, x) = 0*y"),
        (COSINES, "everywhere", "int(u/sqrt(x))/1e9 = 0"),
        (COSINES, "everywhere", "sqrt(int(u^2)) = int(1/2*where(x < 0.3, 1, 1))/sqrt(2)"),
        (ROD, "everywhere", "int(u) = 1"),
        (ROD, "everywhere", "1/int(u) = 1"),
        (ROD, "everywhere", "int(u*x, x) - int(x*u, x) + int(u, x) = 1"),
        (ROD, "t = 1", "int(u) = 1"),
        (ROD, "x = 0", "int(u, t) = 1 + (1 - exp(-pi^2/10))*10/pi^2"),
    ],
)
def test_the_exact_solution_leaves_nothing_of_an_integral(base, where, text):
    problem = Equation(**typed(base, *(ENDS if base is ROD else (WALLS,)), (where, text)))
    solution = Solution(problem, None)
    points = problem.collocation(np.random.default_rng(0).random((50, 2)))["integral_1"]
    x = coordinates(torch.as_tensor(points), solution.layout)
    u = {"u": Derivatives(problem.system.exact["u"], problem.coordinates)(x)}
    weights = problem.integrals_on("integral_1", points)
    integrands = problem.integrands("integral_1", u, x, None)
    sums = {name: torch.as_tensor(each.matrix) @ integrands[each.field] for name, each in weights.items()}
    asked = len(next(iter(sums.values())))
    fields = {name: jet.first_points(asked) for name, jet in u.items()} | sums
    rows = problem.residuals("integral_1", fields, tuple(jet.first_points(asked) for jet in x), None)
    assert rows["integral_1"].abs().max() < 1e-7


@pytest.mark.parametrize("text", ["int(u) = 0", "int(u^2, x) = 1 + 0*y", "int(u)^2 - u = 1"])
def test_the_jacobian_of_an_integral_is_its_slope(text):
    where = "(0.5, 0.5)" if text.endswith("- u = 1") else "everywhere"
    where = "x = 0" if "- u" in text else where
    problem = Equation(**typed(COSINES | {"exact": {}}, WALLS, (where, text)))
    generator = torch.Generator().manual_seed(0)
    solution = Solution(problem, None)
    solution.add(Term(fourier(Fourier(features=8), 1.0, problem.inputs, 1, generator), 1.0, None))
    layer = solution.networks[-1].layers[-1]
    with torch.no_grad():
        layer.weight.normal_(generator=generator)
    objective = Objective(solution, problem.collocation(np.random.default_rng(0).random((20, 2))))
    _, _, jacobian = objective.linearise()
    step = torch.randn(jacobian.shape[1], generator=generator, dtype=torch.float64)
    mover = objective.mover()
    ahead, behind = mover.rows(1e-5 * step), mover.rows(-1e-5 * step)
    assert torch.allclose((ahead - behind) / 2e-5, jacobian @ step, atol=1e-7)
    mover.move(0 * step)
    _, r, _ = objective.linearise()
    assert torch.allclose(objective.gradient()[2], 2 * jacobian.T @ r, atol=1e-8), "as first-order training sees it"
    _, products = objective.products()
    assert torch.allclose(products.times(step), jacobian @ step, atol=1e-8)
    assert AffineLoss.of(objective) is None


def test_a_mean_fixes_what_walls_leave_open(tmp_path):
    stage = {
        "fourier": {"features": 120, "sigma": 4.0},
        "optimizer": {"kind": "gauss_newton", "damping": 1e-26, "minimum_damping": 1e-32},
        "iterations": 2,
        "collocation": {"points": 500, "sampler": "chebyshev"},
    }
    problem = typed(COSINES | {"equations": ["laplacian(u) = -2*pi^2*cos(pi*x)*cos(pi*y)"]}, WALLS,
                    ("everywhere", "int(u) = 0"))  # fmt: skip
    outcome = train(parse_config({"problem": problem, "stages": [stage]}), tmp_path)
    points = np.random.default_rng(0).random((200, 2)) * [1, 2]
    found = outcome.solution.evaluate(points)["u"]
    assert np.abs(found - Equation(**problem).exact(points)["u"]).max() < 1e-7


def test_it_is_said_by_how_many_points():
    problem = Equation(**typed(ROD, *ENDS, ("everywhere", "int(u) = 1")))
    assert problem.how_conditions_are_met[-1] == (
        "int(u) = 1: asked for at 16 values of t as a sum over 96 Gauss points, beside the equations."
    )
