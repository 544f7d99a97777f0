"""Layers beside the ends of coordinates and about their middle: what polynomials of asinh(distance/width) are, where
their nodes lie, and that growth finds them in the solution's own coefficients."""

import math

import numpy as np
import pytest
import torch
from numpy.polynomial.chebyshev import chebval

from core.config import Chebyshev, parse_config
from core.errors import ConfigError
from core.forms import Layout, derivative
from core.jets import TensorSums, chebyshev, chebyshev_sums, coordinates, stack
from core.training.points import collocation
from core.training.stretching import best_layer, positions, read_at

LAYOUT = Layout.of(2, {"xx": derivative(0, 0), "xt": derivative(0, 1), "tt": derivative(1, 1)})


@pytest.mark.parametrize(
    ("parity", "layer"),
    [("all", 0.02), ("all", -0.3), ("all", 1.0), ("all", None), ("even", 0.02), ("odd", 0.3), ("odd", None)],
)
def test_polynomials_read_what_their_nodes_are_even_in(parity, layer):
    position, middle = np.linspace(0, 1, 9), parity != "all"
    np.testing.assert_allclose(positions(read_at(position, layer, middle), layer, middle), position, atol=1e-15)
    grid = np.stack(np.meshgrid(2 * position - 1, [-0.4, 0.7], indexing="ij"), axis=-1).reshape(-1, 2)
    x = stack(coordinates(torch.as_tensor(grid), LAYOUT))
    kinds = ((parity, layer), ("all", None))
    found = chebyshev(x, (5, 3), (), kinds)
    z = 2 * read_at((grid[:, 0] + 1) / 2, layer, middle) - 1
    fourth = {"all": 3, "even": 6, "odd": 7}[parity]
    expected = chebval(z, np.eye(9)[fourth]) * chebval(grid[:, 1], np.eye(3)[2])
    np.testing.assert_allclose(found.value[:, 3 * 3 + 2], expected, atol=1e-13)
    weight = torch.randn(2, 15, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    sums = found.data @ weight.T
    torch.testing.assert_close(chebyshev_sums(x, (5, 3), weight, (), kinds).data, sums, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(TensorSums.of(x, (5, 3), (), kinds)(weight).data, sums, rtol=1e-9, atol=1e-9)
    step = 1e-5
    moved = [
        chebyshev(stack(coordinates(torch.as_tensor(grid + np.array([side, 0])), LAYOUT)), (5, 3), (), kinds).value
        for side in (step, -step)
    ]
    inside = np.abs(grid[:, 0]) < 1
    slope = (moved[0] - moved[1])[inside] / (2 * step)
    torch.testing.assert_close(found.data[1][inside], slope, rtol=1e-4, atol=1e-4)


def heat(layers, **changed):
    stage = {
        "chebyshev": {"degrees": [6, 6, 9], "layers": layers, **changed},
        "optimizer": {"kind": "gauss_newton"},
        "iterations": 1,
        "collocation": {"points": 704, "sampler": "gauss", "shape": [8, 8, 11]},
    }
    return parse_config({"problem": {"kind": "heat2d"}, "stages": [stage]})


def test_gauss_nodes_crowd_into_a_layer():
    config = heat([None, None, 0.01])
    points = collocation(config, config.stages[0], 0, 0)["interior"]
    expected = positions((1 - np.cos(np.pi * (np.arange(11) + 0.5) / 11)) / 2, 0.01)
    np.testing.assert_allclose(np.unique(points[:, 2].round(12)), expected, atol=1e-11)
    assert config.stages[0].chebyshev.words == "6 × 6 × 9 (layer 0.01) Chebyshev polynomials"


@pytest.mark.parametrize(
    ("layers", "changed", "why"),
    [
        ([None, 0.1], {}, "layers: 2 given for the 3 numbers"),
        ([None, None, -0.1], {"parity": ["all", "all", "even"]}, "number 3 is at the upper end alone"),
        ([None, None, 0.0], {}, "is 0"),
        ([None, None, 2.0], {}, "less than or equal to 1"),
    ],
)
def test_layers_that_mean_nothing_are_refused(layers, changed, why):
    with pytest.raises(ConfigError, match=why):
        heat(layers, **changed)


def fitted(function, count, layer=None):
    """Chebyshev coefficients (count, 1) of a function of the position in [0, 1], together of size 1."""
    z = (1 - np.cos(np.pi * (np.arange(count) + 0.5) / count)) / 2
    found = np.polynomial.chebyshev.chebfit(2 * z - 1, function(positions(z, layer)), count - 1)[:, None]
    return found / np.linalg.norm(found)


@pytest.mark.parametrize("end", [1, -1])
@pytest.mark.parametrize("rate", [200, 2000])
def test_what_decays_fast_takes_far_fewer_polynomials_of_a_layer(rate, end):
    def decay(t):
        return np.exp(-rate * (t if end > 0 else 1 - t))

    layer, profile = best_layer(fitted(decay, round(4 * math.sqrt(rate))), None)
    assert math.copysign(1, layer) == end and 1 / abs(layer) < rate
    assert len(profile) < 2.8 * math.sqrt(rate)
    held = fitted(decay, len(profile), layer)[:, 0]
    t = np.linspace(0, 1, 2001)
    scale = np.linalg.norm(np.polynomial.chebyshev.chebfit(
        2 * read_at(positions((1 - np.cos(np.pi * (np.arange(99) + 0.5) / 99)) / 2, layer), layer) - 1,
        decay(positions((1 - np.cos(np.pi * (np.arange(99) + 0.5) / 99)) / 2, layer)), len(profile) - 1))  # fmt: skip
    assert np.abs(chebval(2 * read_at(t, layer) - 1, held) * scale - decay(t)).max() < 10 * profile[-1] + 1e-9
    assert best_layer(fitted(decay, len(profile), layer), layer) is None  # and it stays


@pytest.mark.parametrize("parity", ["odd", "even"])
@pytest.mark.parametrize("width", [0.03, 0.003])
def test_a_steep_middle_takes_far_fewer_polynomials_of_its_layer(parity, width):
    """Of tanh(x/width), or its square, half of [−1, 1] is known."""

    def front(position):
        return np.tanh((2 * position - 1) / width) ** (1 + (parity == "even"))

    def of_layer(count, layer):
        z = (1 - np.cos(np.pi * (np.arange(2 * count) + 0.5) / (2 * count))) / 2
        found = np.polynomial.chebyshev.chebfit(2 * z - 1, front(positions(z, layer, True)), 2 * count - 1)
        return (found[1::2] if parity == "odd" else found[::2])[:, None]

    before = of_layer(round(2.5 / width), None)
    layer, profile = best_layer(before / np.linalg.norm(before), None, parity)
    assert layer < 0.1
    assert len(profile) < 0.5 * len(before)
    after = of_layer(len(profile), layer)
    assert np.abs(after[-1]).max() < 30 * profile[-1] * np.linalg.norm(after)
    for _ in range(3):  # another width now and then, and then it stays
        if (other := best_layer(after / np.linalg.norm(after), layer, parity)) is None:
            break
        layer, profile = other
        after = of_layer(len(profile), layer)
    assert other is None


def test_what_is_smooth_or_not_resolved_has_no_layer():
    assert best_layer(fitted(lambda t: np.exp(-t), 16), None) is None
    assert best_layer(fitted(lambda t: np.exp(-2000 * t), 16), None) is None
    assert best_layer(fitted(lambda t: np.exp(-200 * t), 8), None) is None
    assert Chebyshev(degrees=(3, 3)).kinds is None
