"""Well-known equations as one would type them, with the names they need."""

from core.domains import parse_domain
from core.equations.names import Names
from core.equations.typed_system import SystemText

GALLERY: dict[str, tuple[Names, tuple[str, ...]]] = {
    "heat": (Names.of("xt", "u", ["nu"], time="t"), ("u_t = nu*u_xx",)),
    "wave": (Names.of("xyt", "u", ["c"], time="t"), ("u_tt = c^2*laplacian(u)",)),
    "burgers": (Names.of("xt", "u", ["nu"], time="t"), ("u_t + u*u_x - nu*u_xx = 0",)),
    "kdv": (Names.of("xt", "u", time="t"), ("u_t + 6*u*u_x + u_xxx = 0",)),
    "kuramoto-sivashinsky": (
        Names.of("xt", "u", time="t"),
        ("u_t + 100/16*u*u_x + 100/16^2*u_xx + 100/16^4*u_xxxx = 0",),
    ),
    "allen-cahn": (Names.of("xt", "u", time="t"), ("u_t = 1e-4*u_xx + 5*u - 5*u^3",)),
    "cahn-hilliard": (Names.of("xyt", "u", ["eps"], time="t"), ("u_t = laplacian(u^3 - u - eps^2*laplacian(u))",)),
    "schroedinger": (
        Names.of("xt", "uv", time="t"),
        ("u_t + v_xx/2 + (u^2 + v^2)*v = 0", "v_t - u_xx/2 - (u^2 + v^2)*u = 0"),
    ),
    "sine-gordon": (Names.of("xt", "u", time="t"), ("diff(u, t, 2) - diff(u, x, 2) + sin(u) = 0",)),
    "darcy": (
        Names.of("xy", ["u", "a"]),
        ("-div(a*grad(u)) = 2*pi^2*sin(pi*x)*sin(pi*y)", "a = 1/(1 + x^2 + y^2)"),
    ),
    "plate": (Names.of("xy", "w", ["q", "D"]), ("biharmonic(w) = q/D",)),
    "elasticity": (
        Names.of("xy", "uv", ["λ", "μ"]),
        ("μ*laplacian([u, v]) + (λ + μ)*grad(div([u, v])) + [0, -1] = 0",),
    ),
    "stokes": (Names.of("xy", "uvp", ["mu"]), ("-mu*laplacian([u, v]) + grad(p) = [1, 0]", "div([u, v]) = 0")),
    "navier-stokes": (
        Names.of("xyt", "uvp", ["nu"], time="t"),
        (
            "[u_t, v_t] + dot([u, v], grad(u))*[1, 0] + dot([u, v], grad(v))*[0, 1] + grad(p) = nu*laplacian([u, v])",
            "div([u, v]) = 0",
        ),
    ),
    "gray-scott": (
        Names.of("xyt", "uv", ["F", "k"], time="t"),
        ("u_t = 1e-5*laplacian(u) + F*(1 - u) - u*v^2", "v_t = 5e-6*laplacian(v) - (F + k)*v + u*v^2"),
    ),
}

_SQUARE = {"x": (0, 1), "y": (0, 1)}
_R2 = "x1^2 + x2^2 + x3^2 + x4^2 + x5^2"
_WALLS = (("boundary", "u = 0"),)


def _square_less(half, *disks):
    less = [{"kind": "disk", "centre": [x, y], "radius": r} for x, y, r in disks]
    return parse_domain(
        {"kind": "difference", "of": {"kind": "box", "low": [-half] * 2, "high": [half] * 2}, "less": less}
    )


