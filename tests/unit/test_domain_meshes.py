"""Mesh files as domains: points, names, what lies inside, exports, and meshes that are none."""

import math

import h5py
import meshio
import numpy as np
import pytest

from core.domains import mesh_file, mesh_for_export, read_mesh
from core.domains.mesh import made as made_mesh
from core.errors import LabError
from tests.curved import BIG, SMALL, torus


def sphere(radius, level=12):
    """Points and triangles of a sphere: a cube blown up."""
    s = np.linspace(-1, 1, level + 1)
    points, triangles = [], []
    for axis in range(3):
        for end in (-1, 1):
            p, q = np.meshgrid(s, s, indexing="ij")
            face = np.insert(np.stack([p, q], -1).reshape(-1, 2), axis, end, axis=1)
            at = np.arange((level + 1) ** 2).reshape(level + 1, -1) + sum(map(len, points))
            a, b, c, d = at[:-1, :-1], at[1:, :-1], at[1:, 1:], at[:-1, 1:]
            triangles.append(np.concatenate([np.stack([a, b, c], -1), np.stack([a, c, d], -1)]).reshape(-1, 3))
            points.append(face)
    points = np.concatenate(points)
    return radius * points / np.linalg.norm(points, axis=1)[:, None], np.concatenate(triangles)


def bricks(n=3):
    """A unit cube of hexahedra, with quads on two of its sides."""
    s = np.linspace(0, 1, n + 1)
    points = np.stack(np.meshgrid(s, s, s, indexing="ij"), -1).reshape(-1, 3)
    at = np.arange((n + 1) ** 3).reshape(3 * [n + 1])
    low, high = slice(0, -1), slice(1, None)
    ring = [(low, low), (high, low), (high, high), (low, high)]
    cells = np.stack([at[p, q, r] for r in (low, high) for p, q in ring], -1).reshape(-1, 8)
    floor = np.stack([at[:, :, 0][p, q] for p, q in ring], -1).reshape(-1, 4)
    lid = np.stack([at[:, :, -1][p, q] for p, q in ring], -1).reshape(-1, 4)
    return points, cells, floor, lid


def plate(n=8):
    """A square of triangles, its left side named."""
    s = np.linspace(0, 1, n + 1)
    points = np.stack(np.meshgrid(s, s, indexing="ij"), -1).reshape(-1, 2)
    at = np.arange((n + 1) ** 2).reshape(n + 1, n + 1)
    a, b, c, d = at[:-1, :-1], at[1:, :-1], at[1:, 1:], at[:-1, 1:]
    triangles = np.concatenate([np.stack([a, b, c], -1), np.stack([a, c, d], -1)]).reshape(-1, 3)
    return points, triangles, np.stack([at[0, :-1], at[0, 1:]], -1)


def written(folder, name, points, cells, **more):
    path = folder / name
    meshio.Mesh(points, cells, **more).write(path)
    return path


def unit(n=4000, d=3, seed=0):
    return np.random.default_rng(seed).random((n, d))


@pytest.mark.parametrize("suffix", ["stl", "obj", "ply", "off", "vtu", "vtk"])
def test_a_torus_from_its_surface(tmp_path, suffix):
    points, triangles = torus()
    mesh = read_mesh(written(tmp_path, f"torus.{suffix}", points, [("triangle", triangles)]))
    volume = 2 * math.pi**2 * BIG * SMALL**2
    assert mesh.measure == pytest.approx(volume, rel=0.02) and mesh.names == ("outer",)
    inside = mesh.interior(unit())
    assert len(inside) == 4000 and (inside == mesh.interior(unit())).all()
    rho = np.hypot(np.hypot(inside[:, 0], inside[:, 1]) - BIG, inside[:, 2])
    assert rho.max() < SMALL and mesh.contains(inside).all()
    assert abs((rho < SMALL / 2).mean() - 0.25) < 0.03  # even by volume, within what the facets cut off
    around = (unit(seed=1) - 0.5) * [3, 3, 1.2]
    rho = np.hypot(np.hypot(around[:, 0], around[:, 1]) - BIG, around[:, 2])
    clear = np.abs(rho - SMALL) > 0.01
    assert (mesh.contains(around) == (rho < SMALL))[clear].all()
    assert np.abs(mesh.distance(around) - (SMALL - rho)).max() < 0.015
    on = mesh.boundary(unit())
    assert np.abs(mesh.distance(on.points)).max() < 1e-9
    ring = np.stack([on.points[:, 0], on.points[:, 1]], 1)
    ring = BIG * ring / np.linalg.norm(ring, axis=1)[:, None]
    out = on.points - np.column_stack([ring, np.zeros(len(ring))])
    assert (np.einsum("ni,ni->n", out / np.linalg.norm(out, axis=1)[:, None], on.normals) > 0.97).all()


