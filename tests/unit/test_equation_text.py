"""Typed texts: what they stand for, and what is said of those that stand for nothing."""

import pytest

from core.equations.faults import EquationError
from core.equations.latex import latex_name, latex_of, latex_of_equation
from core.equations.names import Names
from core.equations.reading import read_equation, read_expression
from core.equations.structure import linearity, needed_derivatives, order
from core.equations.writing import text_of
from tests.equations import GALLERY

NAMES = Names.of(["x", "t"], ["u", "v"], ["nu", "k"], ["c"], "t")
PLANE = Names.of(["x", "y"], ["u", "v", "p"], ["nu"])
SPACE = Names.of(["x", "y", "z"], ["u", "v", "w"])


def written(text, names=NAMES):
    return text_of(read_expression(text, names, in_condition=True))


def faults(text, names=NAMES, **options):
    with pytest.raises(EquationError) as caught:
        read_equation(text, names, **options)
    return caught.value.faults


@pytest.mark.parametrize("name", GALLERY)
def test_the_gallery_reads_and_writes_the_same(name):
    names, texts = GALLERY[name]
    residuals = [residual for text in texts for residual in read_equation(text, names).residuals]
    assert len(residuals) == len(names.fields)
    for residual in residuals:
        assert read_expression(text_of(residual), names) == residual
    assert all(r"\left(" not in latex_of_equation(text, names) or "(" in text for text in texts)


def test_operators_are_written_out():
    (u, v) = read_equation(GALLERY["navier-stokes"][1][0], GALLERY["navier-stokes"][0]).residuals
    assert text_of(u) == "u_t + u*u_x + v*u_y + p_x - nu*(u_xx + u_yy)"
    assert text_of(v) == "v_t + u*v_x + v*v_y + p_y - nu*(v_xx + v_yy)"
    (darcy,) = read_equation("div((1 + x^2)*grad(u)) = 0", PLANE).residuals
    assert text_of(darcy) == "2*x*u_x + (x^2 + 1)*u_xx + (x^2 + 1)*u_yy"
    assert written("biharmonic(u)", PLANE) == "u_xxxx + 2*u_xxyy + u_yyyy"
    assert written("laplacian(u)") == "u_xx"  # time is left out
    assert written("curl([u, v])", PLANE) == "v_x - u_y"
    assert written("div(curl([u, v, w]))", SPACE) == "0"
    assert written("dot(cross([u, v, w], [1, 0, 0]), [0, 1, 0])", SPACE) == "w"
    assert written("dot(curl(u), [1, 2])", PLANE) == "u_y - 2*u_x"
    (first, second) = read_equation("dot([u, v], grad([u, v])) = dot(grad([u, v]), [0, 0])", PLANE).residuals
    assert text_of(first) == "u*u_x + v*u_y" and text_of(second) == "u*v_x + v*v_y"
    assert written("dn(u)", PLANE) == "normal_x*u_x + normal_y*u_y"
    assert written("dot(normal, grad(u))", PLANE) == written("dn(u)", PLANE)
    assert written("diff(u^3, x, 2)") == "6*u*u_x^2 + 3*u^2*u_xx"
    assert written("diff(u, x, 2, t)") == written("u_xxt") == written("u_txx") == "u_xxt"
    assert written("int(u^2, x) + int(v)") == "int(u^2, x) + int(v, x)"


@pytest.mark.parametrize(
    "text, meant",
    [
        ("-x^2", "-x^2"),
        ("2^-x", "2^(-x)"),
        ("2**3**2*x", "512*x"),
        ("x - (t - 1)", "x - t + 1"),
        ("x/t/2", "x/t/2"),
        ("x/-t*k", "-x*k/t"),
        ("-x*t^2 - -k", "-x*t^2 + k"),
        ("x/(2*t*u)^2", "x/t^2/u^2/4"),
        ("u - u + 0*v", "0"),
        ("u*v - v*u + (x + t)^2/(t + x)", "x + t"),
        ("x*x/x^3", "1/x"),
        ("ν*x² + π", "nu*x^2 + pi"),
        ("sqrt(x)*sqrt(x)", "x"),
        ("1e-3*x + .5", "0.001*x + 0.5"),
        ("where(0 < x <= 1 and not t == 2, 1, 0)", "where((0 < x and x <= 1) and not (t == 2), 1, 0)"),
        ("piecewise(x < 0, 0, x < 1, x, 1)", "where(x < 0, 0, where(x < 1, x, 1))"),
        ("max(x, t, 0)", "max(x, max(t, 0))"),
        ("e^x + ln(e)", "exp(x) + 1"),
        ("sqrt(8)/sqrt(2)", "sqrt(8)/sqrt(2)"),
        ("4^(1/2)*x^1.5", "2*x^1.5"),
        ("heaviside(x)", "sign(x)/2 + 1/2"),
        ("u_x - diff(u, x)", "0"),
    ],
)
def test_expressions(text, meant):
    assert written(text) == meant
    assert written(meant) == meant


