"""Boundaries of meshes whose facets differ in size, with holes that are small or bent; and places inside of holes."""

import h5py
import meshio
import numpy as np
import pytest

from core.domains import Region, local_features, parse_domain, read_mesh
from core.domains.mesh import made
from core.domains.mesh_distance import nearest_facets
from core.domains.regions import MeshRegion
from core.equations.domain_text import read_domain
from core.equations.names import Names
from core.equations.places import Frame, read_places
from core.solution.on_mesh import group_names
from tests.unit.test_domain_meshes import bricks, named_bricks, sphere, unit


def coarse_brick(n=24):
    """A unit cube as CAD writes it: its lid of 2n² small triangles, its walls fans of long ones, its floor of two."""
    s = np.linspace(0, 1, n + 1)
    points = [(x, y, 1.0) for x in s for y in s] + [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)]
    at, floor = np.arange((n + 1) ** 2).reshape(n + 1, n + 1), (n + 1) ** 2 + np.arange(4)
    a, b, c, d = at[:-1, :-1], at[1:, :-1], at[1:, 1:], at[:-1, 1:]
    triangles = [np.concatenate([np.stack([a, b, c], -1), np.stack([a, c, d], -1)]).reshape(-1, 3)]
    for k, rim in enumerate((at[:, 0], at[-1], at[::-1, -1], at[0, ::-1])):
        one, other = floor[k], floor[(k + 1) % 4]
        triangles += [[(one, other, rim[-1])], [(one, rim[i + 1], rim[i]) for i in range(n)]]
    triangles.append([(floor[0], floor[2], floor[1]), (floor[0], floor[3], floor[2])])
    return np.array(points, float), np.concatenate(triangles)


def plate_around(hole, n=60):
    """Cells of a grid of the square of −1 to 1 whose middles are not in a hole."""
    s = np.linspace(-1, 1, n + 1)
    points = np.stack(np.meshgrid(s, s, indexing="ij"), -1).reshape(-1, 2)
    at = np.arange((n + 1) ** 2).reshape(n + 1, n + 1)
    quads = np.stack([at[:-1, :-1], at[1:, :-1], at[1:, 1:], at[:-1, 1:]], -1).reshape(-1, 4)
    middles = points[quads].mean(axis=1)
    return made(meshio.Mesh(points, [("quad", quads[~hole(*middles.T)])]), "plate")


def test_points_have_the_normals_of_their_own_facets():
    points, triangles = coarse_brick()
    mesh = made(meshio.Mesh(points, [("triangle", triangles)]), "brick.stl")
    on = mesh.boundary(unit(1000))
    clear = np.sort(np.minimum(on.points, 1 - on.points), axis=1)[:, 1] > 1e-9  # not on an edge of the cube
    assert clear.sum() > 950
    assert np.abs(mesh.normals(on.points, mesh.names) - on.normals)[clear].max() < 1e-12
    inside = unit(500, seed=1)
    assert np.abs(mesh.distance(inside) - np.minimum(inside, 1 - inside).min(axis=1)).max() < 1e-12


@pytest.mark.parametrize("d", [2, 3])
def test_the_nearest_facet_is_the_nearest_of_all(d):
    random = np.random.default_rng(d)
    corners = random.random((100, 1, d)) + 10.0 ** random.uniform(-4, 0, (100, 1, 1)) * random.normal(size=(100, d, d))
    points = 4 * random.random((300, d)) - 1.5
    off, which = nearest_facets(points, corners)
    alone = np.stack([nearest_facets(points, corners[k : k + 1])[0] for k in range(len(corners))])
    assert np.abs(off - alone.min(axis=0)).max() == 0
    assert (alone[which, np.arange(len(points))] == off).all()


def in_half_ring(x, y):
    return (np.hypot(x, y) > 0.4) & (np.hypot(x, y) < 0.7) & (x > -0.2)


