"""Integrals over any domain, its boundaries and lines in it, as sums over as many points as one can afford."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import numpy as np

from core.domains.fitted import MOST_POLYNOMIALS, SHARE, Polynomials
from core.domains.inspection import measure
from core.domains.mesh import Mesh, facet_normals
from core.domains.points import interior
from core.domains.quadrature import ORDERS, BoundaryRule, Rule, gauss, inside, nested, on_curves, on_faces
from core.domains.regions import Region
from core.domains.sequences import halton
from core.errors import LabError

FINE = 20_000
"""Nodes on a boundary, about, by which integrals over what it encloses are known."""
CLOSED = 1e-11
"""Of a boundary's length or area: what its normals sum up to, if it is closed."""
OF_FACET = 6
"""Nodes along a mesh's side, and along each of two coordinates of a triangle, where there are not too many."""


@functools.lru_cache(maxsize=64)
def over_inside(region: Region, most: int) -> Rule:
    """A rule over all of a domain with at most so many points.

    Smooth functions are integrated to rounding; roots as at corners, and what changes fast at a hole, to a few digits
    less.

    Raises:
        LabError: there is none.
    """
    domain, d = region.domain, region.dimension
    if isinstance(domain, Mesh):
        points = region.interior(halton(min(most, SHARE * MOST_POLYNOMIALS), d, np.zeros(d)))
        rule = Rule(points, np.full(len(points), domain.measure / len(points)))
        polynomials = Polynomials(len(points), region.box())
        edge = _facets(domain, region.names, polynomials.degree // 2 + 2)
        return polynomials.fitted(rule, polynomials.within(edge))
    rule = inside(domain, most)
    if d == 1:
        return rule
    enough = rule is not None
    if not enough:
        points = interior(domain, halton(min(most, SHARE * MOST_POLYNOMIALS), d, np.zeros(d)))
        rule = Rule(points, np.full(len(points), measure(domain) / len(points)))
    try:
        edge = on_curves(domain, region.names, FINE) if d == 2 else on_faces(domain, region.names, FINE)
    except LabError:
        if enough:
            return rule
        raise
    if enough and np.abs(edge.weights @ edge.normals).max() > CLOSED * edge.weights.sum():
        return rule  # a cusp, of which the boundary's curves lack the tip
    polynomials = Polynomials(len(rule.weights), region.box())
    return polynomials.fitted(rule, polynomials.within(edge))


@functools.lru_cache(maxsize=64)
def over_boundary(region: Region, names: tuple[str, ...], most: int) -> Rule:
    """A rule over boundaries of a domain with at most about so many points.

    Raises:
        LabError: there is none: parts of a face in space are cut away.
    """
    domain = region.domain
    if not isinstance(domain, Mesh):
        return (on_curves if region.dimension < 3 else on_faces)(domain, names, most)
    facets = int(np.isin(domain.which, [domain.names.index(name) for name in names]).sum())
    d = region.dimension - 1
    count = next((count for count in range(OF_FACET, 0, -1) if facets * count**d <= most), 0)
    fine = _facets(domain, names, count or 2)
    if count > 1:
        return fine
    points = domain.boundary(halton(most, d + 1, np.zeros(d + 1)), names).points
    rule = Rule(points, np.full(most, fine.weights.sum() / most))
    polynomials = Polynomials(most, region.box())
    return polynomials.fitted(rule, polynomials.over(_facets(domain, names, OF_FACET)))


def along(region: Region, over: tuple[int, ...], fixed: Mapping[int, float], most: int) -> Rule:
    """A rule over what of a domain has numbers in the other coordinates; empty where nothing has.

    Args:
        region: made of shapes.
        over: coordinates, by their place.
        fixed: numbers of all others.
        most: points.

    Raises:
        LabError: it is a mesh.
    """
    if isinstance(region.domain, Mesh):
        raise LabError("No integral is known over some of a mesh's coordinates.")
    for count in ORDERS:
        found = nested(region.domain, over, fixed, count)
        if len(found.weights) <= most:
            break
    return found


def _facets(mesh: Mesh, names: tuple[str, ...], count: int) -> BoundaryRule:
    """Gauss's nodes on the sides or triangles of a mesh's boundaries, of triangles those of a square that shrinks."""
    own = np.isin(mesh.which, [mesh.names.index(name) for name in names])
    corners = mesh.points[mesh.facets[own]]
    normals = facet_normals(corners)
    sizes = np.linalg.norm(normals, axis=1)
    nodes, weights = gauss(count, 0.0, 1.0)
    if mesh.dimension == 2:
        shares = np.stack([1 - nodes, nodes], axis=1)
    else:
        s, t = (each.ravel() for each in np.meshgrid(nodes, nodes, indexing="ij"))
        shares = np.stack([1 - s, s * (1 - t), s * t], axis=1)
        weights = np.outer(weights * nodes, weights).ravel()
    points = np.einsum("qc,kcd->kqd", shares, corners).reshape(-1, mesh.dimension)
    out = np.repeat(normals / sizes[:, None], len(weights), axis=0)
    return BoundaryRule(points, np.outer(sizes, weights).ravel(), out)
