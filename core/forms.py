"""Linear operators of second to fourth order, and what a jet carries: below both the jets and the problems."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from core.errors import LabError

if TYPE_CHECKING:
    from torch import Tensor

Form = tuple[tuple[float, ...], ...]
"""A linear operator Σ c ∂_i ∂_j … as its terms: (i, j, c) of second order, i ≤ j; (i, j, k, c) and (i, j, k, l, c)."""

MultiIndex = tuple[int, ...]
"""A derivative by its coordinates in order: (0, 0, 1) is ∂₀∂₀∂₁, () the value."""

Monomial = tuple[tuple[int, ...], float]
"""A product of a jet's components, by their places, and its factor."""

HIGHEST = 4
"""Order of the highest derivatives that jets carry."""


def derivative(*coordinates: int) -> Form:
    """One derivative as a form: `derivative(0, 0, 1)` is ∂₀∂₀∂₁."""
    return ((*sorted(coordinates), 1.0),)


def laplacian(dimension: int) -> Form:
    """Σ ∂_i², as a form."""
    return tuple((i, i, 1.0) for i in range(dimension))


def biharmonic(dimension: int) -> Form:
    """(Σ ∂_i²)², as a form."""
    mixed = itertools.combinations(range(dimension), 2)
    return (*((i, i, i, i, 1.0) for i in range(dimension)), *((i, i, j, j, 2.0) for i, j in mixed))


def form_order(form: Form) -> int:
    """Order of the highest derivative in a form."""
    return max(len(term) - 1 for term in form)


@dataclass(frozen=True)
class Layout:
    """What a jet carries: 1 value, `dimension` first derivatives, one component for each form.

    Forms of third and fourth order need further components, `partials`: the derivatives below theirs, from which the
    rules for products and compositions make them. Forms of second order need none.
    """

    dimension: int
    forms: tuple[Form, ...] = ()
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, dimension: int, forms: dict[str, Form]) -> Layout:
        """The layout for a problem's coordinates and its named forms. Raises LabError for a form that is none."""
        for name, form in forms.items():
            _check(name, form, dimension)
        return cls(dimension, tuple(forms.values()), tuple(forms))

    @cached_property
    def components(self) -> int:
        """C = 1 + d + number of forms + number of partials."""
        return 1 + self.dimension + len(self.forms) + len(self.partials)

    @cached_property
    def order(self) -> int:
        """Order of the highest derivative in a form; 1 where there is no form."""
        return max(map(form_order, self.forms), default=1)

    @cached_property
    def partials(self) -> tuple[MultiIndex, ...]:
        """Derivatives below those of the forms that are no form themselves: components after the forms', by order."""
        whole = {tuple(sorted(form[0][:-1])) for form in self.forms if _single(form)}
        below = {part for form in self.forms for term in form for part in _below(term[:-1])}
        return tuple(sorted(below - whole, key=lambda part: (len(part), part)))

    @cached_property
    def places(self) -> dict[MultiIndex, int]:
        """Which component a derivative is, of those that are one."""
        found = {(): 0} | {(i,): 1 + i for i in range(self.dimension)}
        for place, form in enumerate(self.operators, start=1 + self.dimension):
            if _single(form):
                found.setdefault(tuple(sorted(form[0][:-1])), place)
        return found

    @property
    def operators(self) -> tuple[Form, ...]:
        """Of each component after the gradient the form that it is: forms, then partials."""
        return (*self.forms, *(derivative(*part) for part in self.partials))

    @cached_property
    def splits(self) -> tuple[tuple[tuple[int, int, float], ...], ...]:
        """Leibniz's rule: of each component after the gradient the (p, q, c) of Σ c (f_p g_q + f_q g_p), p ≤ q.

        Where p = q it is c f_p g_p. The terms with a whole factor, f·∂g + g·∂f, are left out.
        """
        found = []
        for form in self.operators:
            total: Counter[tuple[int, int]] = Counter()
            for *term, c in form:
                for chosen in itertools.product((True, False), repeat=len(term)):
                    if any(chosen) and not all(chosen):
                        p, q = (self._place(itertools.compress(term, pick)) for pick in (chosen, _other(chosen)))
                        if p <= q:
                            total[p, q] += c
            found.append(tuple((p, q, c) for (p, q), c in total.items() if c))
        return tuple(found)

    @cached_property
    def chains(self) -> tuple[tuple[tuple[Monomial, ...], ...], ...]:
        """Faà di Bruno's rule: of each component after the gradient, what h″, h‴ … of h(f) are multiplied by.

        These are sums over the partitions of its derivatives into 2, 3 … blocks; h′ stands beside the component itself.
        """
        found = []
        for form in self.operators:
            sums: list[Counter[tuple[int, ...]]] = [Counter() for _ in range(2, form_order(form) + 1)]
            for *term, c in form:
                for blocks in _partitions(tuple(term)):
                    if len(blocks) > 1:
                        sums[len(blocks) - 2][tuple(sorted(map(self._place, blocks)))] += c
            found.append(tuple(tuple((places, c) for places, c in total.items() if c) for total in sums))
        return tuple(found)

    def _place(self, part: Iterator[int]) -> int:
        return self.places[tuple(sorted(part))]

    def curvature(self, form: Form, a: Tensor) -> Tensor:
        """Σ c a_i a_j over the form's terms, for a gradient a of shape (d, …): half of `pairs(form, a, a)`."""
        (i, j, c), *rest = form
        total = a[i] * a[j]
        if c != 1:
            total = total * c
        for i, j, c in rest:
            total = total.addcmul(a[i], a[j], value=c)
        return total

    def pairs(self, form: Form, a: Tensor, b: Tensor) -> Tensor:
        """Σ c (a_i b_j + a_j b_i) over the form's terms, for gradients a, b of shape (d, …)."""
        total = None
        for i, j, c in form:
            term = a[i] * b[j] * (2 * c) if i == j else (a[i] * b[j] + a[j] * b[i]) * c
            total = term if total is None else total + term
        return total


def _check(name: str, form: Form, dimension: int) -> None:
    if not form:
        raise LabError(f"The form {name} has no terms.")
    for *term, _ in form:
        if not 2 <= len(term) <= HIGHEST:
            raise LabError(
                f"The form {name} has a derivative of order {len(term)}; forms are of order 2 to {HIGHEST}. First "
                "derivatives are always there, and higher ones need a field of their own for a lower one."
            )
        if not all(i in range(dimension) for i in term):
            raise LabError(f"The form {name} has a coordinate {term} outside of 0 … {dimension - 1}.")


def _single(form: Form) -> bool:
    return len(form) == 1 and form[0][-1] == 1


def _below(term: MultiIndex) -> Iterator[MultiIndex]:
    """The derivatives of second order and higher that are a part of this one, and not all of it."""
    for order in range(2, len(term)):
        yield from itertools.combinations(sorted(term), order)


def _other(chosen: tuple[bool, ...]) -> tuple[bool, ...]:
    return tuple(not one for one in chosen)


def _partitions(term: MultiIndex) -> Iterator[tuple[MultiIndex, ...]]:
    """All ways to divide a derivative's factors, each an individual, into blocks."""
    if not term:
        yield ()
        return
    first, rest = term[0], term[1:]
    for blocks in _partitions(rest):
        yield ((first,), *blocks)
        for k, block in enumerate(blocks):
            yield (*blocks[:k], (first, *block), *blocks[k + 1 :])
