"""Domains: measures, points, boundaries, smooth distances and features, and what is no domain."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from core.domains import (
    Annulus,
    Ball,
    Box,
    Difference,
    Disk,
    Ellipse,
    Intersection,
    Polygon,
    Union,
    boundary,
    boundary_names,
    corners,
    distance,
    distance_to,
    factor,
    images,
    interior,
    local_features,
    measure,
    outline,
    parse_domain,
    remarks,
)  # fmt: skip
from core.domains.arithmetic import points_of
from core.errors import LabError

L_SHAPE = Polygon(vertices=((-1, -1), (1, -1), (1, 1), (0, 1), (0, 0), (-1, 0)))
L_OF_BOXES = Union(parts=(Box(low=(-1, -1), high=(1, 0)), Box(low=(0, 0), high=(1, 1))))
TWO_HOLES = Difference(of=Disk(centre=(0, 0), radius=1),
                       less=(Disk(centre=(0.4, 0.1), radius=0.2), Disk(centre=(-0.4, -0.2), radius=0.15)))  # fmt: skip
NOTCHED = Difference(of=Box(low=(0, 0), high=(2, 1)), less=(Disk(centre=(1, 1), radius=0.5),))
LENS = Intersection(parts=(Disk(centre=(0, 0), radius=1), Disk(centre=(1, 0), radius=1)))
FRAME = Polygon(vertices=((0, 0), (0, 3), (3, 3), (3, 0)), holes=(((1, 1), (2, 1), (2, 2), (1, 2)),))
TILTED = Ellipse(centre=(1, 2), semi_axes=(2, 1), angle=30)
STAIRS = Union(parts=(Box(low=(0,), high=(1,)), Box(low=(2,), high=(3,))))
SHELL = Annulus(centre=(0, 0, 0), inner=0.5, outer=1)
DRILLED = Difference(of=Box(low=(0, 0, 0), high=(1, 1, 1)), less=(Ball(centre=(0.5, 0.5, 0.5), radius=0.3),))
DOMED = Union(parts=(Box(low=(-1, -1, -1), high=(1, 1, 0)), Ball(centre=(0, 0, 0), radius=0.8)))

MEASURES = {
    "L": (L_SHAPE, 3), "L of boxes": (L_OF_BOXES, 3), "two holes": (TWO_HOLES, math.pi * (1 - 0.04 - 0.0225)),
    "notched": (NOTCHED, 2 - math.pi / 8), "lens": (LENS, 2 * math.pi / 3 - math.sqrt(3) / 2), "frame": (FRAME, 8),
    "ellipse": (TILTED, 2 * math.pi), "intervals": (STAIRS, 2), "shell": (SHELL, 4 / 3 * math.pi * 7 / 8),
    "drilled": (DRILLED, 1 - 4 / 3 * math.pi * 0.027), "domed": (DOMED, 4 + 2 / 3 * math.pi * 0.512),
}  # fmt: skip
EVERY = pytest.mark.parametrize("name", MEASURES)
PLANE = pytest.mark.parametrize("name", [name for name, (domain, _) in MEASURES.items() if domain.dimension == 2])


def unit(domain, n=2000, seed=0):
    return np.random.default_rng(seed).random((n, domain.dimension))


def away_from_corners(domain, at, by):
    near = [np.linalg.norm(at - corner.at, axis=1) for corner in corners(domain)] if domain.dimension == 2 else []
    return np.min([np.full(len(at), np.inf), *near], axis=0) > by


@EVERY
def test_length_area_and_volume(name):
    domain, exact = MEASURES[name]
    assert measure(domain) == pytest.approx(exact, rel=2e-4 if name == "domed" else 1e-14)


@EVERY
def test_points_are_inside_even_and_the_same_again(name):
    domain, exact = MEASURES[name]
    points = interior(domain, unit(domain, 4000))
    assert len(points) == 4000 and domain.contains(points).all()
    assert (points == interior(domain, unit(domain, 4000))).all()
    assert not (points == interior(domain, unit(domain, 4000, seed=1))).all()
    # in each of some balls about points of the domain there are as many as its share of the volume
    dimension = domain.dimension
    radius = 0.1 * domain.size
    ball = {1: 2, 2: math.pi, 3: 4 / 3 * math.pi}[dimension] * radius**dimension
    inner = points[distance(domain, tuple(points.T)) > 1.3 * radius][:5]
    for middle in inner:
        share, count = ball / exact, (np.linalg.norm(points - middle, axis=1) < radius).sum()
        assert abs(count - 4000 * share) < 5 * math.sqrt(4000 * share)
    assert (abs(points.mean(axis=0) - interior(domain, unit(domain, 20000, 3)).mean(axis=0)) < 0.05 * domain.size).all()


@EVERY
def test_the_boundary_with_its_normals_is_where_the_distance_vanishes_with_slope_one(name):
    domain, _ = MEASURES[name]
    on = boundary(domain, unit(domain))
    step = 1e-5 * domain.size
    assert np.abs(np.linalg.norm(on.normals, axis=1) - 1).max() < 1e-12
    assert np.abs(distance(domain, tuple(on.points.T))).max() < 1e-12
    assert np.abs(factor(domain, tuple(on.points.T))).max() < 1e-12
    smooth = away_from_corners(domain, on.points, 0.02)
    at, normal = on.points[smooth], on.normals[smooth]
    for side in (-1, 1):
        slope = distance(domain, tuple((at + side * step * normal).T)) / (-side * step)
        assert np.quantile(np.abs(slope - 1), 0.95) < 1e-2
    assert domain.contains(at - step * normal).all() and not domain.contains(at + step * normal).any()


@EVERY
def test_signs_of_the_distance(name):
    domain, _ = MEASURES[name]
    box = domain.box()
    around = box.mean(axis=1) + (unit(domain, 4000) - 0.5) * 1.5 * np.ptp(box, axis=1)
    assert ((distance(domain, tuple(around.T)) > 0) == domain.contains(around)).all()
    assert (factor(domain, tuple(around[domain.contains(around)].T)) > 0).all()


@PLANE
def test_each_boundary_by_itself(name):
    domain, _ = MEASURES[name]
    for own in boundary_names(domain):
        on = boundary(domain, unit(domain, 500), on=own)
        assert on.on(own).all()
        assert np.abs(distance_to(domain, own, tuple(on.points.T))).max() < 1e-12
        for other in set(boundary_names(domain)) - {own}:
            there = boundary(domain, unit(domain, 500), on=other).points
            there = there[away_from_corners(domain, there, 0.02)]
            assert distance_to(domain, own, tuple(there.T)).min() > 1e-3
    with pytest.raises(LabError, match="no boundary 'lid'; it has outer"):
        distance_to(domain, "lid", (np.zeros(1), np.zeros(1)))
    with pytest.raises(LabError, match="no boundary 'lid'"):
        boundary(domain, unit(domain), on="lid")


def _differences(function, points, h=1e-3):
    def at(dx, dy):
        return function(tuple((points + np.array([dx, dy])).T))

    def bend(dy):
        return (at(h, dy) + at(-h, dy) - 2 * at(0, dy)) / h**2

    laplacian = (at(h, 0) + at(-h, 0) + at(0, h) + at(0, -h) - 4 * at(0, 0)) / h**2
    return (at(h, 0) - at(-h, 0)) / (2 * h), laplacian, (bend(h) - bend(-h)) / (2 * h)


@PLANE
def test_derivatives_as_jets(name):
    import torch

    from core.forms import Layout, derivative, laplacian
    from core.jets import coordinates

    domain, _ = MEASURES[name]
    points = interior(domain, unit(domain, 300))
    points = points[distance(domain, tuple(points.T)) > 0.04 * domain.size]
    x = coordinates(torch.tensor(points), Layout.of(2, {"laplacian": laplacian(2), "xxy": derivative(0, 0, 1)}))
    functions = [lambda x: distance(domain, x), lambda x: factor(domain, x),
                 lambda x: distance_to(domain, boundary_names(domain)[-1], x)]  # fmt: skip
    for local in local_features(domain, every_corner=True):
        functions += [lambda x, local=local, k=k: local.functions(x)[k] for k in range(len(local.functions(x)))]
        if local.kind == "hole":
            functions += [lambda x, local=local, k=k: local.inputs(x)[k] for k in range(2)]
    for function in functions:
        jet, value = function(x), function(tuple(points.T))
        assert np.abs(jet.value.numpy() - value).max() < 1e-13
        slope, curved, third = _differences(function, points)
        for mine, other in ((jet.first(0), slope), (jet.form("laplacian"), curved), (jet.form("xxy"), third)):
            assert np.abs(mine.numpy() - other).max() < 5e-3 * (1 + np.abs(other).max())


def test_what_is_taken_as_a_factor_is_as_smooth_as_the_boundary_lets_it_be():
    square = Box(low=(0, 0), high=(2, 1))
    x = tuple(interior(square, unit(square, 100)).T)
    product = x[0] * (2 - x[0]) * x[1] * (1 - x[1])
    assert np.ptp(factor(square, x) / product) < 1e-11
    middle = (np.array([0.1, -0.9]), np.array([-0.1, -0.5]))  # near the corner, where x and y change sign
    assert (factor(L_SHAPE, middle) > 1e-3).all()
    only = factor(L_SHAPE, (np.array([1.0]), np.array([0.3])), "outer")
    assert abs(only[0]) < 1e-14


def test_corners_are_found_whatever_a_domain_is_made_of():
    for domain in (L_SHAPE, L_OF_BOXES):
        local = local_features(domain)
        assert [each.kind for each in local] == ["corner"]
        assert local[0].place == (0, 0) and local[0].angle == pytest.approx(1.5 * math.pi)
        assert len(corners(domain)) == 6 and len(local_features(domain, every_corner=True)) == 6
    mirrored = Polygon(vertices=L_SHAPE.vertices[::-1])
    assert {corner.at for corner in corners(mirrored)} == {corner.at for corner in corners(L_SHAPE)}
    house = Union(parts=(Box(low=(0, 0), high=(2, 1)), Disk(centre=(1, 1), radius=0.5)))
    at = sorted(each.place for each in local_features(house))
    assert np.abs(np.array(at) - [[0.5, 1], [1.5, 1]]).max() < 1e-12


@pytest.mark.parametrize("degrees", [30, 90, 135, 180.5, 240, 300, 350])
def test_functions_of_a_corner_vanish_on_both_of_its_sides(degrees):
    import torch

    from core.forms import Layout, laplacian
    from core.jets import coordinates

    angle = math.radians(degrees)
    turns = np.linspace(0.3, 0.3 + angle, 8)
    wedge = Polygon(vertices=((0, 0), *((math.cos(t), math.sin(t)) for t in turns)))
    corner = next(each for each in local_features(wedge, every_corner=True) if each.place == (0, 0))
    assert corner.angle == pytest.approx(angle)
    r = np.array([0.2, 0.7])
    for turn, theta in ((turns[0], 0), (turns[-1], angle)):
        side = (r * math.cos(turn), r * math.sin(turn))
        assert np.abs(corner.polar(side)[1] - theta).max() < 1e-12
        for function in corner.functions(side, 3):
            if abs(3 * math.pi / angle - round(3 * math.pi / angle)) > 1e-3:
                assert np.abs(function).max() < 1e-11
    points = torch.tensor(interior(wedge, unit(wedge, 200)))
    points = points[(points**2).sum(1) > 0.01]
    x = coordinates(points, Layout.of(2, {"laplacian": laplacian(2)}))
    for function in corner.functions(x, 2) + corner.functions(x, 2, neumann=True):
        assert function.form("laplacian").abs().max() < 1e-9 * (1 + function.gradient.abs().max() * 100)


def test_a_corner_of_a_hole_is_cut_open_inside_the_hole():
    for corner in [each for each in local_features(FRAME) if each.kind == "corner"]:
        turn = np.linspace(0, 2 * math.pi, 400)
        round_the_hole = 1.5 + np.cos(turn), 1.5 + np.sin(turn)
        assert 0 < corner.depth < 1
        for function in corner.functions(round_the_hole, 2):
            assert np.abs(np.diff(function)).max() < 0.05
        near = np.array(corner.place) + 1e-9 * np.array(corner.towards)
        r, theta = corner.polar(tuple(near[:, None]))
        assert r[0] * corner.size == pytest.approx(1e-9, rel=1e-6) and theta[0] == pytest.approx(0.75 * math.pi)


def test_holes_near_straight_walls_have_images():
    less = tuple(Disk(centre=(x, y), radius=0.1) for x in (-0.3, 0.3) for y in (-0.3, 0.3))
    found = images(Difference(of=_box(-0.5, -0.5, 0.5, 0.5), less=less))
    wanted = {(x, y) for x in (-0.7, -0.3, 0.3, 0.7) for y in (-0.7, -0.3, 0.3, 0.7) if max(abs(x), abs(y)) > 0.5}
    assert {tuple(np.round(each.place, 12)) for each in found} == wanted and len(found) == 12
    assert [each.radius for each in found] == pytest.approx(12 * [0.1]) and found[0].name.startswith("image of hole")
    assert images(TWO_HOLES) == () and images(DRILLED) == ()
    far = Difference(of=_box(-5, -5, 5, 5), less=(Disk(centre=(0, 0), radius=0.5),))
    assert images(far) == ()


def test_features_of_holes():
    first, second = local_features(TWO_HOLES)[::-1]
    assert (first.name, first.place, second.name) == ("hole 1", (0.4, 0.1), "hole 2")
    assert first.radius == pytest.approx(0.2)
    on = boundary(TWO_HOLES, unit(TWO_HOLES), on="hole 1").points
    inverted = np.stack(first.inputs(tuple(on.T)), axis=1)
    assert np.abs(np.linalg.norm(inverted, axis=1) - 1).max() < 1e-12
    assert np.abs(first.functions(tuple(on.T))[0]).max() < 1e-12
    (square,) = [each for each in local_features(FRAME) if each.kind == "hole"]
    assert square.place == pytest.approx((1.5, 1.5))
    assert [(each.place, each.radius) for each in local_features(DRILLED)] == [((0.5, 0.5, 0.5), pytest.approx(0.3))]
    assert len(local_features(SHELL)) == 1


def test_points_get_denser_towards_walls_and_corners():
    plain, near = (interior(L_SHAPE, unit(L_SHAPE, 6000), corners=c) for c in (0.0, 1.0))
    close = [(np.hypot(*points.T) < 0.1).sum() for points in (plain, near)]
    assert close[1] > 1.5 * close[0] and L_SHAPE.contains(near).all() and len(near) == 6000
    edge = [(distance(TWO_HOLES, tuple(interior(TWO_HOLES, unit(TWO_HOLES, 6000), walls=w).T)) < 0.02).mean()
            for w in (0.0, 1.0)]  # fmt: skip
    assert edge[1] > 1.5 * edge[0]


def test_touching_parts_in_space_have_to_overlap():
    room = Box(low=(0, 0, 0), high=(1, 1, 1))
    touching = Union(parts=(room, Box(low=(1, 0, 0), high=(2, 1, 0.5))))
    with pytest.raises(LabError, match=r"touch at 1, .* without overlapping"):
        distance(touching, tuple(np.ones((3, 1))))
    overlapping = Union(parts=(room, Box(low=(0.5, 0, 0), high=(2, 1, 0.5))))
    assert distance(overlapping, (np.array([1.0]), np.array([0.5]), np.array([0.25])))[0] > 0.1


def _box(x0, y0, x1, y1):
    return Box(low=(x0, y0), high=(x1, y1))


@pytest.mark.parametrize(
    ("domain", "area", "angles"),
    [
        (Difference(of=_box(0, 0, 4, 2), less=(_box(0, 1, 2, 2),)), 6, [270] + 5 * [90]),
        (Difference(of=_box(-1, -1, 1, 1), less=(_box(-0.1, -2, 0.1, 2),)), 3.6, 8 * [90]),
        (Union(parts=(_box(-1, -0.2, 1, 0.2), _box(-0.2, -1, 0.2, 1))), 1.44, 4 * [270] + 8 * [90]),
        (Union(parts=(_box(0, 0, 1, 1), _box(1, 1, 2, 2))), 2, 8 * [90]),
        (Difference(of=_box(0, 0, 1, 1), less=(_box(0.5, -0.1, 0.5002, 0.5),)), 0.9999, 2 * [270] + 6 * [90]),
        (Difference(of=Disk(centre=(0, 0), radius=1),
                    less=(Difference(of=Disk(centre=(0, 0), radius=0.6), less=(Disk(centre=(0, 0), radius=0.3),)),)),
         math.pi * 0.73, []),
        (Difference(of=Disk(centre=(0, 0), radius=1), less=(Disk(centre=(0.5, 0), radius=0.5),)), math.pi * 0.75, None),
        (Difference(of=Disk(centre=(1e4, 1e4), radius=1), less=(Disk(centre=(1e4, 1e4), radius=0.5),)), math.pi * 0.75,
         []),
    ],
    ids=["step", "split", "plus", "corner to corner", "thin slot", "ring", "touching", "far away"],
)  # fmt: skip
def test_combinations_of_all_kinds(domain, area, angles):
    assert measure(domain) == pytest.approx(area, rel=1e-10 if domain.box().max() < 100 else 1e-8)
    if angles is not None:
        assert sorted(math.degrees(each.angle) for each in corners(domain)) == pytest.approx(sorted(angles))
    on = boundary(domain, unit(domain))
    step = 1e-5 * domain.size
    clear = domain.contains(on.points - step * on.normals) & ~domain.contains(on.points + step * on.normals)
    assert clear.mean() > 0.99
    inside = interior(domain, unit(domain))
    assert (distance(domain, tuple(inside.T)) > 0).all() and (factor(domain, tuple(inside.T)) > 0).all()


def test_holes_that_touch_in_a_point_are_said():
    touching = Difference(of=_box(-1, -1, 1, 1),
                          less=(Disk(centre=(0.25, 0), radius=0.25), Disk(centre=(-0.25, 0), radius=0.25)))  # fmt: skip
    with pytest.raises(LabError, match=r"touch there without overlapping\. Move one"):
        remarks(touching)


def test_names_of_boundaries():
    assert boundary_names(TWO_HOLES) == ("outer", "hole 1", "hole 2")
    assert boundary_names(FRAME) == ("outer", "hole 1") and boundary_names(SHELL) == ("outer", "hole 1")
    room = Box(low=(0, 0), high=(2, 1), sides=("left", "right", "floor", "ceiling"))
    on = boundary(room, unit(room), on="ceiling")
    assert (on.points[:, 1] == 1).all() and (on.normals == [0, 1]).all()
    assert set(boundary_names(Difference(of=room, less=(Disk(centre=(1, 1), radius=0.3, name="cup"),)))) == {
        "left", "right", "floor", "ceiling", "cup"}  # fmt: skip
    for vertices in (((0, 0), (1, 0), (0, 1)), ((0, 0), (0, 1), (1, 0))):
        triangle = Polygon(vertices=vertices, sides=("first", "second", "third"))
        first = boundary(triangle, unit(triangle), on="first").points
        assert np.abs(first[:, 1 if vertices[1] == (1, 0) else 0]).max() == 0
    cube = Box(low=(0, 0, 0), high=(1, 2, 3), sides=("a", "b", "c", "d", "e", "top"))
    assert (boundary(cube, unit(cube), on="top").points[:, 2] == 3).all()


def test_touching_parts_have_no_wall_between_them():
    on = boundary(L_OF_BOXES, unit(L_OF_BOXES, 4000)).points
    assert not ((on[:, 1] == 0) & (on[:, 0] > 1e-6) & (on[:, 0] < 1)).any()
    assert distance(L_OF_BOXES, (np.array([0.5]), np.array([0.0])))[0] > 0.1
    twice = Intersection(parts=(Box(low=(0, 0), high=(2, 1)), Box(low=(1, 0), high=(3, 1))))
    assert sum(len(line) for _, line in outline(twice).lines) == 8 and measure(twice) == pytest.approx(1)


def test_what_is_said_of_disjoint_parts():
    apart = Union(parts=(Disk(centre=(0, 0), radius=1), Disk(centre=(3, 0), radius=1)))
    assert "2 parts that don't touch" in remarks(apart)[0] and "2 parts" in remarks(STAIRS)[0]
    balls = Union(parts=(Ball(centre=(0, 0, 0), radius=1), Ball(centre=(3, 0, 0), radius=1)))
    assert "2 parts" in remarks(balls)[0]
    assert not any(remarks(domain) for domain in (TWO_HOLES, L_OF_BOXES, LENS, DOMED, SHELL))


def test_a_curve_drawn_as_a_polygon_is_one_too():
    turn = np.arange(120) * 2 * math.pi / 120
    r = 1 + 0.2 * np.cos(3 * turn) + 0.02 * np.random.default_rng(0).random(120)
    drawn = Polygon(vertices=tuple(zip(r * np.cos(turn), r * np.sin(turn), strict=True)))
    inside = interior(drawn, unit(drawn, 500), walls=1.0, corners=1.0)
    assert len(inside) == 500 and drawn.contains(inside).all()
    assert np.isfinite(factor(drawn, tuple(inside.T))).all() and (factor(drawn, tuple(inside.T)) > 0).all()
    assert len(local_features(drawn)) == 32


def test_outlines():
    lines = outline(NOTCHED).lines
    assert {name for name, _ in lines} == {"outer", "hole 1"}
    assert all(np.abs(distance(NOTCHED, tuple(line.T))).max() < 1e-12 for _, line in lines)
    surfaces = {name: points[triangles] for name, points, triangles in outline(DRILLED).surfaces}
    assert set(surfaces) == {"outer", "hole 1"}
    a, b, c = surfaces["hole 1"].transpose(1, 0, 2)
    assert np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2 == pytest.approx(4 * math.pi * 0.09, rel=0.03)
    lowest = [points[triangles][..., 2].min() for _, points, triangles in outline(DOMED).surfaces]
    assert max(lowest) > -0.1  # of the ball only what is above the box


def test_domains_are_data():
    data = TWO_HOLES.model_dump(mode="json")
    assert parse_domain(data) == TWO_HOLES and hash(parse_domain(data)) == hash(TWO_HOLES)
    assert points_of((np.zeros(2), np.ones(2))).shape == (2, 2)


def _disk(**changes):
    return {"kind": "disk", "centre": (0, 0), "radius": 1, **changes}


def _polygon(*vertices, **more):
    return {"kind": "polygon", "vertices": vertices, **more}


SQUARE = ((0, 0), (1, 0), (1, 1), (0, 1))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (_disk(radius=0), "disk.radius\n  Input should be greater than"),
        (_disk(radius=-1), "disk.radius\n  Input should be greater than"),
        (_disk(radius=float("nan")), "finite number"),
        (_disk(centre=(1e300, 0)), "less than or equal to 1000000000"),
        (_disk(centre=(1e8, 0), radius=1e-3), "too small for how far it is from the origin"),
        (_disk(centre=(0, 0, 0)), "centre"),
        (_disk(name="a\nb"), "text on one line"),
        (_disk(name=" "), "text on one line"),
        ({"kind": "annulus", "centre": (0, 0), "inner": 2, "outer": 1}, "must be smaller"),
        ({"kind": "box", "low": (0, 0), "high": (1, 0)}, "coordinate 2 goes from 0 to 0"),
        ({"kind": "box", "low": (0, 0), "high": (1,)}, "low has 2 coordinates, high has 1"),
        ({"kind": "box", "low": (0, 0), "high": (1, 1), "sides": ("a",)}, "this box has 4 sides"),
        (_polygon((0, 0), (1, 1)), "a polygon needs 3 vertices, not 2"),
        (_polygon((0, 0), (1, 1), (1, 0), (0, 1)), r"cuts itself: side 1, from \(0, 0\) to \(1, 1\) meets side 3"),
        (_polygon((0, 0), (2, 0), (1, 0), (1, 1)), "cuts itself: side 1"),
        (_polygon((0, 0), (1, 0), (2, 0)), "its vertices lie on a line|cuts itself"),
        (_polygon((0, 0), (0, 0), (1, 0), (1, 1)), "has vertex 1 twice"),
        (_polygon(*SQUARE, holes=(((2, 2), (3, 2), (3, 3)),)), "hole 1 lies outside the polygon, at"),
        (_polygon(*SQUARE, holes=(((0.5, 0.5), (3, 0.5), (3, 0.7)),)), "hole 1 cuts the polygon's boundary"),
        (_polygon(*SQUARE, sides=("a", "b")), "this polygon has 4 sides"),
        ({"kind": "difference", "of": _disk(), "less": [_disk(radius=2)]}, "nothing is left"),
        ({"kind": "difference", "of": _disk(), "less": [_disk(centre=(5, 0))]}, r"hole 1 \(disk\) lies outside"),
        ({"kind": "intersection", "parts": [_disk(), _disk(centre=(5, 0))]}, "nothing in common"),
        ({"kind": "union", "parts": [_disk(), {"kind": "box", "low": (0,), "high": (1,)}]}, "1 and 2 dimensions"),
        ({"kind": "union", "parts": [_disk()] * 101}, "more than 100 parts"),
        ({"kind": "torus"}, "'box', 'disk', 'ball'"),
    ],
)
def test_what_is_no_domain_is_said_in_a_line(data, said):
    with pytest.raises(ValidationError, match=said):
        parse_domain(data)


def test_deep_nesting_ends():
    deep = _disk()
    for _ in range(400):
        deep = {"kind": "union", "parts": [deep]}
    with pytest.raises(ValidationError, match=r"^1 validation error.*\n.*\n.*nested more than 12 deep"):
        parse_domain(deep)
