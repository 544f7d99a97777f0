"""What a run takes over from the solution of another: its sum of stages, and where λ starts."""

from __future__ import annotations

from collections.abc import Callable

from core.config import RunConfig, start_of_path
from core.errors import LabError
from core.networks.solution import Solution
from core.problems import Problem


def start_from(config: RunConfig, solved: Problem, solution: Solution, say: Callable[[str], None]) -> Solution | None:
    """A parent's solution as the start of a run, or None where its profile is no start for the run's problem.

    Args:
        config: the run.
        solved: the problem that the parent solved.
        solution: the parent's; it becomes the start.
        say: receives a line where the solution is not used.

    Raises:
        LabError: the parent solves another equation, or the run's path does not begin at its problem.
    """
    problem = config.problem
    if config.continuation is not None:
        return _start_of_path(config, solved, solution)
    if solved.kind != problem.kind:
        raise LabError(
            f"The parent run solves {solved.kind}, this one {problem.kind}: a next stage needs the same problem."
        )
    if not problem.continues(solved):
        say("the parent's profile is no start for this one: the search starts from the problem's own guess")
        return None
    solution.problem = problem
    solution.free_unknowns(False)  # this run says when they are released
    if solution.lam is not None and solved != problem:
        # another order or another a has another λ; a search would drift back to the parent's from there
        start = config.lambda_.start if config.lambda_.start is not None else problem.lambda_start()
        solution.lam.data.fill_(start)
        for place, (further, *_) in enumerate(problem.further_unknowns.values()):
            solution.further.data[place] = further
    return solution


def _start_of_path(config: RunConfig, solved: Problem, solution: Solution) -> Solution:
    """The parent's solution of its own problem, with its own λ: where the path begins."""
    start_of_path(config.continuation.path, config.problem, solved)
    if solved.kind != config.problem.kind and not config.stages[0].is_linear:
        raise LabError(
            f"From {solved.kind} to {config.problem.kind} a path needs a first stage that is linear in its weights: "
            "chebyshev, splines, or fourier without hidden layers."
        )
    solution.free_unknowns(False)
    return solution
