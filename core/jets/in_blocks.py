"""Products of functions of several inputs, made in blocks of points: of all at once they take several times as much."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from torch import Tensor

from core.jets.jet import Jet

AT_ONCE = 2**22
"""Numbers that are multiplied at once."""

Level = tuple[Tensor | slice | None, Tensor]
"""Of one input: the products so far that go on, in their order, and the functions of the input that they take."""


def in_blocks(
    inputs: Jet, products: int, levels: Sequence[Level], factors: Callable[[Jet], Iterator[Jet]]
) -> Iterator[tuple[slice, Jet]]:
    """Products (C, n, products) of a block of points, and which points they are.

    Args:
        inputs: (C, N, d).
        products: how many there are.
        levels: of each factor; what the first one says about products so far is not asked.
        factors: from inputs (C, n, d) to the functions of each coordinate, (C, n, count).
    """
    components, points, _ = inputs.data.shape
    step, layout = max(1, AT_ONCE // (components * max(1, products))), inputs.layout
    for start in range(0, max(points, 1), step):
        rows = slice(start, start + step)
        product = None
        for one, (before, its) in zip(factors(Jet(inputs.data[:, rows], layout)), levels, strict=True):
            chosen = Jet(one.data[..., its], layout)
            product = chosen if product is None else Jet(product.data[..., before], layout) * chosen
        yield rows, product
