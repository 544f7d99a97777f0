"""Smooth functions that vanish on a domain's boundary, for an ansatz u = G + φN that meets conditions exactly.

In one and two dimensions each piece of the boundary has an implicit function of slope 1, trimmed to the piece, and
pieces are joined by ab/(a+b) (Sukumar and Srivastava, 2022). In space they are joined by Rvachev's functions.
All take coordinates as arrays, tensors or jets, and give the same.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable

import numpy as np

from core.domains.arithmetic import Number, both, chosen, either, joined, points_of, sqrt, turned_positive, value_of
from core.domains.boundaries import SAME, STEP, pieces
from core.domains.combined import Combined, Difference, Union, candidates
from core.domains.curves import Curve, End
from core.domains.sequences import halton
from core.domains.shapes import Annulus, Box, Round, Shape
from core.domains.surfaces import LOOKS, Face, Spheroid, boundary_names, crosses_itself, faces, own_areas
from core.errors import LabError

MOST_FACTORS = 24
"""Of more than so many pieces a product spans too many decades, and a distance takes its place."""
ROUNDING = 1e-9
"""Part of a length within which a point counts as on the boundary."""


def distance(domain: Shape, x: tuple[Number, ...]) -> Number:
    """The distance to the boundary to first order: positive inside, negative outside, slope 1 on it; (n,).

    Smooth in the open domain. Derivatives at a corner itself are none. Raises LabError in space where parts of a union
    touch along a face without overlapping: there it would vanish inside.
    """
    if domain.dimension == 3:
        _check_touching(domain)
        return _in_space(domain, x)
    phi = _joined(_to_piece(piece, x) for piece in pieces(domain))
    outside = ~domain.contains(points_of(x)) & (value_of(phi) > ROUNDING * domain.size)
    return chosen(outside, -phi, phi) if outside.any() else phi


def distance_to(domain: Shape, names: str | Iterable[str], x: tuple[Number, ...]) -> Number:
    """The distance to some of the boundaries, by name, to first order; not negative, (n,). Raises LabError."""
    wanted = {names} if isinstance(names, str) else set(names)
    known = boundary_names(domain)
    for name in wanted:
        if name not in known:
            raise LabError(f"The domain has no boundary {name!r}; it has {', '.join(known)}.")
    return _joined(_to_piece(piece, x) for piece in _own(domain) if piece.name in wanted)


def _own(domain: Shape) -> tuple[Curve | End | Face | Spheroid, ...]:
    """The pieces of the boundary. Raises LabError in space where a part of one runs through the domain."""
    if domain.dimension < 3:
        return pieces(domain)
    for face in faces(domain):
        if crosses_itself(domain, face):
            raise LabError(
                f"A part of the boundary {face.name!r} runs through the domain, so no function is known that vanishes "
                "on the rest of it alone. Ask the condition on the whole boundary, or as weighted rows."
            )
    return tuple(face for face, area in zip(faces(domain), own_areas(domain), strict=True) if area)


def factor(domain: Shape, x: tuple[Number, ...], names: str | Iterable[str] | None = None) -> Number:
    """A smooth function that vanishes on the boundary, or on those of its parts that are named; about 1 inside, (n,).

    Not a distance, but as smooth as can be: a product of polynomials wherever a piece's line or circle does not come
    back into the domain; so x(1−x)y(1−y) on a square, where any distance has its corners' singularities.
    """
    wanted = None if names is None else ({names} if isinstance(names, str) else frozenset(names))
    scale, parts = _factors(domain, wanted and frozenset(wanted))
    product = functools.reduce(lambda a, b: a * b, (part(x) for part in parts))
    return product * (1 / scale)


@functools.lru_cache(maxsize=64)
def _factors(domain: Shape, names: frozenset[str] | None) -> tuple[float, tuple[Callable, ...]]:
    inner = candidates(domain, 4096)
    if domain.dimension == 3 and names is None and any(crosses_itself(domain, face) for face in faces(domain)):
        return domain.size / 4, (functools.partial(distance, domain),)
    s, parts = np.linspace(0, 1, 33), {}
    edge = np.concatenate([piece.points(s) for piece in pieces(domain)]) if domain.dimension == 2 else inner
    for piece in _own(domain):
        if names is None or piece.name in names:
            if _stays_outside(domain, piece, inner, edge):
                parts[piece.key] = _untrimmed(piece, domain)
            else:
                parts[piece] = functools.partial(_to_piece, piece)
    if len(parts) > MOST_FACTORS:
        whole = distance if names is None else functools.partial(_distance_to, names)
        return _typical(whole(domain, tuple(inner.T))), (functools.partial(whole, domain),)
    if not parts:
        known = ", ".join(boundary_names(domain))
        raise LabError(f"The domain has no boundary {', '.join(names or ())}; it has {known}.")
    return _typical(np.prod([part(tuple(inner.T)) for part in parts.values()], axis=0)), tuple(parts.values())


def _typical(values: np.ndarray) -> float:
    return float(np.quantile(values, 0.99))


def _distance_to(names: frozenset[str], domain: Shape, x: tuple[Number, ...]) -> Number:
    return distance_to(domain, names, x)


def _untrimmed(piece, domain: Shape) -> Callable:
    size = min(domain.size, piece.size)
    return lambda x: turned_positive(piece.implicit(x), ROUNDING * domain.size) * (1 / size)


def _stays_outside(domain: Shape, piece: Curve | End | Face | Spheroid, inner: np.ndarray, edge: np.ndarray) -> bool:
    """Whether the line or circle that a piece is part of goes nowhere else through the domain."""
    values = piece.implicit(tuple(inner.T))
    if not ((values > 0).all() or (values < 0).all()):
        return False
    if isinstance(piece, Curve) and (piece.implicit(tuple(edge.T)) < -SAME * domain.size).any():
        at, normals = piece.extended(domain.size)
        step = normals * (STEP * domain.size)
        return not (domain.contains(at + step) & domain.contains(at - step) & domain.contains(at)).any()
    return True


def _to_piece(piece: Curve | End, x: tuple[Number, ...]) -> Number:
    """The distance to one piece to first order, not negative but for rounding on it."""
    f = turned_positive(piece.implicit(x), ROUNDING * piece.size)
    if piece.whole:
        return f
    t, size = piece.trimming(x), piece.size
    f2 = f * f
    s = sqrt(t * t + f2 * f2 * (1 / size**2))
    ahead = value_of(t) > 0
    beside = s + t
    beside = chosen(ahead, beside, beside + size)
    on = f * sqrt(1.0 + f2 * f2 * f2 / (beside * beside) * (1 / (4 * size**4)))
    if ahead.all():
        return on
    off = (s - t) * 0.5
    return chosen(ahead, on, sqrt(f2 + off * off))


def _joined(parts: Iterable[Number]) -> Number:
    """Pieces' functions as one, pairwise, so that rounding grows with the logarithm of their number."""
    level = list(parts)
    while len(level) > 1:
        pairs = [joined(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    return level[0]


@functools.lru_cache(maxsize=32)
def _check_touching(domain: Shape) -> None:
    if not isinstance(domain, Combined):
        return
    for face in faces(domain):
        points, normals = face.sample(halton(LOOKS, 2, np.zeros(2)))
        step = normals * (STEP * domain.size)
        inner = points[domain.contains(points) & domain.contains(points + step) & domain.contains(points - step)]
        if len(inner) and np.abs(_in_space(domain, tuple(inner.T))).min() < ROUNDING * domain.size:
            raise LabError(
                f"Two parts of the domain touch at {', '.join(f'{c:g}' for c in inner[0])} without overlapping, and no "
                "smooth distance is known there. Let them overlap, or ask conditions as weighted rows."
            )


def _in_space(domain: Shape, x: tuple[Number, ...]) -> Number:
    match domain:
        case Union():
            return functools.reduce(either, (_in_space(part, x) for part in domain.parts))
        case Difference():
            taken = [-_in_space(part, x) for part in domain.less]
            return functools.reduce(both, taken, _in_space(domain.of, x))
        case Combined():
            return functools.reduce(both, (_in_space(part, x) for part in domain.operands))
        case Box() | Round() | Annulus():
            return functools.reduce(both, (face.implicit(x) for face in faces(domain)))
    raise LabError(f"A {domain.kind} has no distance in space.")
