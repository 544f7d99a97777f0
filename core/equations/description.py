"""What a system is, in plain sentences, for who typed it."""

from __future__ import annotations

from core.equations.completeness import solved_fields
from core.equations.structure import order
from core.equations.system import System

ORDINALS = ("no derivative", "first order", "second order", "third order", "fourth order")


def description(system: System) -> tuple[str, ...]:
    """Order in space and time, linearity, fields and unknowns: one sentence each."""
    linear = system.linearity
    if linear.jointly:
        kind = "linear"
    else:
        kind = "linear in its fields, not together with what is unknown" if linear.in_fields else "nonlinear"
    found = [f"{_counted(len(system.residuals), 'equation')} for {_fields(system)}: {_order(system)}; {kind}."]
    if system.unknowns:
        found.append(f"Searched for beside the fields: {', '.join(system.unknowns)}.")
    if system.coefficients:
        found.append(f"Found from data: {', '.join(system.coefficients)}.")
    if system.sources:
        found.append("The source and the right-hand sides are made for the solution that you chose.")
    return tuple(found)


def _fields(system: System) -> str:
    over: dict[tuple[str, ...], list[str]] = {}
    for name in solved_fields(system):
        over.setdefault(system.names.fields[name], []).append(name)
    return " and ".join(
        f"{', '.join(fields)} of {', '.join(coordinates[:-1])}{' and ' if coordinates[1:] else ''}{coordinates[-1]}"
        for coordinates, fields in over.items()
    )


def _order(system: System) -> str:
    time = system.names.time
    in_space = max((order(*system.residuals, coordinate=x) for x in system.names.space), default=0)
    in_time = order(*system.residuals, coordinate=time) if time else 0
    highest = max(order(*system.residuals), 0)
    if not time:
        return ORDINALS[highest]
    parts = [f"{ORDINALS[k]} in {where}" for k, where in ((in_space, "space"), (in_time, time)) if k > 0]
    return ", ".join(parts) or ORDINALS[0]


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"
