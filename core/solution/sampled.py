"""What all sampled solutions have in common: values by name, what they are, and how good they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.names import ValueNames
from core.problems.base import AT_PLACE
from core.problems.exact_error import NAMED, exact_error, places_of

WITHOUT_VALUE = "equations_have_no_value_at"
"""What a sample says of itself: the places at which equations and derivatives are beyond all bounds."""


def places_text(places: Iterable[Mapping[str, float]]) -> str:
    """Places as `x = 0, y = 0; x = 1, y = 0`, with all digits."""
    return "; ".join(", ".join(f"{name} = {float(value)!r}" for name, value in place.items()) for place in places)


def places_in(text: str) -> list[dict[str, float]]:
    """What `places_text` wrote."""
    parts = [[each.partition(" = ") for each in place.split(", ")] for place in text.split("; ") if place]
    return [{name: float(value) for name, _, value in place} for place in parts]


@dataclass(frozen=True)
class Accuracy:
    """Numbers over the points of a grid; NaN where a value is not finite."""

    max_residual: float | None
    relative_l2_error: float | None
    """‖u − u_exact‖₂ / ‖u_exact‖₂ over the points, all fields together."""
    max_error: float | None
    not_finite: int
    """Values that are NaN or infinite, but for those at places where equations have none."""
    exact_gap: str = ""
    """Where the exact solution has no value, so that errors are over the rest; empty where it has one everywhere."""
    equation_gap: str = ""
    """Where the equations have no value, so that residuals are over the rest; empty where they have one everywhere."""


class Sampled:
    """Fields, residuals, exact values and errors at points. Subclasses are dataclasses with at least these fields."""

    coordinates: tuple[str, ...]
    values: dict[str, np.ndarray]
    about: dict[str, object]
    """What it says of itself: run, problem, config, checkpoint, λ."""
    blow_ups: tuple[str, ...]
    """Names of the values that are a blow-up in physical time: they run through powers of ten along the grid."""
    names: ValueNames | None
    """Which values are residuals, exact ones and errors; without it they are known by how their names begin and end."""

    def __post_init__(self) -> None:
        if self.names is None:
            object.__setattr__(self, "names", _guessed(self.values))

    def coordinates_of_points(self) -> np.ndarray:
        """All points (N, d), in the order of `values[...].ravel()`."""
        raise NotImplementedError

    def _of_domain(self, values: np.ndarray) -> np.ndarray:
        """Values at the points in the domain alone, (n,)."""
        return values.reshape(-1)

    def _places(self, indices: np.ndarray) -> list[str]:
        return places_of(self.coordinates, self.coordinates_of_points())(indices)

    def is_error(self, name: str) -> bool:
        """Whether a value is the distance of a field from its exact one; a field may be called an error, too."""
        return name in self.names.errors.values()

    def exact_of(self, field: str) -> np.ndarray | None:
        """The exact values of a field, where they are known."""
        return self.values.get(self.names.exact.get(field))

    @property
    def residuals(self) -> dict[str, np.ndarray]:
        """The residuals among the values."""
        return {name: value for name, value in self.values.items() if name in self.names.residuals.values()}

    def around_zero(self, name: str) -> bool:
        """Whether zero is the middle that matters, and sizes are worth a logarithm: residuals, errors and blow-ups."""
        return name in self.names.residuals.values() or self.is_error(name) or name in self.blow_ups

    def accuracy(self) -> Accuracy:
        """How far the sampled solution is from the equations, and from the exact solution where one is known.

        Found once: all values are gone through, and a page asks again with each of its runs.
        """
        return self._accuracy

    @cached_property
    def _accuracy(self) -> Accuracy:
        of = {name: self._of_domain(value) for name, value in self.values.items()}
        lacking = self._of_domain(self.lacks_value())
        residuals = [of[name][~lacking] for name in self.residuals]
        pairs = [(of[error], of[self.names.exact[name]]) for name, error in self.names.errors.items() if error in of]
        counted = {name: value[~lacking] if self._of_derivatives(name) else value for name, value in of.items()}
        not_finite = int(sum((~np.isfinite(value)).sum() for value in counted.values()))
        some = [np.abs(value).max() for value in residuals if value.size]
        largest = float(np.max(some)) if some else None  # NaN where one is
        gap = self._equation_gap(lacking) if residuals else ""
        if not pairs:
            return Accuracy(largest, None, None, not_finite, equation_gap=gap)
        errors, exact = ({str(i): pair[k] for i, pair in enumerate(pairs)} for k in (0, 1))
        error = exact_error(errors, exact, self._places)
        return Accuracy(largest, error.relative_l2, error.largest, not_finite, error.gap, gap)

    def lacks_value(self) -> np.ndarray:
        """Whether equations have no value at a point though the solution has one, of the shape of a value."""
        shape = next(iter(self.values.values())).shape if self.values else (0,)
        found = np.zeros(int(np.prod(shape)), bool)
        places = places_in(str(self.about.get(WITHOUT_VALUE, "")))
        points = self.coordinates_of_points() if places else np.empty((0, 0))
        names = self.coordinates if getattr(self, "times", None) is None else (*self.coordinates, self.time)
        for place in places:
            if set(place) <= set(names):
                columns = points[:, [names.index(name) for name in place]]
                off = np.linalg.norm(columns - np.array(list(place.values())), axis=1)
                found |= off <= AT_PLACE * np.ptp(columns, axis=0).max(initial=0)
        return found.reshape(shape)

    def _of_derivatives(self, name: str) -> bool:
        """Whether a value is made of derivatives: a residual, or a formula, which may be."""
        fields = (*self.names.exact.values(), *self.names.errors.values(), *self.names.exact)
        return name in self.names.residuals.values() or name not in fields

    def _equation_gap(self, lacking: np.ndarray) -> str:
        places = str(self.about.get(WITHOUT_VALUE, "")).split("; ")
        if not lacking.any():
            return ""
        named = "; ".join(places[:NAMED]) + ("; …" if len(places) > NAMED else "")
        return (
            f"derivatives are beyond all bounds at {lacking.sum():,} of {lacking.size:,} points ({named}): "
            "residuals are over the others"
        )


def _guessed(values: Iterable[str]) -> ValueNames:
    names = list(values)
    pairs = [name.removesuffix("_error") for name in names if name.endswith("_error")]
    pairs = [name for name in pairs if f"{name}_exact" in names]
    return ValueNames(
        {name.removeprefix("residual_"): name for name in names if name.startswith("residual_")},
        {name: f"{name}_exact" for name in pairs},
        {name: f"{name}_error" for name in pairs},
    )
