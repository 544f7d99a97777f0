"""From an optimizer's config to the optimizer, and the automatic choice among them."""

from __future__ import annotations

from dataclasses import dataclass

from core import config as configs
from core.optimizers.conjugate_gradient import ConjugateGradient
from core.optimizers.gauss_newton import GaussNewton
from core.optimizers.lbfgs import LBFGS
from core.optimizers.rank_one_ema import RankOneEMA
from core.optimizers.report import Optimizer
from core.optimizers.woodbury import Woodbury
from core.training.objective import SHARE, Objective, dense_bytes

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
    return Choice(
        configs.ConjugateGradient(),
        f"conjugate_gradient, since a factorisation of {size} would take minutes or more than the {room} that are free",
    )


def build(config: configs.Optimizer, seed: int) -> Optimizer:
    """The optimizer that a config describes; it must be one that sees all points at once."""
    match config:
        case configs.GaussNewton():
            return GaussNewton(config.damping, config.minimum_damping, config.guard, config.dampings)
        case configs.Woodbury():
            return Woodbury(config.damping, config.minimum_damping, config.momentum)
        case configs.ConjugateGradient():
            return ConjugateGradient(config.damping, config.minimum_damping, config.tolerance, config.products)
        case configs.RankOneEMA():
            return RankOneEMA(config.damping, config.minimum_damping, config.decay, config.probes, seed)
        case configs.LBFGS():
            return LBFGS(config.history)
        case configs.SSBroyden():
            from core.optimizers.ssbroyden import SSBroyden  # imports scipy

            return SSBroyden()
    raise ValueError(f"{config.kind} is no optimizer that sees all points at once")
