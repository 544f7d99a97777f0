"""Descriptions of the optimizers: all that a config says of them. What they do is in core.optimizers."""

from __future__ import annotations

import operator
from functools import reduce
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from core.frozen import Extended, Frozen


class GaussNewton(Extended):
    """Levenberg–Marquardt: damped Gauss–Newton on the stacked residuals, in float64."""

    added: ClassVar[frozenset[str]] = frozenset({"guard", "dampings"})

    kind: Literal["gauss_newton"] = "gauss_newton"
    damping: float = Field(1e-2, gt=0, le=1e6, description="First damping, for columns of the Jacobian scaled to one.")
    minimum_damping: float = Field(1e-20, gt=0, le=1.0, description="Damping never falls below this, relatively.")
    guard: Literal["geodesic", "line_search"] | None = Field(
        None,
        description="What a step is bettered by. `geodesic`: half the second-order correction along it. `line_search`: "
        "its length is halved before the damping grows. Empty: nothing.",
    )
    dampings: Annotated[int, Field(ge=2, le=12)] | None = Field(
        None, description="So many dampings, each ten times the next, from one factorisation; the best step is taken."
    )


class Auto(Frozen):
    """A second-order method, or Adam, by rows, parameters, free memory and precision; the log says why."""

    kind: Literal["auto"] = "auto"


class Woodbury(Frozen):
    """Gauss–Newton for fewer rows than parameters, with SPRING's momentum."""

    kind: Literal["woodbury"] = "woodbury"
    damping: float = Field(1e-3, gt=0, le=1e6, description="First damping, for rows of the Jacobian of size one.")
    minimum_damping: float = Field(1e-14, gt=0, le=1.0, description="Damping never falls below this, relatively.")
    momentum: float = Field(0.0, ge=0, lt=1, description="SPRING's; 0: none.")


class ConjugateGradient(Frozen):
    """Gauss–Newton that stores no Jacobian: conjugate gradients on products."""

    kind: Literal["conjugate_gradient"] = "conjugate_gradient"
    damping: float = Field(1e-3, gt=0, le=1e6, description="First damping, relative to the loss's own curvature.")
    minimum_damping: float = Field(1e-14, gt=0, le=1.0, description="Damping never falls below this, relatively.")
    tolerance: float = Field(1e-3, gt=0, lt=1, description="Relative residual of the inner solve.")
    products: int = Field(200, ge=1, le=100_000, description="Most products with JᵀJ an iteration.")


class RankOneEMA(Frozen):
    """Gauss–Newton from an average of rank-1 estimates of JᵀJ, with momentum from a 2×2 model."""

    kind: Literal["rank_one_ema"] = "rank_one_ema"
    damping: float = Field(1e-2, gt=0, le=1e6, description="First damping, relative to the estimate's diagonal.")
    minimum_damping: float = Field(1e-12, gt=0, le=1.0, description="Damping never falls below this, relatively.")
    decay: float = Field(0.99, gt=0, lt=1, description="Weight of the old average in each update.")
    probes: int = Field(4, ge=1, le=1000, description="Random vectors an iteration.")


class LBFGS(Frozen):
    """Limited-memory BFGS with a strong Wolfe line search."""

    kind: Literal["lbfgs"] = "lbfgs"
    history: int = Field(100, ge=1, le=10_000, description="Pairs of steps and gradient changes that are kept.")


class SSBroyden(Frozen):
    """Self-scaled Broyden: a dense inverse Hessian and a strong Wolfe line search."""

    kind: Literal["ssbroyden"] = "ssbroyden"


class SOAP(Frozen):
    """Adam in the eigenbasis of Shampoo's preconditioner, with a cosine learning-rate decay."""

    kind: Literal["soap"] = "soap"
    learning_rate: float = Field(3e-3, gt=0, le=10, description="The first one.")
    final_learning_rate_ratio: float = Field(0.01, gt=0, le=1, description="Last learning rate over the first.")
    precondition_every: int = Field(10, ge=1, le=10_000, description="Iterations between two eigenbases.")


class Adam(Frozen):
    """Adam with a cosine learning-rate decay."""

    kind: Literal["adam"] = "adam"
    learning_rate: float = Field(1e-3, gt=0, le=10, description="The first one.")
    final_learning_rate_ratio: float = Field(0.01, gt=0, le=1, description="Last learning rate over the first.")


FIRST_ORDER = ("adam", "soap")
"""Optimizers that work in any precision; the others need float64."""

OPTIMIZERS = (GaussNewton, Adam, Auto, Woodbury, ConjugateGradient, RankOneEMA, LBFGS, SSBroyden, SOAP)
Optimizer = Annotated[reduce(operator.or_, OPTIMIZERS), Field(discriminator="kind")]
