"""The names of a system: what each stands for, and which can't stand together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

from core.equations.faults import Fault, nearest_name
from core.equations.functions import CALLED, CONSTANTS, OF_CONDITIONS, RESERVED, plain_name
from core.equations.tree import HIGHEST_ORDER, Constant, Coordinate, Expression, Field, Normal, Parameter, Unknown

MOST_COORDINATES = 5
"""Of space; time may come beside them."""
MOST_FIELDS = 8
LONGEST_NAME = 24

_NAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?")


def is_name(text: str) -> bool:
    """Whether a text in ASCII is made as names are: a letter, then letters, digits and _ between them."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True)
class Names:
    """What may be named. All names in ASCII, as `plain_name` makes them."""

    coordinates: tuple[str, ...] = ()
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Field → the coordinates that it depends on."""
    parameters: tuple[str, ...] = ()
    unknowns: tuple[str, ...] = ()
    time: str | None = None
    slips: tuple[tuple[str, str, str], ...] = ()
    """What is wrong with how fields were typed: name, what, what was expected."""

    @classmethod
    def of(
        cls,
        coordinates: Iterable[str],
        fields: Iterable[str],
        parameters: Iterable[str] = (),
        unknowns: Iterable[str] = (),
        time: str | None = None,
    ) -> Names:
        """Names as typed; a field as `a(x, y)` depends on those coordinates alone, as `c()` on none, as `u` on all."""
        coordinates = tuple(plain_name(name.strip()) for name in coordinates)
        found: dict[str, tuple[str, ...]] = {}
        slips: list[tuple[str, str, str]] = []
        for typed in fields:
            name, bracket, inner = plain_name(typed.strip()).partition("(")
            inside = inner.rstrip(") ")
            over = coordinates
            if bracket:
                over = tuple(each.strip() for each in inside.split(",")) if inside.strip() else ()
            if name.strip() in found:
                slips.append((name.strip(), "is named twice", "each field once"))
            if bracket and not inner.rstrip().endswith(")"):
                slips.append((name.strip(), "has a bracket that is never closed", f"{name.strip()}(x), for one"))
            found[name.strip()] = tuple(sorted(over, key=lambda each: (*coordinates, each).index(each)))
        return cls(
            coordinates,
            found,
            tuple(plain_name(name.strip()) for name in parameters),
            tuple(plain_name(name.strip()) for name in unknowns),
            None if time is None else plain_name(time.strip()),
            tuple(slips),
        )

    @property
    def space(self) -> tuple[str, ...]:
        """The coordinates but for time."""
        return tuple(name for name in self.coordinates if name != self.time)

    @property
    def values(self) -> tuple[str, ...]:
        """What has a value of its own: fields, coordinates, parameters, unknowns."""
        return (*self.fields, *self.coordinates, *self.parameters, *self.unknowns)

    @property
    def known(self) -> set[str]:
        """All that may be typed."""
        return {*self.coordinates, *self.fields, *self.parameters, *self.unknowns, *CONSTANTS, *CALLED}

    @cached_property
    def suffixes(self) -> dict[str, tuple[str, ...]]:
        """What may follow `u_` → the coordinates it names."""
        return {word: by for word, by in _words(self.coordinates)}

    def field(self, name: str) -> Field:
        """A field by its name, without derivatives."""
        return Field(name, self.fields[name])

    def leaf(self, name: str, in_condition: bool = False) -> Expression | str:
        """What a name stands for, or why it stands for nothing, in words."""
        name = plain_name(name)
        if name in CONSTANTS:
            return Constant(name)
        if name in self.fields:
            return self.field(name)
        for names, kind in (
            (self.coordinates, Coordinate),
            (self.parameters, Parameter),
            (self.unknowns, Unknown),
        ):
            if name in names:
                return kind(name)
        head, _, tail = name.partition("_")
        if head == "normal" and tail in self.space:
            return Normal(tail) if in_condition else "the boundary's normal has a meaning in conditions only"
        if name in CALLED:
            outside = name in OF_CONDITIONS and not in_condition
            return f"{name} has a meaning in conditions only" if outside else f"{name} needs arguments in brackets"
        return self._derivative(name)

    def _derivative(self, name: str) -> Field | str:
        for base in sorted(self.fields, key=len, reverse=True):
            if not name.startswith(f"{base}_"):
                continue
            suffix = name[len(base) + 1 :]
            by = self.suffixes.get(suffix)
            if by is None:
                return self._no_suffix(name, base, suffix)
            foreign = [each for each in by if each not in self.fields[base]]
            if foreign:
                return f"{base} does not depend on {foreign[0]}, so {name} is 0"
            return Field(base, self.fields[base], tuple(sorted(by, key=self.fields[base].index)))
        return ""

    def _no_suffix(self, name: str, base: str, suffix: str) -> str:
        if suffix in (*self.parameters, *self.unknowns):
            return f"{suffix} is a parameter; derivatives are by a coordinate ({', '.join(self.coordinates)})"
        letters = "|".join(map(re.escape, sorted(self.coordinates, key=len, reverse=True)))
        found = re.fullmatch(f"(?:{letters})+", suffix) if letters else None
        if found:
            order = len(re.findall(letters, suffix))
            return f"{name} is a derivative of order {order}; the highest is {HIGHEST_ORDER}"
        return f"unknown derivative {name!r}: {suffix!r} is not made of the coordinates {', '.join(self.coordinates)}"

    def nearest(self, name: str) -> str:
        """The known name that a mistyped one is most like."""
        derivatives = {f"{base}_{word}" for base in self.fields for word, by in self.suffixes.items() if len(by) <= 2}
        return nearest_name(plain_name(name), self.known | derivatives)

    def faults(self) -> list[Fault]:
        """What keeps these names from standing together, one fault for each."""
        found = list(self._clashes())
        if not self.coordinates or len(self.space) > MOST_COORDINATES:
            expected = f"1 to {MOST_COORDINATES}, and time"
            found.append(Fault(f"there are {len(self.space)} coordinates of space", expected=expected))
        if not 1 <= len(self.fields) <= MOST_FIELDS:
            found.append(Fault(f"there are {len(self.fields)} fields", expected=f"1 to {MOST_FIELDS}"))
        if self.time is not None and self.time not in self.coordinates:
            found.append(Fault(f"time is {self.time!r}, which is no coordinate", expected=", ".join(self.coordinates)))
        for name, over in self.fields.items():
            for foreign in (each for each in over if each not in self.coordinates):
                found.append(
                    Fault(f"the field {name} depends on {foreign!r}, which is no coordinate", label=f"field {name}")
                )
        return found

    def _clashes(self) -> Iterable[Fault]:
        for name, what, expected in self.slips:
            yield Fault(f"the field {name} {what}", name, 0, len(name), f"field {name}", expected)
        kinds = (("coordinate", self.coordinates), ("field", tuple(self.fields)),
                 ("parameter", self.parameters), ("unknown", self.unknowns))  # fmt: skip
        taken: dict[str, str] = {}
        for kind, names in kinds:
            for name in names:
                label = f"{kind} {name}"
                if not is_name(name):
                    yield Fault(f"{name!r} is no name", name, 0, len(name), label,
                                "a letter, then letters and digits")  # fmt: skip
                elif len(name) > LONGEST_NAME:
                    yield Fault(f"{name!r} has more than {LONGEST_NAME} characters", name, 0, len(name), label)
                elif name in RESERVED or name in {f"normal_{x}" for x in self.coordinates}:
                    yield Fault(f"{name!r} has a meaning of its own", name, 0, len(name), label, "another name")
                elif name in taken:
                    both = f"two {kind}s" if taken[name] == kind else f"{_a(taken[name])} and {_a(kind)}"
                    yield Fault(f"{name!r} is {both}", name, 0, len(name), label, "another name for one of them")
                else:
                    taken[name] = kind
                    yield from self._looks_like_derivative(name, label)
        yield from _ambiguous(self.coordinates)

    def _looks_like_derivative(self, name: str, label: str) -> Iterable[Fault]:
        for base in self.fields:
            if name.startswith(f"{base}_") and self.suffixes.get(name[len(base) + 1 :]):
                yield Fault(f"{name!r} would be a derivative of {base}", name, 0, len(name), label, "another name")


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _words(coordinates: tuple[str, ...]) -> Iterable[tuple[str, tuple[str, ...]]]:
    for length in range(1, HIGHEST_ORDER + 1):
        for letters in product(coordinates[: MOST_COORDINATES + 1], repeat=length):
            yield "".join(letters), tuple(sorted(letters, key=coordinates.index))


def _ambiguous(coordinates: tuple[str, ...]) -> Iterable[Fault]:
    seen: dict[str, tuple[str, ...]] = {}
    for word, by in _words(tuple(dict.fromkeys(coordinates))):
        if seen.setdefault(word, by) != by:
            first, second = (" ".join(each) for each in (seen[word], by))
            yield Fault(
                f"u_{word} could be by {first} or by {second}: rename one of the coordinates", label="coordinates"
            )
            return
