"""What all sampled solutions have in common: values by name, what they are, and how good they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from core.names import ValueNames
from core.problems.exact_error import exact_error, places_of


@dataclass(frozen=True)
class Accuracy:
    """Numbers over the points of a grid; NaN where a value is not finite."""

    max_residual: float | None
    relative_l2_error: float | None
    """‖u − u_exact‖₂ / ‖u_exact‖₂ over the points, all fields together."""
    max_error: float | None
    not_finite: int
    """Values that are NaN or infinite."""
    exact_gap: str = ""
    """Where the exact solution has no value, so that errors are over the rest; empty where it has one everywhere."""


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
        """How far the sampled solution is from the equations, and from the exact solution where one is known."""
        of = {name: self._of_domain(value) for name, value in self.values.items()}
        residuals = [of[name] for name in self.residuals]
        pairs = [(of[error], of[self.names.exact[name]]) for name, error in self.names.errors.items() if error in of]
        not_finite = int(sum((~np.isfinite(value)).sum() for value in of.values()))
        largest = float(np.max([np.abs(value).max() for value in residuals])) if residuals else None  # NaN where one is
        if not pairs:
            return Accuracy(largest, None, None, not_finite)
        errors, exact = ({str(i): pair[k] for i, pair in enumerate(pairs)} for k in (0, 1))
        error = exact_error(errors, exact, self._places)
        return Accuracy(largest, error.relative_l2, error.largest, not_finite, error.gap)


def _guessed(values: Iterable[str]) -> ValueNames:
    names = list(values)
    pairs = [name.removesuffix("_error") for name in names if name.endswith("_error")]
    pairs = [name for name in pairs if f"{name}_exact" in names]
    return ValueNames(
        {name.removeprefix("residual_"): name for name in names if name.startswith("residual_")},
        {name: f"{name}_exact" for name in pairs},
        {name: f"{name}_error" for name in pairs},
    )
