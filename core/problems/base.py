"""What a problem is: one PDE with its parameters, domain, ansatz, residuals and, where known, its exact solution.

A problem's file imports no torch at module level, so that the form and the queue can describe runs in milliseconds;
its methods receive jets and tensors and mostly need only their arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple, Protocol, Union, get_args, get_origin

import numpy as np
from pydantic import Field

from core.errors import LabError
from core.forms import Form, biharmonic, derivative, form_order, laplacian
from core.frozen import Extended, Frozen
from core.names import ValueNames, data_rows, value_names
from core.problems.axes import evenly

if TYPE_CHECKING:
    from torch import Tensor

    from core.jets import Jet

__all__ = [
    "Block",
    "DataProblem",
    "Form",
    "Integral",
    "Problem",
    "Samples",
    "State",
    "biharmonic",
    "derivative",
    "laplacian",
]


ROUNDING = 4
"""Units in the last place by which a measured point may lie outside the domain; it is taken to the domain's end."""


@dataclass(frozen=True)
class Integral:
    """A nonlocal quantity: a fixed matrix times a field's values at a point set."""

    field: str
    """The field that is integrated, by its name in what `ansatz` returns, or in `Problem.integrands`."""
    matrix: np.ndarray
    """(m, n), from the field at n points to the quantity at m."""


AT_PLACE = 1e-9
"""Part of the domain's extent by which a point may be off a place and still means it."""


@dataclass(frozen=True)
class Samples:
    """Measured values that a solution is fitted to."""

    points: np.ndarray
    """(n, d), inside the domain."""
    values: dict[str, np.ndarray]
    """Field → (n,)."""
    weight: float = 1.0
    """Factor of their rows beside those of the equations."""

    def between(self, coordinate: int, low: float, high: float, first: bool) -> Samples | None:
        """Those with low < x ≤ high along a coordinate, also with low = x where `first`; None where there is none."""
        along = self.points[:, coordinate]
        chosen = (along <= high) & ((along >= low) if first else (along > low))
        if not chosen.any():
            return None
        return Samples(self.points[chosen], {name: each[chosen] for name, each in self.values.items()}, self.weight)


class State(Protocol):
    """Fields at one moment, from which a window of time begins."""

    def plain(self) -> dict[str, Any]:
        """As numbers, texts and tensors alone, for a checkpoint."""


FieldsAt = Callable[[np.ndarray], dict[str, np.ndarray]]
"""Fields (n,) by name at points (n, d)."""
Follows = tuple[FieldsAt, FieldsAt]
"""How fields, and their derivatives in time, change with an unknown number."""


INTERIOR = "interior"
"""The set of points in which the equations are asked for throughout the domain."""


class Block(NamedTuple):
    """Inputs that some features of a domain's own read."""

    places: tuple[int, ...]
    """In what `Problem.features` gives: what networks don't read by themselves stands behind the first `inputs`."""
    weight: float = 1.0
    """How many features it has beside other blocks."""


class Function(NamedTuple):
    """A function of a domain's own."""

    place: int
    """In what `Problem.features` gives."""
    exponent: float
    """m of r^m sin mθ at a corner; 0 of what is no corner's."""
    digits: float | None = None
    """Of a solution of the equation itself: from how many digits of accuracy on it is felt."""
    replaced: bool = False
    """Whether such solutions do better what it does."""
    field: int | None = None
    """Which output alone reads it; None: all."""


class Narrow(NamedTuple):
    """Where a solution changes within a short length along a coordinate."""

    coordinate: int
    at: float
    width: float