def test_triangles_may_face_anywhere(tmp_path):
    points, triangles = torus(24, 12)
    flipped = np.random.default_rng(0).random(len(triangles)) < 0.5
    triangles[flipped] = triangles[flipped][:, ::-1]
    mesh = read_mesh(written(tmp_path, "torus.ply", points, [("triangle", triangles)]))
    assert mesh.measure == pytest.approx(2 * math.pi**2 * BIG * SMALL**2, rel=0.08)


def test_a_hollow_ball_has_a_hole(tmp_path):
    (outer, triangles), (inner, others) = sphere(1.0), sphere(0.5)
    path = written(tmp_path, "ball.stl", np.concatenate([outer, inner]),
                   [("triangle", np.concatenate([triangles, others + len(outer)]))])  # fmt: skip
    mesh = read_mesh(path)
    assert set(mesh.names) == {"outer", "hole 1"} and mesh.measure == pytest.approx(4 / 3 * math.pi * 7 / 8, rel=0.03)
    on = mesh.boundary(unit(500), on="hole 1")
    assert (np.linalg.norm(on.points, axis=1) < 0.51).all()
    assert (np.einsum("ni,ni->n", on.points, on.normals) < 0).all()  # out of the domain is into the hole
    assert not mesh.contains(np.zeros((1, 3)))[0]
    (hole,) = mesh.holes
    assert np.abs(hole.place).max() < 0.01 and hole.radius == pytest.approx(0.5, rel=0.02)


def named_bricks(folder, suffix):
    points, cells, floor, lid = bricks()
    blocks = [("hexahedron", cells), ("quad", np.concatenate([floor, lid]))]
    tags = [np.full(len(cells), 1), np.repeat([2, 3], [len(floor), len(lid)])]
    if suffix == "msh":
        names = {"solid": np.array([1, 3]), "floor": np.array([2, 2]), "lid": np.array([3, 2])}
        mesh = meshio.Mesh(points, blocks, {}, {"gmsh:physical": tags, "gmsh:geometrical": tags}, names)
        mesh.write(folder / "bricks.msh", file_format="gmsh22")
        return folder / "bricks.msh"
    mesh = meshio.Mesh(points, blocks, cell_data={"cell_tags": [-tag for tag in tags]})
    mesh.cell_tags, mesh.point_tags = {-1: ["solid"], -2: ["floor"], -3: ["lid"]}, {}
    meshio.med.write(folder / "bricks.med", mesh)
    return folder / "bricks.med"


@pytest.mark.parametrize("suffix", ["msh", "med"])
def test_groups_name_boundaries_and_stay_in_exports(tmp_path, suffix):
    mesh = read_mesh(named_bricks(tmp_path, suffix))
    assert set(mesh.names) == {"outer", "floor", "lid"} and mesh.measure == pytest.approx(1)
    on = mesh.boundary(unit(300), on="lid")
    assert np.abs(on.points[:, 2] - 1).max() < 1e-15 and (on.normals == [0, 0, 1]).all()
    every = mesh.boundary(unit(6000))
    assert abs(every.on("floor").mean() - 1 / 6) < 0.02
    inside = mesh.interior(unit())
    assert mesh.contains(inside).all() and np.abs(inside.mean(0) - 0.5).max() < 0.02
    assert np.abs(inside.var(0) - 1 / 12).max() < 0.005
    out = mesh_for_export(mesh)
    out.point_data["u"] = out.points[:, 0]
    path = tmp_path / "solution.vtu"
    out.write(path)
    again = meshio.read(path)
    assert (again.points == mesh.source.points).all()
    assert [block.type for block in again.cells] == [block.type for block in mesh.source.cells]
    assert all((a.data == b.data).all() for a, b in zip(again.cells, mesh.source.cells, strict=True))
    key = "gmsh:physical" if suffix == "msh" else "cell_tags"
    assert (np.abs(np.concatenate(again.cell_data[key])) == np.repeat([1, 2, 3], [27, 9, 9])).all()


