"""The Allen–Cahn equation: thin layers between the phases u = ±1."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from core.problems.base import Form, Problem


class AllenCahn(Problem):
    """u_t = D u_xx + 5(u − u³) on [−1,1] × [0,1], periodic, u(x,0) = x² cos πx.

    No closed form; errors are taken against a spectral solution (`allen_cahn_reference`). The network reads cos πx and
    t, so that u is periodic and even. The initial value has a kink at x = ±1 which is gone at once: it is asked for by
    rows of its own, since an ansatz that holds it exactly would have to cancel the kink at every later time.
    """

    kind: Literal["allen_cahn"] = "allen_cahn"
    diffusivity: float = Field(1e-4, ge=2e-5, le=1.0, title="Diffusivity D")
    initial_weight: float = Field(
        10.0, gt=0, le=1e6, title="Weight of the initial value", description="Factor of its rows beside the equation's."
    )

    title: ClassVar[str] = "Allen–Cahn"
    equation: ClassVar[str] = r"u_t = D u_{xx} + 5(u - u^3),\quad u(x, 0) = x^2 \cos \pi x,\quad \text{periodic}"
    source: ClassVar[str] = "Raissi, Perdikaris, Karniadakis, J. Comput. Phys. 378 (2019)"
    coordinates: ClassVar[tuple[str, ...]] = ("x", "t")
    fields: ClassVar[tuple[str, ...]] = ("u",)
    residual_names: ClassVar[tuple[str, ...]] = ("allen_cahn", "initial")
    time: ClassVar[str | None] = "t"
    forms: ClassVar[dict[str, Form]] = {"xx": ((0, 0, 1.0),)}

    def domain(self):
        return ((-1.0, 1.0), (0.0, 1.0))

    def collocation(self, unit):
        # u is even: half of the domain is enough
        start = unit[: max(16, len(unit) // 4)].copy()
        start[:, 1] = 0
        return {"interior": unit, "initial": start}

    def features(self, x, lam):
        return [(x[0] * np.pi).cos(), x[1] * 2 - 1]

    def ansatz(self, raw, x, lam):
        return {"u": raw[0]}

    def residuals(self, points, u, x, lam):
        v = u["u"]
        if points == "initial":
            s = x[0].value
            return {"initial": self.initial_weight * (v.value - s * s * (s * np.pi).cos())}
        reaction = 5 * (v.value - v.value**3)
        return {"allen_cahn": (v.first(1) - self.diffusivity * v.second("xx") - reaction) / 5}

    def exact(self, x):
        from core.problems.allen_cahn_reference import reference

        return {"u": reference(self.diffusivity)(x[:, 0], x[:, 1])}