PINNACLE: dict[str, SystemText] = {
    "burgers1d-c": SystemText(
        {"x": (-1, 1), "t": (0, 1)}, ("u",), ("u_t + u*u_x = nu*u_xx",),
        (("t = 0", "u = -sin(pi*x)"), ("x = -1; x = 1", "u = 0")), "t", {"nu": "0.01/pi"},
    ),
    "poisson2d-c": SystemText(
        {"x": None, "y": None}, ("u",), ("laplacian(u) = 0",),
        (("outer", "u = 1"), *((f"hole {i}", "u = 0") for i in range(1, 5))),
        domain=_square_less(0.5, (0.3, 0.3, 0.1), (-0.3, 0.3, 0.1), (0.3, -0.3, 0.1), (-0.3, -0.3, 0.1)),
    ),
    "poisson2d-cg": SystemText(
        {"x": None, "y": None}, ("u",),
        ("-laplacian(u) + 64*u = 10*(1^2 + x^2 + 4^2 + y^2)*sin(pi*x)*sin(4*pi*y)",),
        (("outer", "u = 0.2"), ("hole 1; hole 2; hole 3; hole 4", "u = 1")),
        domain=_square_less(1, (0.5, 0.5, 0.2), (0.4, -0.4, 0.4), (-0.2, -0.7, 0.1), (-0.6, 0.5, 0.3)),
    ),
    "heat2d-ms": SystemText(
        {"x": (0, 1), "y": (0, 1), "t": (0, 5)}, ("u",), ("u_t = u_xx/(500*pi)^2 + u_yy/pi^2",),
        (("t = 0", "u = sin(20*pi*x)*sin(pi*y)"), *_WALLS), "t",
        exact={"u": "sin(20*pi*x)*sin(pi*y)*exp(-(0.04^2 + 1)*t)"},
    ),
    "heat2d-lt": SystemText(
        {"x": (0, 1), "y": (0, 1), "t": (0, 100)}, ("u",),
        ("u_t = 0.001*laplacian(u) + 5*sin(u^2)*(1 + 2*sin(pi*t/4))*sin(4*pi*x)*sin(2*pi*y)",),
        (("t = 0", "u = sin(4*pi*x)*sin(3*pi*y)"), *_WALLS), "t",
    ),
    "ns2d-c": SystemText(
        _SQUARE, ("u", "v", "p"),
        ("dot([u, v], grad([u, v])) + grad(p) = nu*laplacian([u, v])", "div([u, v]) = 0"),
        (("y = 1", "u = 4*x*(1 - x)"), ("y = 0; x = 0; x = 1", "u = 0"), ("boundary", "v = 0"), ("(0, 0)", "p = 0")),
        parameters={"nu": "1/100"},
    ),
    "ns2d-cg": SystemText(
        {"x": None, "y": None}, ("u", "v", "p"),
        ("dot([u, v], grad(u)) + p_x = nu*laplacian(u)", "dot([u, v], grad(v)) + p_y = nu*laplacian(v)",
         "div([u, v]) = 0"),
        (("inlet", "u = 4*y*(1 - y); v = 0"), ("walls", "[u, v] = 0"), ("outlet", "p = 0; dn([u, v]) = 0")),
        parameters={"nu": 0.01},
        domain=parse_domain({
            "kind": "polygon", "vertices": [[0, 0], [4, 0], [4, 2], [2, 2], [2, 1], [0, 1]],
            "sides": ["walls", "outlet", "walls", "walls", "walls", "inlet"],
        }),
    ),
    "wave1d-c": SystemText(
        {"x": (0, 1), "t": (0, 1)}, ("u",), ("u_tt = 4*u_xx",),
        (("t = 0", "u = sin(pi*x) + sin(4*pi*x)/2; u_t = 0"), *_WALLS), "t",
        exact={"u": "sin(pi*x)*cos(2*pi*t) + sin(4*pi*x)*cos(8*pi*t)/2"},
    ),
    "ks": SystemText(
        {"x": (0, "2*pi"), "t": (0, 1)}, ("u",), ("u_t + 100/16*u*u_x + 100/16^2*u_xx + 100/16^4*u_xxxx = 0",),
        (("periodic in x", ""), ("t = 0", "u = cos(x)*(1 + sin(x))")), "t",
    ),
    "gray-scott": SystemText(
        {"x": (-1, 1), "y": (-1, 1), "t": (0, 200)}, ("u", "v"),
        ("u_t = 1e-5*laplacian(u) + 0.04*(1 - u) - u*v^2", "v_t = 5e-6*laplacian(v) - 0.1*v + u*v^2"),
        (("periodic in x and y", ""), ("t = 0", "u = 1 - exp(-80*((x + 0.05)^2 + (y + 0.02)^2))"),
         ("t = 0", "v = exp(-80*((x - 0.05)^2 + (y - 0.02)^2))")), "t",
    ),
    "poisson5d": SystemText(
        {f"x{i}": (0, 1) for i in range(1, 6)}, ("u",),
        ("-laplacian(u) = pi^2/4*(" + " + ".join(f"sin(pi*x{i}/2)" for i in range(1, 6)) + ")",),
        (("boundary", "u = " + " + ".join(f"sin(pi*x{i}/2)" for i in range(1, 6))),),
        exact={"u": " + ".join(f"sin(pi*x{i}/2)" for i in range(1, 6))},
    ),
    "heat5d": SystemText(
        {**{f"x{i}": None for i in range(1, 6)}, "t": (0, 1)}, ("u",),
        (f"u_t = laplacian(u)/5 - ({_R2})/5*exp(({_R2})/2 + t)",),
        (("t = 0", f"u = exp(({_R2})/2)"), ("boundary", "dn(u) = exp(1/2 + t)")), "t",
        exact={"u": f"exp(({_R2})/2 + t)"}, domain=parse_domain({"kind": "ball", "centre": [0] * 5, "radius": 1}),
    ),
    "poisson-inverse": SystemText(
        _SQUARE, ("u", "a"), ("-div(a*grad(u)) = f0*sin(pi*x)*sin(pi*y)",),
        (("boundary", "a = 1/(1 + x^2 + y^2 + (x - 1)^2 + (y - 1)^2)"),), parameters={"f0": 1}, coefficients=("a",),
    ),
}  # fmt: skip
"""PINNacle's problems (arXiv 2306.08827), restated."""
