"""Domains on the Equation page: kinds and fields stand for one text, pictures, faults, meshes, versions in a config."""

import json

import pytest

from core.config import parse_config
from core.datasets import add, keep, mesh_of, pinned
from core.domains import parse_domain
from core.errors import LabError
from core.home import home
from core.problems.equation import Equation
from core.problems.typed.pictures import points_of
from pages.parts.equation.domain_figure import NONE, domain_figure, figure_height
from pages.parts.equation.draft import Draft, draft_of
from pages.parts.equation.launching import planned
from pages.parts.equation.reading import read
from pages.parts.equation.shapes import (
    BOX,
    FIELDS,
    FIRST_JOINED,
    JOINED,
    KINDS,
    MESH,
    POLYGON,
    fields_of,
    kind_of,
    lines_of,
    text_of,
    typed,
    understood,
    vertices_in,
)
from pages.parts.shared.written_form import data_of, written
from tests.unit.test_uploaded_meshes import named_plate

PLATE = Draft(
    coordinates=(("x", "", ""), ("y", "", "")),
    domain='box((0, 0), (2, 1), sides=("left", "right", "floor", "lid")) - disk((0.5, 0.5), 0.2, name="pipe")',
    equations="laplacian(u) = -1",
    conditions=(("left and right", "u = 0"), ("pipe", "dn(u) = 1"), ("floor and lid", "dn(u) = 0")),
)
RUN = {"name": "", "seed": 0, "device": "auto"}


def changed(**texts):
    return Draft(**{**PLATE.__dict__, **texts})


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in (BOX, MESH)])
def test_what_stands_in_the_fields_of_a_kind_at_first_is_a_domain_of_it(kind):
    text = text_of(kind, fields_of(kind, ""))
    domain, faults = understood(text)
    assert not faults and kind_of(text) == kind
    assert understood(text_of(kind, fields_of(kind, text)))[0] == domain
    assert parse_domain(domain.model_dump()) == domain


def test_what_fields_can_t_say_is_shown_as_text():
    assert kind_of("") == BOX and kind_of("disk((0, 0), 2*pi)") == "disk" and kind_of(FIRST_JOINED) == JOINED
    assert kind_of('disk((0, 0), 1, name="wall")') == JOINED and kind_of("nonsense") == JOINED
    assert kind_of('mesh("a.msh")') == MESH and fields_of(MESH, 'mesh("a.msh")')["file"] == "a.msh"
    assert set(FIELDS) < set(KINDS)


def test_vertices_are_typed_or_pasted_and_name_their_sides():
    text = "0, 0, floor\n\n1;0\n1\t1, lid\n 0 1 "
    assert vertices_in(text) == [("0", "0", "floor"), ("1", "0", ""), ("1", "1", "lid"), ("0", "1", "")]
    domain, _ = understood(text_of(POLYGON, {"vertices": text}))
    assert domain.sides == ("floor", "outer", "lid", "outer")
    assert lines_of(domain.vertices, domain.sides) == "0, 0, floor\n1, 0\n1, 1, lid\n0, 1"
    assert kind_of(typed(domain.model_dump(mode="json"))) == POLYGON
    assert "3 vertices" in understood(text_of(POLYGON, {"vertices": "0, 0\n1"}))[1][0].sentence


def test_a_domain_is_data_of_the_draft_and_comes_back_as_text():
    data = PLATE.data()
    assert data["coordinates"] == {"x": None, "y": None} and data["domain"]["kind"] == "difference"
    found = planned(PLATE, RUN)
    assert found.errors == {} and found.config.problem.shape.kind == "difference"
    again = draft_of(found.config.model_dump(mode="json", by_alias=True))
    assert again.own_stages and understood(again.domain) == understood(PLATE.domain)
    assert planned(again, RUN).config.hash == found.config.hash


@pytest.mark.parametrize(
    "texts, said",
    [
        ({"domain": "disc((0, 0), 1)"}, "did you mean disk"),
        ({"domain": "polygon((0, 0), (1, 1), (1, 0), (0, 1))"}, "cuts itself"),
        ({"domain": "ball((0, 0, 0), 1)"}, "3 dimensions"),
        ({"domain": 'mesh("gone.msh")'}, "There is no dataset 'gone.msh'"),
        ({"domain": 'mesh("../jobs.db")'}, "no dataset's name"),
        ({"conditions": PLATE.conditions[:2]}, "a condition at floor"),
        ({"conditions": (*PLATE.conditions, ("pype", "u = 0"))}, "did you mean pipe"),
        ({"conditions": (*PLATE.conditions, ("x = 0", "u = 0"))}, "no ends in a domain"),
    ],
)
def test_what_is_wrong_with_a_domain_is_said_where_it_was_typed(texts, said):
    found = read(changed(**texts))
    assert found.system is None
    fault = next(fault for fault in found.faults if said in fault.sentence)
    assert fault.label.startswith("domain" if "domain" in texts else ("field", "condition"))
    assert r"\Delta u" in found.equations  # the formulas stay


