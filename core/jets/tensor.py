"""Sums of products of polynomials and harmonics on a grid, with their derivatives: one small matrix for each axis.

A product T_i(x)T_j(y)… at the nodes of a grid is a product of columns of such matrices, so a sum over all (i, j, …) at
all nodes costs one matrix product an axis. The matrix of nodes × products, which is their square, is never made.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from core.forms import Layout, derivative
from core.jets.grids import nodes_of, sides_of
from core.jets.jet import Jet
from core.jets.polynomials import PLAIN, Kind, harmonics, polynomials
from core.jets.waves import Waves

Orders = tuple[int, ...]
"""How often a product is differentiated along each axis."""


@dataclass(frozen=True)
class Axis:
    """The functions of one axis at its nodes."""

    tables: tuple[Tensor, ...]
    """(nodes, functions) of each order of differentiation, from 0."""
    slope: float | None = None
    """Of the angle of harmonics in their coordinate; None: polynomials."""
    angles: Tensor | None = None
    """Of harmonics, (nodes,)."""


class TensorSums:
    """Σ w_{ij…} T_i(x)T_j(y)… as a jet on a grid, for any weights.

    Args:
        axes: functions of each axis, the last one the fastest among nodes and products.
        coordinates: which coordinate each axis is of.
        layout: of the jets.
    """

    def __init__(self, axes: Sequence[Axis], coordinates: Sequence[int], layout: Layout):
        self.axes, self.layout = tuple(axes), layout
        self.sides = tuple(len(axis.tables[0]) for axis in axes)
        self.counts = tuple(axis.tables[0].shape[1] for axis in axes)
        slopes = [axis.slope for axis in axes]
        angles = [axis.angles for axis in axes if axis.slope is not None]
        counts = [count for count, slope in zip(self.counts, slopes, strict=True) if slope is not None]
        self.waves = Waves.at(angles, counts, [slope for slope in slopes if slope is not None])
        """What sums all harmonics at once; None where there are none, or nodes are not even."""
        self.terms = orders_of_components(layout, coordinates)
        """Of each component of a jet (c, orders) of the Σ c ∂… that it is."""

    @classmethod
    def of(
        cls, inputs: Jet, degrees: Sequence[int], circles: Sequence[int], kinds: Sequence[Kind] | None = None
    ) -> TensorSums | None:
        """For inputs (C, N, d) as `chebyshev` takes them; None where they are no grid.

        Each axis must be of a coordinate of its own, and its input linear in it, or a circle's cosine and sine.
        """
        layout, places, k = inputs.layout, [], 0
        for _ in degrees:
            places.append((k, k + 1) if k in circles else (k,))
            k += len(places[-1])
        if k != inputs.data.shape[-1]:
            return None
        coordinates = _coordinates(inputs, places)
        if coordinates is None:
            return None
        sides = sides_of([inputs.data[0][:, list(place)] for place in places])
        if sides is None or sides[-1] != 1:
            return None
        axes = []
        for axis, (place, count) in enumerate(zip(places, degrees, strict=True)):
            values = nodes_of(inputs.data[0][:, list(place)], sides, axis)
            slopes = nodes_of(inputs.data[1 + coordinates[axis]][:, list(place)], sides, axis)
            axes.append(_axis(values, slopes, count, layout.order, PLAIN if kinds is None else kinds[axis]))
        return cls(axes, coordinates, layout)

    def __call__(self, weight: Tensor) -> Jet:
        """The sums (C, N, outputs) with weights (outputs, Π counts)."""
        return Jet(self.components(weight, range(self.layout.components)).transpose(1, 2), self.layout)

    def components(self, weight: Tensor, wanted: Sequence[int]) -> Tensor:
        """Some components of the sums' jets, (len(wanted), outputs, N)."""
        part = weight.reshape(-1, *self.counts)
        orders = {each for component in wanted for _, each in self.terms[component]}
        if self.waves is None:
            known = self._summed(part, range(len(self.axes)), orders)
            zero = part.new_zeros(len(part), *self.sides)
            found = [sum((c * known[each] for c, each in self.terms[component]), zero) for component in wanted]
        else:
            known = self._summed(self.in_waves(part), self.others, {self._split(each)[0] for each in orders})
            found = [self._from_waves(self._component(known, component)) for component in wanted]
        return torch.stack([each.flatten(1) for each in found])

    def transposed(self, cotangent: Tensor, wanted: Sequence[int]) -> Tensor:
        """What `components` gives, transposed: (outputs, Π counts) from (len(wanted), outputs, N)."""
        outputs = cotangent.shape[1]
        by_order: dict[Orders, Tensor] = {}

        def add(orders: Orders, value: Tensor) -> None:
            by_order[orders] = by_order[orders] + value if orders in by_order else value

        for block, component in zip(cotangent, wanted, strict=True):
            values = block.reshape(outputs, *self.sides)
            if self.waves is None:
                for c, orders in self.terms[component]:
                    add(orders, c * values)
            elif self.terms[component]:
                waves = self.waves.transposed(values.permute(self.kept))
                for c, orders in self.terms[component]:
                    other, of_waves = self._split(orders)
                    add(other, (c * self.waves.symbol(of_waves)).conj() * waves)
        if not by_order:
            return cotangent.new_zeros(outputs, math.prod(self.counts))
        if self.waves is None:
            return self._gathered(by_order, range(len(self.axes))).reshape(outputs, -1)
        return self.from_waves(self._gathered(by_order, self.others)).reshape(outputs, -1)

    def in_waves(self, part: Tensor) -> Tensor:
        """Weights (outputs, *counts) as those of waves of size 1 at the nodes: (outputs, …other axes, *waves)."""
        return self.waves.of(part.permute(self.kept) * self.waves.norms)

    def from_waves(self, waves: Tensor) -> Tensor:
        """`in_waves`, transposed."""
        return (self.waves.back(waves) * self.waves.norms).permute(self.given)

    @cached_property
    def others(self) -> tuple[int, ...]:
        """Axes that are none of waves."""
        return tuple(k for k in range(len(self.axes)) if k not in self.circles)

    @cached_property
    def circles(self) -> tuple[int, ...]:
        """Axes of waves."""
        return tuple(k for k, axis in enumerate(self.axes) if axis.slope is not None)

    @cached_property
    def kept(self) -> tuple[int, ...]:
        """The order of dimensions while waves are summed: theirs last, so that what others take is one product."""
        return (0, *(1 + k for k in self.others), *(1 + k for k in self.circles))

    @cached_property
    def given(self) -> tuple[int, ...]:
        """What turns that order back into the weights' own."""
        return tuple(self.kept.index(k) for k in range(len(self.kept)))

    def _split(self, orders: Orders) -> tuple[Orders, Orders]:
        """Orders along the other axes, and along those of waves."""
        return tuple(orders[k] for k in self.others), tuple(orders[k] for k in self.circles)

    def _component(self, known: dict[Orders, Tensor], component: int) -> Tensor:
        """The waves of a component, from the sums over the other axes."""
        total = torch.zeros_like(next(iter(known.values())))
        for c, orders in self.terms[component]:
            other, of_waves = self._split(orders)
            total = total + c * self.waves.symbol(of_waves) * known[other]
        return total

    def _from_waves(self, waves: Tensor) -> Tensor:
        return self.waves.values(waves).permute(self.given)

    def _summed(self, part: Tensor, axes: Sequence[int], orders: set[Orders]) -> dict[Orders, Tensor]:
        """Sums over the functions of some axes, the dimensions 1, 2, … of `part`: nodes in their place, by orders."""
        found = {(): part}
        for place in range(len(axes) - 1, -1, -1):
            tables = self.axes[axes[place]].tables
            ahead = {each[place:] for each in orders}
            found = {each: _along(found[each[1:]], 1 + place, tables[each[0]]) for each in ahead}
        return found

    def _gathered(self, by_order: dict[Orders, Tensor], axes: Sequence[int]) -> Tensor:
        """`_summed`, transposed."""
        for axis in axes:
            place = 1 + list(axes).index(axis)
            rest: dict[Orders, Tensor] = {}
            for (order, *others), value in by_order.items():
                summed = _along(value, place, self.axes[axis].tables[order].T)
                rest[tuple(others)] = rest[tuple(others)] + summed if tuple(others) in rest else summed
            by_order = rest
        return by_order[()]


