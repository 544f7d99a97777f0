"""What is wrong with a typed domain is one clear line at the domain, and what it stands for stays the same."""

import pytest

from core.config import parse_config
from core.datasets import add, mesh_of, pinned
from core.domains.regions import domain_of
from core.equations.domain_text import read_domain
from core.equations.examination import examined
from core.equations.faults import EquationError
from core.equations.typed_system import SystemText
from core.errors import ConfigError
from core.problems.equation import Equation
from tests.unit.test_uploaded_meshes import named_plate

BIG = "9" * 300
BOUNDARY = (("boundary", "u = 0"),)


def problem(**change):
    data = {"kind": "equation", "equations": ["laplacian(u) = 0"],
            "conditions": [{"on": "boundary", "that": "u = 0"}]}  # fmt: skip
    return data | change


@pytest.mark.parametrize(
    "domain",
    ["disk((0, 0), 1) + disk((2, 0), 1)", "disk((0, 0), 3) - disk((0, 0), 1) - disk((2, 0), 1)"],
)
def test_a_boundary_of_which_no_curves_can_be_made_is_a_fault_of_the_domain(domain):
    typed = SystemText({"x": None, "y": None}, ("u",), ("laplacian(u) = 0",), BOUNDARY, domain=parsed(domain))
    with pytest.raises(EquationError, match="touch there without overlapping") as refused:
        examined(typed)
    assert [fault.label for fault in refused.value.faults] == ["domain"]
    with pytest.raises(ConfigError, match=r"problem\.domain: The domain's boundary is open"):
        parse_config({"problem": problem(domain=domain), "stages": [{}]})


def parsed(text):
    return domain_of(read_domain(text))


@pytest.mark.parametrize(
    "text, said",
    [
        (r'disk((0, 0), 1, name="a\x")', "a backslash in a text in quotes"),
        (r'disk((0, 0), 1, name="a\u12")', "a backslash in a text in quotes"),
        (r'disk((0, 0), 1, name="a\ud800")', "a backslash in a text in quotes"),
        (f"disk((0, 0), {BIG}*{BIG}/3)", "too large"),
        (f"disk((0, 0), {BIG}*{BIG} + 0.5)", "too large"),
        (f"disk((0, 0), -{BIG}*{BIG})", "too large"),
        (f"disk((0, 0), {BIG}*1e10)", "too large"),
        (f"disk((0, 0), sqrt({BIG}*{BIG}))", "too large"),
        (f"disk((0, 0), {BIG}^2)", "too large"),
        ("disk((0, 0), 1/(2 - 2))", "a division by zero"),
    ],
)
def test_no_text_of_a_domain_ends_in_anything_but_a_fault(text, said):
    with pytest.raises(EquationError, match=said) as refused:
        read_domain(text)
    assert refused.value.faults[0].label == "domain" and refused.value.faults[0].end


def test_quotes_and_backslashes_have_their_escapes():
    assert read_domain(r'disk((0, 0), 3/2 - 1, name="a\\b\"c")') == {
        "kind": "disk", "centre": [0, 0], "radius": 0.5, "name": 'a\\b"c'}  # fmt: skip


@pytest.mark.parametrize("blank", [None, "", "  \n"])
def test_nothing_and_blank_text_are_no_domain(blank):
    box = {"coordinates": {"x": [0, 1], "y": [0, 1]}}
    assert Equation.model_validate(problem(domain=blank, **box)).shape is None
    with pytest.raises(ConfigError, match="coordinates"):
        parse_config({"problem": problem(domain=blank), "stages": [{}]})


@pytest.mark.parametrize("other", [{}, [], 0, False])
def test_anything_else_is_refused(other):
    for more in ({}, {"coordinates": {"x": [0, 1], "y": [0, 1]}}):
        with pytest.raises(ConfigError, match=r"problem\.domain"):
            parse_config({"problem": problem(domain=other, **more), "stages": [{}]})


def test_a_problem_stays_on_the_bytes_of_its_mesh(tmp_path):
    first = add("plate.msh", named_plate(tmp_path).read_bytes()).version.digests.git_blob
    config = parse_config({"problem": problem(domain='mesh("plate.msh")'), "stages": [{}]})
    before = config.hash
    assert mesh_of(config.problem).version == first and pinned(config).hash == before
    cells = len(config.problem.system.frame.region.domain.simplices)
    add("plate.msh", named_plate(tmp_path, n=3).read_bytes(), replace=True)
    assert config.hash == before and mesh_of(config.problem).version == first
    assert parse_config({"problem": problem(domain='mesh("plate.msh")'), "stages": [{}]}).hash != before
    assert cells == 128