def test_names_of_several_letters():
    names = Names.of(["x1", "x2", "τ"], ["u", "a_1"], time="tau")
    assert not names.faults()
    assert read_expression("u_x1x2x1", names).by == ("x1", "x1", "x2")
    assert text_of(read_expression("a_1_tau + u_ττ", names)) == "a_1_tau + u_tautau"
    assert latex_of("u_x1x2 + a_1_x1", names) == r"u_{x_{1}x_{2}} + \partial_{x_{1}} a_{1}"


def test_a_field_of_some_coordinates():
    names = Names.of(["x", "y", "t"], ["u", "a(x, y)"], time="t")
    assert text_of(read_expression("diff(a*u, t)", names)) == "a*u_t"
    assert "does not depend on t" in faults("a_t = u", names)[0].message


@pytest.mark.parametrize(
    "text, message, start, end, more",
    [
        ("u_t = sen(x)", "unknown function 'sen'", 6, 9, "did you mean sin?"),
        ("u_t = sinn(x)", "unknown function 'sinn'", 6, 10, "did you mean sin?"),
        ("u_t = mu*u_xx", "unknown name 'mu'", 6, 8, "did you mean nu?"),
        ("u_t = U_xx", "unknown name 'U_xx'", 6, 10, "did you mean u_xx?"),
        ("u(x, 0) = 1", "the field u is called", 0, 1, "condition"),
        ("nu(u_x) = 1", "the name nu is called", 0, 2, "nu*(…)"),
        ("atan2(x) = u", "atan2 with 1 argument", 0, 8, "expected 2"),
        ("u_xxxxx = 0", "order 5; the highest is 4", 0, 7, ""),
        ("diff(u, x, 5) = 0", "order 5", 11, 12, "at most 4"),
        ("biharmonic(u_x) = 0", "order 5", 0, 15, ""),
        ("diff(u, nu) = 0", "nu is a parameter", 8, 10, "one of x, t"),
        ("u_k = 0", "k is a parameter", 0, 3, ""),
        ("u_q = 0", "'q' is not made of the coordinates x, t", 0, 3, ""),
        ("x + nu = 1", "no field is left", 0, 10, "one of u, v"),
        ("u - u = 0", "no field is left", 0, 9, ""),
        ("u + [u, v] = 0", "a scalar + a vector of 2", 4, 10, ""),
        ("[u, v]*[u, v] = 0", "a product of two vectors", 7, 13, "dot(a, b)"),
        ("[[[u]]] = 0", "lists nested three deep", 0, 7, "a matrix"),
        ("dot([u, v], [u]) = 0", "dot of a vector of 2 and a vector of 1", 0, 16, "one length"),
        ("[u, v] = 1", "a vector of 2 = a scalar", 9, 10, ""),
        ("div(u) = 0", "the divergence of a scalar", 0, 6, "a vector"),
        ("sin([u, v]) = 0", "sin of a vector of 2", 4, 10, "a scalar"),
        ("u = 1 = 2", "a second '='", 6, 7, ""),
        ("", "nothing is typed", 0, 0, ""),
        ("  ", "nothing is typed", 0, 0, ""),
        ("where(where(x < 0, 1, 2) < 1, u, v) = 0", "where in the condition of a where", 12, 17, "piecewise"),
        ("u/(2 - 2) = 1", "division by 0", 2, 9, ""),
        ("u/(x - x) = 1", "division by 0", 2, 9, ""),
        ("0^-1 = u", "division by 0", 0, 4, ""),
        ("u\x1b[0m = 1", "a control character", 1, 2, ""),
        ("u < 1", "a comparison outside of where", 0, 5, ""),
        ("u = where(x = 1, 1, 0)", "'=' inside of brackets", 12, 13, "'=='"),
        ("u = where(x, 1, 0)", "this is no condition", 10, 11, ""),
        ("2u = 1", "no operator between '2' and 'u'", 1, 2, "2*u"),
        ("sin(2 x) = u", "no operator between '2' and 'x'", 6, 7, "2*x"),
        ("(u = 1", "'=' inside of brackets", 3, 4, ""),
        ("(u + 1", "'(' is never closed", 0, 1, "')'"),
        ("u) = 1", "')' closes nothing", 1, 2, ""),
        ("u + = 1", "'=' can't stand here", 4, 5, "a name"),
        ("u +", "the text ends too early", 3, 4, "a name"),
        ("∂u = 1", "means nothing here", 0, 1, "u_x"),
        ("u_{xx} = 1", "means nothing here", 2, 3, ""),
        ("(u, v) = 0", "a bracket with commas", 0, 6, "[a, b]"),
        ("dn(u) = 0", "conditions only", 0, 2, ""),
        ("log(-1)*u = 0", "no real value", 0, 7, ""),
        ("sqrt(-1)*u = 0", "no real value", 0, 8, ""),
        ("sin + u = 0", "sin needs arguments", 0, 3, ""),
        ("__import__('os') = u", "means nothing here", 0, 1, ""),
        ("u.real = 1", "means nothing here", 1, 2, ""),
        ("lambda: u", "means nothing here", 6, 7, ""),
    ],
)
def test_faults_point_at_characters(text, message, start, end, more):
    fault = faults(text)[0]
    assert message in fault.message
    assert (fault.start, fault.end) == (start, end)
    assert more in fault.sentence
    if (start, end) not in ((0, 0), (0, len(text))):
        assert f"at character {start + 1}" in fault.sentence
    if end > start:
        line, caret = fault.caret.split("\n")
        assert caret.index("^") == start and len(line) == len(text)


