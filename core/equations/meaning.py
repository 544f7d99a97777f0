"""What a text means: names looked up, operators written out, every fault at its characters."""

from __future__ import annotations

from collections.abc import Callable

from core.equations import calls, vectors
from core.equations.algebra import negative, number, power, product, total, where
from core.equations.calculus import derivatives
from core.equations.faults import EquationError, Fault
from core.equations.functions import CALLED, CHOICES, OF_CONDITIONS, OPERATORS, plain_name
from core.equations.habits import meant
from core.equations.names import Names
from core.equations.syntax import (
    Apply,
    Bracketed,
    Chain,
    Listed,
    Literal,
    Name,
    Raised,
    Sign,
    Statement,
    Syntax,
)
from core.equations.tree import (
    HIGHEST_ORDER,
    Compare,
    Coordinate,
    Expression,
    Integral,
    Logic,
    Normal,
    Number,
    Parameter,
    TooLarge,
    TreeError,
    Unknown,
    bounded,
    postorder,
)

MOST_TYPED_NODES = 2_000
"""Of what a text stands for, written out."""
MOST_WORK = 100_000
"""Nodes built to write it out: about a second."""
MOST_FAULTS_A_TEXT = 20

Value = Expression | tuple
"""A scalar, or a vector (a matrix) as a tuple of them."""