def _along(part: Tensor, place: int, matrix: Tensor) -> Tensor:
    """A matrix (n, c) applied to one dimension of a tensor, real or complex."""
    if part.is_complex():
        return torch.view_as_complex(_along(torch.view_as_real(part), place, matrix).contiguous())
    after = math.prod(part.shape[place + 1 :])
    if after < len(matrix):  # few columns for each product: one product with all rows instead
        return (part.movedim(place, -1) @ matrix.T).movedim(-1, place)
    found = matrix @ part.reshape(-1, part.shape[place], after)
    return found.reshape(*part.shape[:place], len(matrix), *part.shape[place + 1 :])


def orders_of_components(layout: Layout, coordinates: Sequence[int]) -> tuple[tuple[tuple[float, Orders], ...], ...]:
    """Of each component of a jet the (c, orders along the axes) of the Σ c ∂… that it is.

    Args:
        layout: of the jet.
        coordinates: which one each axis is of; along any other nothing changes.
    """
    return tuple(_terms(layout, component, coordinates) for component in range(layout.components))


def _terms(layout: Layout, component: int, coordinates: Sequence[int]) -> tuple[tuple[float, Orders], ...]:
    """A component of a jet as Σ c ∂…, each by its orders along the axes; none along what no axis is of."""
    if component <= layout.dimension:
        sums = [(1.0, () if component == 0 else (component - 1,))]
    else:
        sums = [(c, tuple(term)) for *term, c in layout.operators[component - 1 - layout.dimension]]
    found: dict[Orders, float] = defaultdict(float)
    for c, term in sums:
        if set(term) <= set(coordinates):
            found[tuple(term.count(coordinate) for coordinate in coordinates)] += c
    return tuple((c, orders) for orders, c in found.items())


