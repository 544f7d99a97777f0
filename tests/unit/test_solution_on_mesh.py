"""Solutions on meshes: meshes made of shapes, files with the very cells and groups, scenes with holes."""

import io
import zipfile

import meshio
import numpy as np
import pytest

from core.domains import measure, parse_domain, read_mesh
from core.equations.domain_text import read_domain
from core.errors import LabError
from core.solution.export import export, export_bytes, formats
from core.solution.on_mesh import SolutionMesh, read_sampled
from core.solution.reading import NotAsWrittenError, check
from core.solution.scene import SceneRequest, build_scene, moments
from core.solution.series import sampled_series_bytes
from core.solution.shape_mesh import mesh_of_shape
from tests.curved import torus
from tests.unit.test_domain_meshes import bricks, written


def area(points, triangles):
    u, v = (points[triangles[:, k]] - points[triangles[:, 0]] for k in (1, 2))
    return (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]) / 2


PLANE = [
    "disk((0, 0), 1) - disk((0.3, 0), 0.2) - disk((-0.5, 0.2), 0.02)",
    "polygon((0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2))",
    "box((0, 0), (2, 1)) - box((0.9, 0), (0.95, 0.7))",
    "annulus((0, 0), 0.95, 1)",
    "disk((0, 0), 1) & disk((1, 0), 1)",
    "box((0, 0), (1, 1)) + box((1, 0), (2, 1)) + disk((5, 5), 1)",
]


@pytest.mark.parametrize("text", PLANE)
def test_a_plane_mesh_covers_its_domain_and_nothing_else(text):
    domain = parse_domain(read_domain(text))
    made = mesh_of_shape(domain, 24)
    ((kind, triangles),) = made.blocks
    sizes = area(made.points, triangles)
    assert kind == "triangle" and (sizes > 0).all()
    assert sizes.sum() == pytest.approx(measure(domain), rel=0.01)
    assert domain.contains(made.points[triangles].mean(axis=1)).all()
    assert np.unique(np.round(made.points, 9), axis=0).shape == made.points.shape
    longest = max(np.linalg.norm(made.points[triangles[:, k]] - made.points[triangles[:, k - 1]], axis=1).max()
                  for k in range(3))  # fmt: skip
    assert longest < 3 * domain.size / 24


@pytest.mark.parametrize(
    "text, least",
    [
        ("ball((0, 0, 0), 1) - ball((0.3, 0, 0), 0.3)", 0.98),
        ("box((0, 0, 0), (2, 1, 1)) - ball((2, 1, 1), 0.5)", 0.99),
        ("box((0, 0, 0), (1, 2, 1))", 1 - 1e-12),
    ],
)
def test_a_mesh_in_space_reaches_to_the_surface(text, least):
    domain = parse_domain(read_domain(text))
    made = mesh_of_shape(domain, 12)
    volume = solution(made.points, made.blocks)
    assert least < pyvista_volume(volume) / measure(domain) < 1.001
    assert {kind for kind, _ in made.blocks} <= {"tetra", "hexahedron", "wedge", "pyramid"}
    if domain.kind == "difference" and domain.of.kind == "ball":
        radius = np.linalg.norm(made.points, axis=1)
        hole = np.linalg.norm(made.points - [0.3, 0, 0], axis=1)
        assert radius.max() < 1 + 1e-6 and hole.min() > 0.3 - 1e-6
        assert (np.abs(radius - 1) < 1e-9).sum() > 100 and (np.abs(hole - 0.3) < 1e-9).sum() > 30


def pyvista_volume(mesh):
    from core.solution.mesh_scene import _unstructured

    return _unstructured(mesh, mesh.values["u"]).volume


def solution(points, blocks, times=None, **more):
    space = ("x", "y", "z")[: points.shape[1]]
    u = points[:, 0] * 1.0
    u = u if times is None else np.array([u * (1 + t) for t in times])
    values = {"u": u, "residual_r": u / 3}
    return SolutionMesh(space, points, tuple(blocks), values, times=times, time=None if times is None else "t", **more)


def named_bricks():
    points, cells, floor, lid = bricks()
    blocks = (("hexahedron", cells), ("quad", np.concatenate([floor, lid])))
    groups = {"gmsh:physical": (np.full(len(cells), 1), np.repeat([2, 3], [len(floor), len(lid)]))}
    return solution(points, blocks, groups=groups, group_names={"floor": (2, 2), "lid": (3, 2)},
                    about={"run_id": "a" * 32})  # fmt: skip


@pytest.mark.parametrize("suffix", ["vtu", "vtk", "xdmf"])
def test_a_file_has_the_very_points_cells_groups_and_values(tmp_path, suffix):
    mesh = named_bricks()
    export(mesh, tmp_path / f"s.{suffix}")
    again = meshio.read(tmp_path / f"s.{suffix}")
    assert (again.points == mesh.points_of).all()
    assert [block.type for block in again.cells] == ["hexahedron", "quad"]
    assert all((a.data == b).all() for a, (_, b) in zip(again.cells, mesh.cells, strict=True))
    assert (np.concatenate(again.cell_data["gmsh:physical"]) == np.concatenate(mesh.groups["gmsh:physical"])).all()
    for name, values in mesh.values.items():
        assert (again.point_data[name] == values).all()
    if suffix == "vtu":
        assert b'"groups": {"floor": 2, "lid": 3}' in (tmp_path / "s.vtu").read_bytes()


