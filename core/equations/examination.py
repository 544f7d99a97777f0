"""All that is looked at before a typed system is taken."""

from __future__ import annotations

from dataclasses import dataclass

from core.equations.completeness import missing
from core.equations.consistency import exact_faults, meaningless_numbers, vanishing_divisors, without_values
from core.equations.contradictions import contradictions
from core.equations.directions import direction_faults
from core.equations.faults import EquationError, Fault, of_the_domain
from core.equations.integral_checks import integral_faults
from core.equations.manufactured import MOST_WORK, manufactured
from core.equations.singular_corners import singular_corners
from core.equations.symmetry import symmetry_faults
from core.equations.system import System
from core.equations.tree import TreeError, bounded
from core.equations.typed_system import SystemText, read_system
from core.equations.unsatisfiable import unsatisfiable


@dataclass(frozen=True)
class Examined:
    """A system that can be launched, and what its writer should know of it."""

    system: System
    warnings: tuple[Fault, ...]


@of_the_domain()
def examined(typed: SystemText, make_sources: bool = False, jumps: bool = False) -> Examined:
    """A typed system, read and checked.

    Args:
        typed: the texts.
        make_sources: whether its exact solution is one that was chosen, for which sources and conditions are made.
        jumps: whether values given by two conditions may differ where they meet.

    Raises:
        EquationError: with all faults that are no warnings.
    """
    system = read_system(typed)
    if make_sources:
        system = manufactured(system)
    found: list[Fault] = []
    for what, check in (
        ("the parameters", lambda: meaningless_numbers(system)),
        ("what is missing", lambda: missing(system)),
        ("directions", lambda: direction_faults(system)),
        ("values", lambda: without_values(system)),
        ("whether some value meets each", lambda: unsatisfiable(system)),
        ("corners", lambda: contradictions(system, jumps)),
        ("corners, for the equations", lambda: singular_corners(system)),
        ("symmetries", lambda: symmetry_faults(system)),
        ("the exact solution", lambda: exact_faults(system)),
        ("the integrals", lambda: integral_faults(system)),
        ("divisions", lambda: vanishing_divisors(system)),
    ):
        try:
            with bounded(MOST_WORK):
                found.extend(check())
        except TreeError as error:
            found.append(Fault(f"{what} could not be checked: {error}", warning=True))
    faults = [fault for fault in found if not fault.warning]
    if faults:
        raise EquationError(faults)
    return Examined(system, tuple(fault for fault in found if fault.warning))
