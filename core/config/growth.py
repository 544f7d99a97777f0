"""The description of growth: features, points, stages and σ that settle by themselves after the stages of a config."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from core.frozen import Frozen
from core.problems import Problem


class Growth(Frozen):
    """After the stages, features and points double while that leaves less of the equations at points not trained on.

    What was chosen becomes stages of the config in force, which has no growth: a replay searches for nothing.
    """

    target: float = Field(
        1e-13, gt=0, le=1, description="Enough is left out (RMS at points not trained on) once it is at most this."
    )
    seconds: float = Field(
        140, gt=0, le=1e7, description="A step is not begun that would take the training beyond so many seconds."
    )
    most_features: int = Field(20_000, ge=8, le=20_000, description="Rows of B at most.")


def why_no_growth(problem: Problem) -> str:
    """Why the features of a problem can't grow by what is left of its equations elsewhere; empty where they can."""
    if problem.has_lambda:
        return f"it has an unknown, {problem.unknown}, and features grow only where the equation is known as a whole"
    if problem.integral_names:
        return "it has integrals over all its points, whose number decides their error"
    if problem.uses_data:
        return "it is fitted to data, and more features would fit their noise"
    return ""


def _automatic(value: Any) -> Any:
    if isinstance(value, str) and value != "auto":
        raise ValueError("allowed: auto, or a mapping of target, seconds and most_features")
    return {} if value == "auto" else value


AnyGrowth = Annotated[Growth, BeforeValidator(_automatic)]
"""`auto` is growth with all its defaults."""
