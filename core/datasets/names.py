"""What the names of columns stand for: the problems' coordinates and fields, as people spell them."""

from __future__ import annotations

import re
from functools import cache

from core.problems import CATALOGUE
from core.problems.base import DataProblem, Problem

TIME = "t"
SPACE_AND_TIME = frozenset({"x", "y", "z", TIME})
WORDS = {
    "time": "t", "times": "t", "tspan": "t", "tt": "t", "xx": "x", "yy": "y", "zz": "z",
    "uu": "u", "vv": "v", "ww": "w",
    "exact": "u", "solution": "u", "sol": "u", "uexact": "u", "velocity": "u", "temperature": "u", "pressure": "p",
    "position": "x", "space": "x", "location": "x", "loc": "x", "distance": "x", "cln1x": "x",
    "value": "u", "val": "u", "vel": "u", "speed": "u", "displacement": "u", "amplitude": "u", "target": "u",
}  # fmt: skip
"""Other words for coordinates and fields."""

PARTS = {name: "xyz" for name in ("x", "xy", "xyz", "points", "coords", "nodes")}
PARTS |= {name: "uvw" for name in ("u", "uv", "uvw", "vel", "velocity")}
"""What the columns of a matrix of this name stand for, in their order."""

UNIT = re.compile(r"\s*(\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>|/\s*\S+|,\s*\S+|\bin\s+\S+)\s*$")
ENDING = re.compile(
    r"[ _.-]?(star|data|train|test|exact|sol|true|ref|values?|mesh|grid|real|obs|measured|"
    r"coord|coordinate|position|velocity)$|[ _](m|mm|cm|km|s|ms|sec|si|nd)$"
)
BEFORE = re.compile(r"^(coord|coordinate|pos|position|vel|velocity|dependent variable)[ _.-]+(?=[a-z]$)")
MARKS = " \"'“”‘’„$*"
"""What stands around names."""


def problems_with_data() -> list[type[DataProblem]]:
    """The problems that learn from a dataset, but for those of which each has coordinates of its own."""
    return [problem for problem in CATALOGUE if issubclass(problem, DataProblem) and problem.coordinates]


def columns_wanted(problem: Problem | type[Problem]) -> tuple[str, ...]:
    """What a dataset of a problem, or of any of its kind, has columns for."""
    measured = problem.measured if isinstance(problem, DataProblem) else problem.fields
    return (*problem.coordinates, *measured)


def _in_space_and_time() -> list[type[Problem]]:
    """The problems whose coordinates and fields files are likely to hold, first those that learn from data.

    The others have coordinates of their own, compactified or radial, and call their fields f or R, which in a file may
    be anything.
    """
    return [
        *problems_with_data(),
        *(problem for problem in CATALOGUE if SPACE_AND_TIME.issuperset(problem.coordinates)),
    ]


@cache
def roles() -> tuple[str, ...]:
    """What a column can be: coordinates and fields of problems in space and time."""
    ordered = _in_space_and_time()
    spatial = [name for problem in ordered for name in problem.coordinates]
    fields = [name for problem in ordered for name in problem.fields]
    return tuple(dict.fromkeys([*spatial, *fields]))


@cache
def coordinates() -> frozenset[str]:
    """Every problem's coordinates, but w, which is a velocity in files, and what else axes are called."""
    known = frozenset(name for problem in CATALOGUE for name in problem.coordinates)
    return known - fields() | SPACE_AND_TIME | {"r"}


@cache
def fields() -> frozenset[str]:
    """The fields of problems in space and time."""
    return frozenset(name for problem in _in_space_and_time() for name in problem.fields)


def bare(name: str) -> str:
    """A column's name without its unit: `x (m)` → x."""
    return UNIT.sub("", name.strip(MARKS)).strip(MARKS) or name


def stem(name: str) -> str:
    """What is left of a name without its unit, its ending and its capitals: `U_star` → u, `usol` → u, `tt` → t."""
    text = bare(name).casefold()
    text = re.sub(r"^.*\.(?=.)", "", text.removesuffix(".real").removesuffix(".imag"))  # comp1.u, data.x
    text = WORDS.get(text, text)
    shorter = ENDING.sub("", BEFORE.sub("", text))
    shorter = WORDS.get(shorter, shorter)
    part = re.fullmatch(r"([a-z]+?)(?:[ _]?star|[ _]?data|[ _]?train)?_(\d)", text)
    if part and part[1] in PARTS and 1 <= int(part[2]) <= 3:
        return PARTS[part[1]][int(part[2]) - 1]
    return shorter or text


def likeness(name: str, role: str) -> int:
    """How well a column's name fits a role: 4 the same, 3 but for its unit, 2 but for capitals, 1 by habit, 0 not."""
    if name == role:
        return 4
    if bare(name) == role:
        return 3
    if bare(name).casefold() == role.casefold():
        return 2
    return int(stem(name) == role.casefold())


def is_component(name: str) -> bool:
    """Whether a column is one of a matrix of points or inputs, as in `X_1`: of fields it would be another matter."""
    found = re.fullmatch(r"(.*\D)_\d|(\D+)\d", name)
    return bool(found) and stem(found[1] or found[2]) not in fields()


def are_counted(names: list[str]) -> bool:
    """Whether columns are named by their count alone, as programs do: V1, V2; x1, x2, x3; arr_0, arr_1; 0, 1."""
    found = [re.fullmatch(r"(\D*)(\d+)", name) for name in names]
    if len(found) < 2 or not all(found) or len({one[1] for one in found}) > 1:
        return False
    first = int(found[0][2])
    if found[0][1].rstrip("_") in fields():
        return False  # the components of a field
    return first in (0, 1) and [int(one[2]) for one in found] == list(range(first, first + len(found)))


def counted_from_one(names: list[str]) -> dict[str, str]:
    """Column → its name with the components of vectors counted from 1; ParaView writes Points:0 or Points_0."""
    found = {name: re.fullmatch(r"(.+)([:_])(\d)", name) for name in names}
    zeros = {match[1] for match in found.values() if match and match[3] == "0"}
    counted = {name: f"{match[1]}_{int(match[3]) + (match[1] in zeros)}" for name, match in found.items() if match}
    return {name: counted.get(name, name) for name in names}


def is_coordinate(name: str) -> bool:
    """Whether an array of this name is an axis, or a coordinate on a mesh."""
    return stem(name) in coordinates()


def is_role(name: str) -> bool:
    """Whether a column of this name is a coordinate or a field."""
    return any(likeness(name, role) for role in roles())
