"""The inverse problem of the viscous Burgers equation: its viscosity, from samples of a solution."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from core.forms import Form
from core.problems.base import DataProblem
from core.problems.burgers_viscous import BurgersViscous

SAMPLE = "burgers-samples.csv"
"""The dataset that `sample_csv` is kept as, and the problem's default."""

SAMPLE_VISCOSITY = 0.05
"""What the sample dataset was made with; the file does not say it, and training never reads it."""


class BurgersInverse(DataProblem):
    """u_t + u u_x = ν u_xx on [−1,1] × [0,1] with ν unknown, from samples (x, t, u) scattered over the domain.

    No initial or boundary value is assumed: u is the network itself, held by the data alone (Raissi,
    Perdikaris, Karniadakis, J. Comput. Phys. 378, 2019, section 4). ν takes the place of λ: one more unknown of
    the same least squares.
    """

    kind: Literal["burgers_inverse"] = "burgers_inverse"
    dataset: str = Field(
        SAMPLE,
        min_length=1,
        max_length=200,
        title="Dataset",
        description="File in the lab's data folder with the columns x, t, u; see Datasets.",
    )

    title: ClassVar[str] = "Burgers, viscosity from data"
    equation: ClassVar[str] = r"u_t + u u_x = \nu u_{xx},\quad u(x_i, t_i) = u_i,\quad \nu = \,?"
    source: ClassVar[str] = "Raissi et al., J. Comput. Phys. 378 (2019)"
    coordinates: ClassVar[tuple[str, ...]] = ("x", "t")
    fields: ClassVar[tuple[str, ...]] = ("u",)
    residual_names: ClassVar[tuple[str, ...]] = ("burgers",)
    time: ClassVar[str | None] = "t"
    forms: ClassVar[dict[str, Form]] = {"xx": ((0, 0, 1.0),)}
    has_lambda: ClassVar[bool] = True
    unknown: ClassVar[str] = "ν"

    def domain(self):
        return ((-1.0, 1.0), (0.0, 1.0))

    def ansatz(self, raw, x, lam):
        return {"u": raw[0]}

    def residuals(self, points, u, x, lam):
        v = u["u"]
        return {"burgers": v.first(1) + v.value * v.first(0) - lam * v.second("xx")}

    def lambda_start(self):
        return 0.1


def sample_csv(viscosity: float = SAMPLE_VISCOSITY, count: int = 500, seed: int = 0) -> bytes:
    """`count` exact values of the viscous Burgers solution at random points, as a CSV file with columns x, t, u."""
    low, high = np.array(BurgersViscous().domain()).T
    points = low + (high - low) * np.random.default_rng(seed).random((count, 2))
    u = BurgersViscous(viscosity=viscosity).exact(points)["u"]
    rows = np.column_stack([points, u]).tolist()
    return ("x,t,u\n" + "".join(",".join(map(repr, row)) + "\n" for row in rows)).encode()