def test_a_plane_mesh(tmp_path):
    points, triangles, left = plate()
    path = written(tmp_path, "plate.vtu", np.column_stack([points, np.zeros(len(points))]),
                   [("triangle", triangles[:, ::-1]), ("line", left)],
                   cell_data={"CellEntityIds": [np.zeros(len(triangles), int), np.full(len(left), 7)]})  # fmt: skip
    mesh = read_mesh(path)
    assert (mesh.dimension == 2 and mesh.names == ("outer", "group 7")) or set(mesh.names) == {"outer", "group 7"}
    on = mesh.boundary(unit(400, 2), on="group 7")
    assert (on.points[:, 0] == 0).all() and (on.normals == [-1, 0]).all()
    inside = mesh.interior(unit(2000, 2))
    assert mesh.contains(inside).all() and not mesh.contains(inside + 1).any()
    edge = np.min([inside, 1 - inside], axis=(0, 2))
    assert np.abs(mesh.distance(inside) - edge).max() < 1e-12
    assert len(mesh.outline().lines) == 32


def test_corners_of_a_plane_mesh():
    points, triangles, _ = plate()
    middles = points[triangles].mean(axis=1)
    bent = triangles[~((middles > 0.5).all(axis=1))]
    mesh = made_mesh(meshio.Mesh(points, [("triangle", bent)]), "bent")
    (corner,) = mesh.local_features()
    assert corner.place == (0.5, 0.5) and corner.angle == pytest.approx(1.5 * math.pi)
    assert corner.towards == pytest.approx((-(0.5**0.5), -(0.5**0.5))) and corner.depth is None
    with_hole = triangles[~((np.abs(middles - 0.5) < 0.25).all(axis=1))]
    hole, *around = made_mesh(meshio.Mesh(points, [("triangle", with_hole)]), "hole").local_features()
    assert hole.place == pytest.approx((0.5, 0.5)) and hole.radius == pytest.approx(math.sqrt(0.25 / math.pi))
    assert len(around) == 4 and all(0.2 < each.depth < 0.4 for each in around)


def _written_plainly(folder, points, cells):
    return written(folder, "mesh.vtu", np.array(points, float), cells)


TETRA = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]


def _open_torus():
    points, triangles = torus(12, 8)
    return points, [("triangle", triangles[1:])]


def _inverted():
    points, cells, *_ = bricks(2)
    cells[3] = cells[3][[4, 5, 6, 7, 0, 1, 2, 3]]
    return points, [("hexahedron", cells)]


def _with_nan():
    points, cells, *_ = bricks(2)
    points[5, 1] = np.nan
    return points, [("hexahedron", cells)]


def _three_on_a_side():
    points = [(0, 0, 0), (1, 0, 0), (0.5, 1, 0), (0.5, -1, 0), (0.5, 2, 0)]
    return points, [("triangle", np.array([[0, 1, 2], [1, 0, 3], [0, 1, 4]]))]


def _klein():
    """A closed surface without an inside."""
    n = 12
    at = np.arange(n * n).reshape(n, n)
    right = np.concatenate([at[1:], at[:1, -np.arange(n) % n]])
    up, both = np.roll(at, -1, 1), np.roll(right, -1, 1)
    triangles = np.concatenate([np.stack([at, right, both], -1), np.stack([at, both, up], -1)]).reshape(-1, 3)
    return np.random.default_rng(0).random((n * n, 3)), [("triangle", triangles)]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (_open_torus(), r"not closed: the edge from \(.*\) to \(.*\) is open; so are 3 in all"),
        (_inverted(), r"cell 3, at \(.*\), is inverted against the others; 1 are"),
        (_with_nan(), r"point 5 is at \(.*nan.*\), no number"),
        (_three_on_a_side(), "a side belongs to 3 cells"),
        (_klein(), "one side only"),
        ((TETRA, [("line", np.array([[0, 1], [1, 2]]))]), "lines alone are no domain"),
        ((TETRA, [("vertex", np.array([[0], [1]]))]), "points alone are no domain"),
        ((TETRA, [("tetra", np.array([[0, 1, 2, 2]]))]), "cell 0, at .* has no volume"),
        (([(0, 0, 0), (0, 1, 0), (0, 0, 1)], [("triangle", np.array([[0, 1, 2]]))]), "plane of constant x"),
        (([(0, 0, 0), (1e12, 0, 0), (0, 1, 0)], [("triangle", np.array([[0, 1, 2]]))]), "beyond 1e9"),
    ],
)
def test_meshes_that_are_none_are_said_in_a_sentence(tmp_path, made, said):
    with pytest.raises(LabError, match=said):
        read_mesh(_written_plainly(tmp_path, *made))


