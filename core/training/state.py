"""Where the training of a run stands, and what its parts share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch

from core.config import RunConfig, Stage
from core.networks.solution import Solution
from core.problems import Problem
from core.problems.base import Samples
from core.runs.history import PATH

Wanted = Literal["stop", "pause"] | None
"""What a run has been asked to do; None: to go on."""


@dataclass
class StageRecord:
    """What one stage did, as the summary and the checkpoint keep it."""

    index: int
    parameters: int
    epsilon: float
    sigma: float | tuple[float, ...] | None = None
    dominant_frequency: float | None = None
    iterations: int = 0
    seconds: float = 0.0
    ended: str = ""
    """Why it ended, in words."""
    max_residual: float = float("nan")
    rms_residual: float = float("nan")
    warmup_precision: str = ""
    """What the warm-up computed in; empty when there was none."""
    optimizer: str = ""
    """What trained its main phase; `auto` is resolved. Empty before it."""
    precision: str = ""
    """What the main phase computed in; empty before it."""


@dataclass
class Position:
    """Where training stands: the next iteration to do."""

    stage: int = 0
    phase: int = 0
    iteration: int = 0
    """Iterations done in this phase of this stage."""
    total: int = 0
    """Iterations done in the run."""
    windows: int = 0
    """Windows of time that were trained before this one, also those that were halved after it."""
    wall_time_s: float = 0.0
    history_rows: int = 0
    resamples: int = 0
    best_loss: float = float("inf")
    """Lowest loss of the stage at the last time it fell by 1 %."""
    since_best: int = 0
    """Second-order iterations since then."""
    at_lambda: int = 0
    """Iterations at the present λ of a funnel."""
    relaxed: bool = False
    """λ need not wait any longer: at the frozen one nothing was left to gain."""
    grown_up: bool = False
    """The stage that came after this position was taken back: nothing grows any more."""


@dataclass
class RunState:
    """All that changes while a run trains, and what its parts need of each other."""

    config: RunConfig
    device: torch.device
    solution: Solution
    samples: Samples | None
    """Measured values that the problem is fitted to."""
    wanted: Callable[[], Wanted]
    """Asked after each iteration."""
    say: Callable[[str], None]
    """Receives one line for the log at each turn of events."""
    position: Position = field(default_factory=Position)
    records: list[StageRecord] = field(default_factory=list)
    """Of the stages that have begun."""
    optimizer: dict[str, Any] = field(default_factory=dict)
    """State of the present phase's optimizer, by its kind, as of the last checkpoint."""
    adapted: dict[str, np.ndarray] | None = None
    """Points of the present stage that were drawn by the residual."""
    failed: str = ""
    """Why a search for λ found none, in one sentence; empty while there is hope."""
    asked_stages: int = 0
    """Stages that the config asks for; a run that grows gets more."""
    ranks: Any = None
    """The processes that rows are spread over (`core.training.spread.Ranks`); None: this one has all."""
    window: tuple[RunConfig, Any] | None = None
    """In windows of time: the whole run's config, and the window in training."""
    tried: torch.Tensor | None = None
    """Weights that the stage which was grown last begins with, where its try has found them at the same points."""
    said: set[str] = field(default_factory=set)
    """Lines that are said once."""

    def __post_init__(self):
        self.asked_stages = self.asked_stages or len(self.config.stages)

    def settle(self, stage: Stage) -> None:
        """Have the present stage say what it left to be found."""
        stages = list(self.config.stages)
        stages[self.position.stage] = stage
        self.config = self.config.model_copy(update={"stages": tuple(stages)})

    def grow(self, stage: Stage) -> None:
        """Add a stage to the config, where the one before it is no longer enough."""
        *others, last = self.config.stages
        last = last.model_copy(update={"enough": None})
        self.config = self.config.model_copy(update={"stages": (*others, last, stage)})

    @property
    def has_grown(self) -> bool:
        """Whether the config has stages that were not asked for."""
        return len(self.config.stages) > self.asked_stages

    @property
    def problem(self) -> Problem:
        """What is solved."""
        return self.config.problem

    @property
    def stage(self) -> Stage:
        """Description of the present stage."""
        return self.config.stages[self.position.stage]

    @property
    def replaces(self) -> bool:
        """Whether the present stage's network takes the place of the sum so far, in stead of correcting it."""
        return self.stage.begins is not None or (self.position.phase == PATH and self.stage.is_linear)

    @property
    def record(self) -> StageRecord:
        """Of the newest stage that has begun."""
        return self.records[-1]

    def seed_of(self, stage: int) -> int:
        """Of a stage's own random numbers."""
        return self.config.seed * 1000 + stage

    def say_once(self, line: str) -> None:
        """Say a line unless it was said before."""
        if line not in self.said:
            self.said.add(line)
            self.say(line)

    def one_more(self, seconds: float) -> None:
        """Count an iteration."""
        self.position.iteration += 1
        self.position.total += 1
        self.record.iterations += 1
        self.record.seconds += seconds
