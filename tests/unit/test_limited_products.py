"""Products of polynomials up to a total degree: which there are, their jets and sums, and what fits by them."""

import numpy as np
import pytest
import torch

from core.config import Chebyshev, orders_of, parse_config, size
from core.errors import ConfigError
from core.forms import Layout, laplacian
from core.jets import Jet, TensorSums, chebyshev, chebyshev_sums, coordinates, limited, limited_sums
from core.networks.layers import polynomials
from core.problems.equation import Equation
from core.runs import RunFolder
from core.training import checkpoint as checkpoints
from core.training.points import collocation
from core.training.train import train

LAYOUT = Layout.of(3, {"laplacian": laplacian(3)})


def products_and_all(degrees, total, circles=()):
    """Limited products, and which of all products they are, with the inputs of both."""
    config = Chebyshev(degrees=degrees, total=total)
    network = polynomials(config, 2, circles)
    orders = orders_of(degrees, circles)
    sums = np.add.outer(np.add.outer(orders[0], orders[1]), orders[2]) if len(orders) == 3 else np.add.outer(*orders)
    return config, network, np.flatnonzero(sums.ravel() <= total)


def inputs(circle):
    points = torch.as_tensor(np.random.default_rng(0).uniform(-1, 1, (7, 3)))
    x, y, z = coordinates(points, LAYOUT)
    jets = [(np.pi * x).cos(), (np.pi * x).sin(), y] if circle else [x, y, z]
    return Jet(torch.stack([jet.data for jet in jets], dim=-1), LAYOUT)


@pytest.mark.parametrize(("degrees", "circles"), [((4, 6, 5), ()), ((7, 5), (0,))])
def test_they_are_those_of_all_products_whose_degrees_add_up_to_no_more(degrees, circles, monkeypatch):
    monkeypatch.setattr("core.jets.in_blocks.AT_ONCE", 200)  # a few points at once
    config, network, kept = products_and_all(degrees, 4, circles)
    features = inputs(bool(circles))
    found, whole = limited(features, network.limited), chebyshev(features, degrees, circles)
    assert found.data.shape[-1] == len(kept) == config.products(circles) == network.layers[0].weight.shape[1]
    assert torch.equal(found.data, whole.data[..., torch.as_tensor(kept)])
    weight = torch.randn(2, len(kept), dtype=torch.float64)
    torch.testing.assert_close(limited_sums(features, network.limited, weight).data, found.data @ weight.T)


def test_their_number_is_known_without_making_them():
    assert Chebyshev(degrees=(9,) * 6, total=8).products(()) == 3003
    assert Chebyshev(degrees=(400,) * 8, total=400).products(()) > 10**15
    assert Chebyshev(degrees=(3, 3)).products(()) == 9


HEAT = {
    "kind": "equation",
    "coordinates": {"a": [-1, 1], "b": [-1, 1], "c": [-1, 1], "t": [0, 1]},
    "time": "t",
    "equations": ["u_t = laplacian(u)/3 - a^2*exp(t)"],
    "conditions": [{"on": "t = 0", "that": "u = a^2"}, {"on": "boundary", "that": "u = (a^2 + 2/3)*exp(t) - 2/3"}],
}


def ball(*conditions, centre=0.0, domain=None):
    """Diffusion in a ball of three dimensions and time, of which exp(r²/2 + t) is a solution."""
    exact = "exp((x^2 + y^2 + z^2)/2 + t)"
    return {
        "kind": "equation",
        "domain": domain or {"kind": "ball", "centre": [centre] * 3, "radius": 1},
        "coordinates": {"x": None, "y": None, "z": None, "t": [0, 1]},
        "time": "t",
        "equations": [f"u_t = laplacian(u)/3 - (x^2 + y^2 + z^2)/3*{exact}"],
        "conditions": [
            {"on": "t = 0", "that": "u = exp((x^2 + y^2 + z^2)/2)"},
            {"on": "boundary", "that": f"u = {exact}"},
            *({"on": "everywhere", "that": each} for each in conditions),
        ],
        "exact": {"u": exact},
    }


EVEN = ("u even in x", "u even in y", "u even in z")


@pytest.mark.parametrize(("conditions", "bar"), [((), 3e-2), (EVEN, 2e-3)])
def test_a_ball_and_time_by_few_products_and_by_as_few_that_are_even(conditions, bar, tmp_path):
    stage = {
        "chebyshev": {"degrees": [5, 5, 5, 5], "total": 4},
        "optimizer": {"kind": "gauss_newton", "damping": 1e-26, "minimum_damping": 1e-32},
        "iterations": 1,
        "collocation": {"points": 300, "sampler": "sobol"},
    }
    config = parse_config({"problem": ball(*conditions), "stages": [stage]})
    outcome = train(config, RunFolder(tmp_path / "run"), say=lambda line: None)
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (200, 4))
    points[:, 3] += 0.5
    found, exact = outcome.solution.fields_at(points)["u"], config.problem.exact(points)["u"]
    assert bar / 100 < np.abs(found - exact).max() < bar
    saved = checkpoints.load(RunFolder(tmp_path / "run").last).solution
    np.testing.assert_array_equal(saved.fields_at(points)["u"], found)
    if conditions:
        np.testing.assert_allclose(outcome.solution.fields_at(points * [-1, 1, 1, 1])["u"], found, rtol=1e-13)