class Reader:
    """One text. A part that is at fault becomes None, and what it stands in too, so that one mistake is said once."""

    def __init__(self, text: str, names: Names, label: str, in_condition: bool):
        self.text, self.names, self.label, self.in_condition = text, names, label, in_condition
        self.faults: list[Fault] = []
        self.is_condition = False
        """Whether what is read next is a condition of `where`."""
        self.within_condition = False

    def syntax(self, grammar: Callable) -> Syntax | Statement:
        """What a grammar makes of the text; its faults bear the text's label."""
        try:
            return grammar(self.text)
        except EquationError as error:
            faults = [Fault(f.message, f.text, f.start, f.end, self.label, f.expected) for f in error.faults]
            raise EquationError(faults) from None

    def finish(self) -> None:
        """End here if anything was at fault."""
        if self.faults:
            raise EquationError(sorted(self.faults, key=lambda fault: fault.start)[:MOST_FAULTS_A_TEXT])

    def refuse(self, at: Syntax, message: str, expected: str = "", nearest: str = "", end: int | None = None) -> None:
        """Note a fault of a part of the text."""
        self.faults.append(Fault(message, self.text, at.start, end or at.end, self.label, expected, nearest))

    def read(self, syntax: Syntax) -> Value | None:
        """A part's meaning; None where it is at fault, which has been noted. The whole text is one piece of work."""
        try:
            with bounded(MOST_WORK):
                return self._read(syntax)
        except TreeError as error:  # from what is beyond any one part: the work that is allowed
            self.refuse(syntax, str(error), error.expected)
            return None

    def _read(self, syntax: Syntax) -> Value | None:
        faults_before = len(self.faults)
        try:
            value = self._meaning(syntax)
            if value is not None and vectors.size(value) > MOST_TYPED_NODES:
                raise TooLarge(f"written out it has more than {MOST_TYPED_NODES:,} parts: shorten or simplify it")
        except TreeError as error:
            if len(self.faults) == faults_before:
                self.refuse(syntax, str(error), error.expected)
            return None
        return value

    def _meaning(self, syntax: Syntax) -> Value | None:
        match syntax:
            case Literal(text=text):
                if float(text) == 0 and text.lower().partition("e")[0].strip("0."):
                    raise TreeError("the number is too small: the smallest is 4.9e-324")
                return number(int(text) if text.isdigit() else float(text))
            case Name():
                return self._name(syntax)
            case Bracketed(inner=inner):
                return self._read(inner)
            case Listed(parts=parts):
                values = [self._read(part) for part in parts]
                if None in values:
                    return None
                if len({vectors.shape(value) for value in values}) > 1:
                    return self.refuse(syntax, "scalars and vectors in one list", "components alike")
                if any(isinstance(value, tuple) and isinstance(value[0], tuple) for value in values):
                    return self.refuse(
                        syntax, "lists nested three deep", "a vector [a, b] or a matrix [[a, b], [c, d]]"
                    )
                return tuple(values)
            case Sign(operator=operator, operand=operand):
                if operator == "not":
                    return self._condition(syntax)
                value = self._read(operand)
                return vectors.each(negative, value) if operator == "-" and value is not None else value
            case Raised(base=base, exponent=exponent):
                values = self._scalars([base, exponent], "a power")
                return values and power(*values)
            case Chain(rank="sum"):
                return self._sum(syntax)
            case Chain(rank="product"):
                return self._product(syntax)
            case Chain():
                return self._condition(syntax)
            case Apply():
                return self._apply(syntax)
        raise AssertionError(syntax)

    def _name(self, syntax: Name) -> Value | None:
        if plain_name(syntax.name) == "normal" and self.in_condition:
            return tuple(Normal(name) for name in self.names.space)
        found = self.names.leaf(syntax.name, self.in_condition)
        if not isinstance(found, str):
            return found
        habit = "" if found else meant(syntax.name, self.names)
        nearest = "" if found or habit else self.names.nearest(syntax.name)
        expected = habit or ("" if found or nearest else f"one of {', '.join(sorted(self._nouns()))}")
        return self.refuse(syntax, found or f"unknown name {syntax.name!r}", expected, nearest)

    def _nouns(self) -> set[str]:
        return self.names.known - CALLED

    def _sum(self, chain: Chain) -> Value | None:
        values = [self._read(operand) for operand in chain.operands]
        if None in values:
            return None
        first = vectors.shape(values[0])
        for value, operand in zip(values, chain.operands, strict=True):
            if vectors.shape(value) != first:
                return self.refuse(operand, f"{first} + {vectors.shape(value)}", "terms alike")
        signed = [
            value if sign == "+" else vectors.each(negative, value)
            for value, (sign, _) in zip(values, (("+", 0), *chain.signs), strict=True)
        ]
        return vectors.each(total, *signed)

    def _product(self, chain: Chain) -> Value | None:
        values = [self._read(operand) for operand in chain.operands]
        if None in values:
            return None
        vector, factors = None, []
        for value, operand, (sign, _) in zip(values, chain.operands, (("*", 0), *chain.signs), strict=True):
            if sign == "/":
                if isinstance(value, tuple):
                    return self.refuse(operand, "division by a vector", "a scalar")
                if value == Number(0):
                    return self.refuse(operand, "division by 0")
                factors.append(power(value, Number(-1)))
            elif not isinstance(value, tuple):
                factors.append(value)
            elif vector is not None:
                return self.refuse(operand, "a product of two vectors", "dot(a, b) or cross(a, b)")
            else:
                vector = value
        if vector is None:
            return product(*factors)
        return vectors.each(lambda component: product(*factors, component), vector)

    def _condition(self, syntax: Syntax) -> Expression | None:
        """Comparisons, and, or, not: inside of where and piecewise only."""
        if not self.is_condition:
            if any(sign == "==" for sign, _ in getattr(syntax, "signs", ())):
                return self.refuse(syntax, "'==' compares two values", "one = between two sides")
            what = {"comparison": "a comparison"}.get(getattr(syntax, "rank", ""), "and, or, not")
            return self.refuse(syntax, f"{what} outside of where", "where(condition, a, b)")
        match syntax:
            case Bracketed(inner=inner):
                return self._condition(inner)
            case Sign(operator="not", operand=operand):
                inner = self._condition(operand)
                return inner and Logic("not", (inner,))
            case Chain(rank="and" | "or"):
                parts = [self._condition(operand) for operand in syntax.operands]
                return None if None in parts else Logic(syntax.rank, tuple(parts))
            case Chain(rank="comparison"):
                values = self._scalars(syntax.operands, "a comparison")
                if values is None:
                    return None
                pairs = zip(syntax.signs, values, values[1:], strict=False)
                parts = [Compare(sign, left, right) for (sign, _), left, right in pairs]
                return parts[0] if len(parts) == 1 else Logic("and", tuple(parts))
        return self.refuse(syntax, "this is no condition", "a comparison such as x < 0.5")

    def _scalars(self, parts: list[Syntax] | tuple[Syntax, ...], what: str) -> list[Expression] | None:
        was, self.is_condition = self.is_condition, False
        values = [self._read(part) for part in parts]
        self.is_condition = was
        for value, part in zip(values, parts, strict=True):
            if isinstance(value, tuple):
                self.refuse(part, f"{what} of {vectors.shape(value)}", "a scalar")
        return None if any(value is None or isinstance(value, tuple) for value in values) else values

    def _apply(self, syntax: Apply) -> Value | None:
        name, arguments = plain_name(syntax.name), syntax.arguments
        if name not in CALLED:
            return self._no_function(syntax, name)
        if name in OF_CONDITIONS and not self.in_condition:
            return self.refuse(syntax, f"{name} has a meaning in conditions only", end=syntax.name_end)
        wrong = calls.wrong_number(name, len(arguments))
        if wrong:
            return self.refuse(syntax, f"{name} with {len(arguments)} argument{'s' * (len(arguments) != 1)}", wrong)
        if name in CHOICES:
            return self._choice(arguments)
        if name == "diff":
            return self._diff(arguments)
        if name == "int":
            return self._integral(arguments)
        if name in OPERATORS or name == "dn":
            values = [self._read(each) for each in arguments]
            return None if None in values else vectors.OPERATIONS[name](self.names, *values)
        values = self._scalars(arguments, name)
        return values and calls.applied(name, values)

    def _no_function(self, syntax: Apply, name: str) -> None:
        for each in syntax.arguments:
            self._read(each)
        if name in self.names.fields or isinstance(self.names.leaf(name, self.in_condition), Expression):
            kind = "field" if name in self.names.fields else "name"
            advice = f"{name} alone; its values at a place are a condition" if kind == "field" else f"{name}*(…)"
            return self.refuse(syntax, f"the {kind} {name} is called like a function", advice, end=syntax.name_end)
        habit = meant(syntax.name, self.names)
        nearest = "" if habit else self.names.nearest(syntax.name)
        expected = habit or ("" if nearest else f"one of {', '.join(sorted(CALLED))}")
        return self.refuse(syntax, f"unknown function {syntax.name!r}", expected, nearest, end=syntax.name_end)

    def _choice(self, arguments: tuple[Syntax, ...]) -> Expression | None:
        if self.within_condition:
            return self.refuse(arguments[0], "where in the condition of a where", "piecewise(c1, a, c2, b, elsewhere)")
        conditions = []
        for each in arguments[:-1:2]:
            self.is_condition = self.within_condition = True
            conditions.append(self._condition(each))
            self.is_condition = self.within_condition = False
        values = self._scalars([*arguments[1::2], arguments[-1]], "where")
        if values is None or None in conditions:
            return None
        found = values[-1]
        for condition, value in reversed(list(zip(conditions, values[:-1], strict=True))):
            found = where(condition, value, found)
        return found

    def _diff(self, arguments: tuple[Syntax, ...]) -> Value | None:
        value = self._read(arguments[0])
        by: list[str] = []
        for each in arguments[1:]:
            count = int(each.text.lstrip("0")[:9] or 0) if isinstance(each, Literal) and each.text.isdigit() else 0
            if by and count:
                if len(by) + count - 1 > HIGHEST_ORDER:
                    return self.refuse(each, f"a derivative of order {len(by) - 1 + count}", f"at most {HIGHEST_ORDER}")
                by.extend(by[-1:] * (count - 1))
                continue
            if by and isinstance(each, Literal | Sign):
                return self.refuse(each, "this is no number of derivatives", f"1 to {HIGHEST_ORDER}")
            coordinate = self._coordinate(each)
            if coordinate is None:
                return None
            by.append(coordinate)
        return None if value is None else vectors.each(lambda component: derivatives(component, by), value)

    def _coordinate(self, syntax: Syntax) -> str | None:
        name = plain_name(syntax.name) if isinstance(syntax, Name) else ""
        if name in self.names.coordinates:
            return name
        leaf = self.names.leaf(name) if name else ""
        what = "a derivative or an integral by no coordinate"
        if isinstance(leaf, Parameter | Unknown):
            what = f"{name} is a parameter, not a coordinate"
        elif isinstance(leaf, Expression) and not isinstance(leaf, Coordinate):
            what = f"{name} is not a coordinate"
        return self.refuse(syntax, what, f"one of {', '.join(self.names.coordinates)}")

    def _integral(self, arguments: tuple[Syntax, ...]) -> Expression | None:
        values = self._scalars(arguments[:1], "an integral")
        over = [self._coordinate(each) for each in arguments[1:]]
        if values is None or None in over:
            return None
        twice = [each for k, each in enumerate(arguments[1:]) if over[k] in over[:k]]
        if twice:
            return self.refuse(twice[0], "an integral over one coordinate twice", "each coordinate once")
        if not over and not self.names.space:
            return self.refuse(arguments[0], "an integral over no coordinate", f"such as int(…, {self.names.time})")
        if any(isinstance(each, Integral) for each in postorder(values[0])):
            return self.refuse(arguments[0], "an integral within an integral", "int(…, x, y), all coordinates at once")
        return Integral(values[0], tuple(over) or self.names.space)
