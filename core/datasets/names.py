"""What the names of columns stand for: the problems' coordinates and fields, as people spell them."""

from __future__ import annotations

import re
from functools import cache

from core.problems import CATALOGUE
from core.problems.base import DataProblem, Problem

TIME = "t"
WORDS = {
    "time": "t", "times": "t", "tspan": "t", "tt": "t", "xx": "x", "yy": "y", "zz": "z",
    "uu": "u", "vv": "v", "ww": "w",
    "exact": "u", "solution": "u", "sol": "u", "uexact": "u", "velocity": "u", "temperature": "u", "pressure": "p",
    "position": "x", "space": "x",
}  # fmt: skip
"""Other words for coordinates and fields."""

PARTS = {name: "xyz" for name in ("x", "xy", "xyz", "points", "coords", "nodes")}
PARTS |= {name: "uvw" for name in ("u", "uv", "uvw", "vel", "velocity")}
"""What the columns of a matrix of this name stand for, in their order."""

UNIT = re.compile(r"\s*(\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>|/\s*\S+|,\s*\S+|\bin\s+\S+)\s*$")
ENDING = re.compile(r"[ _.-]?(star|data|train|test|exact|sol|true|ref|values?|mesh|grid|real|obs|measured)$")


def problems_with_data() -> list[type[DataProblem]]:
    """The problems that learn from a dataset."""
    return [problem for problem in CATALOGUE if issubclass(problem, DataProblem)]


@cache
def roles() -> tuple[str, ...]:
    """What a column can be: every problem's coordinates and fields, first of those that learn from data."""
    ordered: list[type[Problem]] = [*problems_with_data(), *CATALOGUE]
    spatial = [name for problem in ordered for name in problem.coordinates]
    fields = [name for problem in ordered for name in problem.fields]
    return tuple(dict.fromkeys([*spatial, *fields]))


@cache
def coordinates() -> frozenset[str]:
    """Every problem's coordinates, and what else axes are called."""
    return frozenset({name for problem in CATALOGUE for name in problem.coordinates} | {"x", "y", "z", "t", "r"})


def bare(name: str) -> str:
    """A column's name without its unit: `x (m)` → x."""
    return UNIT.sub("", name).strip().strip("\"'") or name


def stem(name: str) -> str:
    """What is left of a name without its unit, its ending and its capitals: `U_star` → u, `usol` → u, `tt` → t."""
    text = bare(name).casefold()
    text = re.sub(r"^.*\.(?=.)", "", text.removesuffix(".real").removesuffix(".imag"))  # comp1.u, data.x
    text = WORDS.get(text, text)
    shorter = ENDING.sub("", text)
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
    """Whether a column is one of a matrix of points, as in `X_1`."""
    return bool(re.search(r"_\d$", name)) and is_coordinate(name)


def is_coordinate(name: str) -> bool:
    """Whether an array of this name is an axis, or a coordinate on a mesh."""
    return stem(name) in coordinates()


def is_role(name: str) -> bool:
    """Whether a column of this name is a coordinate or a field."""
    return any(likeness(name, role) for role in roles())