class Problem(Frozen):
    """One PDE. Subclasses set the class attributes, their own parameters as fields, and the methods below."""

    kind: str
    title: ClassVar[str]
    equation: ClassVar[str]
    """The equation and its conditions in LaTeX, as the Launch page shows it."""
    source: ClassVar[str] = ""
    coordinates: ClassVar[tuple[str, ...]]
    fields: ClassVar[tuple[str, ...]]
    residual_names: ClassVar[tuple[str, ...]]
    """Keys that `residuals` returns, over all point sets."""
    time: ClassVar[str | None] = None
    """The coordinate that is time, if one is."""
    forms: ClassVar[dict[str, Form]] = {}
    """Operators of order 2 to 4 that the residuals use, by name; only these are propagated, and what is below them."""
    linear: ClassVar[bool] = False
    """Whether `residuals` is affine in the fields; first-order training is then faster."""
    has_lambda: ClassVar[bool] = False
    lambda_range: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    """Between these λ means something; no step may leave them."""
    lambda_known_to: ClassVar[float] = 0.0
    """Within this of one of `other_lambdas`, a λ is that one."""
    features_follow_lambda: ClassVar[bool] = True
    """Whether features move with λ while it is solved for; else each stage keeps those of the λ it began with, which
    makes a stage that is linear in its weights nearly linear in λ too."""
    origin_condition: ClassVar[str | None] = None
    """The residual whose value at the first point of the set `interior`, the origin, fixes λ; None if none does."""
    integral_names: ClassVar[tuple[str, ...]] = ()
    """Nonlocal quantities, which `residuals` finds in `u` as tensors beside the fields' jets."""
    gauge: ClassVar[str] = ""
    """What fixes the freedom that the equation leaves, such as a dilation, in words; empty where it leaves none."""
    unknown: ClassVar[str] = "λ"
    """What the unknown is called where people read; in code it is λ for every problem that has one."""

    @property
    def pde_order(self) -> int:
        """Order of the equation: that of the highest derivative in `forms`, 2 where nothing else is said."""
        return max(map(form_order, self.forms.values()), default=2)

    @property
    def row_names(self) -> tuple[str, ...]:
        """Names of everything that training makes small: the residuals, and data where there is any."""
        return self.residual_names

    @property
    def value_names(self) -> ValueNames:
        """What residuals, exact values and errors are called beside the fields."""
        return value_names(self.fields, self.residual_names)

    @property
    def data_rows(self) -> dict[str, str]:
        """Field → name of the rows of its measured values: `data_FIELD`."""
        return data_rows(self.fields, self.residual_names)

    @property
    def outputs(self) -> int:
        """Number of outputs of the network, by default one for each field."""
        return len(self.fields)

    @property
    def inputs(self) -> int:
        """Number of features the network reads, by default one for each coordinate."""
        return len(self.coordinates)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What features of the domain's own read, such as a hole's inverted coordinates, each block by itself."""
        return ()

    @property
    def functions(self) -> tuple[Function, ...]:
        """Functions of the domain's own, such as r^m sin mθ of a corner; those with the exponent 0 come first."""
        return ()

    @property
    def uses_data(self) -> bool:
        """Whether it is fitted to a dataset beside its equations."""
        return False

    @property
    def periodic(self) -> tuple[int, ...]:
        """Places of the coordinates in which all is periodic, and which have no walls."""
        return ()

    @property
    def reads_coordinates(self) -> bool:
        """Whether the network's inputs are the coordinates, each from −1 to 1, and nothing made of them."""
        return type(self).features is Problem.features

    @property
    def narrow(self) -> tuple[Narrow, ...]:
        """Where a solution changes within a short length, as far as the problem itself tells."""
        return ()

    @property
    def circles(self) -> tuple[int, ...]:
        """Places of the cosines of such coordinates among the network's inputs; each one's sine is the next."""
        return ()

    def domain(self) -> tuple[tuple[float, float], ...]:
        """Lower and upper end of each coordinate."""
        raise NotImplementedError

    def axis(self, index: int, n: int) -> np.ndarray:
        """`n` increasing positions (n,) along coordinate `index`, ends included: the grid used for plots and errors."""
        low, high = self.domain()[index]
        return evenly(low, high, n)

    def collocation(self, unit: np.ndarray) -> dict[str, np.ndarray]:
        """Map points of the unit cube (n, d) to point sets: name → (n_i, d). By default one set over the domain."""
        low, high = np.array(self.domain()).T
        return {"interior": low + (high - low) * unit}

    def collocation_towards_walls(self, unit: np.ndarray) -> dict[str, np.ndarray]:
        """What `collocation` gives, denser towards the walls of the domain.

        By the arcsine law, under which least squares by polynomials is stable (Cohen and Migliorati, SMAI JCM 3, 2017).
        """
        pulled = (1 - np.cos(np.pi * unit)) / 2
        pulled[:, self.periodic] = unit[:, self.periodic]  # no wall is there
        return self.collocation(pulled)

    @property
    def is_box(self) -> bool:
        """Whether all of the box of `domain` is where the equations hold."""
        return True

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Whether points (n, d) of the box of `domain` lie inside; all do where nothing else is said."""
        return np.ones(len(points), bool)

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Whether points (n, d) lie inside or, but for rounding, on the boundary."""
        return np.ones(len(points), bool)

    @property
    def places_without_value(self) -> tuple[dict[str, float], ...]:
        """Coordinates of points at which the equations have no value though the solution has one.

        Such as a re-entrant corner, where second derivatives of r^{2/3} are beyond all bounds.
        """
        return ()

    def lacks_value(self, points: np.ndarray) -> np.ndarray:
        """Whether points (n, d) are such places, but for rounding."""
        found = np.zeros(len(points), bool)
        for place in self.places_without_value:
            columns = [self.coordinates.index(name) for name in place]
            ends = np.array([self.domain()[k] for k in columns])
            off = np.linalg.norm(points[:, columns] - np.array(list(place.values())), axis=1)
            found |= off <= AT_PLACE * np.ptp(ends, axis=1).max()
        return found

    def integrals(self, targets: np.ndarray, sources: np.ndarray) -> dict[str, Integral]:
        """For each of `integral_names`, the matrix from a field at `sources` (n, d) to it at `targets` (m, d).

        A point set of a nonlocal problem holds both: its first points, `asked` of them, are where the equations are
        asked for, and all of them are sources.
        """
        return {}

    def asked(self, points: np.ndarray) -> int:
        """At how many of a point set's points, the first ones, the equations are asked for."""
        return len(points)

    def integrals_on(self, name: str, points: np.ndarray) -> dict[str, Integral]:
        """The integrals that take part on the point set `name`, (n, d), by default `integral_names` on every one.

        Their matrices are (m, n): the rows are asked for at the first m points, 0 < m < n.
        """
        return self.integrals(points[: self.asked(points)], points) if self.integral_names else {}

    def integrands(self, name: str, u: dict[str, Jet], x: tuple[Jet, ...], lam: Tensor | None) -> dict[str, Tensor]:
        """What is integrated on the point set `name`, (n,), by `Integral.field`: by default the fields."""
        return {key: jet.value for key, jet in u.items()}

    def sources(self) -> np.ndarray:
        """Points (n, d) to integrate over when the solution is evaluated away from its training points."""
        raise NotImplementedError

    def features(self, x: tuple[Jet, ...], lam: Tensor | None) -> list[Jet]:
        """What the network reads, as jets of shape (n,): by default each coordinate scaled to [−1, 1].

        Behind the first `inputs` there may be those of `blocks` and `functions`.
        """
        return [
            (jet - (low + high) / 2) * (2 / (high - low)) for jet, (low, high) in zip(x, self.domain(), strict=True)
        ]

    def ansatz(self, raw: tuple[Jet, ...], x: tuple[Jet, ...], lam: Tensor | None) -> dict[str, Jet]:
        """Fields that meet the hard constraints by construction, from the network's raw outputs; affine in `raw`.

        Further entries, that are no fields, may carry what `residuals` needs to avoid cancellation.
        """
        raise NotImplementedError

    def residuals(self, points: str, u: dict[str, Jet], x: tuple[Jet, ...], lam: Tensor | None) -> dict[str, Tensor]:
        """Residuals (n,) of the equations on the point set named `points`, each divided by its natural scale."""
        raise NotImplementedError

    def exact(self, x: np.ndarray) -> dict[str, np.ndarray] | None:
        """Exact fields (n,) at the points (n, d), or None where no closed form is known."""
        return None

    def guess(self, x: np.ndarray) -> np.ndarray | None:
        """Raw outputs (n, outputs) at points (n, d), from which a first stage linear in its weights starts, or None."""
        return None

    def lambda_start(self) -> float | None:
        """Where a search for λ starts."""
        return None

    @property
    def further_unknowns(self) -> dict[str, tuple[float, float, float]]:
        """Unknown numbers beside λ: name → where its search starts, and what it stays between."""
        return {}

    def references_of_unknowns(self) -> dict[str, float]:
        """Values of unknown numbers, λ's among them by its name, as known exactly."""
        known = self.reference_lambda() if self.has_lambda else None
        return {} if known is None else {self.unknown: known}

    def lambda_start_source(self) -> str:
        """Where `lambda_start` is from, in a few words: an empirical law, a published value."""
        return "the problem's own"

    def reference_lambda(self) -> float | None:
        """λ as known exactly or published."""
        return None

    def continues(self, other: Problem) -> bool:
        """Whether a solution of `other`, the same equation with other parameters, is a start for this problem's."""
        return True

    def why_not_cut(self) -> str:
        """Why its time can't be cut into windows, in a sentence without its full stop; empty where it can."""
        return "windows go with equations that are typed (kind equation)"

    def window(self, begin: float, end: float, start: State | None) -> Problem:
        """The problem between two moments, from its own beginning or from the state at which another window ended."""
        raise NotImplementedError

    def left_at(
        self,
        moment: float,
        fields: FieldsAt,
        rates: FieldsAt,
        numbers: Sequence[float] = (),
        follows: Sequence[Follows] = (),
    ) -> tuple[State, float]:
        """The state of a window at its end, and what it may be off by, over the fields' largest value.

        Args:
            moment: the window's end.
            fields: the solution's fields (n,) at points (n, d).
            rates: their derivatives in time likewise.
            numbers: unknown numbers of the equation that the solution is for.
            follows: how fields and rates change with each of them.
        """
        raise NotImplementedError

    @property
    def found_in_each_window(self) -> tuple[str, ...]:
        """Fields that each window of time finds from its own data, so that it has to have some."""
        return ()

    @property
    def found_steady(self) -> tuple[str, ...]:
        """Those of them that do not depend on time, so that all windows should find the same."""
        return ()

    @property
    def judged_names(self) -> tuple[str, ...]:
        """Names of the residuals that say how well a window solves its equations."""
        return self.residual_names

    @staticmethod
    def state_of(data: dict[str, Any]) -> State:
        """A state from what its `plain` gave."""
        raise NotImplementedError

    @classmethod
    def paths(cls) -> tuple[str, ...]:
        """Names of the parameters that a continuation may go along: the numbers among its own."""
        return tuple(name for name, field in cls.model_fields.items() if _numeric(field.annotation) is not None)

    @classmethod
    def is_whole(cls, name: str) -> bool:
        """Whether a parameter takes whole numbers alone."""
        return _numeric(cls.model_fields[name].annotation) is int

    def along(self, name: str) -> float | None:
        """The value of one of `paths`; None where it has none."""
        return getattr(self, name)

    def relative(self, other: Problem, name: str) -> Problem | None:
        """`other` as a problem of this kind, from which a path along the parameter `name` leads here.

        None where it is of another family.
        """
        return other if other.kind == self.kind else None

    def taken_over(self, other: Problem, raw: Sequence[Jet], x: tuple[Jet, ...], lam: Tensor | None) -> list[Tensor]:
        """Raw outputs (n,) of this problem's network, from those of `other`, one of its relatives, at points `x`."""
        return [jet.value for jet in raw]

    def found_by_nobody(self) -> bool:
        """Whether nobody has found a solution of these parameters, so that there may be none."""
        return False

    def other_lambdas(self) -> dict[int, float]:
        """Order → λ of the known profiles of this equation that are of another order than this one."""
        return {}

    def mistaken(self, lam: float) -> str | None:
        """What a λ that was found is in truth, in one sentence, where it is known to be that of another profile."""
        for order, known in self.other_lambdas().items():
            if abs(lam - known) < self.lambda_known_to:
                there = f"λ = {lam:.7g} is that of the known profile of order {order}"
                return f"{there}: none of order {self.order} was found"
        return None

    @property
    def how_conditions_are_met(self) -> tuple[str, ...]:
        """A sentence for each condition, where the problem can say so: by its ansatz, its inputs or rows."""
        return ()

    def why_no_start(self) -> str:
        """Why a search can't begin at its ansatz alone, in a sentence without its full stop; empty where it can."""
        return ""

    def caution(self) -> str | None:
        """What a visitor must know before believing a run of these parameters, in one sentence; mostly nothing."""
        return None

    def samples(self) -> Samples | None:
        """Measured values to fit that the problem itself knows; those of a dataset are `DataProblem.samples_in`'s."""
        return None


