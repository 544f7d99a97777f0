"""What solutions of fourth order do at corners, and layers beside a boundary."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from core.domains.layers import layers, points_in_layers
from core.domains.local_features import CornerFeatures
from core.domains.regions import region
from core.domains.wedges import Wedge, solutions
from core.forms import biharmonic
from core.jets import Layout, coordinates
from core.problems.equation import Equation

CLAMPED, SUPPORTED, EVEN = (0, 1), (0, 2), (1, 3)
L = {"kind": "polygon", "vertices": [[-1, -1], [1, -1], [1, 0], [0, 0], [0, 1], [-1, 1]]}
LAMBDA = 1.544483736782464  # sin(1.5π(λ−1)) = −(λ−1) sin 1.5π


def corner(angle, depth=None):
    half = angle / 2
    return CornerFeatures("a", (0.2, -0.1), angle, (math.cos(half), math.sin(half)), 1.5, depth)


@pytest.mark.parametrize(
    "angle, after, before, expected",
    [
        (1.5, CLAMPED, CLAMPED, [1.544484, 1.908529, 2.629257 + 0.231251j]),
        (0.5, CLAMPED, CLAMPED, [3.739593 + 1.119025j]),  # Moffatt's eddies
        (1.5, SUPPORTED, SUPPORTED, [4 / 3, 4 / 3, 8 / 3, 8 / 3, 10 / 3]),
        (0.75, CLAMPED, EVEN, [1.544484]),  # half of a corner of 270 degrees
        (0.5, CLAMPED, EVEN, []),  # half of a straight wall
    ],
)
def test_exponents_are_those_that_are_known(angle, after, before, expected):
    found = [each.exponent for each in solutions(angle * math.pi, after, before, 6.0)]
    assert found[: len(expected)] == pytest.approx(expected, abs=1e-6) and bool(found) == bool(expected)


@pytest.mark.parametrize("angle", [1.2, 1.6, 1.79, 1.95])
def test_no_real_exponent_is_missed(angle):
    first = 1 / angle  # of supported sides they are known: those of sines, and the same beside r²
    every = {sign * n * first + 2 * beside for n in range(1, 13) for beside, sign in ((0, 1), (1, 1), (1, -1))}
    known = sorted(each for each in every if 1 < each <= 6 and abs(each - round(each)) > 1e-3)
    found = [each.exponent.real for each in solutions(angle * math.pi, SUPPORTED, SUPPORTED, 6.0)]
    assert sorted(found) == pytest.approx(known, abs=1e-5)


@pytest.mark.parametrize("angle", [0.75, 1.25, 1.5, 2.0])
@pytest.mark.parametrize("after, before", [(CLAMPED, CLAMPED), (SUPPORTED, SUPPORTED), (SUPPORTED, CLAMPED)])
def test_functions_of_a_corner_are_of_size_one_and_independent(angle, after, before):
    of = dataclasses.replace(corner(angle * math.pi), place=(0.0, 0.0))
    turn = math.atan2(of.towards[1], of.towards[0]) - of.angle / 2
    r, share = np.random.default_rng(3).random((2, 300))
    theta = turn + share * of.angle
    functions = Wedge(of, after, before).functions((r * np.cos(theta), r * np.sin(theta)), 6.0)
    sizes = np.linalg.norm(functions, axis=1)
    assert np.abs(functions).max(axis=1).min() > 0.01
    assert np.linalg.matrix_rank(functions / sizes[:, None], tol=1e-9) == len(functions)


def test_corners_functions_do_not_change_with_time():
    of = Equation.model_validate({
        "kind": "equation", "domain": L, "fields": ["u"], "time": "t",
        "coordinates": {"x": [-1, 1], "y": [-1, 1], "t": [0, 1]}, "equations": ["u_t + laplacian(laplacian(u)) = 1"],
        "conditions": [{"on": "boundary", "that": "u = 0; dn(u) = 0"}, {"on": "t = 0", "that": "u = 0"}]})  # fmt: skip
    x = coordinates(torch.tensor([[-0.3, 0.2, 0.4]], dtype=torch.float64), Layout.of(3, of.forms))
    for place, *_ in of.functions:
        assert of.features(x, None)[place].first(2).item() == 0


@pytest.mark.parametrize("depth", [None, 0.8])
def test_functions_are_biharmonic_and_their_derivatives_true(depth):
    of = Wedge(corner(1.5 * math.pi, depth), CLAMPED, CLAMPED)
    points = torch.tensor([[-0.1, 0.25], [0.5, 0.4], [-0.3, -0.4]], dtype=torch.float64)
    jets = of.functions(coordinates(points, Layout.of(2, {"twice": biharmonic(2)})), 6.0)
    assert len(jets) == len(of.exponents(6.0)) == 15
    values = lambda at: np.array(of.functions(tuple(at.numpy().T), 6.0))  # noqa: E731
    assert np.allclose([each.value.numpy() for each in jets], values(points), rtol=0, atol=1e-14)
    for k in range(2):
        step = torch.zeros(2, dtype=torch.float64)
        step[k] = 1e-5
        slope = (values(points + step) - values(points - step)) / 2e-5
        assert np.allclose([each.first(k).numpy() for each in jets], slope, atol=1e-8)
    assert max(each.form("twice").abs().max() for each in jets) < 1e-12


def test_they_meet_the_conditions_of_both_sides():
    of = Wedge(corner(1.5 * math.pi), CLAMPED, CLAMPED)
    s = torch.linspace(0.1, 0.9, 5, dtype=torch.float64)
    sides = torch.cat([torch.stack([0.2 + s, -0.1 + 0 * s], 1), torch.stack([0.2 + 0 * s, -0.1 - s], 1)])
    for each in of.functions(coordinates(sides, Layout.of(2, {"twice": biharmonic(2)})), 6.0)[1:]:
        assert each.data[:3].abs().max() < 1e-9


def test_at_the_corner_itself_they_have_values():
    of = Wedge(corner(1.5 * math.pi), CLAMPED, CLAMPED)
    assert np.isfinite(of.functions((np.array([0.2]), np.array([-0.1])), 6.0)).all()


def channel(**changes):
    return Equation.model_validate({
        "kind": "equation", "fields": ["u"], "layers": {"right": 0.02}, "equations": ["u_x = 0.01*laplacian(u)"],
        "domain": {"kind": "box", "low": [0, 0], "high": [2, 1], "sides": ["left", "right", "floor", "roof"]},
        "conditions": [{"on": "boundary", "that": "u = 0"}]} | changes)  # fmt: skip


def test_a_layer_has_an_input_a_block_and_points_of_its_own():
    of = channel()
    x = coordinates(torch.tensor([[2.0, 0.5], [1.98, 0.1], [0.0, 0.2]], dtype=torch.float64), Layout.of(2, of.forms))
    (place, *rest) = of.blocks[0].places
    assert rest == [0, 1] and place == 2
    assert of.features(x, None)[place].value.tolist() == pytest.approx(np.arcsinh([0, 1, 100]).tolist())
    unit = np.random.default_rng(0).random((400, 2))
    near = lambda points: (points["interior"][:, 0] > 1.95).mean()  # noqa: E731
    with_layer, without = (near(each.collocation_towards_walls(unit)) for each in (of, channel(layers=None)))
    assert without < 0.1 < with_layer and of.contains(of.collocation_towards_walls(unit)["interior"]).all()
    first = of.collocation_towards_walls(unit)["interior"][:100, 0]
    assert (first > 1.95).mean() < 0.1  # rows of other sets take the first ones, and are not about the layer alone


def test_points_of_layers_are_few_beside_all():
    of = region(channel().shape)
    own = layers(of.domain, dict.fromkeys(of.names, 0.01))
    lots = np.random.default_rng(1).random((200, 3))
    found = points_in_layers(own, lambda unit, name: of.boundary(unit, [name]), of.contains, lots)
    assert len(own) == 4 and 40 < len(found) <= 80


def test_a_corner_has_surroundings_that_are_followed_in_both_directions():
    of = channel(layers={"right and roof": 0.1})
    (block,) = of.blocks
    at = torch.tensor([[2.0, 1.0], [1.9, 1.0]], dtype=torch.float64)
    inputs = [of.features(coordinates(at, Layout.of(2, of.forms)), None)[place].value for place in block.places]
    assert block.places == (2, 3) and torch.stack(inputs)[:, 0].abs().max() == 0
    assert torch.stack(inputs)[:, 1].abs().tolist() == pytest.approx([np.arcsinh(0.5**0.5)] * 2)
    points = of.collocation_towards_walls(np.random.default_rng(0).random((400, 2)))["interior"]
    assert of.contains(points).all() and (np.linalg.norm(points - (2, 1), axis=1) < 0.5).sum() > 20


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"layers": {"top": 0.1}}, "no boundary 'top'.*floor, right, roof, left, and corners such as"),
        ({"domain": None, "coordinates": {"x": [0, 1], "y": [0, 1]}}, "domains in the plane"),
        ({"layers": {"right": 0}}, "greater than 0"),
    ],
)
def test_what_is_wrong_with_layers_is_said(changes, said):
    with pytest.raises(ValueError, match=said):
        channel(**changes)


def test_layers_written_in_another_order_are_the_same():
    there, back = (channel(layers=dict(each)).compiled.local.layers for each in
                   ((("right", 0.02), ("left", 0.1)), (("left", 0.1), ("right", 0.02))))  # fmt: skip
    assert [each.name for each in there] == [each.name for each in back]


def test_layers_are_part_of_what_a_problem_is():
    assert channel().compiled is not channel(layers={"right": 0.1}).compiled
    assert not channel().continues(channel(layers={"right": 0.1}))
    assert "layers" not in channel(layers=None).model_dump(by_alias=True)


def test_a_corner_has_its_functions_for_the_order_of_each_field():
    of = Equation.model_validate({
        "kind": "equation", "domain": L, "fields": ["u"], "equations": ["laplacian(laplacian(u)) = 1"],
        "conditions": [{"on": "boundary", "that": "u = 0; dn(u) = 0"}]})  # fmt: skip
    exponents = [each.exponent for each in of.functions]
    assert min(exponents) == pytest.approx(LAMBDA) and dataclasses.asdict(of.compiled.local.corners[0].wedge)
