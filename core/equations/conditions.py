"""Conditions as typed, and what each of them is: a value, a flux, an initial velocity, a symmetry."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from core.equations.algebra import negative, number, product, quotient
from core.equations.calculus import ZERO, substituted
from core.equations.faults import EquationError, Fault
from core.equations.functions import plain_name
from core.equations.names import Names
from core.equations.places import Frame, Place, Where, read_places
from core.equations.reading import read_equation
from core.equations.sampling import inner_points
from core.equations.structure import coefficients, fields_in
from core.equations.tree import Expression, Field, Integral, Normal, TreeError, postorder


class Kind(StrEnum):
    """What a condition is."""

    VALUE = "value"
    """u = g (Dirichlet)."""
    INITIAL_VALUE = "initial value"
    """u = g where time begins."""
    INITIAL_RATE = "initial rate"
    """u_t = g where time begins, u_tt = g …"""
    FLUX = "flux"
    """u_x = g on an end of x, dn(u) = g (Neumann)."""
    ROBIN = "robin"
    """dn(u) + k·u = g."""
    DERIVATIVE = "derivative"
    """Another derivative of one field is g: u_xx = 0."""
    POINT_VALUE = "point value"
    INTEGRAL = "integral"
    LINEAR = "linear"
    """Affine in several fields or derivatives."""
    NONLINEAR = "nonlinear"
    PERIODIC = "periodic"
    EVEN = "even"
    ODD = "odd"


SYMMETRIES = (Kind.PERIODIC, Kind.EVEN, Kind.ODD)
NORMAL = "normal"
"""Stands in `Condition.by` for the outward normal."""


@dataclass(frozen=True)
class Condition:
    """One scalar condition at one place."""

    kind: Kind
    place: Place
    text: str
    """As typed."""
    field: str = ""
    """Its field; empty where there are several."""
    residual: Expression = ZERO
    """Zero where it holds; at a side, with the normal's components there."""
    right: Expression | None = None
    """g, where one derivative of one field, or a Robin combination, is given as g."""
    by: tuple[str, ...] = ()
    """Which derivative is g: coordinates, or `normal`; () for the value."""
    factor: Expression | None = None
    """k of a Robin condition."""
    coordinate: str = ""
    """Of a symmetry: what it is periodic, even or odd in."""
    centre: float = 0.0
    """Of `even` and `odd`: about which value of the coordinate."""
    label: str = ""
    """Which of the typed conditions it is: `condition 3`."""


_SYMMETRY = re.compile(r"(?P<fields>[^\s,]+(?:\s*,\s*[^\s,]+)*)\s+(?:(?:is|are)\s+)?(?P<kind>even|odd)"
                       r"(?:\s+in\s+(?P<coordinate>\S+))?")  # fmt: skip


MOST_OF_ONE = 100
"""Conditions that one row may stand for."""


def read_conditions(where: str, text: str, frame: Frame, label: str = "condition") -> list[Condition]:
    """What was typed as one condition: several where it has several components, places, or texts between `;`.

    Raises:
        EquationError: with all faults of place and text.
    """
    faults: list[Fault] = []
    places: list[Place] = []
    try:
        places = read_places(where, frame, f"{label}, where")
    except EquationError as error:
        faults.extend(error.faults)
    found: list[Condition] = []
    parts = texts_in(text)
    places = list(dict.fromkeys(places))
    if len(places) * len(parts) > MOST_OF_ONE:
        faults.append(Fault(f"{len(parts):,} texts at {len(places):,} places", label=label,
                            expected=f"at most {MOST_OF_ONE} of them in one condition"))  # fmt: skip
        raise EquationError(faults)
    for part in map(str.strip, parts):
        try:
            found.extend(_of_text(part, places, frame, label))
        except EquationError as error:
            faults.extend(error.faults)
    if faults:
        raise EquationError(faults)
    return found


def texts_in(text: str) -> list[str]:
    """The conditions that were typed as one with `;` between them; one at the end means nothing."""
    return [each for each in text.split(";") if each.strip()] or [""]