def test_a_mesh_is_saved_refused_where_it_can_t_be_and_has_moments(tmp_path):
    mesh = named_bricks()
    mesh.save(tmp_path / "s.npz")
    again = read_sampled(tmp_path / "s.npz")
    assert again.group_names == mesh.group_names and again.about == mesh.about and again.names == mesh.names
    assert all((again.groups["gmsh:physical"][k] == part).all() for k, part in enumerate(mesh.groups["gmsh:physical"]))
    assert [axis.tolist() for axis in again.axes] == [[0, 1]] * 3 and again.points == 64
    assert formats(mesh) == ["vtu", "vtk", "xdmf", "npz", "csv"]
    with pytest.raises(LabError, match="holds no mesh"):
        export(mesh, tmp_path / "s.vti")
    in_time = solution(mesh.points_of, mesh.cells, np.array([0.0, 0.5, 1.0]))
    in_time.save(tmp_path / "t.npz")
    assert moments(in_time).tolist() == [0, 0.5, 1]
    with pytest.raises(LabError, match="one moment"):
        export_bytes(in_time, "vtu")
    assert in_time.nearest(0.6).about == {"t": 0.5} and in_time.nearest(None).about == {"t": 1.0}
    assert in_time.accuracy().max_residual == pytest.approx(2 / 3)
    with zipfile.ZipFile(io.BytesIO(sampled_series_bytes(tmp_path / "t.npz"))) as archive:
        assert sorted(archive.namelist()) == ["solution.pvd", *(f"solution/000{k}.vtu" for k in range(3))]


def scene(tmp_path, mesh, **request):
    mesh.save(tmp_path / "scene.npz")
    return build_scene(tmp_path / "scene.npz", SceneRequest("u", **request))


def test_scenes_have_the_holes_cuts_and_levels_of_a_mesh(tmp_path):
    made = mesh_of_shape(parse_domain(read_domain(PLANE[0])), 24)
    flat = scene(tmp_path, solution(made.points, made.blocks), warp=0.0)
    (surface,) = flat.surfaces
    assert flat.shown == len(made.blocks[0][1]) and (np.abs(surface.vertices[:, 2]) == 0).all()
    inside = np.linalg.norm(surface.vertices[surface.faces].mean(axis=1)[:, :2] - [0.3, 0], axis=1)
    assert inside.min() > 0.19  # nothing is drawn in the hole
    lifted = scene(tmp_path, solution(made.points, made.blocks))
    np.testing.assert_allclose(*lifted.surfaces[0].vertices.T[[0, 2]], atol=1e-5)
    half = scene(tmp_path, solution(made.points, made.blocks), clip_axis=0, clip_at=0.5)
    assert half.surfaces[0].vertices[:, 0].min() > -1e-6
    whole = scene(tmp_path, named_bricks())
    assert whole.bounds == (0, 1, 0, 1, 0, 1) and whole.shown == 2 * 6 * 9
    level = scene(tmp_path, named_bricks(), isosurfaces=(0.4,), slices=(None, 0.5, None))
    plane, hull = level.surfaces
    np.testing.assert_allclose(plane.vertices[:, 1], 0.5)
    np.testing.assert_allclose(hull.vertices[:, 0], 0.4, atol=1e-6)
    cut = scene(tmp_path, named_bricks(), clip_axis=2, clip_at=0.5, keep_upper=False)
    assert cut.surfaces[0].vertices[:, 2].max() == pytest.approx(0.5)


def test_a_closed_surface_is_drawn_and_its_inside_is_made(tmp_path):
    points, triangles = torus(40, 20)
    mesh = read_mesh(written(tmp_path, "torus.stl", points, [("triangle", triangles)]))
    outer = scene(tmp_path, solution(mesh.points, (("triangle", mesh.facets),)), isosurfaces=(0.2,))
    assert outer.shown == len(triangles)  # no levels inside of a surface: it is drawn itself
    made = mesh_of_shape(mesh, 16)
    assert pyvista_volume(solution(made.points, made.blocks)) == pytest.approx(mesh.measure, rel=0.1)


@pytest.mark.parametrize("suffix", ["xdmf", "vtu", "vtk"])
def test_a_mesh_with_cells_of_a_point_and_of_a_line_can_be_read_back(tmp_path, suffix):
    """Gmsh writes cells of one point for the corners that it meshed from."""
    points, cells, floor, _ = bricks(2)
    blocks = (("vertex", np.arange(3)[:, None]), ("line", np.array([[0, 1], [1, 2]])), ("quad", floor),
              ("hexahedron", cells), ("quad8", np.empty((0, 8), int)))  # fmt: skip
    groups = {"gmsh:physical": tuple(np.full(len(data), k + 1) for k, (_, data) in enumerate(blocks))}
    path = tmp_path / f"bricks.{suffix}"
    export(SolutionMesh(("x", "y", "z"), points, blocks, {"u": points[:, 0]}, groups), path)
    again = meshio.read(path)
    left = [block for block in blocks if len(block[1]) and (suffix, block[0]) != ("xdmf", "vertex")]
    assert [block.type for block in again.cells] == [kind for kind, _ in left]
    assert all((a.data == data).all() for a, (_, data) in zip(again.cells, left, strict=True))
    assert (again.points == points).all() and (again.point_data["u"] == points[:, 0]).all()
    with pytest.raises(NotAsWrittenError, match="other cells"):
        check(path, {"u": points[:, 0]}, [data[::-1] for _, data in left])
