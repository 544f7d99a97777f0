"""The description of a continuation: a path from the problem that a parent run solved to this run's own."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from core.errors import LabError
from core.frozen import Frozen
from core.problems import Problem

Share = Annotated[float, Field(gt=0, le=1)]


class Continuation(Frozen):
    """Before its first stage the run goes from the parent's problem to its own, along one parameter, in steps.

    Each step solves the problem at a value between by a few iterations of the first stage. A whole number, such as an
    order, goes by ones.
    """

    path: str = Field(
        min_length=1,
        max_length=60,
        description="The parameter of the problem in which the parent differs: `a` of gCLM, `viscosity`, `order`; "
        "`epsilon` leads from IPM to Boussinesq.",
    )
    first_step: Share = Field(0.1, description="Share of the way; a step that was easy doubles the next one.")
    smallest_step: Share = Field(
        0.002, description="A step that fails is halved; the run ends where it would be smaller than this."
    )
    iterations: int = Field(15, ge=2, le=10_000, description="Most iterations of a step; one that needs more failed.")
    target_residual: float = Field(
        1e-3, gt=0, le=1, description="A step is done when the residual (RMS at its points) is at most this."
    )

    @model_validator(mode="after")
    def _steps_can_shrink(self) -> Continuation:
        if self.smallest_step > self.first_step:
            raise ValueError(
                f"smallest_step: {self.smallest_step:g} is more than first_step, {self.first_step:g}; allowed: at most "
                "that"
            )
        return self


def start_of_path(name: str, problem: Problem, solved: Problem) -> Problem:
    """The problem at which a path along the parameter `name` to `problem` begins: what a parent `solved`.

    Raises LabError, in one line, where the path does not lead from there.
    """
    start = problem.relative(solved, name)
    if start is None:
        raise LabError(
            f"The parent run solves {solved.kind}, this one {problem.kind}: no path along {name} leads from one to the "
            "other."
        )
    begins, ends = start.along(name), problem.along(name)
    if begins is None:
        raise LabError(f"The parent has no value of {name}, so no path along it begins there.")
    if begins == ends:
        raise LabError(f"The parent has {name} = {begins:g} as this run has: take another value, or no continuation.")
    others = sorted(
        other
        for other in type(problem).model_fields
        if other != name and getattr(problem, other) != getattr(start, other)
    )
    if others:
        one = others[0]
        raise LabError(
            f"The path goes along {name} alone, and the parent differs in {', '.join(others)} too: it has {one} = "
            f"{getattr(start, one)!r}, this run {getattr(problem, one)!r}."
        )
    if not problem.continues(start):
        raise LabError(
            f"{problem.title}: profiles with another {name} are no start for each other (measured), so there is no "
            "path along it. Leave continuation empty."
        )
    return start