def _coordinates(inputs: Jet, places: Sequence[tuple[int, ...]]) -> list[int] | None:
    """Which coordinate each axis is of; None where one is of several, two of the same, or one bends."""
    layout, found = inputs.layout, []
    for place in places:
        slopes = inputs.data[1 : 1 + layout.dimension][..., list(place)]
        along = (slopes != 0).flatten(1).any(1).nonzero().flatten().tolist()
        if len(along) != 1 or along[0] in found:
            return None
        if len(place) == 1:
            bends = inputs.data[1 + layout.dimension :, :, place[0]]
            slope = slopes[along[0]]
            if bool((bends != 0).any()) or not bool((slope == slope[0]).all()):
                return None
        found.append(along[0])
    return found


def _axis(values: Tensor, slopes: Tensor, count: int, order: int, kind: Kind) -> Axis:
    """The functions of an axis, from its inputs (nodes, 1 or 2) and their derivatives in its coordinate."""
    layout = Layout.of(1, {f"d{m}": derivative(*[0] * m) for m in range(2, order + 1)})
    data = values.new_zeros(layout.components, *values.shape)
    data[0], data[1] = values, slopes
    jets = [Jet(data[..., k], layout) for k in range(values.shape[1])]
    if len(jets) == 1:
        return Axis(tuple(polynomials(jets[0], count, kind).data))
    (c, s), (dc, ds) = values[0], slopes[0]
    return Axis(tuple(harmonics(*jets, count).data), float(c * ds - s * dc), torch.atan2(values[:, 1], values[:, 0]))