def test_files_that_are_none(tmp_path):
    for name, content, said in [
        ("mesh.exe", b"", "is no mesh that is read here; the formats are .msh"),
        ("mesh.xdmf", b"<Xdmf/>", "is no mesh that is read here"),
        ("mesh.vtu", b"not a mesh", "is no .vtu mesh, or is damaged"),
        ("other.msh", b"(0 grid)", "is no mesh of Gmsh"),
        ("mesh.msh", b"$MeshFormat\n9.9 0 8\n", "is no .msh mesh, or is damaged"),
        ("empty.stl", b"", "is no .stl mesh, or is damaged|no triangles"),
        ("mesh.med", b"not HDF5", "can't be read|is no .med"),
        ("bomb.vtu", b'<!DOCTYPE x [<!ENTITY a "aa">]><VTKFile/>', "declares XML entities"),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(LabError, match=said):
            read_mesh(tmp_path / name)
    with pytest.raises(LabError, match="can't be read: No such file"):
        read_mesh(tmp_path / "gone.stl")


def test_a_mesh_that_leads_to_other_files_is_not_read(tmp_path):
    path = named_bricks(tmp_path, "med")
    with h5py.File(path, "a") as file:
        file["elsewhere"] = h5py.ExternalLink("other.h5", "/")
    with pytest.raises(LabError, match="leads to another file at 'elsewhere'"):
        read_mesh(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("many.vtu", b'<VTKFile><UnstructuredGrid><Piece NumberOfPoints="3" NumberOfCells="10000000">'),
        ("many.msh", b"$MeshFormat\n2.2 0 8\n$EndMeshFormat\n$Elements\n10000000\n"),
        ("many4.msh", b"$MeshFormat\n4.1 0 8\n$EndMeshFormat\n$Elements\n1 10000000 1 10000000\n"),
        ("many.ply", b"ply\nformat ascii 1.0\nelement vertex 3\nelement face 10000000\n"),
        ("many.off", b"OFF\n3 10000000 0\n"),
    ],
)
def test_too_many_cells_are_refused_before_they_are_read(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(LabError, match="has 10,000,000 cells; fewer than 10,000,000 are used"):
        read_mesh(tmp_path / name)


def test_what_a_file_did_not_announce_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(mesh_file, "MOST_CELLS", 100)
    points, triangles = torus(12, 8)
    for suffix in ("stl", "obj"):
        with pytest.raises(LabError, match="has 192 cells"):
            read_mesh(written(tmp_path, f"torus.{suffix}", points, [("triangle", triangles)]))


def test_groups_of_a_file_that_go_round_are_followed_once(tmp_path):
    with h5py.File(tmp_path / "round.med", "w") as file:
        inner = file.create_group("a").create_group("b")
        inner["again"] = file["a"]
    with pytest.raises(LabError, match="lies within itself"):
        read_mesh(tmp_path / "round.med")
    with h5py.File(tmp_path / "many.med", "w") as file:  # 2^40 ways through 40 groups
        group = file
        for _ in range(40):
            group["other"] = group.create_group("one")
            group = group["one"]
    with pytest.raises(LabError, match="damaged"):
        read_mesh(tmp_path / "many.med")
    with h5py.File(tmp_path / "deep.med", "w") as file:
        group = file
        for _ in range(1500):
            group = group.create_group("a")
    with pytest.raises(LabError, match="damaged"):
        read_mesh(tmp_path / "deep.med")
