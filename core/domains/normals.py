"""Outward normals at points of a boundary that are known by their place alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.domains.boundaries import pieces
from core.domains.shapes import Shape
from core.domains.surfaces import faces, own_areas, sides

STEP = 1e-6
"""Of a face's size: over which its implicit function is differenced, which is linear or quadratic."""


def nearest_normals(domain: Shape, points: np.ndarray, on: Sequence[str]) -> np.ndarray:
    """Outward unit normals (n, d) of the named boundaries where they are nearest to points (n, d)."""
    points = np.asarray(points, dtype=float)
    if domain.dimension == 1:
        ends = [end for end in pieces(domain) if end.name in on]
        nearest = np.abs(points - [end.at for end in ends]).argmin(axis=1)
        return np.array([[-float(end.side)] for end in ends])[nearest]
    off, normals = (_of_curves if domain.dimension == 2 else _of_faces)(domain, points, on)
    return normals[off.argmin(axis=0), np.arange(len(points))]


def _of_curves(domain: Shape, points: np.ndarray, on: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Distances (m, n) from m pieces, and their normals (m, n, 2)."""
    off, normals = [], []
    for curve in pieces(domain):
        if curve.name in on:
            s = curve.nearest(points)
            off.append(np.linalg.norm(curve.points(s) - points, axis=1))
            normals.append(curve.normals(s))
    return np.array(off), np.array(normals)


def _of_faces(domain: Shape, points: np.ndarray, on: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Distances (m, n) from m faces, beside which nothing counts that is not the domain's, and normals (m, n, d)."""
    off, normals = [], []
    for face, area in zip(faces(domain), own_areas(domain), strict=True):
        if not area or face.name not in on:
            continue
        columns, step = points.T, STEP * face.size * np.eye(points.shape[1])
        value = face.implicit(tuple(columns))
        slope = np.stack([face.implicit(tuple((points + each).T)) - face.implicit(tuple((points - each).T))
                          for each in step], axis=1)  # fmt: skip
        out = -slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-300)  # none at a ball's centre
        side = sides(domain, face, points, out)
        far = np.abs(value) + (0 if face.whole else np.maximum(-face.trimming(tuple(columns)), 0))
        off.append(np.where(side == 0, np.inf, far))
        normals.append(out * np.where(side == 0, 1, side)[:, None])
    return np.array(off), np.array(normals)
