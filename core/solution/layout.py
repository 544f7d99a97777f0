"""What a file holds that a grid is streamed into."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Layout:
    """The grid, its values' names and dtype, and what the file says of itself."""

    coordinates: tuple[str, ...]
    axes: tuple[np.ndarray, ...]
    names: tuple[str, ...]
    dtype: np.dtype
    about: dict[str, object]
    time: str | None = None
    """The coordinate that is time, if one is."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each axis."""
        return tuple(len(axis) for axis in self.axes)

    @property
    def points(self) -> int:
        """Number of points."""
        return math.prod(self.shape)

    @property
    def bytes_each(self) -> int:
        """Bytes of one value."""
        return self.points * self.dtype.itemsize


Write = Callable[[int, dict[str, np.ndarray]], None]
"""Takes a layer: the place of its first plane along the slowest axis of the format, and values of the layer's shape."""


def first_axis(layout: Layout) -> int:
    """The slowest axis where the last one runs fastest."""
    return 0


def last_axis(layout: Layout) -> int:
    """The slowest axis where the first one runs fastest."""
    return len(layout.axes) - 1
