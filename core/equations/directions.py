"""Which way an equation carries and spreads: conditions at the wrong end, and what grows without bound. Warnings."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from core.equations.calculus import partial
from core.equations.completeness import fields_of, solved_fields
from core.equations.conditions import Condition, Kind
from core.equations.faults import Fault
from core.equations.places import Where
from core.equations.sampling import inner_points, is_known, values_of
from core.equations.structure import fields_in, order
from core.equations.system import System
from core.equations.tree import Field, TreeError

WAYS = {1: (1, 0), 3: (1, 2)}
"""Order in space → how many conditions a positive coefficient takes at the lower and the upper end."""


@np.errstate(all="ignore")  # values there are none of are looked for
def direction_faults(system: System) -> list[Fault]:
    """Of fields with one derivative in time, where an equation's own coefficients decide."""
    time = system.names.time
    if time is None or not system.frame.is_box:
        return []
    found: list[Fault] = []
    for name in solved_fields(system):
        field = system.names.field(name)
        if time not in field.over or order(*system.residuals, field=name, coordinate=time) != 1:
            continue
        for x in (each for each in system.names.space if each in field.over):
            highest = order(*system.residuals, field=name, coordinate=x)
            sign = _sign(system, field, x, highest)
            if sign and highest in WAYS:
                found += _ends(system, name, x, highest, sign)
            elif sign and sign == {2: 1, 4: -1}.get(highest):
                said = f"{name}_{x * highest} has the sign with which ripples of {name} grow, the faster the finer"
                found.append(Fault(f"{said}: time runs backward", label=f"field {name}", warning=True))
    return found


def _sign(system: System, field: Field, x: str, highest: int) -> int:
    """The sign of the highest derivative's coefficient over that of the one in time; 0 where it is not one sign."""
    if highest not in (1, 2, 3, 4):
        return 0
    first, last = Field(field.name, field.over, (system.names.time,)), Field(field.name, field.over, (x,) * highest)
    signs = set()
    for residual in system.residuals:
        if not {first, last} <= set(fields_in(residual)):
            continue
        try:
            quotient = [partial(residual, leaf) for leaf in (last, first)]
        except TreeError:
            return 0
        if not all(is_known(each) for each in quotient):
            return 0
        above, below = values_of(quotient, inner_points(system.frame), system.frame)
        signs |= set(np.sign(above / below).tolist())
    return int(signs.pop()) if len(signs) == 1 and not signs & {0.0} and np.isfinite(list(signs)).all() else 0


def _ends(system: System, name: str, x: str, highest: int, sign: int) -> Iterable[Fault]:
    if any(each.kind in (Kind.PERIODIC, Kind.EVEN, Kind.ODD) and each.coordinate == x for each in system.conditions):
        return
    wanted = dict(zip(("low", "high"), WAYS[highest][::sign], strict=True))
    given = {end: sum(_is_at(each, name, x, end) for each in system.conditions) for end in wanted}
    if sum(given.values()) < sum(wanted.values()):
        return  # too few is said by completeness
    for end, count in wanted.items():
        if given[end] < count:
            where = f"{x} = {system.frame.domain[x][end == 'high']:g}"
            said = f"{name} is carried in through {where}, which takes {count} condition{'s' * (count > 1)} there"
            yield Fault(f"{said}; {given[end]} typed", label=f"field {name}", warning=True)


def _is_at(condition: Condition, name: str, x: str, end: str) -> bool:
    place = condition.place
    on_side = place.kind is Where.SIDE and place.coordinate == x and place.end == end
    return name in fields_of(condition) and (on_side or place.kind is Where.BOUNDARY)
