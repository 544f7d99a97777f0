"""Mesh files among the datasets: read in a child with limits, kept as versions, described, drawn, refused."""

from collections import OrderedDict

import meshio
import numpy as np
import pytest
from typer.testing import CliRunner

from core.cli import app
from core.datasets import add, described, mesh, mesh_of_bytes, versions
from core.domains import mesh_child, mesh_memory, parse_domain, read_mesh
from core.domains.mesh_child import read_apart
from core.domains.mesh_memory import kept_mesh
from core.domains.pictures import MOST, drawn
from core.errors import LabError
from core.home import home
from pages.parts.shared.outline_figure import Look, outline_figure
from tests.curved import torus
from tests.unit.test_domain_meshes import bricks, plate, sphere, written


def named_plate(folder, name="plate.msh", n=8):
    """A square whose left side is called inlet."""
    points, triangles, left = plate(n)
    tags = [np.full(len(triangles), 1), np.full(len(left), 2)]
    made = meshio.Mesh(points, [("triangle", triangles), ("line", left)],
                       cell_data={"gmsh:physical": tags, "gmsh:geometrical": tags},
                       field_data={"solid": np.array([1, 2]), "inlet": np.array([2, 1])})  # fmt: skip
    made.write(folder / name, file_format="gmsh22")
    return folder / name


def test_a_child_reads_what_is_read_here(tmp_path):
    (outer, triangles), (inner, others) = sphere(1.0, 6), sphere(0.5, 6)
    hollow = written(tmp_path, "ball.stl", np.concatenate([outer, inner]),
                     [("triangle", np.concatenate([triangles, others + len(outer)]))])  # fmt: skip
    for path in (hollow, named_plate(tmp_path)):
        here, there = read_mesh(path), read_apart(path, path.name)
        for each in ("points", "simplices", "facets", "which"):
            assert (getattr(here, each) == getattr(there, each)).all()
        assert (here.names, here.remarks, here.holes) == (there.names, there.remarks, there.holes)
        assert there.source is None


def test_a_mesh_is_a_version_like_any_dataset(tmp_path):
    content = named_plate(tmp_path).read_bytes()
    added = add("plate.msh", content)
    assert added.outcome == "added" and (home().data / "plate.msh").read_bytes() == content
    finer = named_plate(tmp_path, n=4).read_bytes()
    with pytest.raises(LabError, match="with other content"):
        add("plate.msh", finer)
    add("plate.msh", finer, replace=True)
    assert [each.path for each in versions()] == ["plate.msh"] * 2
    assert len(mesh("plate.msh").simplices) == 32
    assert len(mesh("plate.msh", added.version.digests.git_blob).simplices) == 128  # the old one is still there
    said = " ".join(described(mesh("plate.msh")))
    assert "32 triangles, 16 sides" in said and "area 1." in said and "inlet (4)" in said and "outer (12)" in said


def test_the_command_takes_meshes_and_says_what_they_are(tmp_path):
    path = named_plate(tmp_path)
    done = CliRunner().invoke(app, ["dataset", "add", str(path), "--name", "square"])
    assert done.exit_code == 0, done.output
    assert "Boundaries for conditions: " in done.output and "square.msh  " in done.output
    refused = CliRunner().invoke(app, ["dataset", "add", str(path), "--map", "x=y"])
    assert refused.exit_code != 0 and not (home().data / "plate.msh").exists()


def bad_meshes(folder):
    points, triangles, left = plate(4)
    far = points.copy()
    far[3, 0] = np.nan
    turned = triangles.copy()
    turned[5] = turned[5, ::-1]
    ball, faces = sphere(1.0, 4)
    yield written(folder, "nan.vtu", far, [("triangle", triangles)]), "no number"
    yield written(folder, "turned.vtu", points, [("triangle", turned)]), "inverted"
    yield written(folder, "open.stl", ball, [("triangle", faces[1:])]), "not closed"
    yield written(folder, "lines.vtu", points, [("line", left)]), "no triangles"
    (folder / "many.off").write_bytes(b"OFF\n3 10000000 0\n")
    yield folder / "many.off", "fewer than 10,000,000"
    (folder / "none.ply").write_bytes(b"nothing")
    yield folder / "none.ply", "damaged"


def test_bad_meshes_are_refused_in_one_line_and_nothing_is_kept(tmp_path):
    for count, (path, said) in enumerate(bad_meshes(tmp_path)):
        with pytest.raises(LabError, match=said) as refused:
            if count:
                read_mesh(path)
            else:  # a process of its own, as for each upload, reads like that
                add(path.name, path.read_bytes())
        assert "\n" not in str(refused.value)
    assert versions() == [] and not list(home().data.glob("*"))


def test_what_takes_too_long_or_too_much_is_ended(tmp_path, monkeypatch):
    points, cells, *_ = bricks(40)
    data = written(tmp_path, "bricks.vtu", points, [("hexahedron", cells)]).read_bytes()
    monkeypatch.setattr(mesh_child, "SECONDS", 0.01)
    with pytest.raises(LabError, match="took longer"):
        mesh_of_bytes("bricks.vtu", data)
    monkeypatch.setattr(mesh_child, "SECONDS", 60)
    monkeypatch.setattr(mesh_child, "MEMORY", 2**28)
    with pytest.raises(LabError, match="memory"):
        mesh_of_bytes("bricks.vtu", data)


def test_pictures_have_every_boundary_and_stay_small(tmp_path):
    points, triangles = torus(160, 80)
    fine = read_mesh(written(tmp_path, "torus.stl", points, [("triangle", triangles)]))
    (surface,) = drawn(fine)
    assert len(fine.facets) > MOST > len(surface.triangles) > MOST / 20
    assert np.abs(np.ptp(surface.points, axis=0) - np.ptp(points, axis=0)).max() < 0.05
    annulus = parse_domain({"kind": "annulus", "centre": [0, 0], "inner": 0.5, "outer": 1, "inner_name": "core"})
    assert [each.name for each in drawn(annulus)] == ["outer", "core"]
    figure = outline_figure(drawn(annulus), ("x", "y"), {"core": Look("core: u = 1", "red")}, [np.zeros((5, 2))])
    assert [trace.name for trace in figure.data] == ["outer", "core: u = 1", None]
    ball = parse_domain({"kind": "ball", "centre": [0, 0, 0], "radius": 1})
    assert outline_figure(drawn(ball), ("x", "y", "z")).data[0].type == "mesh3d"
    line = parse_domain({"kind": "box", "low": [0], "high": [1]})
    assert outline_figure(drawn(line), ("x",)).data[0].mode == "markers"


def test_meshes_are_kept_in_memory_by_their_size(tmp_path, monkeypatch):
    points, triangles = torus(24, 12)
    mesh, reads = read_mesh(written(tmp_path, "torus.stl", points, [("triangle", triangles)])), []

    def asked(name):
        return kept_mesh(name, "0", lambda: reads.append(name) or mesh)

    monkeypatch.setattr(mesh_memory, "MOST", 2 * mesh.bytes)
    monkeypatch.setattr(mesh_memory, "_kept", OrderedDict())
    for name in "aabac":
        assert asked(name) is mesh
    assert reads == ["a", "b", "c"]
    asked("b")
    assert reads == ["a", "b", "c", "b"]  # it was the one that had not been asked for longest
    monkeypatch.setattr(mesh_memory, "MOST", 1)
    asked("d"), asked("d")
    assert reads[4:] == ["d"]  # the newest one stays
