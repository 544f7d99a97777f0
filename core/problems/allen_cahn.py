"""The Allen–Cahn equation: thin layers between the phases u = ±1."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from core.forms import Form
from core.problems.base import Problem


class AllenCahn(Problem):
    """u_t = D u_xx + 5(u − u³) on [−1,1] × [0,1], periodic, u(x,0) = x² cos πx.

    No closed form; errors are taken against a spectral solution (`allen_cahn_reference`). The ansatz
    u = x² cos πx + tN with N a function of cos πx and t is periodic and even. The initial value has a kink at x = ±1
    that diffusion removes at once and the ansatz keeps: an error of about √(D/10) within that distance of the walls.
    """

    kind: Literal["allen_cahn"] = "allen_cahn"
    diffusivity: float = Field(1e-4, ge=2e-5, le=1.0, title="Diffusivity D")

    title: ClassVar[str] = "Allen–Cahn"
    equation: ClassVar[str] = r"u_t = D u_{xx} + 5(u - u^3),\quad u(x, 0) = x^2 \cos \pi x,\quad \text{periodic}"
    source: ClassVar[str] = "Raissi, Perdikaris, Karniadakis, J. Comput. Phys. 378 (2019)"
    coordinates: ClassVar[tuple[str, ...]] = ("x", "t")
    fields: ClassVar[tuple[str, ...]] = ("u",)
    residual_names: ClassVar[tuple[str, ...]] = ("allen_cahn",)
    time: ClassVar[str | None] = "t"
    forms: ClassVar[dict[str, Form]] = {"xx": ((0, 0, 1.0),)}

    def domain(self):
        return ((-1.0, 1.0), (0.0, 1.0))

    @property
    def periodic(self):
        return (0,)

    def collocation(self, unit):
        return {"interior": unit}  # u is even: half of the domain is enough

    def features(self, x, lam):
        return [(x[0] * np.pi).cos(), x[1] * 2 - 1]

    def ansatz(self, raw, x, lam):
        s, t = x
        return {"u": t * raw[0] + s * s * (s * np.pi).cos()}

    def residuals(self, points, u, x, lam):
        v = u["u"]
        reaction = 5 * (v.value - v.value**3)
        return {"allen_cahn": (v.first(1) - self.diffusivity * v.second("xx") - reaction) / 5}

    def exact(self, x):
        from core.problems.allen_cahn_reference import reference

        return {"u": reference(self.diffusivity)(x[:, 0], x[:, 1])}
