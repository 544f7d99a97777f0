"""λ, or what else a problem looks for, with the digits that a certificate supports."""

from __future__ import annotations

from typing import Any

from core.errors import LabError
from core.problems import Problem
from core.runs import RunFolder
from core.singularity.certificate import certified, read
from core.singularity.digits import iterate_text, lambda_text


def unknown_text(folder: RunFolder, problem: Problem, about: dict[str, Any]) -> str:
    """A checkpoint's λ with the digits that its certificate supports; another unknown with ten digits.

    Args:
        folder: the run's.
        problem: of the run.
        about: of the run's sampled grid.
    """
    if not certified(problem):
        return f"{problem.unknown} = {iterate_text(about['lambda'])}"
    try:
        found = read(folder)
    except LabError:
        found = None
    same = found is not None and found.checkpoint_sha256 == about["checkpoint_sha256"]
    return f"λ {lambda_text(about['lambda'], found.lambda_uncertainty if same else None)}"


def claimed_lambda(folder: RunFolder, last: float) -> str:
    """λ of a run that has ended, with the digits that its certificate supports; without one, of its last iteration."""
    try:
        found = read(folder)
    except LabError:  # damaged, which is said beside it: no digit counts then
        found = None
    return found.lambda_text if found else lambda_text(last, None)
