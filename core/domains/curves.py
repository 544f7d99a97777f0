"""Pieces of a plane domain's boundary: segments and elliptic arcs, the domain on their left; and ends of intervals.

A piece knows an implicit function f, zero on the whole line or ellipse that it is part of, positive on the domain's
side, with slope 1 on it; and where it is a part only, a function t that is positive beside the part and zero at its
ends.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from core.domains.arithmetic import Number, sqrt

QUADRATURE = np.polynomial.legendre.leggauss(16)
PANELS = 16
TABLE = 1024


@dataclass(frozen=True)
class End:
    """An end of an interval; `side` is 1 where the domain lies above it, −1 where below."""

    name: str
    at: float
    side: int
    whole: bool = True
    key: tuple = ()

    @property
    def size(self) -> float:
        """A length to measure rounding with."""
        return max(1.0, abs(self.at))

    def implicit(self, x: tuple[Number, ...]) -> Number:
        """The function f at coordinates."""
        return (x[0] - self.at) * float(self.side)


class Curve:
    """What segments and arcs have in common; positions `s` run from 0 to 1 along the whole primitive piece."""

    name: str
    whole: bool
    """Whether it is closed, so that its implicit function needs no trimming."""

    def reversed(self) -> Curve:
        """The same curve with the domain on its other side."""
        raise NotImplementedError

    def part(self, low: float, high: float) -> Curve:
        """What lies between two positions."""
        raise NotImplementedError

    def points(self, s: np.ndarray) -> np.ndarray:
        """Points (n, 2) at positions (n,)."""
        raise NotImplementedError

    def velocities(self, s: np.ndarray) -> np.ndarray:
        """Derivatives (n, 2) of the points by position."""
        raise NotImplementedError

    def nearest(self, points: np.ndarray) -> np.ndarray:
        """Positions (n,) about as near as can be to points (n, 2)."""
        raise NotImplementedError

    def normals(self, s: np.ndarray) -> np.ndarray:
        """Outward unit normals (n, 2)."""
        v = self.velocities(s)
        v = v / np.hypot(v[:, 0], v[:, 1])[:, None]
        return np.stack([v[:, 1], -v[:, 0]], axis=1)

    def implicit(self, x: tuple[Number, ...]) -> Number:
        """The function f at coordinates."""
        raise NotImplementedError

    def trimming(self, x: tuple[Number, ...]) -> Number:
        """The function t at coordinates; only where the curve is not whole."""
        raise NotImplementedError

    def extended(self, size: float) -> tuple[np.ndarray, np.ndarray]:
        """Points of the whole line or ellipse that it is part of, and normals, (n, 2) each; lines as long as `size`."""
        raise NotImplementedError

    def _quadrature(self) -> tuple[np.ndarray, np.ndarray]:
        nodes, weights = QUADRATURE
        s = (np.arange(PANELS)[:, None] + (nodes + 1) / 2).ravel() / PANELS
        return s, np.tile(weights / 2 / PANELS, PANELS)

    @property
    def length(self) -> float:
        """Its length."""
        s, weights = self._quadrature()
        return float(np.hypot(*self.velocities(s).T) @ weights)

    @property
    def swept(self) -> float:
        """½∮(x dy − y dx): summed over a closed loop, the area inside."""
        s, weights = self._quadrature()
        (x, y), (dx, dy) = self.points(s).T, self.velocities(s).T
        return float((x * dy - y * dx) @ weights / 2)

    def along(self, fractions: np.ndarray) -> np.ndarray:
        """Positions (n,) that lie at these fractions of the length."""
        s = np.linspace(0, 1, TABLE + 1)
        speed = np.hypot(*self.velocities(s).T)
        gone = np.concatenate([[0], np.cumsum((speed[1:] + speed[:-1]) / 2)])
        return np.interp(fractions, gone / gone[-1], s)


@dataclass(frozen=True)
class Segment(Curve):
    """A straight piece from `a` to `b`."""

    name: str
    a: tuple[float, float]
    b: tuple[float, float]
    whole: bool = False

    @property
    def size(self) -> float:
        """Its length."""
        return math.dist(self.a, self.b)

    @property
    def key(self) -> tuple:
        """What all segments on one line have in common."""
        (ax, ay), (bx, by), size = self.a, self.b, self.size
        nx, ny = -(by - ay) / size, (bx - ax) / size
        c = nx * ax + ny * ay
        sign = 1 if (nx, ny) > (0, 0) else -1
        return ("line", *(round(sign * v, 9) + 0.0 for v in (nx, ny, c)))

    def reversed(self):
        return replace(self, a=self.b, b=self.a)

    def part(self, low, high):
        start, end = self.points(np.array([low, high]))
        return replace(self, a=self.a if low == 0 else tuple(map(float, start)),
                       b=self.b if high == 1 else tuple(map(float, end)))  # fmt: skip

    def points(self, s):
        a, b = np.array(self.a), np.array(self.b)
        return a * (1 - s)[:, None] + b * s[:, None]

    def velocities(self, s):
        return np.tile(np.array(self.b) - self.a, (len(s), 1))

    def nearest(self, points):
        along = np.array(self.b) - self.a
        return np.clip((points - self.a) @ along / self.size**2, 0, 1)

    def along(self, fractions):
        return fractions

    def extended(self, size):
        s = np.linspace(-1, 1, 4 * TABLE) * (2 * size / self.size + 1)
        return self.points(s), self.normals(s)

    def implicit(self, x):
        (ax, ay), (bx, by), size = self.a, self.b, self.size
        return (x[0] - ax) * ((ay - by) / size) + (x[1] - ay) * ((bx - ax) / size)

    def trimming(self, x):
        (ax, ay), (bx, by), size = self.a, self.b, self.size
        p, q = x[0] - (ax + bx) / 2, x[1] - (ay + by) / 2
        return size / 4 - (p * p + q * q) / size


@dataclass(frozen=True)
class Arc(Curve):
    """A piece of an ellipse, from one of its angles to another; clockwise where the second is the smaller."""

    name: str
    centre: tuple[float, float]
    semi: tuple[float, float]
    angle: float = 0.0
    """By how much the ellipse is turned, in radians."""
    start: float = 0.0
    end: float = 2 * math.pi

    @property
    def whole(self) -> bool:
        """Whether it goes all the way round."""
        return abs(self.end - self.start) > 2 * math.pi - 1e-12

    @property
    def size(self) -> float:
        """Its length, roughly."""
        return abs(self.end - self.start) * max(self.semi)

    @property
    def key(self) -> tuple:
        """What all arcs of one ellipse have in common."""
        return ("ellipse", *(round(v, 9) for v in (*self.centre, *self.semi, self.angle)))

    def reversed(self):
        return replace(self, start=self.end, end=self.start)

    def part(self, low, high):
        start, span = self.start, self.end - self.start
        return replace(self, start=start + low * span, end=start + high * span)

    def points(self, s):
        turn = self.start + s * (self.end - self.start)
        return np.array(self.centre) + self._out(self.semi[0] * np.cos(turn), self.semi[1] * np.sin(turn))

    def velocities(self, s):
        span = self.end - self.start
        turn = self.start + s * span
        return span * self._out(-self.semi[0] * np.sin(turn), self.semi[1] * np.cos(turn))

    def _out(self, p: np.ndarray, q: np.ndarray) -> np.ndarray:
        c, s = math.cos(self.angle), math.sin(self.angle)
        return np.stack([c * p - s * q, s * p + c * q], axis=1)

    def nearest(self, points):
        p, q = (points - self.centre).T
        c, s = math.cos(self.angle), math.sin(self.angle)
        turn = np.arctan2((q * c - p * s) / self.semi[1], (p * c + q * s) / self.semi[0])
        span = self.end - self.start
        return np.clip(np.mod((turn - self.start) * np.sign(span), 2 * np.pi) / abs(span), 0, 1)

    def along(self, fractions):
        return fractions if self.semi[0] == self.semi[1] else super().along(fractions)

    def extended(self, size):
        everything, s = replace(self, start=0.0, end=2 * math.pi), np.linspace(0, 1, TABLE)
        return everything.points(s), everything.normals(s)

    def implicit(self, x):
        inward = 1.0 if self.end > self.start else -1.0
        p, q = x[0] - self.centre[0], x[1] - self.centre[1]
        a, b = self.semi
        if a == b:
            return (a * a - p * p - q * q) * (inward / (2 * a))
        c, s = math.cos(self.angle), math.sin(self.angle)
        p, q = (p * c + q * s) * (1 / a), (q * c - p * s) * (1 / b)
        f = 1.0 - p * p - q * q
        slope = (p * p) * (4 / a**2) + (q * q) * (4 / b**2)
        return f * inward / sqrt(f * f * (1 / min(a, b) ** 2) + slope)

    def trimming(self, x):
        (ax, ay), (mx, my), (bx, by) = self.points(np.array([0.0, 0.5, 1.0]))
        length = math.hypot(bx - ax, by - ay)
        nx, ny = (ay - by) / length, (bx - ax) / length
        side = math.copysign(1.0, nx * (mx - ax) + ny * (my - ay))
        return (x[0] - ax) * (side * nx) + (x[1] - ay) * (side * ny)
