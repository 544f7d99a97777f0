"""Derivatives that appear in fixed proportions only, such as those of a Laplacian, as one operator of a jet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.equations.algebra import split
from core.equations.calculus import ONE, ZERO, partial, substituted
from core.equations.structure import degree, fields_in
from core.equations.tree import Expression, Field, Number, TreeError
from core.forms import Form


@dataclass(frozen=True)
class Combined:
    """Residuals in which one leaf stands for each group of derivatives, and what that leaf means."""

    residuals: tuple[Expression, ...]
    meant: dict[Field, tuple[tuple[Field, float], ...]]
    """Leaf of second order or higher → the derivatives and factors whose sum it stands for."""

    def forms(self, coordinates: Sequence[str]) -> dict[str, Form]:
        """The operators that a jet has to carry, each once."""
        found = {operator(parts, coordinates) for parts in self.meant.values()}
        return {f"form_{k}": form for k, form in enumerate(sorted(found, key=repr))}


def operator(parts: Iterable[tuple[Field, float]], coordinates: Sequence[str]) -> Form:
    """Σ c·∂ of some derivatives as a form."""
    return tuple((*sorted(coordinates.index(x) for x in leaf.by), float(c)) for leaf, c in parts)


def combined(residuals: Sequence[Expression]) -> Combined:
    """Residuals with as few operators of second order and higher as their form shows at once."""
    leaves = [each for each in fields_in(*residuals) if each.order >= 2]
    slopes = {leaf: _slopes(residuals, leaf) for leaf in leaves}
    groups: list[list[tuple[Field, float]]] = []
    for leaf in leaves:
        for group in groups:
            ratio = _ratio(slopes[group[0][0]], slopes[leaf]) if group[0][0].name == leaf.name else None
            if ratio is not None:
                group.append((leaf, ratio))
                break
        else:
            groups.append([(leaf, 1.0)])
    gone = {leaf: ZERO for group in groups for leaf, _ in group[1:]}
    return Combined(tuple(substituted(each, gone) for each in residuals), {group[0][0]: tuple(group)
                                                                           for group in groups})  # fmt: skip


def _slopes(residuals: Sequence[Expression], leaf: Field) -> tuple[Expression, ...] | None:
    """What a derivative is multiplied by in each residual; None where one isn't affine in it and its like."""
    try:
        found = tuple(partial(each, leaf) for each in residuals)
    except TreeError:
        return None
    if any(degree(each, lambda node: node == leaf) > 1 for each in residuals):
        return None  # within `sign` or the condition of a `where` its slope is zero, and it matters all the same
    high = any(each.order >= 2 for each in fields_in(*found))
    return None if high else found


def _ratio(first: tuple[Expression, ...] | None, second: tuple[Expression, ...] | None) -> float | None:
    """The c with second = c·first in all places; None where there is none."""
    if first is None or second is None:
        return None
    ratios = set()
    for a, b in zip(first, second, strict=True):
        if (a == ZERO) != (b == ZERO):
            return None
        if a != ZERO:
            (p, rest), (q, other) = _split(a), _split(b)
            if rest != other:
                return None
            ratios.add(float(q) / float(p))
    return ratios.pop() if len(ratios) == 1 else None


def _split(node: Expression) -> tuple[float, Expression]:
    return (float(node.value), ONE) if isinstance(node, Number) else split(node)
