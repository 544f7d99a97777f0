"""The config that looks for one unstable mode more, started from a profile that was found."""

from __future__ import annotations

from core.config import RunConfig
from core.errors import LabError
from core.presets import presets
from core.singularity import similarity


def next_order_config(config: RunConfig, run_id: str) -> RunConfig:
    """The preset of the run's equation at the next order, else the run's own config, with the run as its start.

    Raises LabError where there is no next order.
    """
    problem = similarity.next_order(config.problem)
    if problem is None:
        n = similarity.order(config.problem)
        why = "it has no orders" if n is None else f"order {n} is the highest that is offered"
        raise LabError(f"There is no next order of {config.problem.title}: {why}.")
    ready = next((item.config for item in presets().values() if item.config.problem.kind == problem.kind), config)
    # what the preset leaves to the problem depends on the order, and what a run was given was for its own
    searched = ready.problem.model_copy(update={"order": problem.order})
    name = f"{ready.name or problem.kind}, n = {problem.order}"
    free = ready.lambda_.model_copy(update={"start": None})
    return ready.model_copy(
        update={"problem": searched, "lambda_": free, "parent": run_id, "parent_checkpoint": None, "name": name}
    )