def test_a_symmetry_on_a_domain_needs_one_that_is_its_own_mirror_image():
    assert Equation(**ball(*EVEN)).inputs == 4
    with pytest.raises(ValueError, match="u is even in x; expected values that are even"):  # about the ball's middle
        Equation(**ball(*EVEN, centre=0.25))
    cut = {"kind": "intersection", "parts": [{"kind": "ball", "centre": [0, 0, 0], "radius": 1},
           {"kind": "ball", "centre": [0.8, 0, 0], "radius": 1.3}]}  # fmt: skip
    with pytest.raises(ValueError, match="another at the mirror image"):
        Equation(**ball("u even in x", domain=cut))
    Equation(**ball("u even in y", domain=cut))


def test_a_config_says_its_total_degree_and_others_keep_their_hash():
    stage = {"chebyshev": {"degrees": [5, 5, 5, 5], "total": 4}, "collocation": {"points": 300}}
    config = parse_config({"problem": HEAT, "stages": [stage]})
    assert config.stages[0].chebyshev.total == 4
    assert size(config) > 0
    plain = parse_config({"problem": HEAT, "stages": [stage | {"chebyshev": {"degrees": [5, 5, 5, 5]}}]})
    assert plain.model_dump(mode="json")["stages"][0]["chebyshev"] == {"degrees": [5, 5, 5, 5]}
    assert plain.hash != config.hash
    with pytest.raises(ConfigError, match="total"):
        parse_config({"problem": HEAT, "stages": [stage | {"chebyshev": {"degrees": [5, 5, 5, 5], "total": 0}}]})


@pytest.mark.parametrize("parity", [("even", "odd", "all"), ("odd", "all", "even")])
def test_even_or_odd_ones_alone_are_every_other_of_all_by_themselves_in_products_and_on_grids(parity):
    kinds, degrees = tuple((each, None) for each in parity), (4, 3, 5)
    kept = {"all": slice(0, 5), "even": slice(0, None, 2), "odd": slice(1, None, 2)}
    axes = [np.linspace(-0.9, 0.8, n) for n in (5, 4, 3)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    x = Jet(torch.stack([jet.data for jet in coordinates(torch.as_tensor(grid), LAYOUT)], dim=-1), LAYOUT)
    whole = chebyshev(x, (8, 8, 10)).data.unflatten(2, (8, 8, 10))
    for axis, (count, which) in enumerate(zip(degrees, parity, strict=True)):
        whole = whole.index_select(2 + axis, torch.arange(10)[kept[which]][:count])
    expected = whole.flatten(2)
    torch.testing.assert_close(chebyshev(x, degrees, (), kinds).data, expected)
    weight = torch.randn(2, 60, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    near = {"rtol": 1e-10, "atol": 1e-10}
    torch.testing.assert_close(chebyshev_sums(x, degrees, weight, (), kinds).data, expected @ weight.T, **near)
    torch.testing.assert_close(TensorSums.of(x, degrees, (), kinds)(weight).data, expected @ weight.T, **near)
    config = Chebyshev(degrees=degrees, total=6, parity=parity)
    orders = np.add.outer(np.add.outer(*orders_of(degrees, (), parity)[:2]), orders_of(degrees, (), parity)[2])
    few = np.flatnonzero(orders.ravel() <= 6)
    assert config.products(()) == len(few)
    torch.testing.assert_close(limited(x, polynomials(config, 1).limited).data, expected[..., torch.as_tensor(few)])


def test_parity_is_said_once_for_each_factor_and_read_again_from_a_checkpoint(tmp_path):
    with pytest.raises(ValueError, match="parity: 1 given for the 2 numbers"):
        Chebyshev(degrees=(3, 3), parity=("even",))
    stage = {
        "chebyshev": {"degrees": [3, 3, 4], "parity": ["even", "even", "all"]},
        "optimizer": {"kind": "gauss_newton", "damping": 1e-26, "minimum_damping": 1e-32},
        "iterations": 1,
        "collocation": {"points": 150, "sampler": "gauss", "shape": [5, 5, 6]},
    }
    config = parse_config({"problem": {"kind": "heat2d"}, "stages": [stage]})
    assert all((collocation(config, config.stages[0], 0, 0)["interior"][:, :2] < 0.5).ravel())  # one side tells all
    outcome = train(config, RunFolder(tmp_path))
    (network,) = checkpoints.load(tmp_path / "checkpoints" / "last.pt").solution.networks
    assert network.kinds == (("even", None), ("even", None), ("all", None))
    assert torch.equal(network.layers[0].weight, outcome.solution.networks[0].layers[0].weight)
    assert outcome.records[0].max_residual < 1e-2
