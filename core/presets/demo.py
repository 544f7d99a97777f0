"""The runs of a demo lab: short ones that leave no page of the dashboard empty."""

from __future__ import annotations

from dataclasses import dataclass

from core.config import RunConfig, override
from core.presets import presets


@dataclass(frozen=True)
class DemoRun:
    """A run of the demo lab."""

    config: RunConfig
    after: str | None = None
    """Name of the run from whose best checkpoint it starts."""


def demo_runs() -> tuple[DemoRun, ...]:
    """All of them, each with a name of its own, each after those it waits for."""
    ready = presets()
    corrected = ready["poisson2d"].config
    return (
        DemoRun(ready["poisson3d"].config),
        DemoRun(ready["poisson2d-quick"].config),
        DemoRun(override(ready["burgers-inverse"].config, ["stages.0.iterations=60"])),
        DemoRun(ready["burgers-profile"].config),
        DemoRun(  # the newest, whose problem Best run shows first: it has a lineage
            corrected.model_copy(update={"name": "poisson2d-corrected", "stages": corrected.stages[1:]}),
            after="poisson2d-quick",
        ),
    )
