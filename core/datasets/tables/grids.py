"""Arrays as they are kept together in a file → columns: tables, axes with matrices over them, meshes, lists of points.

Each dimension of an array gets a label: that of an axis of its length, of a list of points, or of a mesh. What runs
over fewer labels than the largest array is repeated along the others.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import permutations

import numpy as np

from core.datasets.names import is_coordinate, is_role, stem
from core.datasets.tables.limits import check_cells, check_width
from core.datasets.tables.table import Table, table_of, tidy
from core.errors import LabError

FEW = 6
"""A dimension without an axis that is no longer than this counts components, each a column of its own."""

Labels = tuple[str, ...]
Arrays = dict[str, np.ndarray]


def table_of_arrays(name: str, arrays: Arrays, refused: dict[str, str] | None = None, named: bool = True) -> Table:
    """One column for each array, or component of one, over all points of the grid that the arrays make up.

    Raises LabError where they make up none.
    """
    refused, notes, moments = dict(refused or {}), [], {}
    numbers = _numbers(name, arrays, refused)
    sizes = {key: value.size for key, value in numbers.items()}
    if max(sizes.values(), default=0) > 1:
        single = [key for key, size in sizes.items() if size == 1]
        spoken_for = {stem(key) for key, size in sizes.items() if size > 1}
        moments = {key: numbers[key] for key in single if is_coordinate(key) and stem(key) not in spoken_for}
        single = [key for key in single if key not in moments]
        numbers = {key: value for key, value in numbers.items() if sizes[key] > 1}
        notes += [f"Left out as single numbers: {', '.join(single)}."] if single else []
    deep = [key for key, value in numbers.items() if value.ndim > 1]
    if not deep:
        numbers = _of_one_length(numbers, notes)
    elif len(numbers) == 1:
        numbers, named = _rows(name, *numbers.popitem(), notes), False
    else:
        numbers = _Grid(name, numbers, refused, notes).columns()
    if len(rows := {len(value) for value in numbers.values()}) == 1 and named:  # a snapshot, and where it was taken
        numbers = {key: np.repeat(value, *rows) for key, value in moments.items()} | numbers
    return table_of(name, numbers.items(), refused=refused, notes=notes, named=named)


def _numbers(name: str, arrays: Arrays, refused: dict[str, str]) -> Arrays:
    """Real float64 arrays without dimensions of length one; complex ones as two."""
    found: Arrays = {}
    for key, value in arrays.items():
        key, value = tidy(key), np.asarray(value)
        if key in found or key in refused:
            raise LabError(f"{name}: two columns are called {key!r}.")
        if value.dtype.kind not in "iufc":
            refused[key] = f"{name}: {key} has type {value.dtype}; a column has real numbers."
            continue
        if not value.size:
            refused[key] = f"{name}: {key} has no rows."
            continue
        value = value.reshape([size for size in value.shape if size > 1] or [1])
        if value.dtype.kind == "c" and value.imag.any():
            found |= {f"{key}.real": value.real.astype(float), f"{key}.imag": value.imag.astype(float)}
        else:
            found[key] = value.real.astype(float)
    return found


def _of_one_length(numbers: Arrays, notes: list[str]) -> Arrays:
    counts = Counter(len(value) for value in numbers.values()).most_common(2)
    if len(counts) < 2 or counts[0][1] == counts[1][1]:
        return numbers  # where lengths differ, none of them is the table's
    others = [key for key, value in numbers.items() if len(value) != counts[0][0]]
    notes.append(f"Left out, since they are longer or shorter than the others: {', '.join(others)}.")
    return {key: value for key, value in numbers.items() if len(value) == counts[0][0]}


def _rows(name: str, key: str, value: np.ndarray, notes: list[str]) -> Arrays:
    """The columns of a matrix that is alone in its file."""
    if value.ndim != 2 or is_role(key):
        raise LabError(f"{name}: {key} has shape {value.shape}, and there are no axes for it beside it.")
    if value.shape[0] <= FEW < value.shape[1]:
        value = value.T
        notes.append(f"{key} has its columns as rows.")
    check_width(name, value.shape[1])
    return {f"column_{i + 1}": value[:, i] for i in range(value.shape[1])}


class _Grid:
    def __init__(self, name: str, numbers: Arrays, refused: dict[str, str], notes: list[str]):
        self.name = name
        self.refused = refused
        self.notes = notes
        self.flat = {key: value for key, value in numbers.items() if value.ndim == 1}
        self.deep = {key: value for key, value in numbers.items() if value.ndim > 1}
        self.mesh = self._mesh()
        self.axes: dict[int, list[str]] = {}
        """Length → labels of the dimensions of that length, several where it is that of several axes."""
        self._label()

    def columns(self) -> Arrays:
        """All columns, each (n,)."""
        placed = {key: found for key, value in self.deep.items() if (found := self._place(key, value))}
        if not placed:
            raise LabError(next(self.refused[key] for key in self.deep))
        main, sizes = self._largest(placed)
        pieces: list[tuple[str, np.ndarray, Labels]] = []
        for label in main:  # axes first, as they are named in tables
            if label in self.flat:
                pieces.append((label, self.flat[label], (label,)))
        for key, value in self.flat.items():
            labels = self.axes.get(len(value), [])
            if len(labels) == 1 and key not in labels:
                pieces.append((key, value, (labels[0],)))
        for key, (value, labels) in placed.items():
            pieces += self._components(key, value, labels)
        fitting = [piece for piece in pieces if set(piece[2]) <= set(main)]
        used = {key.partition("[")[0] for key, _, _ in fitting}
        out = [key for key in self.flat if key not in used] + [k for k, _, labels in pieces if set(labels) - set(main)]
        if out := list(dict.fromkeys(out)):
            self.notes.append(f"Left out, since they do not run along the others: {', '.join(out)}.")
        check_width(self.name, len(fitting))
        check_cells(self.name, math.prod(sizes[label] for label in main), len(fitting))
        return {key: _along(value, labels, main, sizes) for key, value, labels in fitting}

    def _mesh(self) -> tuple[int, ...] | None:
        """The shape over which at least two coordinates are given as arrays of it (meshgrid)."""
        shapes: dict[tuple[int, ...], set[str]] = {}
        for key, value in self.deep.items():
            if is_coordinate(key):
                shapes.setdefault(value.shape, set()).add(stem(key))
        return next((shape for shape, names in shapes.items() if len(names) > 1), None)

    def _label(self) -> None:
        """Give labels to the lengths of axes and of lists of points."""
        for size in dict.fromkeys(size for value in self.deep.values() for size in value.shape):
            along = [key for key, value in self.flat.items() if len(value) == size]
            dimensions = max(value.shape.count(size) for value in self.deep.values())
            axes = [key for key in along if is_coordinate(key)]
            axes = axes or (along if size > FEW else [])
            if dimensions == 1 and axes:
                self.axes[size] = axes[:1]
            elif dimensions == 1 and size > FEW and any(self._is_list(value, size) for value in self.deep.values()):
                self.axes[size] = [f"points {size}"]
            elif dimensions > 1 and len(axes) == dimensions:
                self.axes[size] = sorted(axes, key=lambda key: stem(key) == "t")  # by custom, time comes last

    def _is_list(self, value: np.ndarray, size: int) -> bool:
        lengths = {len(axis) for axis in self.flat.values()}
        return value.ndim == 2 and value.shape[0] == size and value.shape[1] <= FEW and value.shape[1] not in lengths

    def _place(self, key: str, value: np.ndarray) -> tuple[np.ndarray, Labels] | None:
        """The array and a label for each dimension, "" for components; None, with the reason, where it has no place."""
        labels = [""] * value.ndim
        if self.mesh:
            inner, n = self.mesh, len(self.mesh)
            if value.shape == inner[::-1] != inner:
                value = value.T
                self.notes.append(f"{key} is turned: its indices come in the other order than those of the mesh.")
            at = next((i for i in range(value.ndim - n + 1) if value.shape[i : i + n] == inner), None)
            if at is not None:
                labels[at : at + n] = [f"mesh {i}" for i in range(n)]
        waiting = {size: list(names) for size, names in self.axes.items()}
        for i, size in enumerate(value.shape):
            if labels[i]:
                continue
            if waiting.get(size):
                labels[i] = waiting[size].pop(0)
            elif size > FEW or (i == value.ndim - 1 and not any(labels)):
                self.refused[key] = (
                    f"{self.name}: {key} has shape {value.shape}, and it is not clear which axis its index {i + 1} "
                    "runs along."
                )
                return None
        return value, tuple(labels)

    def _largest(self, placed: dict[str, tuple[np.ndarray, Labels]]) -> tuple[Labels, dict[str, int]]:
        sizes = {
            label: size
            for value, labels in placed.values()
            for label, size in zip(labels, value.shape, strict=True)
            if label
        }
        runs = [tuple(label for label in labels if label) for _, labels in placed.values()]
        return max(runs, key=lambda labels: math.prod(sizes[label] for label in labels)), sizes

    def _components(self, key: str, value: np.ndarray, labels: Labels) -> list[tuple[str, np.ndarray, Labels]]:
        """One piece for each component, and one for each other order of dimensions that may be meant."""
        inner = [i for i, label in enumerate(labels) if not label]
        if inner:
            kept = tuple(label for label in labels if label)
            outer = [size for size, label in zip(value.shape, labels, strict=True) if label]
            parts = np.moveaxis(value, inner, range(len(inner))).reshape(-1, *outer)
            return [(f"{key}_{i + 1}", part, kept) for i, part in enumerate(parts)]
        pieces = [(key, value, labels)]
        for size, names in self.axes.items():
            if len(names) < 2 or value.shape.count(size) < 2:
                continue
            for other in list(permutations(names))[1:]:
                turned = dict(zip(names, other, strict=True))
                order = tuple(turned.get(label, label) for label in labels)
                pieces.append((f"{key}[{','.join(order)}]", value, order))
            self.notes.append(
                f"{key} has the same length along {' and '.join(names)}: its indices are taken in the order "
                f"{', '.join(labels)}. The other way round it is the column {pieces[-1][0]}."
            )
        return pieces


def _along(value: np.ndarray, labels: Labels, main: Labels, sizes: dict[str, int]) -> np.ndarray:
    """Values over some labels, repeated along the others, (n,)."""
    order = [label for label in main if label in labels]
    turned = value.transpose([labels.index(label) for label in order])
    spread = turned.reshape([sizes[label] if label in labels else 1 for label in main])
    return np.broadcast_to(spread, [sizes[label] for label in main]).reshape(-1).copy()
