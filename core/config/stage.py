"""The description of one stage: where the equations are asked for, and how its network is trained."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from core.config.network import Chebyshev, Fourier, Splines
from core.config.optimizer import FIRST_ORDER, GaussNewton, Optimizer
from core.frozen import Extended, Frozen

SPREAD = ("gauss_newton", "adam", "soap", "lbfgs", "ssbroyden")
"""Optimizers whose rows may be spread over processes: they ask for sums over rows alone."""

Precision = Literal["auto", "float64", "float32", "tf32", "amp-fp16", "amp-bf16"]


class Warmup(Frozen):
    """Adam iterations before a second-order optimizer takes over."""

    iterations: int = Field(0, ge=0, le=1_000_000, description="0: none.")
    learning_rate: float = Field(3e-3, gt=0, le=10, description="Of Adam.")
    precision: Precision = Field("auto", description="`auto`: AMP on CUDA, float64 on a CPU.")


class Collocation(Extended):
    """Where the equations are asked for."""

    added: ClassVar[frozenset[str]] = frozenset({"adaptive", "shape"})

    points: int = Field(1000, ge=4, le=10_000_000, description="Points in the domain.")
    sampler: Literal["sobol", "uniform", "grid", "chebyshev", "gauss", "cells"] = Field(
        "sobol",
        description="`chebyshev`: Sobol points denser towards the walls, where a fit would run wild. `gauss`: a "
        "grid of Chebyshev–Gauss nodes, evenly spaced along periodic coordinates. `cells`: Gauss–Legendre nodes of "
        "each cell of the stage's splines, about as many in each; an equation's row counts as its part of the volume.",
    )
    shape: Annotated[tuple[Annotated[int, Field(ge=2, le=10_000)], ...], Field(min_length=1, max_length=8)] | None = (
        Field(
            None,
            description="Points along each coordinate, for `grid` and `gauss`; `points` is their product. Empty: as "
            "many along each.",
        )
    )
    resample_every: int = Field(0, ge=0, description="Draw new points every so many iterations; 0: never.")
    adaptive: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None,
        description="Part of the points that are drawn by the size of the residual: at each new draw, and at the start "
        "of a stage that corrects others or is fitted to them.",
    )

    @model_validator(mode="after")
    def _shape_is_of_so_many_points(self) -> Collocation:
        if self.shape is None:
            return self
        if self.sampler not in ("grid", "gauss"):
            raise ValueError(f"shape goes with the sampler grid or gauss, not with {self.sampler}, which has none")
        if math.prod(self.shape) != self.points:
            sides = " × ".join(map(str, self.shape))
            raise ValueError(f"shape: {sides} are {math.prod(self.shape)} points, and points says {self.points}")
        return self


class Stage(Extended):
    """One term Φ_k of the solution Φ = Σ ε_k Φ_k and how it is trained; the terms before it stay frozen."""

    added: ClassVar[frozenset[str]] = frozenset(
        {"gradient_scale", "begins", "chebyshev", "splines", "enough", "processes"}
    )

    optimizer: Optimizer = GaussNewton()
    iterations: int = Field(
        100, ge=1, le=10_000_000, description="At most so many of the optimizer, after those of the warmup."
    )
    warmup: Warmup = Warmup()
    target_residual: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Stop the stage early once the largest residual is at most this."
    )
    enough: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="The run ends with this stage where its largest residual is at most this; the stages after it are "
        "for what is harder. Empty: all stages are trained.",
    )
    patience: int = Field(
        15, ge=1, le=1_000_000, description="Stop after so many iterations without 1 % less loss (second order only)."
    )
    collocation: Collocation = Collocation()
    precision: Precision = Field("auto", description="`auto`: float64 for second order and on a CPU, else AMP.")
    fourier: Fourier | None = Field(None, description="Gives this stage a network of Fourier features.")
    chebyshev: Chebyshev | None = Field(
        None, description="Gives this stage a layer of Chebyshev polynomials, no network: linear in its weights."
    )
    splines: Splines | None = Field(
        None, description="Gives this stage a layer of B-splines, no network: linear in its weights."
    )
    checkpoint_every: int = Field(50, ge=1, le=10_000_000, description="Iterations between checkpoints.")
    gradient_scale: Annotated[float, Field(gt=0, le=1e9)] | None = Field(
        None,
        description="Residuals are divided by √(1 + |∇u|²/s²), s this value: steep places weigh less. Empty: no.",
    )

    processes: Annotated[int, Field(ge=2, le=4096)] | Literal["all"] | None = Field(
        None,
        description="Rows are spread over so many processes, each on GPUs or cores of its own. `all`: as many as the "
        "run's slot has GPUs, on a CPU threads. Empty: one process has all rows.",
    )

    begins: Literal["fitted", "solved"] | None = Field(
        None,
        description="`fitted`: Fourier features, linear in their weights, are fitted to the solution so far and take "
        "its place. `solved`: they take its place by one step of Newton's method from it. Empty: the stage adds a "
        "correction to it.",
    )

    @property
    def is_linear(self) -> bool:
        """Whether its network is linear in its weights."""
        return (
            self.chebyshev is not None
            or self.splines is not None
            or (self.fourier is not None and not self.fourier.hidden)
        )

    @model_validator(mode="after")
    def _only_linear_networks_are_fitted(self) -> Stage:
        if self.begins and not self.is_linear:
            raise ValueError(
                f"begins {self.begins!r} goes with chebyshev, splines, and fourier without hidden layers, alone"
            )
        return self

    @model_validator(mode="after")
    def _one_kind_of_network(self) -> Stage:
        kinds = [name for name in ("fourier", "chebyshev", "splines") if getattr(self, name) is not None]
        if len(kinds) > 1:
            raise ValueError(f"a stage has {' or '.join(kinds)}, not both")
        return self

    @model_validator(mode="after")
    def _cells_are_those_of_knots(self) -> Stage:
        if self.collocation.sampler == "cells" and self.splines is None:
            raise ValueError("the sampler cells takes the cells of splines, and the stage has none; allowed: another")
        return self

    @model_validator(mode="after")
    def _rows_can_be_spread(self) -> Stage:
        if self.processes is None:
            return self
        kind, points = self.optimizer.kind, self.collocation.points
        if kind not in SPREAD:
            why = "needs all rows in one process" if kind != "auto" else "chooses by what fits one process"
            raise ValueError(f"processes does not go with {kind}, which {why}; allowed: {', '.join(SPREAD)}")
        if getattr(self.optimizer, "guard", None) == "geodesic":
            raise ValueError(
                "processes does not go with gauss_newton's guard geodesic, which needs all rows in one process; "
                "allowed: line_search, or none"
            )
        for name, precision in (("precision", self.precision), ("warmup.precision", self.warmup.precision)):
            if precision == "amp-fp16":
                raise ValueError(
                    f"{name} amp-fp16 does not go with processes: its gradients are scaled in one process alone; "
                    "allowed: amp-bf16, tf32, float32, float64, auto"
                )
        if self.processes != "all" and self.processes > points:
            raise ValueError(f"processes: {self.processes} for {points} points; each needs one at least")
        return self

    @model_validator(mode="after")
    def _second_order_needs_float64(self) -> Stage:
        if self.optimizer.kind not in (*FIRST_ORDER, "auto") and self.precision not in ("auto", "float64"):
            raise ValueError(
                f"precision {self.precision!r} does not go with {self.optimizer.kind}, which needs float64; "
                "allowed: auto, float64"
            )
        return self
