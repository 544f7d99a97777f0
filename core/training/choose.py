"""The automatic choice among the optimizers."""

from __future__ import annotations

from dataclasses import dataclass

from core import config as configs
from core.optimizers.rows import dense_bytes
from core.training.objective import SHARE, Objective

LARGEST_DENSE = 12_000
"""Parameters (or rows) beyond which one factorisation takes minutes on a few cores."""


@dataclass(frozen=True)
class Choice:
    """What `auto` chose, and why."""

    config: configs.Optimizer
    reason: str


def choose(objective: Objective, precision: str) -> Choice:
    """The optimizer for an objective: exact steps where they fit, products where they don't.

    Args:
        objective: what is to be minimised.
        precision: of the stage; anything but float64 leaves only Adam.
    """
    if precision not in ("auto", "float64"):
        return Choice(configs.Adam(), f"adam, since second-order steps need float64 and the stage asks for {precision}")
    rows, columns = objective.shape()
    free = objective.free_memory()
    size, room = f"{rows} × {columns} in float64", f"{free / 2**30:.2g} GiB"
    if rows < columns:
        config, squared, few = configs.Woodbury(), "rows", ", fewer rows than parameters,"
    else:
        config, squared, few = configs.GaussNewton(), "columns", ""
    needed = dense_bytes(rows, columns, squared)
    if needed <= SHARE * free and min(rows, columns) <= LARGEST_DENSE:
        return Choice(config, f"{config.kind}, since {size}{few} take {needed / 2**30:.2g} GiB of {room} free")
    if objective.by_axes:
        return Choice(configs.ConjugateGradient(damping=1e-6), f"conjugate_gradient, since {size} are too much to "
                      "factorise, and polynomials on a grid are multiplied axis by axis")  # fmt: skip
    return Choice(
        configs.ConjugateGradient(),
        f"conjugate_gradient, since a factorisation of {size} would take minutes or more than the {room} that are free",
    )
