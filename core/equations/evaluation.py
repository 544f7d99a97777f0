"""Expressions as numbers: a program that computes each different part once, on numpy arrays or torch tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from core.equations.algebra import COMPARE, is_divisor, turned_over
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
        parts = postorder(*self.nodes, below=_needed)
        place = {node: i for i, node in enumerate(parts)}
        self._steps = [(node, tuple(place[each] for each in _needed(node))) for node in parts]
        self._results = [place[node] for node in self.nodes]

    @property
    def leaves(self) -> tuple[Expression, ...]:
        """What values are needed of: coordinates, fields with their derivatives, parameters, unknowns, normals.

        Integrals are among them: they are looked up whole, not computed here.
        """
        return tuple(
            node
            for node, _ in self._steps
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
        found: list[Any] = []
        for node, places in self._steps:
            operation = _OPERATIONS.get(type(node))
            if operation is None:
                found.append(values[node])
            else:
                found.append(operation(node, [found[each] for each in places], functions))
        return [found[each] for each in self._results]


def evaluate(node: Expression, values: Mapping[Expression, Any], backend: str = "numpy") -> Any:
    """One expression's value; see `Program`."""
    return Program([node])(values, backend)[0]


def _needed(node: Expression) -> tuple[Expression, ...]:
    """Whose values a node is computed from: what is divided by as it is below the line, nothing for an integral."""
    if isinstance(node, Integral):
        return ()
    if isinstance(node, Product):
        return tuple(turned_over(each) if is_divisor(each) else each for each in node.factors)
    return (turned_over(node),) if is_divisor(node) else node.operands


def _sum(node: Sum, values: list[Any], functions: _Functions) -> Any:
    found = values[0]
    for value in values[1:]:
        found = found + value
    return found


def _product(node: Product, values: list[Any], functions: _Functions) -> Any:
    """What is multiplied over what is divided by, one division for all."""
    above = below = None
    for factor, value in zip(node.factors, values, strict=True):
        if is_divisor(factor):
            below = value if below is None else below * value
        else:
            above = value if above is None else above * value
    if below is None:
        return above
    return functions.over(1.0 if above is None else above, below)


def _power(node: Power, values: list[Any], functions: _Functions) -> Any:
    if is_divisor(node):
        return functions.over(1.0, values[0])
    return functions.power(values[0], node.exponent, values[1])


_OPERATIONS: dict[type, Callable[[Any, list[Any], _Functions], Any]] = {
    Number: lambda node, values, functions: float(node.value),
    Constant: lambda node, values, functions: CONSTANTS[node.name],
    Sum: _sum,
    Product: _product,
    Power: _power,
    Call: lambda node, values, functions: functions.call(node.function, values),
    Compare: lambda node, values, functions: COMPARE[node.operator](*values),
    Logic: lambda node, values, functions: functions.logic(node.operator, values),
    Where: lambda node, values, functions: functions.where(*values),
}
"""All that is computed; any other node is a leaf, whose value is given."""


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

    def over(self, above: Any, below: Any) -> Any:
        if isinstance(below, float | int) and below == 0:
            return above * math.nan
        return above / below

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
