"""Problems of third and fourth order with known solutions, for tests."""

from typing import ClassVar, Literal

import numpy as np

from core.forms import Form, biharmonic, derivative
from core.problems.base import Problem


class KortewegDeVries(Problem):
    """u_t + 6 u u_x + u_xxx = 0 on a circle: one soliton of speed c, exact but for its tail half around, 1e-8."""

    kind: Literal["kdv_soliton"] = "kdv_soliton"
    speed: float = 4.0

    title: ClassVar[str] = "A soliton of Korteweg and de Vries"
    equation: ClassVar[str] = "u_t + 6 u u_x + u_{xxx} = 0"
    coordinates: ClassVar[tuple[str, ...]] = ("x", "t")
    time: ClassVar[str] = "t"
    fields: ClassVar[tuple[str, ...]] = ("u",)
    residual_names: ClassVar[tuple[str, ...]] = ("kdv",)
    forms: ClassVar[dict[str, Form]] = {"xxx": derivative(0, 0, 0)}
    half: ClassVar[float] = 10.0

    @property
    def inputs(self):
        return 3

    def domain(self):
        return ((-self.half, self.half), (0.0, 0.1))

    def features(self, x, lam):
        angle = x[0] * (np.pi / self.half)
        return [angle.cos(), angle.sin(), x[1] * 20 - 1]

    def ansatz(self, raw, x, lam):
        return {"u": (1 - (x[0] * (self.speed**0.5 / 2)).tanh() ** 2) * (self.speed / 2) + x[1] * 10 * raw[0]}

    def residuals(self, points, u, x, lam):
        v = u["u"]
        scale = self.speed**2.5
        return {"kdv": (v.first(1) + 6 * v.value * v.first(0) + v.form("xxx")) / scale}

    def exact(self, x):
        return {"u": self.speed / 2 / np.cosh(self.speed**0.5 / 2 * (x[:, 0] - self.speed * x[:, 1])) ** 2}


class Beam(Problem):
    """u_xxxx = f on (0, 1), clamped: u = sin²(nπx) decides f."""

    kind: Literal["clamped_beam"] = "clamped_beam"
    waves: int = 2

    title: ClassVar[str] = "A clamped beam"
    equation: ClassVar[str] = "u_{xxxx} = f"
    coordinates: ClassVar[tuple[str, ...]] = ("x",)
    fields: ClassVar[tuple[str, ...]] = ("u",)
    residual_names: ClassVar[tuple[str, ...]] = ("bending",)
    forms: ClassVar[dict[str, Form]] = {"xxxx": derivative(0, 0, 0, 0)}
    linear: ClassVar[bool] = True

    def domain(self):
        return ((0.0, 1.0),)

    def ansatz(self, raw, x, lam):
        return {"u": (4 * x[0] * (1 - x[0])) ** 2 * raw[0]}

    def residuals(self, points, u, x, lam):
        k = 2 * np.pi * self.waves
        forcing = -(k**4) / 2 * (k * x[0].value).cos()
        return {"bending": (u["u"].form("xxxx") - forcing) / k**4}

    def exact(self, x):
        return {"u": np.sin(np.pi * self.waves * x[:, 0]) ** 2}


class Plate(Problem):
    """Δ²u = f on the unit square, clamped: u = sin²(πx) sin²(2πy) decides f."""

    kind: Literal["clamped_plate"] = "clamped_plate"

    title: ClassVar[str] = "A clamped plate"
    equation: ClassVar[str] = r"\\Delta^2 u = f"
    coordinates: ClassVar[tuple[str, ...]] = ("x", "y")
    fields: ClassVar[tuple[str, ...]] = ("u",)
    residual_names: ClassVar[tuple[str, ...]] = ("bending",)
    forms: ClassVar[dict[str, Form]] = {"plate": biharmonic(2)}
    linear: ClassVar[bool] = True

    def domain(self):
        return ((0.0, 1.0), (0.0, 1.0))

    def ansatz(self, raw, x, lam):
        return {"u": (16 * x[0] * (1 - x[0]) * x[1] * (1 - x[1])) ** 2 * raw[0]}

    def residuals(self, points, u, x, lam):
        a, b = 2 * np.pi, 4 * np.pi
        c, d = (a * x[0].value).cos(), (b * x[1].value).cos()
        forcing = (-(a**4) * c * (1 - d) - b**4 * (1 - c) * d + 2 * (a * b) ** 2 * c * d) / 4
        return {"bending": (u["u"].form("plate") - forcing) / b**4}

    def exact(self, x):
        return {"u": np.sin(np.pi * x[:, 0]) ** 2 * np.sin(2 * np.pi * x[:, 1]) ** 2}
