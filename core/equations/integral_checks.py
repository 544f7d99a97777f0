"""Whether integral conditions mean something: integrals that have a value, and an exact solution that agrees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from itertools import pairwise

import numpy as np

from core.domains.quadrature import gauss
from core.equations.algebra import number
from core.equations.calculus import substituted
from core.equations.conditions import Condition, Kind
from core.equations.domain_integrals import normals_of, spread
from core.equations.faults import EquationError, Fault
from core.equations.integrals import Piece, Quadrature
from core.equations.places import Frame
from core.equations.sampling import inner_points, is_known, normals_at, values_of, where
from core.equations.system import System
from core.equations.tree import Expression, Field, TreeError, Unknown, postorder
from core.equations.writing import shown

ROUNDS = 4
"""How often the cells of a line are halved to see whether an integral settles."""
POINTS = (1024, 4096, 16384, 65536)
"""Points of a domain at which the same is seen."""
ACROSS = 128
"""A domain's width over the distance at which it is seen whether what is integrated changes fast."""
CELLS = 8
LINES = 12
SETTLED = 1e-2
"""Of an integral's size: what changes by less when cells are halved has a value."""
SHRINKS = 0.8
"""What has a value, if slowly found, changes less by this factor with each halving: 0.71 at the root's end, 1/√x."""
FAST = 0.5
"""Of its mean size: what changes by more from one point to the next is not resolved by them."""
AGREES = 1e-7
"""Of the largest part: an exact solution's integral is nearer than this, computed by quadrature."""


def integral_faults(system: System) -> list[Fault]:
    """Integrals that there is no rule for, that have no value, or that the exact solution does not meet."""
    found: list[Fault] = []
    for each in system.conditions:
        if each.kind is not Kind.INTEGRAL:
            continue
        try:
            quadrature = Quadrature(each, system.frame)
            found += _endless(system, each, quadrature) or _off(system, each, quadrature)
        except EquationError as error:
            found.extend(error.faults)
    return found


def _endless(system: System, condition: Condition, quadrature: Quadrature) -> list[Fault]:
    """What is integrated, 1 in the place of its fields, has to settle along each coordinate as cells are halved."""
    for piece in quadrature.pieces.values():
        try:
            known = _with_ones(piece.integrand, system.unknowns)
        except TreeError:
            continue  # 1/(u - 1): nothing is known of it
        frame = system.frame
        lines = [x for x in piece.over if frame.is_box or x == frame.names.time]
        looks = [partial(_unsettled, along=x) for x in lines] + [_unsettled_inside] * (len(lines) < len(piece.over))
        for look in looks:
            said = look(known, piece, frame=frame)
            if said:
                message = f"the integral of {shown(piece.integrand)} {said}"
                text = condition.text
                return [Fault(message, text, 0, len(text), condition.label, "an integral that has a value")]
    return []


def _with_ones(node: Expression, unknowns: Mapping[str, float]) -> Expression:
    ones = {leaf: number(1) for leaf in postorder(node) if isinstance(leaf, Field)}
    return substituted(node, ones | {Unknown(name): number(value) for name, value in unknowns.items()})


def _unsettled_inside(node: Expression, piece: Piece, frame: Frame) -> str:
    """The same of an integral over a domain or its boundaries, by more and more points spread over it."""
    points = spread(frame, POINTS[-1], piece.on) | {name: np.full(POINTS[-1], value) for name, value in piece.fixed}
    more = normals_of(frame, piece.on, points)
    if not is_known(node, more):
        return ""
    (values,) = values_of([node], points, frame, more)
    if not np.isfinite(values).all():
        return f"has no value: what is integrated has none at {where(points, int((~np.isfinite(values)).argmax()))}"
    sizes = [np.abs(values[:count]).mean(keepdims=True) for count in POINTS]
    if _goes_on(sizes).any():
        return (f"does not settle: with {POINTS[-2]} and {POINTS[-1]} points its mean size is "
                f"{sizes[-2][0]:.3g} and {sizes[-1][0]:.3g}")  # fmt: skip
    for x in frame.names.space:
        low, high = frame.domain[x]
        moved = points[x] + np.where(points[x] < (low + high) / 2, 1, -1) * (high - low) / ACROSS
        (beside,) = values_of([node], points | {x: moved}, frame, more)
        if np.abs(beside - values).mean() > FAST * np.abs(values).mean():
            return f"can't be summed: it changes too fast along {x}"
    return ""


