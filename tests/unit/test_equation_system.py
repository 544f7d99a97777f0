"""Systems of typed equations: conditions recognised, what is missing or contradicts itself, manufactured solutions."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from core.domains import Difference, Disk, parse_domain, region
from core.equations.algebra import total
from core.equations.conditions import NORMAL, Kind, read_conditions
from core.equations.consistency import exact_faults
from core.equations.examination import examined
from core.equations.faults import EquationError
from core.equations.latex import latex_text
from core.equations.latex_system import latex_of_system
from core.equations.manufactured import manufactured
from core.equations.names import Names
from core.equations.places import Frame, Where, read_number, read_places
from core.equations.sampling import inner_points, values_of
from core.equations.tree import Coordinate
from core.equations.typed_system import SystemText, read_system
from core.equations.writing import text_of
from tests.equations import GALLERY, PINNACLE

FRAME = Frame(
    Names.of(["x", "y", "t"], ["u", "v"], ["k", "L"], ["c"], "t"),
    {"x": (-1.0, 2.0), "y": (0.0, 1.0), "t": (0.0, 5.0)},
    {"k": 3.0, "L": 2.0},
)
PIPE = replace(FRAME, region=region(parse_domain({
    "kind": "difference",
    "of": {"kind": "box", "low": [-1, 0], "high": [2, 1], "sides": ["inlet", "outlet", "floor", "ceiling"]},
    "less": [{"kind": "disk", "centre": [0, 0.5], "radius": 0.2}],
})))  # fmt: skip
UNIT = {"x": (0, 1), "t": (0, 1)}
HEAT = SystemText(UNIT, ("u",), ("u_t = nu*u_xx",), (("t = 0", "u = sin(pi*x)"), ("boundary", "u = 0")), "t",
                  {"nu": "0.1"}, exact={"u": "exp(-nu*pi^2*t)*sin(pi*x)"})  # fmt: skip
SQUARE = {"x": (0, 1), "y": (0, 1)}


@pytest.mark.parametrize(
    "where, text, message",
    [
        ("hole 2", "u = 0", "no place is called 'hole 2'; did you mean hole 1?"),
        ("nowhere", "u = 0", "one of t = …, boundary, floor, outlet, ceiling, inlet, hole 1, (…, …)"),
        ("x = -1", "u = 0", "x has no ends in a domain: its boundary has names"),
        ("(0, 0.5)", "u = 0", "(0, 0.5) is outside of the domain"),
        ("periodic in x", "u", "nothing is periodic in x"),
        (
            "everywhere",
            "u even in x",
            "a symmetry in x on a domain with holes or corners, whose features have none; expected half of the domain",
        ),
        ("t = 0", "dn(u) = 1", "there is no outward normal at t = 0"),
    ],
)
def test_places_that_a_domain_does_not_have(where, text, message):
    with pytest.raises(EquationError) as caught:
        read_conditions(where, text, PIPE)
    assert message in str(caught.value)


def refused(typed, **options):
    with pytest.raises(EquationError) as caught:
        examined(typed, **options)
    return " | ".join(fault.sentence for fault in caught.value.faults)


def warned(typed, **options):
    return " | ".join(fault.sentence for fault in examined(typed, **options).warnings)


@pytest.mark.parametrize(
    "where, text, kind, field, by, right",
    [
        ("x = -1", "u = y", Kind.VALUE, "u", (), "y"),
        ("x = L", "2*u - y = 4", Kind.VALUE, "u", (), "y/2 + 2"),
        ("boundary", "v = 0", Kind.VALUE, "v", (), "0"),
        ("t = 0", "u = sin(x)*(x + y)", Kind.INITIAL_VALUE, "u", (), "sin(x)*(x + y)"),
        ("t = 0", "u_t = 0", Kind.INITIAL_RATE, "u", ("t",), "0"),
        ("t = 5", "u = 1", Kind.VALUE, "u", (), "1"),
        ("x = -1", "u_x = 3*t", Kind.FLUX, "u", ("x",), "3*t"),
        ("x = -1", "dn(u) = 3*t", Kind.FLUX, "u", ("x",), "-3*t"),
        ("x = 2", "k*dn(u) = t", Kind.FLUX, "u", ("x",), "t/k"),
        ("y = 1", "u_x = 0", Kind.DERIVATIVE, "u", ("x",), "0"),
        ("x = 2", "u_xx = 0", Kind.DERIVATIVE, "u", ("x", "x"), "0"),
        ("boundary", "dn(u) + k*u = 1", Kind.ROBIN, "u", (NORMAL,), "1"),
        ("x = -1", "u_x - k*u = -1", Kind.ROBIN, "u", (NORMAL,), "1"),
        ("x = 2", "u + v = 1", Kind.LINEAR, "", (), None),
        ("x = 2", "u*u_x = 1", Kind.NONLINEAR, "u", (), None),
        ("x = 2", "dn(u) = -u^4", Kind.NONLINEAR, "u", (), None),
        ("(0.5, 0.5)", "u = 1", Kind.POINT_VALUE, "u", (), "1"),
        ("(0.5, 0.5, 1)", "c*u = 1", Kind.POINT_VALUE, "u", (), "1/c"),
        ("everywhere", "int(u) = 1", Kind.INTEGRAL, "u", (), None),
        ("periodic in y", "v", Kind.PERIODIC, "v", (), None),
        ("x = 0", "u even", Kind.EVEN, "u", (), None),
        ("everywhere", "v is odd in y", Kind.ODD, "v", (), None),
    ],
)
def test_conditions_are_recognised(where, text, kind, field, by, right):
    (found,) = read_conditions(where, text, FRAME)
    assert (found.kind, found.field, found.by) == (kind, field, by)
    assert (None if found.right is None else text_of(found.right)) == right


@pytest.mark.parametrize(
    "where, text, kind, by, right",
    [
        ("hole 1", "1 = u", Kind.VALUE, (), "1"),
        ("inlet", "k*dn(u) = t", Kind.FLUX, (NORMAL,), "t/k"),
        ("boundary", "u = y", Kind.VALUE, (), "y"),
        ("t = 0", "u = y", Kind.INITIAL_VALUE, (), "y"),
        ("(-0.5, 0.5)", "u = y", Kind.POINT_VALUE, (), "y"),
        ("(-0.2, 0.5)", "u = y", Kind.POINT_VALUE, (), "y"),
    ],
)
def test_conditions_on_a_domain_are_recognised(where, text, kind, by, right):
    (found,) = read_conditions(where, text, PIPE)
    assert (found.kind, found.field, found.by, text_of(found.right)) == (kind, "u", by, right)


def test_robin_has_its_factor():
    for where, text, frame in (("boundary", "2*dn(u) + 2*k*u = 1", FRAME), ("x = -1", "-u_x + k*u = 1", FRAME),
                               ("x = 2", "u_x + k*u = 1", FRAME), ("hole 1", "dn(u) + k*u = 1", PIPE)):  # fmt: skip
        (found,) = read_conditions(where, text, frame)
        assert found.kind is Kind.ROBIN and text_of(found.factor) == "k"


def test_several_at_once():
    found = read_conditions("x = -1; x = 2 and y = 0", "[u, v] = 0; u_t = 1", FRAME)
    assert len(found) == 9
    assert len(read_conditions("inlet; floor and hole 1", "[u, v] = 0; u_t = 1", PIPE)) == 9
    found = read_conditions("periodic in x and y", "", FRAME)
    assert [(each.field, each.coordinate) for each in found] == [("u", "x"), ("v", "x"), ("u", "y"), ("v", "y")]
    (traction, other) = read_conditions("x = 2", "dot([[u_x, v], [u, v_x]], normal) = [1, 0]", FRAME)
    assert text_of(traction.residual) == "u_x - 1" and text_of(other.residual) == "u"


def test_places():
    (side,) = read_places("x = -1", FRAME, "")
    assert (side.kind, side.coordinate, side.value, side.end) == (Where.SIDE, "x", -1.0, "low")
    (side,) = read_places("x = 2*k/3", FRAME, "")
    assert side.end == "high"
    odd = region(Disk(centre=(0, 0), radius=1, name="pipe and hole"))
    (named,) = read_places("pipe and  hole", replace(FRAME, region=odd), "")
    assert named.name == "pipe and hole"
    (inner,) = read_places("x = 0", FRAME, "")
    assert inner.end == ""
    (point,) = read_places("(L/4, .5)", FRAME, "")
    assert point.point == (("x", 0.5), ("y", 0.5))
    assert read_number("0.01/pi", Names(), {}, "") == 0.01 / np.pi


@pytest.mark.parametrize(
    "where, text, message",
    [
        ("x = 3", "u = 0", "x = 3 is outside: x runs from -1 to 2"),
        ("z = 0", "u = 0", "a place is a coordinate and a number"),
        ("x = y", "u = 0", "this is no number"),
        ("x = 1/0", "u = 0", "division by 0"),
        ("bondary", "u = 0", "did you mean boundary?"),
        ("hole 1", "u = 0", "one of x = …, boundary, (…, …), periodic in …"),
        ("(1, 2, 3, 4)", "u = 0", "a point of 4 numbers"),
        ("(1, 9)", "u = 0", "y = 9 is outside"),
        ("(1, x)", "u = 0", "this is no point"),
        ("(1, 0", "u = 0", "never closed"),
        ("periodic in z", "u", "'z' is no coordinate"),
        ("periodic in x", "u = 0", "is no field"),
        ("", "u = 0", "no place"),
        ("x = 2", "x = 1", "no field in this condition"),
        ("t = 0", "dn(u) = 1", "there is no outward normal at t = 0"),
        ("x = 0", "dn(u) = 1", "there is no outward normal at x = 0"),
        ("y = 1", "u even in x", "a symmetry in x at y = 1"),
        ("everywhere", "u odd", "even or odd in what"),
        ("x = 2", "", "nothing is typed"),
        ("x = 2", "sen(u) = 0", "did you mean sin?"),
        ("x = 2", "u = where(u < 1, 1", "never closed"),
    ],
)
def test_conditions_that_cannot_be(where, text, message):
    with pytest.raises(EquationError) as caught:
        read_conditions(where, text, FRAME, "condition 1")
    assert message in str(caught.value)


def test_a_sound_system():
    taken = examined(HEAT)
    assert not taken.warnings
    system = taken.system
    assert system.linearity.in_fields and system.derivatives == {"u": ((), ("t",), ("x", "x"))}
    assert [condition.kind for condition in system.conditions] == [Kind.INITIAL_VALUE, Kind.VALUE]


def test_all_faults_of_all_texts_are_said():
    typed = replace(HEAT, equations=("u_t = nu*v_xx + foo",), conditions=(("x = 7", "u = 0"), ("t = 0", "u = sen(x)")),
                    exact={"u": "u*x"})  # fmt: skip
    said = refused(typed)
    for part in ("unknown name 'v_xx'", "unknown name 'foo'", "x = 7 is outside", "did you mean sin?",
                 "a field in an exact solution", "equation 1", "condition 1, where", "condition 2",
                 "exact u"):  # fmt: skip
        assert part in said


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"equations": ("u_t = u_xx", "u_x = 1")}, ""),
        ({"equations": ()}, "0 equations for 1 field (u)"),
        ({"fields": ("u", "v")}, "1 equation for 2 fields (u, v)"),
        ({"fields": ("u", "v"), "equations": ("[u_t, u] = 0",)}, "no equation has the field v"),
        ({"conditions": (("boundary", "u = 0"),)}, "u_t needs u at t = 0; u is missing"),
        ({"conditions": (("t = 0", "u = sin(pi*x)"), ("x = 0", "u = 0"))}, "u needs a condition at x = 1"),
        ({"equations": ("u_tt = u_xx",), "exact": {}}, "u_tt needs u and u_t at t = 0; u_t is missing"),
        ({"equations": ("u_t = -u_xxxx",), "exact": {}}, "u needs 2 conditions at x = 0, has 1"),
        ({"coordinates": {"x": (1, 0), "t": (0, 1)}}, "x runs from 1 to 0"),
        ({"coordinates": {"x": (0, "1e400"), "t": (0, 1)}}, "the number is too large"),
        ({"coordinates": {"x": (0, float("nan")), "t": (0, 1)}}, "it is nan"),
        ({"parameters": {"nu": "x"}}, "unknown name 'x'"),
        ({"parameters": {"nu": "0.1", "u": 1}}, "'u' is a field and a parameter"),
        ({"exact": {"w": "1"}}, "'w' is no field"),
        ({"exact": {"u": "sin(pi*x)"}}, "the exact solution is off by 0.99 at x = 0.498, t = 0.624"),
        ({"exact": {"u": "exp(-nu*pi^2*t)*sin(pi*x) + 1"}}, "condition 1: the exact solution is off by 1 at"),
        ({"exact": {"u": "log(-1 - x)"}}, "has no value"),
    ],
)  # fmt: skip
def test_systems_that_cannot_be(changes, message):
    typed = replace(HEAT, **changes)
    if not message:
        assert "2 equations for 1 field" in warned(replace(typed, exact={}))
        return
    assert message in refused(typed)


def test_conditions_that_contradict_at_a_corner():
    step = replace(HEAT, conditions=(("t = 0", "u = cos(pi*x)"), ("x = 0", "u = t"), ("x = 1", "u = -1")), exact={})
    said = refused(step)
    assert "u is 1 by condition 1 (t = 0) and 0 by condition 2 (x = 0) at x = 0, t = 0" in said
    assert "condition 3" not in said
    assert "u is 1 by condition 1" in warned(step, jumps=True)
    rate = replace(HEAT, equations=("u_tt = u_xx",), exact={}, conditions=(
        ("t = 0", "u = 0"), ("t = 0", "u_t = 1"), ("boundary", "u = t^2")))  # fmt: skip
    assert "u_t is 0 by condition 3 (x = 0) and 1 by condition 2 (t = 0)" in refused(rate)  # no start meets both
    assert "u_t is 0 by condition 3" in warned(rate, jumps=True)
    lid = SystemText(SQUARE, ("u",), ("laplacian(u) = 0",), (("boundary", "u = 0"), ("(0, 0.5)", "u = 1")))
    assert "u is 0 by condition 1 (x = 0) and 1 by condition 2 ((0, 0.5)) at x = 0, y = 0.5" in refused(lid)
    twice = replace(lid, conditions=(("boundary", "u = x"), ("x = 1", "u = 2")))
    assert "u is 1 by condition 1" in refused(twice)


def test_what_data_and_symmetry_make_up_for():
    half = replace(HEAT, conditions=(("t = 0", "u = sin(pi*x)"),), exact={})
    assert "u needs a condition at x = 0" in refused(half)
    assert "u needs a condition at x = 0" in warned(replace(half, has_data=True))
    even = replace(half, coordinates={"x": (0, 1), "t": (0, 1)}, conditions=(
        ("t = 0", "u = cos(pi*x)"), ("x = 0", "u even"), ("x = 1", "u_x = 0")))  # fmt: skip
    assert not warned(even)
    mirrored = replace(even, coordinates={"x": (-1, 1), "t": (0, 1)}, conditions=(
        ("t = 0", "u = x*0"), ("x = 0", "u odd"), ("x = 1", "u = 0")))  # fmt: skip
    assert not warned(mirrored)
    around = replace(half, conditions=(("t = 0", "u = sin(2*pi*x)"), ("periodic in x", "")))
    assert not warned(around)


def test_what_is_found_up_to_a_constant():
    stokes = SystemText(SQUARE, ("u", "v", "p"), ("-laplacian([u, v]) + grad(p) = [1, 0]", "div([u, v]) = 0"),
                        (("boundary", "[u, v] = 0"),))  # fmt: skip
    assert "only derivatives of p appear" in warned(stokes)
    assert not warned(replace(stokes, conditions=(*stokes.conditions, ("(0, 0)", "p = 0"))))
    neumann = SystemText(SQUARE, ("u",), ("laplacian(u) = 0",), (("boundary", "dn(u) = 0"),))
    assert "only derivatives of u appear" in warned(neumann)


def test_a_boundary_with_a_name_needs_a_condition():
    ring = Difference(of=Disk(centre=(0, 0), radius=1, name="outside"), less=(Disk(centre=(0.2, 0), radius=0.3),))
    holes = SystemText({"x": None, "y": None}, ("u",), ("laplacian(u) = 0",), (("hole 1", "u = 0"),), domain=ring)
    assert "u needs a condition at outside" in refused(holes)
    assert not warned(replace(holes, conditions=(("hole 1", "u = 0"), ("outside", "dn(u) = 1"))))
    assert not warned(replace(holes, conditions=(("boundary", "u = 0"),)))
    assert "u needs a condition at hole 1" in refused(replace(holes, conditions=(("(0.7, 0)", "u = 1"),)))
    assert "(0.2, 0.1) is outside of the domain" in refused(replace(holes, conditions=(("(0.2, 0.1)", "u = 1"),)))
    said = refused(replace(holes, conditions=(("hole1", "u = 0"), ("rim", "u = 0"))))
    assert "did you mean hole 1?" in said and "expected one of boundary, outside, hole 1" in said
    assert "x has no ends in a domain" in refused(replace(holes, conditions=(("x = 0", "u = 0"),)))
    assert "nothing is periodic in x" in refused(replace(holes, conditions=(("periodic in x", ""),)))


def test_a_degenerate_end_needs_nothing():
    option = SystemText({"S": (0, 4), "t": (0, 1)}, ("u",), ("u_t = S^2*u_SS + S*u_S - u",),
                        (("t = 0", "u = max(1 - S, 0)"), ("S = 4", "u = 0")), "t")  # fmt: skip
    assert not warned(option)


def test_division_by_what_vanishes():
    quotient = replace(HEAT, equations=("u_t = u_xx + 1/u",), exact={})
    assert "it divides by u, which by condition 1 is 0" in warned(quotient)
    radial = SystemText({"r": (0, 1)}, ("u",), ("u_rr + u_r/r = 1",), (("r = 0", "u_r = 0"), ("r = 1", "u = 0")))
    assert "it divides by r, which is 0 at or near r = 0" in warned(radial)
    exact = replace(HEAT, equations=("u_t*u/u + 0 = nu*u_xx + x/(u - 1) - x/(u - 1)",))
    assert not warned(exact)
    lost = SystemText({"x": (0, 1)}, ("u",), ("u_xx = u_x/(u - 2)",), (("boundary", "u = 2*x"),))
    assert "divides by u - 2" in warned(lost)


@pytest.mark.parametrize("name", PINNACLE)
def test_well_known_problems_are_sound(name):
    said = warned(PINNACLE[name])
    told = {"poisson-inverse": ("u needs a condition at", 4), "ns2d-c": ("so the solution is singular there", 1)}
    expected, times = told.get(name, ("", 0))
    assert said.count(expected) == times if times else not said


def test_a_system_in_latex():
    typed = replace(HEAT, equations=("u_t = ν*u_xx",), conditions=(
        ("t = 0", "u = 1; u_t = 0"), ("boundary", "dn(u) = 0"), ("hole_{1}", "u = 2"), ("periodic in x", ""),
        ("x = 0", "u is even"), ("(0, 1)", "u = 3")))  # fmt: skip
    assert latex_of_system(typed).split(r" \\ ")[:8] == [
        r"\begin{aligned} u_{t} &= \nu \, u_{xx}", "u &= 1 && t = 0", "u_{t} &= 0 && t = 0",
        r"\partial_n u &= 0 && \partial\Omega", r"u &= 2 && \text{hole\_\{1\}}", r"&u && \text{periodic in x}",
        r"&u \text{ is even} && x = 0", r"u &= 3 && \begin{pmatrix} 0"]  # fmt: skip
    assert latex_text(r"\input{a}$") == r"\text{\textbackslash input\{a\}\$}"


def test_a_page_can_read_equations_without_torch_and_sympy():
    names = "import sys, core.equations.examination, core.equations.latex_system; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", names], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "sympy", "scipy", "streamlit"} & set(loaded)


MANUFACTURED = {
    "heat": {"u": "exp(-t)*sin(pi*x)"},
    "kdv": {"u": "sin(x - t)"},
    "burgers": {"u": "tanh(x)*t"},
    "cahn-hilliard": {"u": "cos(pi*x)*cos(pi*y)*exp(-t)"},
    "schroedinger": {"u": "sech(x)*cos(t)", "v": "sech(x)*sin(t)"},
    "plate": {"w": "sin(pi*x)^2*sin(pi*y)^2"},
    "elasticity": {"u": "sin(x*y)", "v": "exp(x)*y^2"},
    "navier-stokes": {"u": "sin(x)*cos(y)*t", "v": "-cos(x)*sin(y)*t", "p": "x*y"},
    "darcy": {"u": "sin(pi*x)*sin(pi*y)", "a": "1 + x^2"},
    "gray-scott": {"u": "1 - exp(-x^2 - y^2)*t", "v": "exp(-x^2 - y^2)"},
    "sine-gordon": {"u": "4*atan(sin(t/2)/cosh(x/2))"},
}


@pytest.mark.parametrize("name", MANUFACTURED)
def test_manufactured_solutions_are_exact(name):
    names, texts = GALLERY[name]
    typed = SystemText({x: (0, "pi/3") for x in names.coordinates}, tuple(names.fields), texts, time=names.time,
                       parameters={each: 0.3 for each in names.parameters}, exact=MANUFACTURED[name])  # fmt: skip
    taken = examined(typed, make_sources=True)  # says what is missing, off or contradicts itself
    system = taken.system
    assert len(system.sources) == len(system.residuals)
    points = inner_points(system.frame)
    for residual in system.residuals:
        terms = np.array(values_of([system.at_exact(term) for term in residual.terms], points, system.frame))
        assert np.abs(terms.sum(0)).max() <= 1e-10 * np.abs(terms).max()
    for condition in system.conditions:  # may be typed as they are written
        (again,) = read_conditions(condition.place.text, condition.text, system.frame, condition.label)
        assert again == condition
    other = {field: total(node, Coordinate("x")) for field, node in system.exact.items()}
    assert any("off by" in fault.message for fault in exact_faults(replace(system, exact=other)))


def test_typed_conditions_keep_their_form_in_a_manufactured_solution():
    typed = SystemText(SQUARE, ("u",), ("-laplacian(u) = u^2",), exact={"u": "x^2*y"}, conditions=(
        ("x = 0", "u = 0"), ("x = 1", "dn(u) + 2*u = 0"), ("y = 0", "u_y = 0"), ("y = 1", "u*u_y = 0")))  # fmt: skip
    system = examined(typed, make_sources=True).system
    assert [each.kind for each in system.conditions] == [Kind.VALUE, Kind.ROBIN, Kind.FLUX, Kind.NONLINEAR]
    assert [each.right and text_of(each.right) for each in system.conditions[:3]] == ["0", "4*y", "x^2"]
    assert text_of(system.sources[0]) == "-2*y - x^4*y^2"


def test_a_manufactured_solution_needs_all_fields_and_an_end():
    typed = SystemText(SQUARE, ("u", "v"), ("laplacian(u) = v", "laplacian(v) = u"), exact={"u": "x"})
    assert "exact v: no solution is chosen for v" in refused(typed, make_sources=True)
    long = "*".join(f"sin({i}*x*y)" for i in range(1, 40))
    typed = SystemText(SQUARE, ("u",), ("biharmonic(u) = 0",), exact={"u": long})
    assert "its source: " in refused(typed, make_sources=True)


def test_an_unknown_number():
    typed = replace(HEAT, equations=("u_t = D*u_xx",), parameters={}, unknowns={"D": 1}, has_data=True,
                    exact={"u": "exp(-0.1*pi^2*t)*sin(pi*x)", "D": "1/10"})  # fmt: skip
    assert not warned(typed)
    assert "off by" in refused(replace(typed, exact=typed.exact | {"D": "0.2"}))


def test_an_exact_solution_on_boundaries_with_names():
    typed = SystemText({"x": None, "y": None}, ("u",), ("laplacian(u) = 4",), (("rim", "dn(u) = 2"),),
                       exact={"u": "x^2 + y^2"}, domain=Disk(centre=(0, 0), radius=1, name="rim"))  # fmt: skip
    assert not exact_faults(read_system(typed))
    off = read_system(replace(typed, conditions=(("rim", "dn(u) = 1"),)))
    assert "off by 1 at x = " in exact_faults(off)[0].message


def test_what_is_given_on_a_boundary_agrees_with_the_beginning():
    typed = SystemText({"x": None, "y": None, "t": (0, 1)}, ("u",), ("u_t = laplacian(u)",),
                       (("t = 0", "u = 1 - x^2 - y^2"), ("rim", "u = 0")), "t",
                       domain=Disk(centre=(0, 0), radius=1, name="rim"))  # fmt: skip
    assert not warned(typed)
    assert "1 by condition 2 (rim)" in refused(replace(typed, conditions=(typed.conditions[0], ("rim", "u = 1"))))


def test_ends_that_are_typed_beside_a_domain_are_its_own():
    typed = SystemText({"x": (0, 1), "y": None}, ("u",), ("laplacian(u) = 0",), (("boundary", "u = 0"),),
                       domain=Disk(centre=(0, 0), radius=1))  # fmt: skip
    assert "x runs from 0 to 1, and in the domain from -1 to 1" in refused(typed)
    assert not warned(replace(typed, coordinates={"x": (-1, 1), "y": None}))
    assert "its ends are missing" in refused(replace(typed, domain=None))
    assert "the domain has 2 dimensions" in refused(replace(typed, coordinates={"x": None, "y": None, "z": None}))


def test_hostile_systems_end_in_faults():
    many = replace(HEAT, conditions=(("t = 0", "u = sin(x)"),) * 5_000)
    assert "there are 5,000 conditions" in refused(many)
    assert "there are 300 equations" in refused(replace(HEAT, equations=("u = 0",) * 300))
    assert "there are 900 parameters" in refused(replace(HEAT, parameters={f"p{i}": 1 for i in range(900)}))
    crossing = SystemText({x: (0, 1) for x in "abcdf"}, ("u",), ("laplacian(u) = 0",), tuple(
        (f"{x} = {end}", f"u = {i}") for i in range(10) for x in "abcdf" for end in (0, 1)))  # fmt: skip
    assert "u is " in refused(crossing)
    with pytest.raises(EquationError):
        manufactured(
            read_system(replace(HEAT, exact={"u": "x^(" * 30 + "t" + ")" * 30}, equations=("u_xxxx^9 = u_t",)))
        )


def test_slips_in_places_and_numbers_are_faults():
    for where in ("x == 0", "x <= 0", "x >= 1"):
        assert "a place is a coordinate, one = and a number" in refused(replace(HEAT, conditions=((where, "u = 0"),)))
    assert "parameter" in refused(replace(HEAT, parameters={"kappa": "9" * 400}))


def test_a_row_of_conditions_stands_for_no_more_than_a_person_would_type():
    many = ";".join(["u = 0"] * 60)
    assert "at most 100 of them in one condition" in refused(replace(HEAT, conditions=(("x = 0; x = 1", many),)))
    again = replace(HEAT, conditions=(("periodic in " + "x " * 400, ";" * 90), ("t = 0", "u = sin(2*pi*x)")), exact={})
    assert len(read_system(again).conditions) < 100


def test_an_order_with_zeros_before_it_is_that_order():
    assert "a derivative of order" in refused(replace(HEAT, equations=("u_t = diff(u, x, 000000001999999999)",)))


def test_parameters_that_leave_nothing_are_faults():
    numbers = {**HEAT.parameters, "k": 0}
    over = replace(HEAT, equations=("u_t = u_xx/k",), parameters=numbers, exact={})
    assert "equation 1: with the parameters' numbers it means nothing: division by 0" in refused(over)
    held = replace(HEAT, conditions=(*HEAT.conditions[:-1], ("x = 1", "u = 1/k")), parameters=numbers, exact={})
    assert "with the parameters' numbers it means nothing" in refused(held)


def test_a_symmetry_has_its_middle_inside():
    beside = replace(HEAT, coordinates={"x": (1, 2), "t": (0, 1)}, exact={}, conditions=(
        ("t = 0", "u = x*0"), ("", "u odd in x"), ("x = 2", "u = 0")))  # fmt: skip
    assert "the middle x = 0 is outside: x runs from 1 to 2" in refused(beside)
