"""Well-known equations as one would type them, with the names they need."""

from core.equations.names import Names

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