def test_all_faults_of_a_text_are_said():
    found = faults("sen(x) + foo*u = bar(cos(x, u)) + u_xxxxx", label="equation 2")
    assert [fault.start for fault in found] == [0, 9, 17, 21, 34]
    assert all(fault.sentence.startswith("equation 2: ") for fault in found)


def test_a_caret_under_a_long_text():
    text = "u + " * 200 + "foo" + " + u" * 200
    line, caret = faults(text + " = 0")[0].caret.split("\n")
    assert line[caret.index("^") :].startswith("foo") and caret.count("^") == 3


BIG = "(" + "*".join(f"sin(x^{i}*u)" for i in range(1, 100)) + ")"
HOSTILE = {
    "long": "u+" * 10_000 + "u = 0",
    "brackets": "(" * 1_000 + "u" + ")" * 1_000,
    "calls": "sin(" * 900 + "u" + ")" * 900,
    "signs": "-" * 3_000 + "u",
    "nots": "where(" + "not " * 900 + "x < 1, u, 0)",
    "powers": "^".join(["u"] * 1_000),
    "tower": "9**9**9**9*u = 0",
    "tower of fractions": "(1/9)^9^9^9*u = 0",
    "huge": "1e400*u = 0",
    "huge whole": "9" * 3_999,
    "huge sum": "1e308 + 1e308 + u",
    "huge root": "2^0.5^-9999*u",
    "tiny": "1e-300*1e-300*u",
    "powers of powers": "u" + "^99999999" * 400,
    "product": f"diff({BIG}, x) = 0",
    "twice": f"diff({BIG}, x, 4) = 0",
    "operators": "laplacian(" * 50 + "sin(u*x)*cos(x*u)" + ")" * 50,
    "many": "+".join(f"diff(sin(x*{i})^u, x, 4)" for i in range(150)) + "=0",
    "none": "0*(" + "+".join(f"diff(sin(x*{i})^u, x, 4)" for i in range(150)) + ") = u",
    "exponents": "diff(" + "x^(" * 40 + "u" + ")" * 40 + ", x, 4)",
    "chain": "diff(" + "exp(sin(" * 20 + "u*x" + "))" * 20 + ", x, 4)",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_end_in_a_fault(name):
    found = faults(HOSTILE[name])
    assert len(str(EquationError(found))) < 2_000


def test_what_is_just_allowed():
    read_equation("(" * 60 + "u" + ")" * 60, NAMES)
    read_equation("u" + "+sin(x*u)" * 400, NAMES)
    assert text_of(read_expression("x" + "+x" * 1_900, NAMES)) == "1901*x"


@pytest.mark.parametrize(
    "names, message",
    [
        (Names.of(["x", "u"], ["u"]), "'u' is a coordinate and a field"),
        (Names.of(["x"], ["u", "u(x)"][:1], ["k", "k"]), "'k' is two parameters"),
        (Names.of(["x"], ["u"], ["ν", "nu"]), "'nu' is two parameters"),
        (Names.of(["x"], ["u"], ["pi"]), "'pi' has a meaning of its own"),
        (Names.of(["x"], ["sin"]), "'sin' has a meaning of its own"),
        (Names.of(["x"], ["u"], ["u_x"]), "'u_x' would be a derivative of u"),
        (Names.of(["x", "xx"], ["u"]), "u_xx could be by xx or by x x"),
        (Names.of(["x"], ["2u"]), "'2u' is no name"),
        (Names.of(["x"], ["u; drop"]), "'u; drop' is no name"),
        (Names.of(["x"], [""]), "'' is no name"),
        (Names.of(["x"], ["u" * 30]), "more than 24 characters"),
        (Names.of("abcdfgt", ["u"], time="t"), "there are 6 coordinates of space"),
        (Names.of("x", "abcdfghij"), "there are 9 fields"),
        (Names.of("x", "u", time="t"), "time is 't', which is no coordinate"),
        (Names.of("x", ["u(y)"]), "depends on 'y', which is no coordinate"),
    ],
)
def test_names_that_clash(names, message):
    assert message in "; ".join(fault.sentence for fault in names.faults())


def test_latex_is_what_was_typed():
    def equation(text, names=NAMES, **options):
        return latex_of_equation(text, names, **options)

    assert equation("u_t + u*u_x - ν*u_xx = 0") == r"u_{t} + u \, u_{x} - \nu \, u_{xx} = 0"
    assert equation("diff(u, x, 2) = k/2") == r"u_{xx} = \frac{k}{2}"
    assert equation("diff(u^2, x) = u") == r"\partial_{x} \left(u^{2}\right) = u"
    assert equation("u = sin(pi*x)^2") == r"u = \sin^{2}\left(\pi \, x\right)"
    assert equation("u = (x + 1)/(x*2)") == r"u = \frac{x + 1}{x \cdot 2}"
    assert equation("u = 100/16*x*k/2*t^2") == r"u = \frac{100}{16} \, \frac{x \, k}{2} \, t^{2}"
    assert equation("u_x^2 = 1") == "u_{x}^{2} = 1"
    assert equation("-u_xx = 1e-4*u") == r"-u_{xx} = 10^{-4} \, u"
    assert equation("u = where(x < 1, 0, abs(x))") == (
        r"u = \begin{cases} 0 & x < 1 \\ \left|x\right| & \text{else} \end{cases}"
    )
    assert equation("u = sqrt(x)*-1") == r"u = \sqrt{x} \, \left(-1\right)"
    assert equation("laplacian(u)", PLANE) == r"\Delta u = 0"
    assert equation("dn(u) = 1", PLANE) == r"\partial_n u = 1"
    source = " + ".join(f"sin({i}*x)" for i in range(20))
    assert equation(f"u_t - u_xx = {source}") != equation(f"u_t - u_xx = {source}", fold=None)
    assert equation(f"u_t - u_xx = x + ({source})") == "u_{t} - u_{xx} = f(x, t)"
    assert equation(f"u_t - ({source}) = u_xx") == "u_{t} + f(x, t) = u_{xx}"


def test_no_latex_of_what_means_nothing():
    for text in ("diff(u, 2)", "foo", "u = [u, v", "u_x(1)", "where(u, 1, 2)"):
        with pytest.raises(EquationError):
            latex_of_equation(text, NAMES)
    with pytest.raises(EquationError):
        latex_of("sin(", NAMES)


@pytest.mark.parametrize(
    "name, latex",
    [("nu", r"\nu"), ("ν", r"\nu"), ("u1", "u_{1}"), ("k_a", "k_{a}"), ("Re", r"\mathrm{Re}"), ("lambda", r"\lambda"),
     ("nu_max", r"\nu_{\mathrm{max}}"), ("a1b2", r"a_{1b2}"), ("x_1_nu", r"x_{1,\nu}")],
)  # fmt: skip
def test_names_in_latex(name, latex):
    assert latex_name(name) == latex


def test_structure():
    def of(text, names=NAMES):
        return read_equation(text, names).residuals

    assert linearity(of("u_t = nu*u_xx + x*u + sin(x)")).jointly
    unknown = linearity(of("u_t = c*u_xx"))
    assert unknown.in_fields and unknown.in_unknowns and not unknown.jointly
    for text in ("u*u_x = 1", "sin(u) = x", "u^2 = 1", "1/u = 1", "sign(u) = v", "where(u < 1, 1, 2) = v", "u*v = 1"):
        assert not linearity(of(text)).in_fields
    assert linearity(of("u^2/u = where(x < 1, u, v)")).in_fields
    assert not linearity(of("c^2 = u")).in_unknowns
    assert needed_derivatives(*of("u_xxx + v_t*u = 1")) == {"u": ((), ("x", "x", "x")), "v": (("t",),)}
    assert order(*of("u_xxx + v_t = 1")) == 3
    assert order(*of("u_xxx + v_t = 1"), field="v") == 1
    assert order(*of("u_xxt + v_t = 1"), coordinate="t") == 1
