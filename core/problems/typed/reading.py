"""A typed problem's texts as a checked system, once for each value; and its faults at the fields they were typed in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from core.equations.examination import Examined, examined
from core.equations.faults import EquationError, Fault
from core.equations.functions import plain_name
from core.equations.typed_system import SystemText
from core.frozen import FieldsAtFault, Path

KNOWN = 256
"""Systems of which the reading is kept."""
_COUNTED = re.compile(r"(equation|condition) (\d+)(, where)?")
_NAMED = re.compile(r"(coordinate|parameter|unknown|exact|start|field) (\S+)")
_PLURAL = {"coordinate": "coordinates", "parameter": "parameters", "unknown": "unknowns", "exact": "exact",
           "start": "start"}  # fmt: skip


class Typed:
    """A system's texts, hashable, so that what is made of it is made once."""

    def __init__(
        self, text: SystemText, manufactured: bool, smooth: bool = False, layers: Mapping[str, float] | None = None
    ):
        self.text, self.manufactured, self.smooth, self.layers = text, manufactured, smooth, dict(layers or {})
        named = (text.coordinates, text.parameters, text.unknowns, text.exact, text.starts)
        self._key = (*(tuple(each.items()) for each in named), text.fields, text.equations, text.conditions, text.time,
                     text.coefficients, text.has_data, text.domain, text.corners, manufactured, smooth,
                     tuple(self.layers.items()))  # fmt: skip
        self._hash = hash(self._key)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Typed) and self._key == other._key


@lru_cache(maxsize=KNOWN)
def checked(typed: Typed) -> Examined:
    """The system that was typed, with its sources where the solution was chosen.

    Raises:
        EquationError: with everything that is wrong.
    """
    return examined(typed.text, make_sources=typed.manufactured)


def at_their_fields(error: EquationError, text: SystemText) -> FieldsAtFault:
    """What is wrong, each at the field of the config that it was typed in."""
    return FieldsAtFault((_path(fault, text), _line(fault)) for fault in error.faults)


def _path(fault: Fault, text: SystemText) -> Path:
    counted = _COUNTED.match(fault.label)
    if counted:
        what, place = counted[1], int(counted[2]) - 1
        if what == "equation":
            return ("equations", place)
        return ("conditions", place, "on" if counted[3] else "that")
    named = _NAMED.match(fault.label)
    if named and named[1] == "field":
        return ("fields", _index(named[2], text.fields)) if _index(named[2], text.fields) >= 0 else ("fields",)
    if named:
        return (_PLURAL[named[1]], named[2])
    return (fault.label,) if fault.label in ("coordinates", "time", "domain") else ()


def _index(name: str, fields: Iterable[str]) -> int:
    found = [i for i, typed in enumerate(fields) if plain_name(typed.partition("(")[0].strip()) == plain_name(name)]
    return found[0] if found else -1


def _line(fault: Fault) -> str:
    """The fault in one sentence; which text it is of is said by the field's name, but for a component of it."""
    text = fault.label.partition(", component")[0]
    return fault.sentence.removeprefix(f"{text}: ") if text else fault.sentence
