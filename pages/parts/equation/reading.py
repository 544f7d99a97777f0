"""What was typed as a system, read and checked within a bound, and kept by its texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from core.data_folder import current
from core.domains.regions import domain_of
from core.equations.examination import examined
from core.equations.faults import EquationError, Fault
from core.equations.latex_system import latex_of_system
from core.equations.system import System
from core.equations.tree import TreeError, bounded
from core.equations.typed_system import SystemText, read_system
from core.errors import LabError
from pages.parts.equation.draft import Draft

MOST_WORK = 200_000
"""Nodes built for one look at the page: about half a second."""
LONGEST = 30_000
"""Characters of all texts together that are read while one types."""
KEPT = 128


@dataclass(frozen=True)
class Read:
    """What the program makes of the texts."""

    system: System | None
    """With its sources; None while anything is wrong."""
    drawn: System | None
    """As far as its domain and the places of its conditions can be read."""
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    equations: str
    """LaTeX; empty where names clash."""
    conditions: str


def read(draft: Draft) -> Read:
    """A draft, read and checked. The same texts are read once."""
    data, faults = draft.data(), draft.faults()
    long = len(json.dumps(data, default=str))
    if long > LONGEST:
        said = f"all texts together have {long:,} characters; the most is {LONGEST:,}"
        return Read(None, None, (Fault(said),), (), "", "")
    if faults:
        return Read(None, None, tuple(faults), (), *_formulas(system_text(data)))
    return _read(json.dumps(data, default=str), _version(data.get("domain")))


def _version(domain: Mapping[str, Any] | None) -> str:
    """Which bytes of a mesh file a domain means now; empty where it is none or there are none."""
    if domain is None or domain["kind"] != "mesh":
        return ""
    try:
        return domain.get("version") or current(domain["file"]).git_blob
    except LabError:
        return ""  # reading it says so


@lru_cache(maxsize=KEPT)
def _read(data: str, version: str) -> Read:
    problem = json.loads(data)
    typed = system_text(problem)
    system, faults, warnings = None, (), ()
    try:
        with bounded(MOST_WORK):
            found = examined(typed, make_sources=problem["manufactured"])
        system, warnings = found.system, found.warnings
    except EquationError as error:
        faults = error.faults
    except TreeError as error:
        faults = (Fault(f"the system as a whole: {error}"),)
    return Read(system, system or _as_far(typed), faults, warnings, *_formulas(typed))


def _formulas(typed: SystemText) -> list[str]:
    """Equations and conditions in LaTeX, each as far as it means something."""
    return [_latex(replace(typed, **{left_out: ()})) for left_out in ("conditions", "equations")]


def system_text(problem: Mapping[str, Any]) -> SystemText:
    """The texts of a problem's data, coordinates in the order in which the problem has them."""
    order = sorted(problem["coordinates"], key=lambda name: (name == problem["time"], name))
    return SystemText(
        coordinates={name: problem["coordinates"][name] and tuple(problem["coordinates"][name]) for name in order},
        domain=domain_of(problem.get("domain")),
        fields=tuple(problem["fields"]),
        equations=tuple(problem["equations"]),
        conditions=tuple((each["on"], each["that"]) for each in problem["conditions"]),
        time=problem["time"],
        parameters=problem["parameters"],
        unknowns={name: each["start"] for name, each in problem["unknowns"].items()},
        exact=problem["exact"],
        coefficients=tuple(problem.get("coefficients") or ()),
        has_data=problem.get("dataset") is not None,
        corners=problem.get("corners") is not None,
    )


def _as_far(typed: SystemText) -> System | None:
    """The domain and those conditions that mean something; None where the domain doesn't."""
    domain = replace(typed, equations=(), conditions=(), exact={})
    try:
        with bounded(MOST_WORK):
            sound = tuple(each for each in typed.conditions if _means_something(replace(domain, conditions=(each,))))
            return read_system(replace(domain, conditions=sound))
    except (EquationError, TreeError):
        return None


def _means_something(typed: SystemText) -> bool:
    try:
        read_system(typed)
    except EquationError:
        return False
    return True


def _latex(typed: SystemText) -> str:
    if not typed.equations and not typed.conditions:
        return ""
    try:
        return latex_of_system(typed, partly=True)
    except EquationError:
        return ""  # names clash: nothing can be said of the texts, and the clash is said