def _of_text(text: str, places: list[Place], frame: Frame, label: str) -> list[Condition]:
    symmetry = _SYMMETRY.fullmatch(text)
    if symmetry:
        return [_symmetry(name, symmetry, place, text, frame, label)
                for place in places for name in _fields(symmetry["fields"], frame.names, text, label)]  # fmt: skip
    periodic = [place for place in places if place.kind is Where.PERIODIC]
    if periodic:
        names = _fields(text, frame.names, text, label) if text else list(frame.names.fields)
        return [Condition(Kind.PERIODIC, place, text, name, coordinate=place.coordinate, label=label)
                for place in periodic for name in names]  # fmt: skip
    residuals = read_equation(text, frame.names, label, in_condition=True).residuals
    return [_recognised(residual, place, text, frame, label) for place in places for residual in residuals]


def _fields(typed: str, names: Names, text: str, label: str) -> list[str]:
    found = [plain_name(name) for name in re.split(r"\s*,\s*|\s+", typed.strip())]
    for name in found:
        if name not in names.fields:
            start = max(text.find(name), 0)
            raise EquationError([Fault(f"{name!r} is no field", text, start, start + len(name), label,
                                       f"fields alone: {', '.join(names.fields)}")])  # fmt: skip
    return found


def _symmetry(name: str, typed: re.Match, place: Place, text: str, frame: Frame, label: str) -> Condition:
    coordinate = plain_name(typed["coordinate"] or place.coordinate)
    at = Fault("even or odd in what", text, typed.start("kind"), typed.end("kind"), label,
               f"a coordinate of {name}, such as {name} {typed['kind']} in {frame.names.fields[name][0]}")  # fmt: skip
    if coordinate not in frame.names.fields[name]:
        raise EquationError([at])
    on_domain = frame.region is not None and coordinate != frame.names.time
    if on_domain and (why := _not_mirrored(frame, coordinate)):
        expected = f"half of the domain, and dn({name}) = 0 or {name} = 0 where it was cut"
        raise EquationError([Fault(why, text, 0, len(text), label, expected)])
    if place.kind not in (Where.SIDE, Where.EVERYWHERE) or (place.coordinate or coordinate) != coordinate:
        raise EquationError([Fault(f"a symmetry in {coordinate} at {place.text}", text, 0, len(text), label,
                                   f"{coordinate} = its centre, or everywhere")])  # fmt: skip
    low, high = frame.domain[coordinate]
    centre = place.value if place.kind is Where.SIDE else (low + high) / 2 if on_domain else 0.0
    if not low <= centre <= high:
        said = f"the middle {coordinate} = {centre:g} is outside: {coordinate} runs from {low:g} to {high:g}"
        raise EquationError([Fault(said, text, 0, len(text), label, f"the place {coordinate} = {low:g}, for one")])
    return Condition(Kind(typed["kind"]), place, text, name, coordinate=coordinate, centre=centre, label=label)


def _not_mirrored(frame: Frame, coordinate: str) -> str:
    """Why fields can't be mirrored about the middle of a domain along a coordinate, in words; empty where they can."""
    if frame.region.local_features:
        return f"a symmetry in {coordinate} on a domain with holes or corners, whose features have none"
    low, high = frame.domain[coordinate]
    points = np.column_stack([each for name, each in inner_points(frame).items() if name in frame.names.space])
    points[:, frame.names.space.index(coordinate)] *= -1
    points[:, frame.names.space.index(coordinate)] += low + high
    if frame.region.holds(points).all():
        return ""
    return f"a symmetry in {coordinate} on a domain that is another at the mirror image"


def _recognised(residual: Expression, place: Place, text: str, frame: Frame, label: str) -> Condition:
    nodes = postorder(residual)
    fault = Fault("", text, 0, len(text), label)
    if not any(isinstance(each, Field) for each in nodes):
        raise EquationError(
            [replace(fault, message="no field in this condition", expected=f"one of {', '.join(frame.names.fields)}")]
        )
    if place.kind is Where.EVERYWHERE and not any(isinstance(each, Integral) for each in nodes):
        raise EquationError([replace(fault, message="no place", expected="where it holds: t = 0, x = 1, boundary …")])
    if any(isinstance(each, Normal) for each in nodes):
        residual = _with_normal(residual, place, frame, fault)
    return of_residual(residual, place, text, frame.names, label)


