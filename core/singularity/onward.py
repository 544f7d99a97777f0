"""The configs that go on from a profile that was found: one unstable mode more, another a, from IPM to Boussinesq."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.config import Continuation, RunConfig
from core.errors import LabError
from core.presets import presets
from core.problems import Problem
from core.problems.boussinesq import Boussinesq
from core.problems.gclm import GCLM
from core.problems.ipm import IPM
from core.singularity import similarity

NEXT_A = 0.05
"""From one a to the next that is offered; any other can be typed, since a path leads there."""

NEAR = 1e-2
"""Residual at which a step to the next order is done: λ is held there, where the law says it is, a little off."""


@dataclass(frozen=True)
class Way:
    """A way on from a run."""

    label: str
    """Of its button."""
    icon: str
    words: str
    """What the form holds then, before the words `from the solution of run …`."""
    config: Callable[[RunConfig, str], RunConfig]
    """The config, of that of a run and its id. Raises LabError where the way does not lead on from there."""
    leads: Callable[[Problem], bool]
    """Whether it leads on from a problem."""


def next_order_config(config: RunConfig, run_id: str) -> RunConfig:
    """The preset of the run's equation at the next order, else the run's own config, with the run as its start.

    Raises LabError where there is no next order.
    """
    problem = similarity.next_order(config.problem)
    if problem is None:
        n = similarity.order(config.problem)
        why = "it has no orders" if n is None else f"order {n} is the highest that is offered"
        raise LabError(f"There is no next order of {config.problem.title}: {why}.")
    ready = _ready(config, problem)
    # what the preset leaves to the problem depends on the order, and what a run was given was for its own
    searched = ready.problem.model_copy(update={"order": problem.order})
    path = Continuation(path="order", target_residual=NEAR) if similarity.is_plane_profile(problem) else None
    return _onward(ready, run_id, searched, f"n = {problem.order}", path)


def next_a_config(config: RunConfig, run_id: str) -> RunConfig:
    """A gCLM a little farther from a = 0, where it is exact, by a path along a. Raises LabError for another problem."""
    problem = _next_a(config.problem)
    if problem is None:
        raise LabError(f"There is no next a of {config.problem.title}: it has none, or a is at its end.")
    return _onward(_ready(config, problem), run_id, problem, f"a = {problem.a:g}", Continuation(path="a"))


def to_boussinesq_config(config: RunConfig, run_id: str) -> RunConfig:
    """Boussinesq of the order of a run of IPM, by a path along ε. Raises LabError for another problem."""
    if not isinstance(config.problem, IPM):
        raise LabError(f"From {config.problem.title} no path leads to Boussinesq: it begins at a run of IPM.")
    problem = Boussinesq(order=config.problem.order)
    which, path = f"n = {problem.order}, from IPM", Continuation(path="epsilon")
    return _onward(_ready(config, problem), run_id, problem, which, path)


def _next_a(problem: Problem) -> GCLM | None:
    if not isinstance(problem, GCLM):
        return None
    a = round(problem.a + (NEXT_A if problem.a > 0 else -NEXT_A), 10)
    low, high = (getattr(item, side) for side, item in zip(("ge", "le"), GCLM.model_fields["a"].metadata, strict=True))
    return problem.model_copy(update={"a": a}) if low <= a <= high else None


def _ready(config: RunConfig, problem: Problem) -> RunConfig:
    """The preset of a problem's equation with the kind of layers that a run has; the run's own config without one."""
    offered = [item.config for item in presets().values() if item.kind == problem.kind]
    alike = [ready for ready in offered if _polynomial(ready) == _polynomial(config)]
    return next(iter([*alike, *offered, config]))


def _polynomial(config: RunConfig) -> bool:
    return any(stage.chebyshev is not None for stage in config.stages)


def _onward(ready: RunConfig, run_id: str, problem: Problem, which: str, path: Continuation | None = None) -> RunConfig:
    """A ready config for a problem, with a run as its start and a name that says which one it is."""
    return ready.model_copy(
        update={
            "problem": problem,
            "lambda_": ready.lambda_.model_copy(update={"start": None}),
            "parent": run_id,
            "parent_checkpoint": None,
            "continuation": path,
            "name": f"{ready.name or problem.kind}, {which}",
        }
    )


WAYS = {
    "next_order": Way(
        "Launch the next order from here",
        ":material/stairs:",
        "The next order, as a warm start",
        next_order_config,
        lambda problem: similarity.next_order(problem) is not None,
    ),
    "next_a": Way(
        "Launch the next a from here",
        ":material/stairs:",
        "The next a, along a path,",
        next_a_config,
        lambda problem: _next_a(problem) is not None,
    ),
    "to_boussinesq": Way(
        "To Boussinesq",
        ":material/alt_route:",
        "Boussinesq of the same order, along a path in ε,",
        to_boussinesq_config,
        lambda problem: isinstance(problem, IPM),
    ),
}
"""Parameter of the address → the way that it asks for."""


def ways(problem: Problem) -> dict[str, Way]:
    """The ways on from a solution of a problem."""
    return {name: way for name, way in WAYS.items() if way.leads(problem)}
