"""The problem that a person types: coordinates, fields, equations and conditions as plain texts and numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, PrivateAttr, ValidationError, field_validator, model_validator

from core.domains.layers import layers as layers_of
from core.domains.regions import AnyDomain, as_it_is, domain_of, region
from core.equations.domain_text import read_domain
from core.equations.faults import EquationError, of_the_domain
from core.equations.functions import plain_name
from core.equations.latex_system import latex_of_system
from core.equations.typed_system import PLANE, SystemText
from core.errors import LabError
from core.forms import Form
from core.frozen import FieldsAtFault
from core.problems.base import Block, DataProblem, Function, Integral, Problem
from core.problems.typed.compiled import Compiled, compiled
from core.problems.typed.conditions import how_met
from core.problems.typed.entries import EXAMPLE, Condition, Name, Number, Text, UnknownNumber, number_or
from core.problems.typed.handed import Handed
from core.problems.typed.reading import Typed, at_their_fields, checked
from core.problems.typed.window import end_of, found_in_each, why_not_cut, window_of


def _dimension(domain: Any) -> int:
    """The dimension of a domain as plain data; 2 where it is none, which is said where it is read."""
    try:
        return region(domain_of(read_domain(domain) if isinstance(domain, str) else domain)).dimension
    except (ValidationError, LabError):
        return 2


class _OfInstance:
    """An attribute that each typed problem has a value of its own of; the class has one that is true of all."""

    def __init__(self, on_class: Any, value: Callable[[Equation], Any]):
        self._on_class, self._value = on_class, value

    def __get__(self, problem: Equation | None, owner: type) -> Any:
        return self._on_class if problem is None else self._value(problem)


class Equation(DataProblem):
    """A system of equations as typed, on a box or in a domain.

    Its coordinates are in the order of their names, time last, however they were typed.
    """

    kind: Literal["equation"] = "equation"
    limits: dict[Name, tuple[Number, Number] | None] = Field(
        min_length=1,
        max_length=6,
        alias="coordinates",
        title="Coordinates",
        description="Name and its two ends; none for those that a domain has.",
    )
    shape: AnyDomain | None = Field(
        None,
        alias="domain",
        title="Domain",
        description="What the coordinates of space lie in, in the order of their names. Their ends are then the "
        "domain's and may be left out; time keeps its own. Its boundaries have names, for conditions. Empty: a box. "
        "As data, or as a text such as `disk((0, 0), 1) - disk((0.3, 0), 0.2)`.",
        json_schema_extra={"domain": True},
    )
    clock: Name | None = Field(None, alias="time", title="Time", description="The coordinate that is time, if one is.")
    unknown_fields: tuple[Name, ...] = Field(
        ("u",),
        min_length=1,
        max_length=8,
        alias="fields",
        title="Fields",
        description="`u`, or `a(x)`.",
        json_schema_extra={"lines": True},
    )
    parameters: dict[Name, Number] = Field({}, max_length=50, title="Parameters")
    unknowns: dict[Name, UnknownNumber] = Field({}, max_length=8, title="Unknown numbers")
    equations: tuple[Text, ...] = Field(
        min_length=1, max_length=20, title="Equations", json_schema_extra={"lines": True}
    )
    conditions: tuple[Condition, ...] = Field((), max_length=100, title="Conditions")
    solution: dict[Name, number_or(25_000, "sin(pi*x)")] = Field(
        {}, max_length=9, alias="exact", title="Exact solution"
    )
    manufactured: bool = Field(
        False, title="Manufactured", description="Sources and conditions are made such that the exact solution is one."
    )
    coefficients: tuple[Name, ...] = Field(
        (),
        max_length=8,
        title="Fields found from data",
        description="Such as `a` of a(x)·u_xx; no column holds them.",
        json_schema_extra={"lines": True},
    )
    unmeasured: tuple[Name, ...] = Field(
        (),
        max_length=8,
        title="Fields without data",
        description="Other fields that the dataset has no column for.",
        json_schema_extra={"lines": True},
    )
    dataset: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None, title="Dataset", description="File in the lab's data folder, with columns for coordinates and fields."
    )
    row_weight: float = Field(
        1.0, gt=0, le=1e6, title="Weight of conditions", description="Of those with rows, beside the equations'."
    )
    _window: Compiled | None = PrivateAttr(None)
    """What it is between two moments; None: all of its time."""

    starts: Annotated[dict[Name, number_or(25_000, "1 + x")], Field(max_length=8)] | None = Field(
        None,
        alias="start",
        title="Where fields start",
        description="What the search for a field begins with, if no condition says: those found from data at 1.",
    )
    smoothness: Annotated[float, Field(gt=0, le=1e6)] | None = Field(
        None,
        title="Smoothness of fields found from data",
        description="Weight of their second derivatives beside the equations; empty: none, for exact data.",
    )

    layers: Annotated[dict[Name, Annotated[float, Field(gt=0, le=1e6)]], Field(max_length=8)] | None = Field(
        None,
        title="Layers",
        description="Boundary → thickness of the layer beside it, in which a solution changes fast; or a corner, as "
        "`step and roof`.",
    )

    corners: Literal["functions"] | None = Field(
        None,
        title="Corners of a box",
        description="`functions`: a box of two coordinates is a domain whose corners have functions of their own, for "
        "stages with `local` features; conditions on its sides are rows then. Empty: none.",
    )

    added: ClassVar[frozenset[str]] = frozenset(
        {"dataset", "dataset_version", "dataset_columns", "shape", "domain", "smoothness", "starts", "start", "layers",
         "corners"}
    )  # fmt: skip
    title: ClassVar[str] = "Your own equation"
    example: ClassVar[dict[str, Any]] = EXAMPLE
    """What the kind alone stands for; a class of a problem's own (`typed.as_class`) is nothing but another one."""
    equation: ClassVar[str] = _OfInstance("", lambda problem: latex_of_system(problem.text))
    coordinates: ClassVar[tuple[str, ...]] = _OfInstance((), lambda problem: tuple(map(plain_name, problem.limits)))
    fields: ClassVar[tuple[str, ...]] = _OfInstance((), lambda problem: tuple(problem.system.names.fields))
    residual_names: ClassVar[tuple[str, ...]] = _OfInstance(
        (), lambda problem: tuple(name for rows in problem.compiled.sets.values() for name in rows.names)
    )
    time: ClassVar[str | None] = _OfInstance(
        None, lambda problem: None if problem.clock is None else plain_name(problem.clock)
    )
    forms: ClassVar[dict[str, Form]] = _OfInstance({}, lambda problem: problem.compiled.forms)
    linear: ClassVar[bool] = _OfInstance(False, lambda problem: problem.system.linearity.in_fields)
    has_lambda: ClassVar[bool] = _OfInstance(False, lambda problem: bool(problem.unknowns))
    lambda_range: ClassVar[tuple[float, float]] = _OfInstance(
        Problem.lambda_range, lambda problem: problem.bounds_of_unknown()
    )
    unknown: ClassVar[str] = _OfInstance("λ", lambda problem: next(iter(problem.unknowns), "λ"))

    @model_validator(mode="before")
    @classmethod
    def _example(cls, data: Any) -> Any:
        """The kind alone stands for an example; unknown numbers may be given by their start alone."""
        if not isinstance(data, dict):
            return data
        if not set(data) - {"kind"}:
            return cls.example | data
        unknowns = data.get("unknowns")
        if isinstance(unknowns, dict):
            given = {name: {"start": each} if isinstance(each, int | float | str) else each
                     for name, each in sorted(unknowns.items())}  # as JSON with sorted keys has them  # fmt: skip
            return data | {"unknowns": given}
        return data

    @model_validator(mode="before")
    @classmethod
    def _coordinates_of_a_domain(cls, data: Any) -> Any:
        """Beside a domain without time nobody needs to name coordinates that are called x, y and z."""
        given = data.get("domain", data.get("shape")) if isinstance(data, dict) else None
        blank = given is None or (isinstance(given, str) and not given.strip())
        if blank or "coordinates" in data or "limits" in data:
            return data
        dimension = getattr(given, "dimension", None) or _dimension(given)
        return data | {"coordinates": dict.fromkeys("xyz"[:dimension])} if dimension <= 3 else data

    @field_validator("shape", mode="before")
    @classmethod
    def _typed_domain(cls, given: Any) -> Any:
        """A domain may be typed, too."""
        try:
            return (read_domain(given) if given.strip() else None) if isinstance(given, str) else given
        except EquationError as error:
            raise ValueError("; ".join(fault.sentence.removeprefix("domain: ") for fault in error.faults)) from None

    @field_validator("limits")
    @classmethod
    def _one_order(cls, limits: dict) -> dict:
        return dict(sorted(limits.items()))

    @model_validator(mode="after")
    def _time_last(self) -> Equation:
        if self.clock in self.limits:
            ends = self.limits.pop(self.clock)
            self.limits[self.clock] = ends
        return self

    @model_validator(mode="after")
    def _is_sound(self) -> Equation:
        self.__dict__["shape"] = as_it_is(self.shape)  # frozen; its bytes stay those that were looked at
        if self.corners and (why := self._no_plane_box()):
            raise FieldsAtFault([(("corners",), f"they are of a box in the plane, and {why}; leave it empty")])
        try:
            with of_the_domain():
                how_met(checked(self.typed).system)
        except EquationError as error:
            raise at_their_fields(error, self.text) from None
        if self.layers:
            try:
                layers_of(self.shape, self.layers)
            except LabError as error:
                raise FieldsAtFault([(("layers",), str(error))]) from None
        if self.uses_data and not self.measured:
            raise ValueError("the dataset measures no field: all of them are found from data, or said to be without")
        if self.shape is not None:  # what the domain says is not said twice, so that it can be edited alone
            self.limits.update({name: None for name in self.limits if name != self.clock})
        return self

    def __hash__(self) -> int:
        return hash(self.typed)

    @property
    def text(self) -> SystemText:
        """The system as texts."""
        return SystemText(
            coordinates=self.limits,
            domain=self.shape,
            fields=self.unknown_fields,
            equations=self.equations,
            conditions=tuple((each.on, each.that) for each in self.conditions),
            time=self.clock,
            parameters=self.parameters,
            unknowns={name: each.start for name, each in self.unknowns.items()},
            exact=self.solution,
            starts=self.starts or {},
            coefficients=self.coefficients,
            has_data=self.uses_data,
            corners=self.corners is not None,
        )

    def _no_plane_box(self) -> str:
        """Why it is no box of two coordinates of space; empty where it is one."""
        if self.shape is not None:
            return "there is a domain, whose corners have functions anyway"
        space = [name for name in self.limits if name != self.clock]
        return "" if len(space) == PLANE else f"the coordinates of space are {', '.join(space) or 'none'}"

    @property
    def typed(self) -> Typed:
        """Its texts, as what is made of them is kept by."""
        return Typed(self.text, self.manufactured, self.smoothness is not None, self.layers)

    @property
    def system(self):
        """The system that was read."""
        return self.compiled.system

    @property
    def compiled(self) -> Compiled:
        """What its texts were made into."""
        return compiled(self.typed) if self._window is None else self._window

    @property
    def uses_data(self) -> bool:
        """See `Problem.uses_data`."""
        return self.dataset is not None

    @property
    def measured(self) -> tuple[str, ...]:
        """See `DataProblem.measured`."""
        without = {plain_name(name) for name in (*self.coefficients, *self.unmeasured)}
        return tuple(name for name in self.fields if name not in without) if self.uses_data else ()

    @property
    def pde_order(self) -> int:
        """Order of the highest derivative."""
        return self.compiled.order

    @property
    def inputs(self) -> int:
        """One for each coordinate, two for a periodic one that is not mirrored."""
        return self.compiled.inputs

    @property
    def periodic(self) -> tuple[int, ...]:
        """See `Problem.periodic`."""
        return tuple(k for k, name in enumerate(self.coordinates) if name in self.compiled.met.periodic)

    @property
    def circles(self) -> tuple[int, ...]:
        """See `Problem.circles`: none of a mirrored coordinate, of which it reads the cosine alone."""
        met = self.compiled.met
        both = [name in met.periodic and name not in met.mirrors for name in self.coordinates]
        return tuple(k + sum(both[:k]) for k, pair in enumerate(both) if pair)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """See `Problem.blocks`: of each hole of its domain."""
        return self.compiled.local.blocks(self.inputs)

    @property
    def reads_coordinates(self):
        return not self.compiled.met.periodic and not self.compiled.met.mirrors

    @property
    def narrow(self):
        return self.compiled.local.narrow

    @property
    def functions(self) -> tuple[Function, ...]:
        """See `Problem.functions`: of each hole and corner of its domain, and solutions of the equation itself."""
        return self.compiled.local.functions(self.inputs)

    @property
    def how_conditions_are_met(self) -> tuple[str, ...]:
        """A sentence for each field and place: built into the ansatz, periodic inputs, or rows."""
        return self.compiled.words

    def why_no_start(self):
        return "; ".join(self.compiled.cautions)

    def caution(self):
        said = [warning.sentence for warning in checked(self.typed).warnings]
        return "; ".join([*said, *self.compiled.cautions]) + "." if said or self.compiled.cautions else None

    def domain(self):
        frame = self.compiled.frame
        return tuple(frame.domain[name] for name in self.coordinates)

    @property
    def is_box(self):
        return self.system.frame.is_box

    def contains(self, points):
        region = self.system.frame.region
        return super().contains(points) if region is None else region.contains_well(points[:, : region.dimension])

    def holds(self, points):
        region = self.system.frame.region
        if region is None:
            return super().holds(points)
        return region.holds(points[:, : region.dimension])

    @property
    def places_without_value(self):
        space = self.system.names.space
        return tuple(dict(zip(space, place, strict=True)) for place in self.compiled.local.singular(self.pde_order))

    def collocation(self, unit):
        return self.compiled.collocation(unit)

    def collocation_towards_walls(self, unit):
        if self.is_box:
            return super().collocation_towards_walls(unit)
        return self.compiled.collocation(unit, walls=1.0)

    def integrals_on(self, points, block):
        return {name: Integral(name, matrix) for name, matrix in self.compiled.integrals(points).items()}

    def integrands(self, points, u, x, lam):
        return self.compiled.integrands(points, u, x, lam)

    def features(self, x, lam):
        return self.compiled.features(x)

    def ansatz(self, raw, x, lam):
        return self.compiled.ansatz(raw, x, lam)

    def residuals(self, points, u, x, lam):
        found = self.compiled.residuals(points, u, x, lam)
        smooth = self.compiled.smooth
        if points == "interior":
            return {name: self.smoothness * row if name in smooth else row for name, row in found.items()}
        weights = {f"condition {k}": each.weight for k, each in enumerate(self.conditions, start=1) if each.weight}
        if self.row_weight == 1 and not weights:
            return found
        labels = self.compiled.labels
        return {name: self.row_weight * weights.get(labels.get(name), 1.0) * row for name, row in found.items()}

    def exact(self, x):
        return self.compiled.exact(x)

    def lambda_start(self):
        return next(iter(self.system.unknowns.values()), None)

    def reference_lambda(self):
        return next((self.system.exact_unknowns[name] for name in self.system.unknowns
                     if name in self.system.exact_unknowns), None)  # fmt: skip

    @property
    def further_unknowns(self):
        starts = list(self.system.unknowns.values())[1:]
        return {plain_name(name): (start, *each.bounds) for (name, each), start in
                zip(list(self.unknowns.items())[1:], starts, strict=True)}  # fmt: skip

    def references_of_unknowns(self):
        return dict(self.system.exact_unknowns)

    def why_not_cut(self):
        return why_not_cut(self.system, self.compiled.met)

    def window(self, begin, end, start):
        found = self.model_copy()
        found._window = window_of(compiled(self.typed), begin, end, start)
        return found

    def left_at(self, moment, fields, rates, numbers=(), follows=()):
        return end_of(compiled(self.typed), moment, fields, rates, numbers, follows)

    @property
    def found_in_each_window(self):
        return found_in_each(self.system)

    @property
    def found_steady(self):
        return tuple(name for name in self.system.coefficients if self.time not in self.system.names.fields[name])

    @property
    def judged_names(self):
        smooth = self.compiled.smooth
        return tuple(name for name in self.residual_names if name not in smooth)

    @staticmethod
    def state_of(data):
        return Handed.of_plain(data)

    def bounds_of_unknown(self) -> tuple[float, float]:
        """Between which values the unknown number is."""
        return next((each.bounds for each in self.unknowns.values()), (-np.inf, np.inf))

    def continues(self, other):
        """Whether the networks of `other` can be read here: the same inputs, fields, operators and unknown."""
        return isinstance(other, Equation) and self._read_as() == other._read_as()

    def _read_as(self) -> tuple:
        return (
            self.coordinates,
            self.compiled.met.periodic,
            self.compiled.met.mirrors,
            self.fields,
            self.forms,
            self.has_lambda,
            tuple(self.further_unknowns),
            self.shape,
            self.layers,
            self.corners,
        )

    @classmethod
    def paths(cls):
        return ()
