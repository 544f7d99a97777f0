"""Expressions as numbers: a program that computes each different part once, on numpy arrays or torch tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from core.equations.algebra import COMPARE, is_divisor
from core.equations.tree import (
    Call,
    Compare,
    Constant,
    Expression,
    Integral,
    Logic,
    Number,
    Power,
    Product,
    Sum,
    Where,
    postorder,
)

CONSTANTS = {"pi": math.pi, "e": math.e}
_SCALAR: dict[str, Callable] = {
    **{name: getattr(math, name) for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh",
                                              "exp", "log", "erf", "atan2", "sqrt")},
    "abs": abs, "sign": lambda a: float((a > 0) - (a < 0)), "min": min, "max": max,
}  # fmt: skip


class Program:
    """Several expressions, ready to be evaluated again and again; what they have in common is computed once."""

    def __init__(self, nodes: Iterable[Expression]):
        self.nodes = tuple(nodes)
        self._parts = _without_integrands(self.nodes)

    @property
    def leaves(self) -> tuple[Expression, ...]:
        """What values are needed of: coordinates, fields with their derivatives, parameters, unknowns, normals.

        Integrals are among them: they are looked up whole, not computed here.
        """
        return tuple(
            node
            for node in self._parts
            if isinstance(node, Integral) or not (node.operands or isinstance(node, Number | Constant))
        )

    def __call__(self, values: Mapping[Expression, Any], backend: str = "numpy") -> list[Any]:
        """The expressions' values, arrays or tensors of the leaves' common shape; floats where nothing varies.

        Args:
            values: leaf → float, array or tensor.
            backend: `numpy` or `torch`.

        Raises:
            KeyError: a leaf has no value.
        """
        functions = _backend(backend, values.values())
        known: dict[Expression, Any] = {}
        for node in self._parts:
            known[node] = values[node] if node in values else _value(node, known, functions)
        return [known[node] for node in self.nodes]


def evaluate(node: Expression, values: Mapping[Expression, Any], backend: str = "numpy") -> Any:
    """One expression's value; see `Program`."""
    return Program([node])(values, backend)[0]


def _without_integrands(roots: tuple[Expression, ...]) -> list[Expression]:
    """All different nodes but for what stands in integrals only, each behind those below it."""
    parts = postorder(*roots)
    shown = set(roots)
    for node in reversed(parts):
        if node in shown and not isinstance(node, Integral):
            shown.update(node.operands)
    return [node for node in parts if node in shown]


def _value(node: Expression, known: Mapping[Expression, Any], functions: _Functions) -> Any:
    match node:
        case Number(value):
            return float(value)
        case Constant(name):
            return CONSTANTS[name]
        case Sum(terms):
            found = known[terms[0]]
            for term in terms[1:]:
                found = found + known[term]
            return found
        case Product(factors):
            return _product(factors, known, functions)
        case Power(base, exponent):
            if is_divisor(node):
                return 1.0 / _turned_over(node, known, functions)
            return functions.power(known[base], exponent, known[exponent])
        case Call(function, arguments):
            return functions.call(function, [known[each] for each in arguments])
        case Compare(operator, left, right):
            return COMPARE[operator](known[left], known[right])
        case Logic(operator, conditions):
            return functions.logic(operator, [known[each] for each in conditions])
        case Where(condition, inside, outside):
            return functions.where(known[condition], known[inside], known[outside])
    raise KeyError(node)


def _product(factors: tuple[Expression, ...], known: Mapping, functions: _Functions) -> Any:
    above = below = None
    for factor in factors:
        if is_divisor(factor):
            value = _turned_over(factor, known, functions)
            below = value if below is None else below * value
        else:
            above = known[factor] if above is None else above * known[factor]
    if below is None:
        return above
    return (1.0 if above is None else above) / below


def _turned_over(divisor: Power, known: Mapping, functions: _Functions) -> Any:
    exponent = -divisor.exponent.value
    return functions.power(known[divisor.base], Number(exponent), float(exponent))


class _Functions:
    """Functions of floats by `math`, of arrays and tensors by their library; values beyond a domain are NaN."""

    def __init__(self, library: Any, erf: Callable, full: Callable):
        self.library, self.erf, self.full = library, erf, full

    def call(self, name: str, arguments: list[Any]) -> Any:
        if all(isinstance(each, float | int) for each in arguments):
            try:
                return float(_SCALAR[name](*arguments))
            except (ValueError, OverflowError):
                return math.nan
        if name == "erf":
            return self.erf(arguments[0])
        if len(arguments) == 2:
            arguments = self.alike(arguments)
        return getattr(self.library, {"min": "minimum", "max": "maximum"}.get(name, name))(*arguments)

    def power(self, base: Any, exponent: Expression, value: Any) -> Any:
        number = exponent.value if isinstance(exponent, Number) else None
        if number == 1:
            return base
        if number == 2:
            return base * base
        if number == 3:
            return base * base * base
        if number == 4:
            return (base * base) * (base * base)
        if number is not None and float(number) == 0.5:
            return self.call("sqrt", [base])
        if isinstance(base, float | int) and isinstance(value, float | int):
            try:
                found = float(base) ** value
            except (OverflowError, ZeroDivisionError):
                return math.nan
            return math.nan if isinstance(found, complex) else found
        if isinstance(number, int):
            return base**number
        return self.library.pow(*self.alike([base, value]))

    def logic(self, operator: str, conditions: list[Any]) -> Any:
        if operator == "not":
            return not conditions[0] if isinstance(conditions[0], bool) else ~conditions[0]
        found = conditions[0]
        for each in conditions[1:]:
            found = found & each if operator == "and" else found | each
        return found

    def where(self, condition: Any, inside: Any, outside: Any) -> Any:
        if isinstance(condition, bool):
            return inside if condition else outside
        return self.library.where(condition, *self.alike([inside, outside], condition))

    def alike(self, values: list[Any], pattern: Any = None) -> list[Any]:
        """Floats among arrays or tensors as such."""
        arrays = [each for each in values if not isinstance(each, float | int)]
        if not arrays:
            return [self.full(pattern, each) for each in values]
        return [self.full(arrays[0], each) if isinstance(each, float | int) else each for each in values]


def _backend(name: str, values: Iterable[Any]) -> _Functions:
    if name == "torch":
        import torch

        precision = next((each.dtype for each in values if torch.is_tensor(each) and each.is_floating_point()), None)

        def full(pattern: Any, value: float) -> Any:
            return torch.full_like(pattern, value, dtype=precision or torch.get_default_dtype())

        return _Functions(torch, torch.special.erf, full)
    import numpy as np
    from scipy.special import erf

    return _Functions(np, erf, lambda pattern, value: np.full(np.shape(pattern), float(value)))
