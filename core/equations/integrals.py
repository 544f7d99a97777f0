"""Integral conditions by quadrature: where what is integrated is asked for, and with which weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.domains.quadrature import gauss
from core.equations.algebra import number, total
from core.equations.calculus import substituted
from core.equations.conditions import Condition
from core.equations.domain_integrals import nodes, scattered
from core.equations.faults import EquationError, Fault
from core.equations.places import ON_BOUNDARIES, Frame, Place, Where
from core.equations.structure import coordinates_in, fields_in
from core.equations.tree import Expression, Integral, Normal, Parameter, postorder
from core.errors import LabError

NODES = {0: 1, 1: 96, 2: 48, 3: 20, 4: 9, 5: 6}
"""Most nodes along each coordinate, by how many are integrated over."""
TARGETS = {0: 1, 1: 16, 2: 8, 3: 5, 4: 4, 5: 3}
"""Values of each coordinate at which an integral is asked for, by how many are left."""
MOST_SOURCES = 8_000
"""Points at which the integrand is asked for, over all values of what is left."""
FEWEST_NODES = 6


@dataclass(frozen=True)
class Piece:
    """One integral over all of a box or of one of its faces, over a domain or boundaries of it."""

    integrand: Expression
    over: tuple[str, ...]
    fixed: tuple[tuple[str, float], ...]
    """What the face fixes."""
    on: tuple[str, ...] = ()
    """Boundaries of a domain."""


class Quadrature:
    """An integral condition as sums over points: first those it is asked for at, then each piece's nodes.

    Args:
        condition: with integrals in its residual.
        frame: a box or a domain.

    Raises:
        EquationError: there is nothing to integrate over, or no rule for it.
    """

    def __init__(self, condition: Condition, frame: Frame):
        self._frame, self._coordinates, self._condition = frame, frame.names.coordinates, condition
        stands_for: dict[Expression, Expression] = {}
        pieces: dict[Piece, Parameter] = {}
        for node in (each for each in postorder(condition.residual) if isinstance(each, Integral)):
            own = _pieces(node, condition, frame)
            stands_for[node] = total(*(pieces.setdefault(each, Parameter(f"integral {len(pieces) + 1}"))
                                       for each in own))  # fmt: skip
        self.residual = substituted(condition.residual, stands_for)
        """With a parameter in the place of each piece."""
        self.pieces: dict[Parameter, Piece] = {leaf: piece for piece, leaf in pieces.items()}
        self._fixed = condition.place.fixed
        left = coordinates_in(self.residual) | {x for leaf in fields_in(self.residual) for x in leaf.over}
        for piece in self.pieces.values():
            inner = coordinates_in(piece.integrand) | {x for leaf in fields_in(piece.integrand) for x in leaf.over}
            left |= inner - set(piece.over) - set(dict(piece.fixed))
        self.free = tuple(x for x in self._coordinates if x in left - set(self._fixed))

    @cached_property
    def targets(self) -> np.ndarray:
        """Where it is asked for (m, d)."""
        if not self._frame.is_box and set(self.free) & set(self._frame.names.space):
            place = self._condition.place
            found = scattered(self._frame, self._frame.named(place) if place.kind in ON_BOUNDARIES else ())
            for name, value in self._fixed.items():
                found[:, self._coordinates.index(name)] = value
            return found
        axes = [gauss(TARGETS[len(self.free)], *self._frame.domain[x])[0] for x in self.free]
        middle = {x: (low + high) / 2 for x, (low, high) in self._frame.domain.items()} | self._fixed
        return self._grid(np.array([[middle[x] for x in self._coordinates]]), self.free, axes)

    @cached_property
    def points(self) -> np.ndarray:
        """Where its fields are asked for (n, d): the targets, then the nodes of each piece for each target."""
        return np.concatenate([self.targets, *(points for own in self._nodes.values() for points, _ in own)])

    @cached_property
    def weights(self) -> dict[Parameter, np.ndarray]:
        """Piece → (m, n), from the integrand at `points` to the integral at `targets`."""
        found, start = {}, len(self.targets)
        for leaf, own in self._nodes.items():
            matrix = np.zeros((len(self.targets), len(self.points)))
            for row, (_, weights) in zip(matrix, own, strict=True):
                row[start : start + len(weights)] = weights
                start += len(weights)
            found[leaf] = matrix
        return found

    @cached_property
    def _nodes(self) -> dict[Parameter, list[tuple[np.ndarray, np.ndarray]]]:
        """Piece → for each target its nodes (q, d) and weights (q,)."""
        within = self._in_box if self._frame.is_box else self._in_domain
        return {leaf: within(piece) for leaf, piece in self.pieces.items()}

    def _in_domain(self, piece: Piece) -> list[tuple[np.ndarray, np.ndarray]]:
        """Raises EquationError where there is no rule."""
        most = MOST_SOURCES // (len(self.targets) * len(self.pieces))
        try:
            return [nodes(self._frame, piece.over, piece.on, dict(piece.fixed), target, most)
                    for target in self.targets]  # fmt: skip
        except LabError as error:
            text = self._condition.text
            raise _refused(Fault("", text, 0, len(text), self._condition.label), str(error).rstrip("."), "") from None

    def _in_box(self, piece: Piece) -> list[tuple[np.ndarray, np.ndarray]]:
        base = self.targets.copy()
        for name, value in piece.fixed:
            base[:, self._coordinates.index(name)] = value
        count = nodes_along(len(piece.over), len(self.targets) * len(self.pieces))
        rules = [gauss(count, *self._frame.domain[x]) for x in piece.over]
        weights = np.ones(1)
        for _, own in rules:
            weights = np.outer(weights, own).ravel()
        axes = [at for at, _ in rules]
        return [(self._grid(each, piece.over, axes), weights) for each in base[:, None]]

    def _grid(self, base: np.ndarray, names: tuple[str, ...], axes: list[np.ndarray]) -> np.ndarray:
        """Each point of `base` (k, d) with all combinations of some coordinates' values."""
        mesh = np.stack([each.ravel() for each in np.meshgrid(*axes, indexing="ij")], axis=1) if axes else None
        if mesh is None:
            return base.copy()
        found = np.repeat(base, len(mesh), axis=0)
        found[:, [self._coordinates.index(name) for name in names]] = np.tile(mesh, (len(base), 1))
        return found


