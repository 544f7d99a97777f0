"""A domain as typed text: read to data and back, and what is wrong with one, at its characters."""

import math

import pytest
from pydantic import TypeAdapter

from core.domains import MeshFile, parse_domain
from core.equations.domain_text import EXAMPLES, checked_domain, domain_text, read_domain
from core.equations.faults import EquationError

NESTED = """
box((0, 0), (2, 1), sides=("left", "right", "floor", "lid"))
  - (disk((1, 0.5), 1/4, name="the pipe") + disk((1.5, 0.5), sqrt(0.01)))
  - ellipse((0.4, 0.5), (0.2, 0.1), 30)
"""


@pytest.mark.parametrize(
    "text",
    [
        *(each for kind, each in EXAMPLES.items() if kind != "mesh"),
        NESTED,
        "box(0, 2*pi)",
        "union(disk((0, 0), 1))",
        "difference(disk((0, 0), 1), disk((0.5, 0), 0.1))",
        "disk((0, 0), 1) & disk((1, 0), 1) - disk((0.5, 0), 0.1)",
        "disk((0, 0), 1) - (disk((0, 0), 0.5) - disk((0, 0), 0.2))",
        'annulus(centre=(0, 0, 0), inner=1, outer=2, inner_name="core")',
        'polygon((0, 0), (4, 0), (0, 4), holes=(((1, 1), (1.5, 1), (1, 1.5)),), hole_names=("a \\"b\\"",))',
    ],
)
def test_texts_mean_domains_and_are_written_again(text):
    _, domain = checked_domain(text, parse_domain)
    assert parse_domain(read_domain(domain_text(domain))) == domain


def test_what_is_typed_is_meant():
    data = read_domain(NESTED)
    assert data["kind"] == "difference" and [part["kind"] for part in data["less"]] == ["union", "ellipse"]
    assert data["less"][0]["parts"][0] == {"kind": "disk", "centre": [1, 0.5], "radius": 0.25, "name": "the pipe"}
    assert data["less"][0]["parts"][1]["radius"] == pytest.approx(0.1)
    assert read_domain("box(0, 2*pi)") == {"kind": "box", "low": [0], "high": [2 * math.pi]}
    assert read_domain("disk((-1, 2^-1), (1 + 1)/4)") == {"kind": "disk", "centre": [-1, 0.5], "radius": 0.5}
    mesh = MeshFile(file="a “b”.msh", version="a" * 40)
    assert TypeAdapter(MeshFile).validate_python(read_domain(domain_text(mesh))) == mesh


@pytest.mark.parametrize(
    "text, said, at",
    [
        ("", "no domain is typed", ""),
        ("disc((0, 0), 1)", "did you mean disk", "disc"),
        ("disk((0, 0), -1)", "greater than", "-1"),
        ("disk((0, 0))", "needs centre, radius", "disk"),
        ("disk((0, 0), 1, 2)", "needs centre, radius", "disk"),
        ("disk((0, 0), 1", "ends too early", " "),
        ("disk((0, 0), 1, nmae=\"a\")", "did you mean name", "nmae"),
        ("disk((0, 0), radius=1, radius=2)", "given twice", "radius"),
        ("disk(centre=(0, 0), 1)", "name last", "1"),
        ("disk((0, 0), r)", "no number", "r"),
        ("disk((0, 0), 1/0)", "division by zero", "/"),
        ("disk((0, 0), 9^9^9^9)", "no number", "^"),
        ("disk((0, 0) + 1, 1)", "joins numbers", "+"),
        ("disk((0, 0), 1) disk((0, 0), 1)", "can't stand here", "disk"),
        ("disk((0, 0), 1) - ", "ends too early", " "),
        ("disk((0, 0), 1); ", "means nothing here", ";"),
        ("disk((0, 0), 1, name=\"a)", "never closed", '"'),
        ("box((0, 0), (1, 1)) - disk((5, 5), 1)", "outside", "box((0, 0), (1, 1)) - disk((5, 5), 1)"),
        ("box((0, 0), (3, 3)) - annulus((1, 1), 2, 1)", "must be smaller", "annulus((1, 1), 2, 1)"),
        ("box((0, 0), (3, 3)) - (disk((1, 1), 1) + disk((1, 2), 0))", "greater than", "0"),
        ("polygon((0, 0), (1, 1), (1, 0), (0, 1))", "cuts itself", "polygon((0, 0), (1, 1), (1, 0), (0, 1))"),
        ("polygon((0, 0), (1, 0), 2)", "valid tuple", "2"),
        ("(" * 10_000, "nested more than", "("),
        ("disk((0, 0), " + "-" * 5_000 + "1)", "nested more than", "-"),
        ("disk((0, 0), 1" + " + 0" * 40_000 + ")", "the most is", None),
        ("disk((0, 0), 1)" + " + disk((0, 0), 1)" * 200, "more than 100 parts", None),
    ],
)  # fmt: skip
def test_faults_point_at_characters(text, said, at):
    with pytest.raises(EquationError, match=said) as refused:
        checked_domain(text, parse_domain)
    fault = refused.value.faults[0]
    assert fault.label == "domain" and "\n" not in fault.sentence
    if at is not None:
        assert fault.text[fault.start : fault.end].strip() == at.strip()
