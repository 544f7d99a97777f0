"""Sums of Fourier features on a grid, with their derivatives: exp(iθ) of θ = B·inputs is a product over the axes.

A sum over the features at all nodes is then one matrix product: of the nodes of the first axes × features with
features × the nodes of the others. The cosine of each feature at each node is never made.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor

from core.forms import Layout, derivative
from core.jets.grids import nodes_of, sides_of
from core.jets.jet import Jet, cos_sin
from core.jets.tensor import Orders, orders_of_components

AT_ONCE = 2**23
"""Complex numbers of a factor of the product that are in memory at a time: features are taken part by part."""
ROUNDING = 1e-12
"""Relative error within which a pair of inputs is a circle's cosine and sine."""


class WaveSums:
    """Σ a_j cos θ_j + b_j sin θ_j as a jet on a grid, for any weights.

    Args:
        tables: of each axis, in the order of the points, exp(iθ) and its derivatives along it: (nodes, features) each.
        coordinates: which coordinate each axis is of.
        layout: of the jets.
    """

    def __init__(self, tables: Sequence[Sequence[Tensor]], coordinates: Sequence[int], layout: Layout):
        self.tables, self.layout = tables, layout
        self.sides = tuple(len(axis[0]) for axis in tables)
        self.terms = orders_of_components(layout, coordinates)

    @classmethod
    def of(cls, inputs: Jet, basis: Tensor) -> WaveSums | None:
        """For inputs (C, N, d) and B (features, d); None where the points are no grid of two sides at least.

        Each input must be linear in one coordinate, or with another one the cosine and sine of an angle that is.
        """
        layout = inputs.layout
        groups = _by_coordinate(inputs)
        if groups is None:
            return None
        sides = sides_of([inputs.data[0][:, group] for group in groups.values()])
        if sides is None or sides[-1] != 1 or sum(side > 1 for side in sides) < 2:
            return None
        tables = []
        for axis, (coordinate, group) in enumerate(groups.items()):
            at_nodes = torch.stack([nodes_of(component[:, group], sides, axis) for component in inputs.data])
            along = _derivatives(at_nodes, coordinate, layout)
            if along is None:
                return None
            waves = cos_sin(Jet(along @ basis[:, group].T, _along_one(layout.order)))
            tables.append(tuple(torch.complex(*each.chunk(2, dim=-1)) for each in waves.data))
        return cls(tables, list(groups), layout)

    def components(self, weight: Tensor, wanted: Sequence[int]) -> Tensor:
        """Some components of the sums' jets, (len(wanted), outputs, N).

        Args:
            weight: (outputs, 2·features), those of all cosines, then of all sines.
            wanted: places in a jet.
        """
        cosine, sine = weight.chunk(2, dim=1)
        amplitudes = torch.complex(cosine, -sine)  # a cos θ + b sin θ is the real part of (a − ib) exp(iθ)
        cut = self._cut(len(weight))
        outputs, before, after = len(weight), math.prod(self.sides[:cut]), math.prod(self.sides[cut:])
        found = weight.new_zeros(len(wanted), before, outputs, after)
        parts: dict[Orders, list[tuple[int, float, Orders]]] = defaultdict(list)
        for place, component in enumerate(wanted):
            for c, orders in self.terms[component]:
                parts[orders[:cut]].append((place, c, orders[cut:]))
        at_once = max(1, AT_ONCE // max(before, outputs * after))
        for start, orders in itertools.product(range(0, amplitudes.shape[1], at_once), parts):
            chosen = slice(start, start + at_once)
            left = torch.view_as_real(self._products(0, orders, chosen)).flatten(1)
            for place, c, others in parts[orders]:
                right = (c * amplitudes[:, None, chosen]) * self._products(cut, others, chosen)
                right = torch.view_as_real(right.conj_physical()).flatten(2).flatten(0, 1)
                found[place] += (left @ right.T).unflatten(1, (outputs, after))  # the real part of the product
        return found.transpose(1, 2).flatten(2)

    def _cut(self, outputs: int) -> int:
        """How many of the axes are on the left of the product: so that both of its factors are small."""

        def size(cut: int) -> int:
            return math.prod(self.sides[:cut]) + outputs * math.prod(self.sides[cut:])

        return min(range(1, len(self.sides)), key=size)

    def _products(self, first: int, orders: Orders, chosen: slice) -> Tensor:
        """exp(iθ) of the axes from `first` on, so often differentiated along each, (nodes, chosen features)."""
        found = self.tables[first][orders[0]][:, chosen]
        for axis, order in enumerate(orders[1:], start=first + 1):
            found = (found[:, None] * self.tables[axis][order][:, chosen]).flatten(0, 1)
        return found


def _by_coordinate(inputs: Jet) -> dict[int, list[int]] | None:
    """Coordinate → the inputs that change along it, in order; None where one changes along several or none."""
    moves = (inputs.gradient != 0).any(1)
    if not bool((moves.sum(0) == 1).all()):
        return None
    found: dict[int, list[int]] = {}
    for place, coordinate in sorted(enumerate(moves.byte().argmax(0).tolist()), key=lambda pair: pair[1]):
        found.setdefault(coordinate, []).append(place)
    return found


def _along_one(order: int) -> Layout:
    return Layout.of(1, {f"d{m}": derivative(*[0] * m) for m in range(2, order + 1)})


def _derivatives(at_nodes: Tensor, coordinate: int, layout: Layout) -> Tensor | None:
    """Inputs (C, nodes, w) of one coordinate as jets in it alone, (1 + order, …); None where they bend otherwise."""
    found = at_nodes.new_zeros(1 + max(1, layout.order), *at_nodes.shape[1:])
    found[0], slopes = at_nodes[0], at_nodes[1 + coordinate]
    found[1] = slopes
    bends = (at_nodes[1 + layout.dimension :] != 0).flatten(0, 1).any(0) | (slopes != slopes[0]).any(0)
    bent = bends.nonzero().flatten().tolist()
    if not bent:
        return found
    if len(bent) != 2:
        return None
    cosine, sine = (at_nodes[0][:, k] for k in bent)
    speed = cosine * slopes[:, bent[1]] - sine * slopes[:, bent[0]]
    speed = speed.mean() / (cosine.square() + sine.square()).mean()
    for order in range(1, len(found)):
        before = found[order - 1]
        found[order][:, bent] = speed * torch.stack([-before[:, bent[1]], before[:, bent[0]]], dim=1)
    if bool((found[1] - slopes).abs().max() > ROUNDING * slopes.abs().max()):
        return None
    for place, form in enumerate(layout.operators, start=1 + layout.dimension):
        # a speed that changes is not seen in the slopes of one node
        pure = sum(c * found[len(term)][:, bent] for *term, c in form if set(term) == {coordinate})
        if bool((at_nodes[place][:, bent] - pure).abs().max() > ROUNDING * found[1:].abs().max()):
            return None
    return found