def _unsettled(node: Expression, piece: Piece, along: str, frame: Frame) -> str:
    """Why an integral along one coordinate has no value, in words; empty where it has one on each of some lines."""
    if not is_known(node):
        return ""
    low, high = frame.domain[along]
    lines = inner_points(frame, LINES) | {name: np.full(LINES, value) for name, value in piece.fixed}

    def values_at(at: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        points = {name: np.repeat(values, len(at)) for name, values in lines.items()} | {along: np.tile(at, LINES)}
        return values_of([node], points, frame)[0].reshape(LINES, -1), points

    sizes, nodes, weights = [], *gauss(4, 0.0, 1.0)
    for k in range(ROUNDS):
        edges = np.linspace(low, high, CELLS * 2**k + 1)
        at = (edges[:-1, None] + (edges[1] - low) * nodes).ravel()
        values, points = values_at(at)
        if not np.isfinite(values).all():
            bad = int((~np.isfinite(values)).ravel().argmax())
            return f"has no value: what is integrated has none at {where(points, bad)}"
        sizes.append(np.abs(values) @ np.tile(weights, len(edges) - 1) * (edges[1] - low))
    bad = _goes_on(sizes)
    if bad.any():
        line, count = int(bad.argmax()), len(at)
        return (f"does not settle: with {count // 2} and {count} points along {along} its size is "
                f"{sizes[-2][line]:.3g} and {sizes[-1][line]:.3g}")  # fmt: skip
    beside, _ = values_at(at + np.where(at < (low + high) / 2, 1, -1) * (high - low) / len(at))
    if (np.abs(beside - values).mean(1) > FAST * np.abs(values).mean(1)).any():
        return f"can't be summed: it changes too fast along {along} for {len(at)} points"
    return ""


def _goes_on(sums: list[np.ndarray]) -> np.ndarray:
    """Whether sums (lines,) change by much to the end, and by no less than at the beginning."""
    changes = [np.abs(b - a) for a, b in pairwise(sums)]
    shrinks = [change <= SHRINKS**k * changes[0] for k, change in enumerate(changes)]
    return (np.maximum(*changes[-2:]) > SETTLED * sums[-1]) & ~np.logical_and.reduce(shrinks)


def _off(system: System, condition: Condition, quadrature: Quadrature) -> Iterable[Fault]:
    """Whether the exact solution meets an integral condition."""
    try:
        integrands = {leaf: system.at_exact(piece.integrand) for leaf, piece in quadrature.pieces.items()}
        rest = system.at_exact(quadrature.residual)
    except TreeError:
        return []
    points = dict(zip(system.names.coordinates, quadrature.points.T, strict=True))
    on = next((piece.on for piece in quadrature.pieces.values()), ())
    leaves = system.known_leaves | normals_of(system.frame, on, points)
    if None in (*integrands.values(), rest) or not all(is_known(each, leaves) for each in (*integrands.values(), rest)):
        return []
    targets = dict(zip(system.names.coordinates, quadrature.targets.T, strict=True))
    summed: dict[Expression, np.ndarray] = {}
    size = 0.0
    for leaf, integrand in integrands.items():
        (values,) = values_of([integrand], points, system.frame, leaves)
        with np.errstate(all="ignore"):
            felt = np.where(quadrature.weights[leaf].any(0), values, 0.0)
            summed[leaf] = quadrature.weights[leaf] @ felt
            size = max(size, float((quadrature.weights[leaf] @ np.abs(felt)).max()))
    outside = system.known_leaves | normals_at(condition.place, targets, system.frame)
    (off,) = values_of([rest], targets, system.frame, outside | summed)
    (right,) = values_of([rest], targets, system.frame, outside | dict.fromkeys(summed, 0.0))
    off = np.abs(off)
    text = condition.text
    if not np.isfinite(off).all() or off.max() <= AGREES * max(size, float(np.abs(right).max()), AGREES):
        return []
    at = int(off.argmax())
    place = f" at {where(targets, at, quadrature.free)}" if quadrature.free else ""
    said = f"the exact solution's integral is off by {off[at]:.2g}{place}"
    return [Fault(said, text, 0, len(text), condition.label)]
