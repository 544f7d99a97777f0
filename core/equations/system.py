"""A system of equations for fields on a domain, with conditions: as read, ready to be checked and solved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.equations.calculus import substituted
from core.equations.conditions import Condition
from core.equations.names import Names
from core.equations.places import Frame
from core.equations.reading import Equation
from core.equations.structure import Linearity, fields_in, linearity, needed_derivatives
from core.equations.tree import Expression, Unknown


@dataclass(frozen=True)
class System:
    """Equations for fields on a domain, with conditions; everything was read and names are sound."""

    frame: Frame
    equations: tuple[Equation, ...]
    conditions: tuple[Condition, ...] = ()
    exact: Mapping[str, Expression] = field(default_factory=dict)
    """Field → its exact solution, where it is known."""
    unknowns: Mapping[str, float] = field(default_factory=dict)
    """Unknown number → where its search starts."""
    exact_unknowns: Mapping[str, float] = field(default_factory=dict)
    coefficients: tuple[str, ...] = ()
    """Fields that are found from data: they need no equation and no condition."""
    has_data: bool = False
    """Whether data may make up for conditions."""
    has_dataset: bool = False
    starts: Mapping[str, Expression] = field(default_factory=dict)
    """Field → what its search starts from."""
    sources: tuple[Expression, ...] = ()
    """What was added to the right-hand side of each residual to make `exact` a solution; empty where nothing was."""

    @property
    def names(self) -> Names:
        """What may be named."""
        return self.frame.names

    @property
    def residuals(self) -> tuple[Expression, ...]:
        """Left less right of each equation's components, all zero for a solution."""
        return tuple(residual for equation in self.equations for residual in equation.residuals)

    @property
    def residual_labels(self) -> tuple[str, ...]:
        """Which equation each residual is of: `equation 2`, `equation 2, component 1`."""
        found: list[str] = []
        for i, equation in enumerate(self.equations, 1):
            count = len(equation.left)
            found.extend(f"equation {i}" + (f", component {j}" if count > 1 else "") for j in range(1, count + 1))
        return tuple(found)

    @property
    def linearity(self) -> Linearity:
        """Of equations and conditions together."""
        return linearity([*self.residuals, *(condition.residual for condition in self.conditions)])

    @property
    def derivatives(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        """Field → the derivatives that equations and conditions need."""
        return needed_derivatives(*self.residuals, *(condition.residual for condition in self.conditions))

    def at_exact(self, node: Expression) -> Expression | None:
        """An expression with the exact solution in the place of its fields; None where one isn't known."""
        present = {each.name for each in fields_in(node)}
        if not present <= set(self.exact):
            return None
        return substituted(node, {self.names.field(name): self.exact[name] for name in present})

    @property
    def known_leaves(self) -> dict[Expression, float]:
        """The exact values of unknowns, as leaf → value."""
        return {Unknown(name): value for name, value in self.exact_unknowns.items()}
