"""Marching through time: one window after the other, each trained by all stages from where the last one ended."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import zip_longest

import torch
from torch import Tensor

from core.config import RunConfig
from core.errors import TrainingError
from core.networks.marched import Marched
from core.networks.solution import Solution
from core.problems import Problem
from core.problems.base import State
from core.runs.windows import WindowStep
from core.training.state import Position, RunState, StageRecord

SERIES = 1e-6
"""Part of the fields' largest value by which a window's end may be off as a series before that is said."""
LITTLE = 0.3
"""Part of what a window left that half of it leaves too, where its length is not what is wrong."""


@dataclass
class Window:
    """A piece of time that is trained, or was."""

    begin: float
    end: float
    halved: int = 0
    """How often it was."""
    start: State | None = None
    """Where it begins; None: as the problem says."""

    def of(self, problem: Problem) -> Problem:
        """The problem in it."""
        return problem.window(self.begin, self.end, self.start)


@dataclass
class March:
    """Where a run stands on its way through time, beside the stage it is in."""

    config: RunConfig
    """All of the run."""
    ahead: list[Window]
    """Windows that are not trained yet, the next one last; the one in training is the last."""
    done: list[tuple[Window, Solution]] = field(default_factory=list)
    steps: list[WindowStep] = field(default_factory=list)
    """What was trained, also what was halved after it."""
    sigmas: list[float | tuple[float, ...] | None] = field(default_factory=list)
    """Of each stage's features as the first window chose them; later windows take the same."""

    @classmethod
    def begun(cls, config: RunConfig) -> March:
        """Before the first window."""
        time = config.problem.coordinates.index(config.problem.time)
        windows = [Window(*ends) for ends in config.windows.cut(*config.problem.domain()[time])]
        return cls(config, windows[::-1])

    @property
    def share(self) -> tuple[float, float]:
        """Of all time: where the present window begins and ends."""
        time = self.config.problem.coordinates.index(self.config.problem.time)
        low, high = self.config.problem.domain()[time]
        now = self.ahead[-1]
        return (now.begin - low) / (high - low), (now.end - low) / (high - low)

    def enter(self, run: RunState) -> None:
        """Have the run train the next window from its first stage on."""
        now = self.ahead[-1]
        problem = now.of(self.config.problem)
        run.config, run.window = self.window_config(problem), (self.config, now)
        run.solution = Solution(problem, None).to(run.device)
        run.position = Position(windows=len(self.steps), total=run.position.total)
        run.records, run.optimizer, run.adapted = [], {}, None
        run.say(f"window {len(self.done) + 1}, {self.words(now)}")

    def window_config(self, problem: Problem) -> RunConfig:
        """The run's config as the present window has it: its problem, and σ that is known already."""
        stages = []
        for k, stage in enumerate(self.config.stages):
            sigma = self.sigmas[k] if k < len(self.sigmas) else None
            if stage.fourier is not None and sigma is not None:
                stage = stage.model_copy(update={"fourier": stage.fourier.model_copy(update={"sigma": sigma})})
            stages.append(stage)
        return self.config.model_copy(update={"problem": problem, "stages": tuple(stages)})

    def leave(self, run: RunState, fault: str = "") -> None:
        """Take the window whose stages are done, or halve it. Raises TrainingError where it was halved too often.

        Args:
            run: at the window's end.
            fault: why its stages could not be trained to their end; it is halved then.
        """
        now, windows = self.ahead[-1], self.config.windows
        left = run.records[-1].rms_residual if run.records and not fault else math.inf
        target = math.inf if windows.target_residual is None else windows.target_residual
        failed = not left < math.inf or left > target
        self.steps.append(_step(now, run.records, run.position.total, failed, fault))
        self.ahead.pop()
        if failed:
            if now.halved >= windows.halvings:
                raise TrainingError(self._in_vain(now, left, fault))
            middle = now.begin + (now.end - now.begin) / 2
            again = now.halved + 1
            self.ahead += [Window(middle, now.end, again), Window(now.begin, middle, again, now.start)]
            too_much = f"leaves a residual of {left:.1e}, more than {target:g}" if left < math.inf else "diverges"
            run.say(f"window {self.words(now)} {too_much}: it is halved{'. ' * bool(fault)}{fault}")
            return
        self.sigmas = self.sigmas or [record.sigma for record in run.records]
        run.solution.networks.requires_grad_(False)
        earlier = self.done[-1][1].networks if self.done else ()
        for network, other in zip_longest(run.solution.networks, earlier):
            if network is not None:
                network.forget()
            if network is not None and other is not None and _same(network.basis, other.basis):
                network.basis = other.basis  # a checkpoint writes it once
        self.done.append((now, run.solution))
        if not self.ahead:
            return
        clock = self.config.problem.coordinates.index(self.config.problem.time)
        self.ahead[-1].start, off = self.config.problem.left_at(
            now.end, run.solution.fields_at, lambda points: run.solution.slopes_at(points, clock)
        )
        if off > SERIES:
            run.say(f"  its end as a series is off by {off:.1e} of the fields' size: they are not smooth there")

    def _in_vain(self, window: Window, left: float, fault: str) -> str:
        """Why the run ends at a window, and what to do."""
        if not left < math.inf:
            why = f": {fault}" if fault else "."
            return f"The window {self.words(window)} diverges after it was halved {window.halved} times{why}"
        longer = [step.rms_residual for step in self.steps[:-1] if step.halved and step.begin == window.begin]
        better = "Begin with more windows, give the stages more iterations"
        if longer and left > LITTLE * longer[-1]:  # what is left is not of time
            better = "Shorter windows leave hardly less: give the stages more features, or polynomials along space"
        return (
            f"The window {self.words(window)} leaves a residual of {left:.1e} after it was halved {window.halved} "
            f"times, and {self.config.windows.target_residual:g} is asked for. {better}, or ask for less "
            "(windows.target_residual)."
        )

    def whole(self, present: Solution) -> Marched:
        """All windows that are done as one solution; the present one's, as far as it is, where it is the first."""
        windows = [(window.end, solution) for window, solution in self.done]
        return Marched(self.config.problem, windows or [(self.ahead[-1].end, present)])

    @property
    def underway(self) -> str:
        """How far in time it has come, in a sentence; empty once it is through."""
        if not self.ahead:
            return ""
        time, low_high = self.config.problem.time, self.config.problem.domain()
        low, high = low_high[self.config.problem.coordinates.index(time)]
        if not self.done:
            return f"It was interrupted in its first window, {self.words(self.ahead[-1])} of {low:g} … {high:g}."
        return f"It is trained to {time} = {self.done[-1][0].end:.6g} of {high:g}: nothing is known after that."

    def words(self, window: Window) -> str:
        """From when to when a window is."""
        return f"{self.config.problem.time} = {window.begin:.6g} … {window.end:.6g}"


def _same(one: Tensor | None, other: Tensor | None) -> bool:
    return one is not None and other is not None and torch.equal(one, other)


def _step(window: Window, records: list[StageRecord], total: int, failed: bool, fault: str) -> WindowStep:
    whole = records and not fault
    return WindowStep(
        begin=window.begin,
        end=window.end,
        iterations=sum(record.iterations for record in records),
        total=total,
        seconds=sum(record.seconds for record in records),
        max_residual=records[-1].max_residual if whole else math.inf,
        rms_residual=records[-1].rms_residual if whole else math.inf,
        halved=failed,
        ended=fault or records[-1].ended,
    )