def nodes_along(dimension: int, targets: int) -> int:
    """Nodes along each coordinate of an integral over so many, asked for at so many points."""
    within = math.floor((MOST_SOURCES / targets) ** (1 / dimension) + 1e-9) if dimension else 1
    return max(min(NODES[dimension], within), FEWEST_NODES if dimension else 1)


def _pieces(node: Integral, condition: Condition, frame: Frame) -> list[Piece]:
    place = condition.place
    fault = Fault("", condition.text, 0, len(condition.text), condition.label)
    if place.kind is Where.PERIODIC:
        raise _refused(fault, f"no integral is known over {place.text}", "a box, or one of its sides")
    fixed = place.fixed
    over = tuple(x for x in frame.names.coordinates if x in set(node.over) - set(fixed))
    if place.kind in ON_BOUNDARIES:
        if set(node.over) != set(frame.names.space):
            where = "the whole boundary" if place.kind is Where.BOUNDARY else place.text
            raise _refused(fault, f"over {', '.join(node.over)} on {where}", "int(…) alone, over all of the boundary")
        if not frame.is_box:
            return [Piece(node.of, over, (), frame.named(place))]
        return [_on_side(node.of, side, frame) for side in frame.sides()]
    if not over:
        raise _refused(fault, f"at {place.text} nothing is left to integrate over", "a side, a time, or everywhere")
    return [Piece(node.of, over, tuple(fixed.items()))]


def _on_side(integrand: Expression, side: Place, frame: Frame) -> Piece:
    sign = 1 if side.end == "high" else -1
    normal = {Normal(x): number(sign if x == side.coordinate else 0) for x in frame.names.space}
    over = tuple(x for x in frame.names.space if x != side.coordinate)
    return Piece(substituted(integrand, normal), over, ((side.coordinate, side.value),))


def _refused(fault: Fault, message: str, expected: str) -> EquationError:
    return EquationError([Fault(message, fault.text, fault.start, fault.end, fault.label, expected)])
