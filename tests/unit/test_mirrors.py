"""Which coordinates problems are their own mirror image about, and that only what is so counts."""

import pytest
import torch

from core.config import Chebyshev, parse_config
from core.networks.layers import polynomials
from core.networks.solution import Solution, Term
from core.presets import resolve
from core.training.mirrors import parities, read_evenly


@pytest.mark.parametrize(
    ("preset", "found"),
    [
        ("heat2d", ("even", "even", "all")),
        ("typed-heat", ("even", "even", "all")),
        ("helmholtz", ("odd", "odd")),
        ("poisson5d", ("even",) * 5),
        ("wave", None),  # two modes, one even and one odd
        ("burgers-viscous", None),  # what is read is |x| there already
    ],
)
def test_problems_of_the_catalogue_are_seen_by_their_equations_alone(preset, found):
    assert parities(resolve(preset).problem) == found


def typed(source, u0):
    return parse_config(
        {
            "problem": {
                "kind": "equation",
                "coordinates": {"x": [0, 1], "t": [0, 1]},
                "time": "t",
                "equations": [f"u_t = u_xx + {source}"],
                "conditions": [{"on": "t = 0", "that": f"u = {u0}"}, {"on": "boundary", "that": "u = 0"}],
            }
        }
    ).problem


@pytest.mark.parametrize(
    ("source", "u0", "found"),
    [
        ("t", "sin(pi*x)", ("even", "all")),
        ("0", "sin(2*pi*x)", ("odd", "all")),
        ("0*x", "sin(pi*x) + 1e-8*sin(40*pi*x)", None),
        ("x", "0", None),
        ("u^2", "sin(pi*x)", ("even", "all")),
        ("u^2", "sin(2*pi*x)", None),
        ("u^3", "sin(2*pi*x)", ("odd", "all")),
        ("x*u_x", "sin(pi*x)", None),
        ("(x - 0.5)*u_x", "sin(pi*x)", ("even", "all")),
    ],
)
def test_source_start_and_every_coefficient_must_have_the_symmetry(source, u0, found):
    assert parities(typed(source, u0)) == found


def test_a_solution_so_far_that_lacks_it_is_believed():
    problem = typed("u^2", "sin(pi*x)")
    solution, network = Solution(problem, None), polynomials(Chebyshev(degrees=(4, 4)), 1)
    solution.add(Term(network, 1.0))
    with torch.no_grad():
        network.layers[0].weight[0, 8] = 1.0  # T₂ of x
        assert parities(problem, solution) == ("even", "all")
        network.layers[0].weight[0, 4] = 0.3  # T₁
        assert parities(problem, solution) is None


def test_nodes_may_follow_a_layer_where_the_input_is_where_points_are_drawn():
    assert read_evenly(resolve("heat2d").problem) == (True, True, True)
    assert read_evenly(resolve("burgers-viscous").problem) == (True, True)
    assert read_evenly(resolve("allen-cahn").problem)[0] is False  # cos πx, and backwards
