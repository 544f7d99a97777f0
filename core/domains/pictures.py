"""What of a domain's boundary a page draws: by name, thinned to what a browser can turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.domains.inspection import outline

if TYPE_CHECKING:
    from core.domains.mesh import Mesh
    from core.domains.shapes import Shape

MOST = 20_000
"""Lines or triangles of a picture, about."""
FINEST = 400
"""Cells along the largest extent into which corners are drawn together first."""


@dataclass(frozen=True)
class Drawn:
    """One boundary in a picture."""

    name: str
    points: np.ndarray
    """(n, d); of lines, which end at a row of NaN, and of triangles' corners."""
    triangles: np.ndarray | None = None
    """(m, 3), in space."""


def drawn(domain: Shape | Mesh) -> tuple[Drawn, ...]:
    """Each boundary of a domain once, as lines, as points on the line, or as triangles in space."""
    if not hasattr(domain, "facets"):
        found = outline(domain)
        if found.lines:
            return tuple(Drawn(name, _joined([line for of, line in found.lines if of == name]))
                         for name in dict.fromkeys(name for name, _ in found.lines))  # fmt: skip
        return tuple(Drawn(name, *_together([part[1:] for part in found.surfaces if part[0] == name]))
                     for name in dict.fromkeys(part[0] for part in found.surfaces))  # fmt: skip
    points, facets, which = _thinned(domain)
    parts = [(name, facets[which == k]) for k, name in enumerate(domain.names)]
    if domain.dimension == 3:
        return tuple(Drawn(name, *_used(points, own)) for name, own in parts)
    return tuple(Drawn(name, _joined(list(points[own]))) for name, own in parts)


def _joined(lines: list[np.ndarray]) -> np.ndarray:
    gap = np.full((1, lines[0].shape[1]), np.nan) if lines else np.empty((0, 2))
    return np.concatenate([part for line in lines for part in (line, gap)]) if lines else gap


def _together(surfaces: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    before = np.cumsum([0, *(len(points) for points, _ in surfaces)])
    triangles = [part + start for (_, part), start in zip(surfaces, before, strict=False)]
    return np.concatenate([points for points, _ in surfaces]), np.concatenate(triangles)


def _used(points: np.ndarray, facets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    own, place = np.unique(facets, return_inverse=True)
    return points[own], place.reshape(facets.shape)


def _thinned(mesh: Mesh) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points, facets and their boundaries; of large meshes with corners drawn together that are near each other."""
    points, facets, which, cells = mesh.points, mesh.facets, mesh.which, FINEST
    low, size = mesh.box()[:, 0], mesh.size
    while len(facets) > MOST and cells >= 8:
        near = np.floor((mesh.points - low) * (cells / size)).clip(0, cells).astype(np.int64)
        code = near @ (cells + 2) ** np.arange(mesh.dimension)
        _, first, moved = np.unique(code, return_index=True, return_inverse=True)
        points, facets = mesh.points[first], moved.ravel()[mesh.facets]
        ends = np.sort(facets, axis=1)
        kept = (np.diff(ends, axis=1) > 0).all(axis=1)  # the others are a point or a line now
        _, once = np.unique(ends[kept], axis=0, return_index=True)
        facets, which = facets[kept][once], mesh.which[kept][once]
        cells //= 2
    return points, facets, which
