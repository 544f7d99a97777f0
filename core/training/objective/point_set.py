"""A set of points and what a solution's last stage makes of them, up to the rows that each kind of set adds."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
import torch.autograd.forward_ad as forward_ad
from torch import Tensor

from core.jets import Jet, coordinates
from core.networks.layers import Tape
from core.networks.solution import Solution

REMEMBERED_POINTS = 50_000
"""Point sets up to this size keep what is computed from the coordinates alone; larger ones gain nothing by it."""


REMEMBERED_ON_GRIDS = 2_000_000
"""Polynomials on a grid cost less than what is made of the coordinates alone, so larger sets of theirs keep it too."""


def _remembers(solution: Solution, points: int) -> bool:
    networks = solution.networks
    by_axes = len(networks) > 0 and networks[-1].degrees is not None
    return points <= (REMEMBERED_ON_GRIDS if by_axes else REMEMBERED_POINTS)


@dataclass
class Leaves:
    """The integrals of a point set, cut off from what they are integrals of; empty where it has none."""

    values: dict[str, Tensor] = field(default_factory=dict)
    """Integral → (m,)."""
    integrated: dict[str, Tensor] = field(default_factory=dict)
    """Field that is integrated → (n,)."""


class PointSet:
    """Points whose rows are residuals of one kind. Subclasses say in `rows` what the rows are.

    What the trained parameters can't change (coordinates; features and frozen stages too, unless they depend on a free
    λ) is computed once.

    Args:
        solution: its last network is trained; λ too where it requires a gradient.
        name: of the set.
        points: (n, d).
        dtype: of the computation; the solution must be in it.
    """

    def __init__(self, solution: Solution, name: str, points: np.ndarray, dtype: torch.dtype):
        self.solution, self.name, self.points = solution, name, points
        device = next(solution.parameters()).device
        self.x = coordinates(
            torch.as_tensor(points, dtype=dtype, device=device), solution.layout, _remembers(solution, len(points))
        )
        self.total: int | None = None
        """Points of the set over all processes, where this one has a part of them."""
        self.matrices: dict[str, tuple[str, Tensor]] = {}
        """Integral → the field that is integrated, and the matrix (m, n) that does it."""
        self._known: tuple[tuple[Jet, ...], Tensor | None] | None = None

    @property
    def share(self) -> float:
        """Part of the set's points over all processes that are here."""
        return 1.0 if self.total is None else len(self.points) / self.total

    def rows(self, raw: Tensor, lam: Tensor | None, leaves: Leaves | None = None) -> dict[str, Tensor]:
        """Residuals by name, from the raw outputs (C, n, outputs) of all stages.

        Args:
            raw: the sum of the stages.
            lam: λ at each point, (n,), or None.
            leaves: where it is given, integrals take part as leaves and are collected there.
        """
        raise NotImplementedError

    def count(self) -> int:
        """How many rows there are, without allocating anything large."""
        raise NotImplementedError

    def residuals(
        self, lam: Tensor | None, tape: Tape | None = None, leaves: Leaves | None = None
    ) -> dict[str, Tensor]:
        """Residuals by name at the present parameters; `tape` and `leaves` for the Jacobian's sake."""
        features, frozen = self.features_and_frozen(lam)
        raw = self.solution.raw(features, start=len(self.solution.networks) - 1, tape=tape)
        return self.rows(raw if frozen is None else raw + frozen, lam, leaves)

    def along(self, lam: Tensor | None, last: bool) -> dict[str, Tensor]:
        """Slopes (n,) by name of the residuals at the sum of the stages before the last one.

        Args:
            lam: λ at each point, (n,), or None.
            last: along what the last network says; else along that sum itself.
        """
        features, frozen = self.features_and_frozen(lam)
        said = self.solution.raw(features, start=len(self.solution.networks) - 1).detach()
        sum_ = torch.zeros_like(said) if frozen is None else frozen
        direction = said if last else sum_
        if self.solution.problem.linear:  # affine in what the networks say: no derivative is needed
            here, there = self.rows(sum_, lam), self.rows(sum_ + direction, lam)
            return {name: there[name] - r for name, r in here.items()}
        with forward_ad.dual_level():
            rows = self.rows(forward_ad.make_dual(sum_, direction), lam)
            slopes = {name: forward_ad.unpack_dual(r).tangent for name, r in rows.items()}
            return {
                name: torch.zeros_like(rows[name]) if slope is None else slope.detach()
                for name, slope in slopes.items()
            }

    def features_and_frozen(self, lam: Tensor | None) -> tuple[tuple[Jet, ...], Tensor | None]:
        """What the last stage reads, and the sum of the stages before it."""
        if self._known is not None:
            return self._known
        solution, last = self.solution, len(self.solution.networks) - 1
        frozen = solution.raw(solution.features(self.x, lam, stop=last), stop=last)
        features = solution.features(self.x, lam, start=last)
        if not solution.free_lambda or None not in solution.centres:
            self._known = (features, frozen)
        return features, frozen

    def forget_frozen(self) -> None:
        """Drop what was computed once; needed after λ changed from outside."""
        self._known = None

    def lambda_values(self) -> Tensor | None:
        """λ at each point in the set's dtype; see `Solution.lambda_at`."""
        like = self.x[0].data
        return self.solution.lambda_at(like, like.shape[1])
