"""An independent oracle for profiles of IPM and Boussinesq above a wall: collocation and Newton in numpy, no network.

Tensor products of Chebyshev polynomials, as many equations as unknowns, from an explicit guess and a λ that is one per
cent off. The equations stand here in the plain variables (ε = 0 is IPM, 1 is Boussinesq), nothing is cancelled by hand,
the maps are of another kind than those that train, and nothing of the program is used. Nothing that trains uses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.polynomial import chebyshev

Jet = dict[str, np.ndarray]
"""By name: "" the value, then the derivatives in w and z; of one function (n,), or of all polynomials (n, P)."""


@dataclass(frozen=True)
class Grid:
    """Polynomials in coordinates that crowd around w = `center`, and towards the axis as far as e^{near … far}."""

    shape: tuple[int, int]
    center: float
    width: float
    near: float
    far: float
    bend: float = 0.0

    @cached_property
    def nodes(self) -> tuple[np.ndarray, np.ndarray]:
        """W and z (n,) of the Chebyshev–Gauss nodes."""
        return self.points(*(-np.cos(np.pi * (np.arange(n) + 0.5) / n) for n in self.shape))

    def points(self, omega: np.ndarray, zeta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """W and z (n·m,) of the grid of two axes in [−1, 1]."""
        omega, zeta = (axis.ravel() for axis in np.meshgrid(omega, zeta, indexing="ij"))
        low, high = self._ends
        w = self.center + self.width * np.sinh(low + (high - low) * (omega + 1) / 2)
        depth = np.exp(self._depth(w)[0])
        return w, 1 - depth * np.sinh(np.arcsinh(1 / depth) * (1 - zeta) / 2)

    def basis(self, w: np.ndarray, z: np.ndarray) -> Jet:
        """All polynomials, their first derivatives, ∂w² and ∂z², (n, P) each."""
        low, high = self._ends
        y = (w - self.center) / self.width
        root, scale = np.sqrt(1 + y * y), 2 / (high - low) / self.width
        x = (np.arcsinh(y) - low) * 2 / (high - low) - 1
        x_w, x_ww = scale / root, -scale / self.width * y / root**3
        # ζ = 1 − 2N/M, N = arsinh k(1−z), M = arsinh k, k the inverse depth
        log, rise, bent = self._depth(w)
        k, v = np.exp(-log), 1 - z
        k_w, k_ww = -rise * k, (rise * rise - bent) * k
        n, m = 1 / np.sqrt(1 + (k * v) ** 2), 1 / np.sqrt(1 + k * k)
        N, M = np.arcsinh(k * v), np.arcsinh(k)
        by_k = v * n / M - N * m / M**2
        by_kk = -(v**3) * k * n**3 / M - 2 * v * n * m / M**2 + N * k * m**3 / M**2 + 2 * N * m**2 / M**3
        zeta, zeta_z, zeta_zz = 1 - 2 * N / M, 2 * k * n / M, 2 * k**3 * v * n**3 / M
        zeta_w, zeta_ww = -2 * by_k * k_w, -2 * (by_kk * k_w**2 + by_k * k_ww)
        X, X1, X2 = _polynomials(x, self.shape[0])
        Z, Z1, Z2 = _polynomials(zeta, self.shape[1])

        def product(*terms):
            return sum(
                ((factor[:, None] * a)[:, :, None] * b[:, None, :]).reshape(len(w), -1) for factor, a, b in terms
            )

        one = np.ones_like(w)
        return {
            "": product((one, X, Z)),
            "w": product((x_w, X1, Z), (zeta_w, X, Z1)),
            "z": product((zeta_z, X, Z1)),
            "ww": product(
                *((x_w**2, X2, Z), (x_ww, X1, Z), (2 * x_w * zeta_w, X1, Z1)), (zeta_w**2, X, Z2), (zeta_ww, X, Z1)
            ),
            "zz": product((zeta_z**2, X, Z2), (zeta_zz, X, Z1)),
        }

    @property
    def _ends(self) -> tuple[float, float]:
        return np.arcsinh(-self.center / self.width), np.arcsinh((1 - self.center) / self.width)

    def _depth(self, w):
        """Its logarithm, and two derivatives."""
        rise, b = self.far - self.near, self.bend
        return self.near + rise * w * (1 + b - b * w), rise * (1 + b - 2 * b * w), -2 * b * rise


def _polynomials(x: np.ndarray, count: int) -> list[np.ndarray]:
    """T_0 … T_{count−1} (n, count), and two derivatives."""
    x, unit = np.clip(x, -1, 1), np.eye(count)
    return [chebyshev.chebval(x, chebyshev.chebder(unit, k)).T for k in range(3)]


def times_w(w: np.ndarray, jet: Jet) -> Jet:
    """W times a function."""
    w = w.reshape(-1, *[1] * (jet[""].ndim - 1))
    return {
        "": w * jet[""],
        "w": jet[""] + w * jet["w"],
        "z": w * jet["z"],
        "ww": 2 * jet["w"] + w * jet["ww"],
        "zz": w * jet["zz"],
    }


@dataclass(frozen=True)
class Found:
    """A profile: F = F₀e^{wf}, H = H₀e^{wh}, S = a + ws."""

    lam: float
    series: dict[str, np.ndarray]
    """f, h (Boussinesq's alone) and s: coefficients (P,)."""
    equations: Equations

    def parts(self, w: np.ndarray, z: np.ndarray) -> dict[str, Jet]:
        """f, h and s with their derivatives, (n,) each."""
        basis = self.equations.grid.basis(w, z)
        return {name: {key: B @ c for key, B in basis.items()} for name, c in self.series.items()}

    def largest_residual(self, count: int = 61) -> float:
        """Of all equations, divided by w, at points that are no nodes."""
        axis = (np.arange(count) + 0.618) / count * 2 - 1
        w, z = self.equations.grid.points(axis, axis)
        fields = {name: times_w(w, jet) for name, jet in self.parts(w, z).items()}
        return max(float(np.abs(row / w).max()) for row in self.equations.rows(w, z, fields, self.lam))


@dataclass(frozen=True)
class Equations:
    """The equations for ln F/F₀, ln H/H₀ and S − a on a grid; ε as in the module's first lines."""

    epsilon: int
    grid: Grid
    F0: float = -2.0

    @property
    def names(self) -> tuple[str, ...]:
        """The unknown functions."""
        return ("f", "h", "s") if self.epsilon else ("f", "s")

    def rows(self, w: np.ndarray, z: np.ndarray, fields: dict[str, Jet], lam: complex) -> list[np.ndarray]:
        """Transport over F, vorticity over H (Boussinesq), elliptic: (n,) each, not yet divided by w."""
        p = self._parts(w, z, fields, lam)
        L, s, eps, D, c2 = fields["f"], fields["s"], self.epsilon, p["D"], p["c2"]
        rows = [(2 + eps + lam) + (1 + lam) * w * L["w"] + p["A"] * p["g"] - p["B"] * p["q"]]
        if eps:
            rows.append(
                (2 + lam) + (1 + lam) * w * fields["h"]["w"] + p["A"] * p["p"] - p["B"] * p["o"] - p["drive"] * p["Y"]
            )
        k, mu, dk, dmu = 2 - w / D, p["m"] / D, -1 / D**2, (1 - 2 * w - lam * w * w) / D**2
        bracket = (k * k + mu * dk - 4) * p["S"] + (2 * k * mu + mu * dmu) * s["w"] + mu**2 * s["ww"]
        rows.append(z * (bracket + c2 * s["zz"] - z * s["z"]) + 2 * (1 - 2 * z * z) * s["z"] + w * p["H"])
        return rows

    def vorticity(self, w, z, fields: dict[str, Jet], lam: float) -> np.ndarray:
        """H (n,)."""
        return self._parts(w, z, fields, lam)["H"]

    def _parts(self, w, z, fields, lam) -> dict[str, np.ndarray]:
        L, s, eps = fields["f"], fields["s"], self.epsilon
        c2, D, m = 1 - z * z, 1 + lam * w, w * (1 - w)
        S = s[""] - (2 + lam + eps) / 2
        g, q = 2 + (lam - 2 - eps) * w + m * L["w"], z * (c2 * L["z"] - 2 * z)
        found = {
            **{"c2": c2, "D": D, "m": m, "S": S, "g": g, "q": q, "F": self.F0 * np.exp(L[""])},
            "A": (1 - 2 * z * z) * S + z * c2 * s["z"],
            "B": (2 + (2 * lam - 1) * w) * S + m * s["w"],
            "Y": c2 * g - D * q,
        }
        if not eps:
            return found | {"H": found["F"] * (c2 * g / D - q)}
        M, ratio = fields["h"], (1 + lam) / 4
        return found | {
            "H": self.F0 / ratio * np.exp(M[""]),
            "drive": ratio * np.exp(L[""] - M[""]),
            "p": 1 - 2 * w + m * M["w"],
            "o": z * (c2 * M["z"] - z),
        }

    def _columns(self, w, z, fields, lam) -> list[dict[str, Jet]]:
        """For each row and unknown function, what multiplies its variation and the derivatives of that."""
        p = self._parts(w, z, fields, lam)
        A, B, D, c2, m, H, F = (p[name] for name in ("A", "B", "D", "c2", "m", "H", "F"))
        around, twist = 1 - 2 * z * z, 2 + (2 * lam - 1) * w
        k, mu, dk, dmu = 2 - w / D, m / D, -1 / D**2, (1 - 2 * w - lam * w * w) / D**2
        carried = {"w": (1 + lam) * w + A * m, "z": -B * z * c2}

        def by_s(radial, angular):
            return {"": around * radial - twist * angular, "z": z * c2 * radial, "w": -m * angular}

        elliptic = {
            **{"": z * (k * k + mu * dk - 4), "w": z * (2 * k * mu + mu * dmu), "ww": z * mu**2},
            **{"zz": z * c2, "z": 2 * around - z * z},
        }
        rows = [{"f": carried, "s": by_s(p["g"], p["q"])}]
        if not self.epsilon:
            by_f = {"": w * H, "w": w * F * c2 * m / D, "z": -w * F * z * c2}
            return [*rows, {"f": by_f, "s": elliptic}]
        drive, Y = p["drive"], p["Y"]
        by_f = {"": -drive * Y, "w": -drive * c2 * m, "z": drive * D * z * c2}
        rows.append({"f": by_f, "h": carried | {"": drive * Y}, "s": by_s(p["p"], p["o"])})
        return [*rows, {"h": {"": w * H}, "s": elliptic}]

    def system(self, series: dict[str, np.ndarray], lam: float) -> tuple[np.ndarray, np.ndarray]:
        """Rows (M,) and Jacobian (M, M), λ's column the last.

        The last row is the elliptic equation at infinity, averaged over z: the one that the nodes leave out.
        """
        w, z, basis = self._at_nodes
        r, J = self._block(w, z, basis, series, lam)
        r, J = r / np.tile(w, len(self.names)), J / np.tile(w, len(self.names))[:, None]
        w, z, basis, weights = self._at_infinity
        far, by = self._block(w, z, basis, series, lam)
        count = len(w)
        return np.append(r, weights @ far[-count:]), np.vstack([J, weights @ by[-count:]])

    def _block(self, w, z, basis, series, lam):
        fields = {name: {key: B @ c for key, B in basis.items()} for name, c in series.items()}
        stepped = np.concatenate(self.rows(w, z, fields, lam + 1e-30j))  # a complex step: exact to rounding
        columns = self._columns(w, z, fields, lam)
        J = [
            [sum((row[name][key][:, None] * basis[key] for key in row.get(name, {})), 0 * basis[""]) for name in series]
            for row in columns
        ]
        return stepped.real, np.hstack([np.block(J), stepped.imag[:, None] / 1e-30])

    @cached_property
    def _at_nodes(self):
        w, z = self.grid.nodes
        return w, z, times_w(w, self.grid.basis(w, z))

    @cached_property
    def _at_infinity(self):
        zeta, weights = np.polynomial.legendre.leggauss(2 * self.grid.shape[1])
        w, z = self.grid.points(np.ones(1), zeta)
        return w, z, times_w(w, self.grid.basis(w, z)), weights

    def guess(self, lam: float) -> dict[str, np.ndarray]:
        """Ω like r(1 + κr²)^{−(1+α)/2}, F likewise, S from the elliptic equation; κ by the gauge."""
        w, z, basis = self._at_nodes
        radius = w * (1 - w) ** -(1 + lam)

        def log(kappa, power):
            return -(1 + power + lam) * np.log1p(-w) - (1 + power / (1 + lam)) / 2 * np.log1p(kappa * radius**2)

        def elliptic(found, w, z, basis):
            """What multiplies s and S = 1, (n, P + 1), and H (n,), which is 1 at the origin."""
            fields = {name: {key: B @ c for key, B in basis.items()} for name, c in found.items()}
            columns = self._columns(w, z, fields, lam)[-1]["s"]
            system = sum(factor[:, None] * basis[key] for key, factor in columns.items())
            H = self.vorticity(w, z, fields, lam) * self._ratio(lam) / self.F0
            return np.hstack([system, columns[""][:, None]]), H

        def at(kappa):
            logs = {"f": log(kappa, 1 + self.epsilon), "h": log(kappa, 1)}
            found = {name: np.linalg.solve(basis[""], logs[name]) for name in self.names[:-1]}
            found["s"] = np.zeros(len(w))
            system, H = elliptic(found, w, z, basis)
            *infinity, weights = self._at_infinity
            far, far_H = elliptic(found, *infinity)
            rows, right = np.vstack([system / w[:, None], weights @ far]), -np.append(H, weights @ far_H)
            *s, stream = np.linalg.solve(rows, right)
            H0 = -(2 + lam + self.epsilon) / 2 / stream
            return H0, found | {"s": np.array(s) * H0}

        return at(4.0 * (self.F0 / self._ratio(lam) / at(4.0)[0]) ** 2)[1]

    def _ratio(self, lam):
        """F₀/H₀."""
        return (1 + lam) / 4 if self.epsilon else 0.5

    def newton(self, series: dict[str, np.ndarray], lam: float, frozen: int = 0, steps: int = 12) -> Found:
        """The solution; λ stays for the first `frozen` steps, of which those that lead too far are shortened."""
        for step in range(frozen + steps):
            free = step >= frozen
            rows = slice(None if free else -1)
            r, J = self.system(series, lam)
            change = np.linalg.solve(J[rows, rows], -r[rows])
            by_name = dict(zip(series, np.split(change[: len(r) - 1], len(series)), strict=True))
            length = 1.0

            def moved(length, series=series, by_name=by_name):
                return {name: c + length * by_name[name] for name, c in series.items()}

            while not free and length > 1e-3:
                left = np.linalg.norm(self.system(moved(length), lam)[0][rows])
                if left < (1 - length / 4) * np.linalg.norm(r[rows]):
                    break
                length /= 2
            series = moved(length)
            lam += float(change[-1]) if free else 0.0
            if free and abs(change[-1]) < 1e-13:
                break
        return Found(lam, series, self)


def solve(epsilon: int, lam: float, grids: list[Grid], frozen: int = 7, F0: float = -2.0) -> list[Found]:
    """The profile on each of the grids, the next from the one before, the first from the guess; λ there is `lam`."""
    found: list[Found] = []
    for grid in grids:
        equations = Equations(epsilon, grid, F0)
        if not found:
            found.append(equations.newton(equations.guess(lam), lam, frozen))
            continue
        w, z = grid.nodes
        basis = grid.basis(w, z)[""]
        before = found[-1].parts(w, z)
        series = {name: np.linalg.solve(basis, jet[""]) for name, jet in before.items()}
        found.append(equations.newton(series, found[-1].lam))
    return found