def _numeric(annotation: Any) -> type | None:
    """The type, int or float, of a field that holds a number or may be empty; None for all else."""
    if annotation in (int, float):
        return annotation
    if get_origin(annotation) is Annotated:
        return _numeric(get_args(annotation)[0])
    if get_origin(annotation) not in (Union, UnionType):
        return None
    kinds = {_numeric(part) for part in get_args(annotation) if part is not type(None)}
    return kinds.pop() if len(kinds) == 1 else None


def digits(value: float) -> str:
    """A number with as many digits as tell it from its neighbours: 1, 0.1, 1.0000001."""
    short = f"{value:g}"
    return short if float(short) == value else repr(float(value))


class DataProblem(Problem, Extended):
    """A problem that also learns from a dataset with one column for each coordinate and each field."""

    added: ClassVar[frozenset[str]] = frozenset({"dataset_columns"})

    dataset: str = Field(
        min_length=1, max_length=200, title="Dataset", description="File in the lab's data folder; see Datasets."
    )
    dataset_version: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = Field(
        None,
        title="Version of the dataset",
        description="Its Git blob id. Empty: the file as it is at launch, which the run then keeps.",
    )
    dataset_columns: Annotated[str, Field(max_length=10_000)] | None = Field(
        None,
        title="Columns of the dataset",
        description="What its columns stand for, as in `x (mm)=x*0.001; time=t; usol=u`. Empty: what was said when it "
        "was added, or what they are called.",
    )
    data_weight: float = Field(
        1.0, gt=0, le=1e6, title="Weight of the data", description="Factor of the data's rows beside the equations'."
    )

    @property
    def uses_data(self) -> bool:
        """See `Problem.uses_data`."""
        return True

    @property
    def measured(self) -> tuple[str, ...]:
        """The fields of which the dataset has a column."""
        return self.fields

    @property
    def row_names(self) -> tuple[str, ...]:
        """The residuals' names, and those of the data's rows."""
        return (*self.residual_names, *(self.data_rows[name] for name in self.measured))

    def samples_in(self, table: Mapping[str, np.ndarray]) -> Samples:
        """The rows of its dataset that it is fitted to.

        Args:
            table: columns (n,) of the dataset.

        Raises:
            LabError: it lacks a column, or has points outside the domain.
        """
        wanted = (*self.coordinates, *self.measured)
        missing = [name for name in wanted if name not in table]
        if missing:
            raise LabError(
                f"The dataset {self.dataset!r} has no column {', '.join(missing)}; it has {', '.join(table)}. "
                f"{self.title} needs {', '.join(wanted)}."
            )
        points = np.stack([table[name] for name in self.coordinates], axis=1)
        for name, (low, high), column in zip(self.coordinates, self.domain(), points.T, strict=True):
            end = np.abs([end for end in (low, high) if np.isfinite(end)]).max(initial=0)
            with np.errstate(over="ignore"):
                single = np.float32(end) if np.array_equal(column, column.astype(np.float32)) else end
            rounding = ROUNDING * float(np.spacing(single))  # of single precision, where the file's numbers are
            if column.min() < low - rounding or column.max() > high + rounding:
                raise LabError(
                    f"The dataset {self.dataset!r} has {name} from {digits(column.min())} to {digits(column.max())}; "
                    f"{self.title} is solved for {name} from {digits(low)} to {digits(high)}. "
                    "Rescale it or leave rows out."
                )
            np.clip(column, low, high, out=column)
        return Samples(points, {name: table[name].copy() for name in self.measured}, self.data_weight)
