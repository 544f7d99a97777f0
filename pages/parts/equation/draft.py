"""What stands in the fields of the Equation page, and the problem's data that it means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.equations.faults import Fault
from core.equations.functions import plain_name
from pages.parts.equation.shapes import data_of, typed, understood

KIND = "equation"
TYPED = ("kind", "domain", "coordinates", "time", "fields", "parameters", "unknowns", "equations", "conditions",
         "manufactured", "exact")  # fmt: skip
"""Data of the problem that have fields of their own on the page; all else is kept as it is."""

MOST_WEIGHT = 1_000_000
"""As `core.problems.typed.entries.Condition` has it."""


@dataclass(frozen=True)
class Draft:
    """The texts as they were typed, whether or not they mean anything."""

    coordinates: tuple[tuple[str, str, str], ...] = (("x", "0", "1"),)
    """Name, from, to."""
    time: str = ""
    """Which coordinate is time; empty for none."""
    fields: str = "u"
    parameters: str = ""
    """`nu = 0.01, k = 4`."""
    unknowns: str = ""
    """`k = 1`: where the search starts."""
    equations: str = ""
    """One a line."""
    conditions: tuple[tuple[str, str], ...] = (("", ""), ("", ""))
    """Where, and what."""
    weights: tuple[str, ...] = ()
    """Of the conditions, what each weighs beside the others; empty, or none at all, for 1."""
    bounds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What else a config says of an unknown number."""
    manufactured: bool = False
    exact: Mapping[str, str] = field(default_factory=dict)
    problem: Mapping[str, Any] = field(default_factory=dict)
    """Data of the problem that the page has no field for."""
    run: Mapping[str, Any] = field(default_factory=dict)
    """The rest of the config: name, seed, device, network."""
    stages: tuple[Any, ...] = ()
    """As they came with an example or a run; for another problem they are planned anew."""
    seconds: float | None = None
    """What an example takes on two cores, where the problem is still the example's."""
    domain: str = ""
    """As `core.equations.domain_text` reads it; empty for the box of the limits."""
    stages_for: Mapping[str, Any] = field(default_factory=dict)
    """The problem that those stages are for."""

    @property
    def field_names(self) -> list[str]:
        """Names of the fields, without what they depend on."""
        return [name for each in between_commas(self.fields) if (name := plain_name(each.partition("(")[0].strip()))]

    @property
    def unknown_names(self) -> list[str]:
        """Names of the unknown numbers."""
        return [plain_name(name) for name in _pairs(self.unknowns)[0]]

    @property
    def typed_rows(self) -> list[int]:
        """Which rows of the conditions hold anything; a fault counts those alone."""
        return [row for row, (where, what) in enumerate(self.conditions) if where.strip() or what.strip()]

    def weight_of(self, row: int) -> str:
        """What is typed as a condition's weight."""
        return self.weights[row].strip() if row < len(self.weights) else ""

    @property
    def typed_lines(self) -> list[int]:
        """Which lines of the equations hold anything."""
        return [number for number, line in enumerate(self.equations.splitlines()) if line.strip()]

    @property
    def is_begun(self) -> bool:
        """Whether an equation or a condition is typed; before that, nothing is wrong with what is missing."""
        return bool(self.typed_lines or self.typed_rows)

    @property
    def own_stages(self) -> tuple[Any, ...]:
        """The stages that came with this very problem; none where it was changed since."""
        return self.stages if _said(self.data()) == _said(self.stages_for) else ()

    def has_ends(self, coordinate: str) -> bool:
        """Whether a coordinate has limits of its own: those of space have the domain's, where there is one."""
        return not self.domain.strip() or coordinate.strip() == self.time.strip()

    def with_run(self, run: Mapping[str, Any]) -> Draft:
        """The same texts for a run of another name, seed or device."""
        return replace(self, run={**self.run, **run})

    def data(self) -> dict[str, Any]:
        """The problem as the config has it. What has no meaning is left out: `faults` says so."""
        lines = self.equations.splitlines()
        known = {*self.field_names, *self.unknown_names}
        domain = {"domain": found} if (found := data_of(self.domain)) else {}
        return {
            **self.problem,
            "kind": KIND,
            **domain,
            "coordinates": {name.strip(): None if domain and name.strip() != self.time.strip() else
                            [number_of(low), number_of(high)] for name, low, high in self.coordinates if name.strip()},
            "time": self.time.strip() or None,
            "fields": between_commas(self.fields),
            "parameters": _pairs(self.parameters)[0],
            "unknowns": {name: {**self.bounds.get(plain_name(name), {}), "start": start}
                         for name, start in _pairs(self.unknowns)[0].items()},
            "equations": [lines[number].strip() for number in self.typed_lines],
            "conditions": [dict(zip(("on", "that"), map(str.strip, self.conditions[row]), strict=True))
                           | ({"weight": number_of(weight)} if (weight := self.weight_of(row)) else {})
                           for row in self.typed_rows],
            "manufactured": self.manufactured,
            "exact": {name: text.strip() for name, text in self.exact.items()
                      if plain_name(name) in known and text.strip()},
        }  # fmt: skip

    def faults(self) -> list[Fault]:
        """What the texts lack before anything in them can be read."""
        found: list[Fault] = []
        names = [name.strip() for name, *_ in self.coordinates]
        for row, (name, low, high) in enumerate(self.coordinates):
            if not name.strip() and (low.strip() or high.strip()):
                found.append(Fault("it has no name", label=f"coordinate row {row}", expected="a letter such as x"))
            elif name.strip() and names.index(name.strip()) < row:
                found.append(Fault(f"{name.strip()!r} is named twice", label=f"coordinate row {row}"))
            elif name.strip() and not (low.strip() and high.strip()) and self.has_ends(name):
                end = "upper" if low.strip() else "lower"
                found.append(
                    Fault(f"{name.strip()} has no {end} end", label=f"coordinate row {row}",
                          expected="a number such as 2*pi")
                )  # fmt: skip
        for number, row in enumerate(self.typed_rows, 1):
            weight = number_of(self.weight_of(row) or "1")
            if isinstance(weight, str) or not 0 < weight <= MOST_WEIGHT:
                said = f"its weight is {self.weight_of(row)}"
                found.append(
                    Fault(said, label=f"condition {number}", expected=f"a number up to {MOST_WEIGHT:,}, or none")
                )
        if self.domain.strip():
            found += understood(self.domain)[1]
        for what, text in (("parameters", self.parameters), ("unknowns", self.unknowns)):
            found += [
                Fault("a name, = and a number", text, start, end, what, "such as nu = 0.01, k = 2*pi")
                for start, end in _pairs(text)[1]
            ]
        return found