def test_features_of_a_bent_hole_start_in_it():
    mesh = plate_around(in_half_ring)
    (hole,) = mesh.holes
    assert not mesh.contains(np.array([hole.place]))[0] and in_half_ring(*hole.place)
    assert mesh.distance(np.array([hole.place]))[0] < -0.1  # about the middle of its width


def test_features_of_a_hole_with_the_domain_inside_it():
    mesh = plate_around(lambda x, y: (np.hypot(x, y) > 0.4) & (np.hypot(x, y) < 0.7))
    (hole,) = mesh.holes
    assert not mesh.contains(np.array([hole.place]))[0]
    balls = [sphere(radius) for radius in (1.0, 0.7, 0.3)]
    points = np.concatenate([each for each, _ in balls])
    shells = [triangles + k * len(balls[0][0]) for k, (_, triangles) in enumerate(balls)]
    hollow = made(meshio.Mesh(points, [("triangle", np.concatenate(shells))]), "balls.stl")
    (hole,) = hollow.holes
    assert 0.35 < np.linalg.norm(hole.place) < 0.65


@pytest.mark.parametrize("text", [
    "disk((0, 0), 1) - annulus((0, 0), 0.3, 0.6)",
    "disk((0, 0), 1) - disk((0, 0), 0.6) + disk((0, 0), 0.3)",
    "ball((0, 0, 0), 1) - annulus((0, 0, 0), 0.3, 0.6)",
])  # fmt: skip
def test_holes_of_shapes_have_no_place_in_the_domain(text):
    domain = parse_domain(read_domain(text))
    places = [each.place for each in local_features(domain) if each.kind == "hole"]
    assert not domain.contains(np.array(places).reshape(-1, domain.dimension)).any()
    assert len(places) == (1 if domain.dimension == 2 else 0)


def test_a_small_hole_of_a_mesh_gets_points():
    small = plate_around(lambda x, y: (abs(x - 0.5) < 0.02) & (abs(y) < 0.02), n=100)
    on = MeshRegion(lambda: small).boundary(unit(600, 2), least=0.5)
    assert 0.15 < on.on("hole 1").mean() < 0.3
    assert on.on("outer").sum() + on.on("hole 1").sum() == 600
    points, triangles = sphere(1.0)
    inner = 0.05 * points + [0.5, 0, 0]
    both = np.concatenate([triangles, triangles + len(points)])
    ball = made(meshio.Mesh(np.concatenate([points, inner]), [("triangle", both)]), "ball.stl")
    assert 0.15 < MeshRegion(lambda: ball).boundary(unit(600), least=0.5).on("hole 1").mean() < 0.3


def test_names_are_found_however_many_blanks_they_have(tmp_path):
    points, cells, floor, lid = bricks(2)
    blocks = [("hexahedron", cells), ("quad", np.concatenate([floor, lid]))]
    tags = [np.full(len(cells), 1), np.repeat([2, 3], [len(floor), len(lid)])]
    names = {"solid": np.array([1, 3]), "wall ": np.array([2, 2]), "hot  lid": np.array([3, 2])}
    mesh = made(meshio.Mesh(points, blocks, {}, {"gmsh:physical": tags}, names), "bricks.msh")
    assert set(mesh.names) == {"outer", "wall", "hot lid"}
    frame = Frame(Names.of(["x", "y"], fields=["u"]), {"x": (0, 1), "y": (0, 1)}, {},
                  Region(parse_domain(read_domain('disk((0, 0), 1, name="the  wall ")'))))  # fmt: skip
    assert [frame.named(place) for place in read_places("the wall", frame, "")] == [frame.boundaries]


def test_groups_of_med_where_cells_of_one_type_have_none(tmp_path):
    path = named_bricks(tmp_path, "med")
    with h5py.File(path, "r+") as file:
        (step,) = file["ENS_MAA/mesh"].values()
        del step["MAI/HE8/FAM"]
    mesh = read_mesh(path)
    assert set(mesh.names) == {"outer", "floor", "lid"}
    assert {"floor": (-2,), "lid": (-3,)}.items() <= group_names(mesh.source).items()