def test_the_picture_has_every_boundary_in_the_colour_of_its_condition_and_points():
    config = planned(PLATE, RUN).config
    system = read(PLATE).system
    inside, on = points_of(config.problem)
    figure = domain_figure(system, (inside, on))
    said = {trace.name: trace.line.color for trace in figure.data if trace.name}
    assert said["left: u = 0"] == said["right: u = 0"] != said["pipe: dn(u) = 1"]
    assert len(inside) == 400 and config.problem.contains(inside).all() and len(on)
    assert figure_height(system) > 300
    partly = read(changed(conditions=PLATE.conditions[:2])).drawn
    bare = [trace for trace in domain_figure(partly).data if "no condition" in (trace.name or "")]
    assert {trace.line.color for trace in bare} == {NONE} and len(bare) == 2
    box = Draft((("x", "0", "1"), ("y", "0", "1")), equations="laplacian(u) = 1", conditions=(("boundary", "u = 0"),))
    drawn = domain_figure(read(box).system, points_of(planned(box, RUN).config.problem))
    assert sum(trace.mode == "markers" for trace in drawn.data) >= 1


def on_mesh(**more):
    problem = {"kind": "equation", "domain": {"kind": "mesh", "file": "plate.msh"}, "equations": ["laplacian(u) = -1"],
               "conditions": [{"on": "inlet", "that": "u = 1"}, {"on": "outer", "that": "u = 0"}]}  # fmt: skip
    return {"problem": problem | more, "stages": [{}]}


def test_a_mesh_is_pinned_and_kept_like_a_dataset(tmp_path):
    first = add("plate.msh", named_plate(tmp_path).read_bytes()).version.digests.git_blob
    config = pinned(parse_config(on_mesh()))
    assert mesh_of(config.problem).version == first
    assert config.hash == parse_config(on_mesh()).hash
    add("plate.msh", named_plate(tmp_path, n=3).read_bytes(), replace=True)
    assert (
        mesh_of(pinned(config).problem).version == first and mesh_of(pinned(parse_config(on_mesh())).problem) != first
    )
    (used,) = keep(config)
    assert (used.path, used.digests.git_blob, used.why) == ("plate.msh", first, "run")
    assert len(config.problem.system.frame.region.domain.simplices) == 128
    (home().data / ".versions" / first).unlink()
    elsewhere = on_mesh(domain={"kind": "mesh", "file": "plate.msh", "version": "a" * 40})
    with pytest.raises(LabError, match="is not in this lab"):
        parse_config(elsewhere)


def test_a_file_put_into_the_folder_by_hand_is_a_mesh_too(tmp_path):
    home().ensure()
    (home().data / "plate.msh").write_bytes(named_plate(tmp_path).read_bytes())
    config = pinned(parse_config(on_mesh()))
    assert config.problem.system.frame.region.names and json.dumps(config.model_dump(mode="json"))
    (home().data / "plate.msh").write_bytes(b"no mesh")
    with pytest.raises(LabError, match="no mesh of Gmsh"):
        parse_config(on_mesh())


def test_a_config_may_have_its_domain_as_text_and_the_launch_form_shows_it_so():
    problem = on_mesh(domain="disk((0, 0), 1)", conditions=[{"on": "boundary", "that": "u = 0"}])
    found = parse_config(problem).problem
    assert found.shape == parse_domain({"kind": "disk", "centre": [0, 0], "radius": 1})
    ball = problem["problem"] | {"domain": "ball((0, 0, 0), 1)"}
    assert parse_config(problem | {"problem": ball}).problem.coordinates == ("x", "y", "z")
    info = Equation.model_fields["shape"]
    text = written(found.model_dump(mode="json", by_alias=True)["domain"], info)
    assert text == "disk((0, 0), 1)" and data_of(f" {text} ", info) == text and data_of(" ", info) is None
    with pytest.raises(LabError, match="did you mean disk"):
        parse_config(on_mesh(domain="disc((0, 0), 1)"))