def on_mesh(file: str, version: str | None, dimension: int) -> Draft:
    """A blank one on a mesh file, with as many coordinates of space as it has."""
    domain = typed({"kind": "mesh", "file": file, "version": version})
    return Draft(tuple((name, "", "") for name in "xyz"[:dimension]), domain=domain)


def draft_of(config: Mapping[str, Any]) -> Draft:
    """The texts that stand for a config's data (`model_dump(mode="json", by_alias=True)`)."""
    problem = config["problem"]
    found = Draft(
        tuple((name, *map(shown, ends or ("", ""))) for name, ends in problem["coordinates"].items()),
        problem.get("time") or "",
        ", ".join(problem["fields"]),
        ", ".join(f"{name} = {shown(value)}" for name, value in (problem.get("parameters") or {}).items()),
        ", ".join(f"{name} = {shown(each['start'])}" for name, each in (problem.get("unknowns") or {}).items()),
        "\n".join(problem["equations"]),
        tuple((each["on"], each["that"]) for each in problem.get("conditions") or ()) or (("", ""),),
        tuple(
            "" if (weight := each.get("weight")) is None else shown(weight) for each in problem.get("conditions") or ()
        ),
        {plain_name(name): each for name, each in (problem.get("unknowns") or {}).items()},
        bool(problem.get("manufactured")),
        {plain_name(name): shown(value) for name, value in (problem.get("exact") or {}).items()},
        {key: value for key, value in problem.items() if key not in TYPED},
        {key: value for key, value in config.items() if key not in ("problem", "stages")},
        domain=typed(problem.get("domain")),
    )
    return replace(found, stages=tuple(config.get("stages") or ()), stages_for=found.data())


def _said(data: Mapping[str, Any]) -> dict[str, Any]:
    """Without fields that are left empty, which a config may leave out."""
    return {name: value for name, value in data.items() if value is not None}


def between_commas(text: str) -> list[str]:
    """The parts of a list, commas within brackets belonging to their part."""
    return [part.strip() for part in re.findall(r"(?:[^,(]|\([^)]*\)?)+", text) if part.strip()]


def number_of(text: str) -> int | float | str:
    """A number where a text is one, else the text: `2*pi` stays what was typed."""
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text.strip()


def shown(value: float | str) -> str:
    """A number with as few digits as read as the same one."""
    if isinstance(value, str):
        return value
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)


def _pairs(text: str) -> tuple[dict[str, int | float | str], list[tuple[int, int]]]:
    """Names and numbers of `a = 1, b = 2`, and the characters of what is no such pair."""
    found: dict[str, int | float | str] = {}
    at_fault: list[tuple[int, int]] = []
    for part in re.finditer(r"(?:[^,(]|\([^)]*\)?)+", text):
        name, equals, value = (each.strip() for each in part[0].partition("="))
        if name and equals and value and name not in found:
            found[name] = number_of(value)
        elif part[0].strip():
            start = part.start() + len(part[0]) - len(part[0].lstrip())
            at_fault.append((start, start + len(part[0].strip())))
    return found, at_fault