def _with_normal(residual: Expression, place: Place, frame: Frame, fault: Fault) -> Expression:
    """At a side the outward normal is known: −1 or 1 along its coordinate."""
    if place.kind in (Where.BOUNDARY, Where.NAMED):
        return residual
    if place.kind is not Where.SIDE or not place.end or place.coordinate == frame.names.time:
        raise EquationError(
            [replace(fault, message=f"there is no outward normal at {place.text}", expected="a boundary in space")]
        )
    sign = 1 if place.end == "high" else -1
    return substituted(residual, {Normal(x): number(sign if x == place.coordinate else 0) for x in frame.names.space})


def of_residual(residual: Expression, place: Place, text: str, names: Names, label: str = "") -> Condition:
    """The condition that a residual is zero at a place."""
    present = {field.name for field in fields_in(residual)}
    only = present.pop() if len(present) == 1 else ""
    whole = Condition(Kind.NONLINEAR, place, text, only, residual, label=label)

    def as_kind(kind: Kind, right: Expression | None = None, by: tuple = (), factor: Expression | None = None):
        return Condition(kind, place, text, only, residual, right, by, factor, label=label)

    if any(isinstance(each, Integral) for each in postorder(residual)):
        return as_kind(Kind.INTEGRAL)
    try:
        factors = coefficients(residual, lambda leaf: isinstance(leaf, Field))
        right = negative(factors.pop(None, ZERO))
        if not only:
            return as_kind(Kind.LINEAR)
        flux = _along_normal(factors, place, names)
        if flux is not None:
            along, value = flux
            if value is None:
                by = (place.coordinate,) if place.kind is Where.SIDE else (NORMAL,)
                sign = number(-1 if place.end == "low" else 1)  # u_x is −dn(u) at a low end
                return as_kind(Kind.FLUX, product(sign, quotient(right, along)), by)
            return as_kind(Kind.ROBIN, quotient(right, along), (NORMAL,), quotient(value, along))
        if len(factors) > 1:
            return as_kind(Kind.LINEAR)
        ((leaf, factor),) = factors.items()
        right = quotient(right, factor)
    except TreeError:
        return whole
    return as_kind(_kind_of(leaf.by, place, names), right, leaf.by)


def _kind_of(by: tuple[str, ...], place: Place, names: Names) -> Kind:
    begins = place.kind is Where.SIDE and place.coordinate == names.time and place.end == "low"
    if begins and set(by) <= {names.time}:
        return Kind.INITIAL_RATE if by else Kind.INITIAL_VALUE
    if by:
        return Kind.DERIVATIVE
    return Kind.POINT_VALUE if place.kind is Where.POINT else Kind.VALUE


def _along_normal(factors: dict, place: Place, names: Names) -> tuple[Expression, Expression | None] | None:
    """For c·dn(u) + k·u: c and k, None for no k; None if it is something else."""
    value = None
    along: dict[str, Expression] = {}
    for leaf, factor in factors.items():
        if leaf.order == 0:
            value = factor
        elif leaf.order == 1 and leaf.by[0] in names.space:
            along[leaf.by[0]] = factor
        else:
            return None
    if not along:
        return None
    if place.kind is Where.SIDE:
        if set(along) != {place.coordinate} or not place.end:
            return None
        sign = number(-1 if place.end == "low" else 1)
        return product(sign, along[place.coordinate]), value
    parts = {quotient(factor, Normal(x)) for x, factor in along.items()}
    over = set(names.space) & set(next(iter(factors)).over)
    if len(parts) != 1 or set(along) != over or any(isinstance(each, Normal) for each in postorder(*parts)):
        return None
    return parts.pop(), value
