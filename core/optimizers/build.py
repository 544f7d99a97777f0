"""From an optimizer's description to the optimizer."""

from __future__ import annotations

from core import config as configs
from core.optimizers.conjugate_gradient import ConjugateGradient
from core.optimizers.gauss_newton import GaussNewton
from core.optimizers.lbfgs import LBFGS
from core.optimizers.rank_one_ema import RankOneEMA
from core.optimizers.report import Optimizer
from core.optimizers.woodbury import Woodbury


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
