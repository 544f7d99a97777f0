"""Marching through time: one window after the other, each trained by all stages from where the last one ended."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

import numpy as np
import torch
from torch import Tensor

from core.config import Lambda, RunConfig
from core.errors import TrainingError
from core.networks.marched import Marched
from core.networks.solution import Solution
from core.problems import Problem
from core.problems.base import Follows, Samples, State
from core.runs.windows import WindowStep
from core.training.objective import Objective
from core.training.objective.weighing import Weighing
from core.training.points import collocation
from core.training.state import Position, RunState, StageRecord
from core.training.windowed_numbers import Numbers, check_memory, follow, how_fields_follow, values_of

SERIES = 1e-6
"""Part of the fields' largest value by which a window's end may be off as a series before that is said."""
LITTLE = 0.3
"""Part of what a window left that half of it leaves too, where its length is not what is wrong."""
NOISE = 0.1
"""Part of the data's size: where they leave less, that counts as noise of theirs and not as the window's fault."""
POINTS = 512
"""At which fields of windows are held against each other."""
RAISED = 3.0
"""Times more that a window leaves once it followed the unknown numbers to their last values: worth saying."""


@dataclass
class Window:
    """A piece of time that is trained, or was."""

    begin: float
    end: float
    halved: int = 0
    """How often it was."""
    start: State | None = None
    """Where it begins; None: as the problem says."""
    follows: Tensor | None = None
    """(count, P): what its last network's parameters change by with each unknown number."""

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
    numbers: Numbers | None = None
    """Unknown numbers of the equation, as the windows so far say them; None where there are none."""
    samples: Samples | None = None
    """Measured values over all of time, of which each window has its own."""

    @classmethod
    def begun(cls, config: RunConfig, samples: Samples | None) -> March:
        """Before the first window.

        Args:
            config: of the run.
            samples: what it is fitted to.

        Raises:
            TrainingError: a window has no data, and something that it has to find from them.
        """
        march = cls(config, [], numbers=Numbers.of(config.problem, config.lambda_.start), samples=samples)
        march.ahead = [Window(*ends) for ends in config.windows.cut(*march._time)][::-1]
        for window in march.ahead[::-1]:
            march._check_data(window)
        return march

    @property
    def _clock(self) -> int:
        return self.config.problem.coordinates.index(self.config.problem.time)

    @property
    def _time(self) -> tuple[float, float]:
        return self.config.problem.domain()[self._clock]

    @property
    def share(self) -> tuple[float, float]:
        """Of all time: where the present window begins and ends."""
        low, high = self._time
        now = self.ahead[-1]
        return (now.begin - low) / (high - low), (now.end - low) / (high - low)

    def enter(self, run: RunState) -> None:
        """Have the run train the next window from its first stage on."""
        now = self.ahead[-1]
        self._check_data(now)
        problem = now.of(self.config.problem)
        run.config, run.window = self.window_config(problem), (self.config, now)
        run.samples = self.samples_in(now)
        run.solution = Solution(problem, None) if self.numbers is None else self.numbers.solution(problem)
        run.solution.to(run.device)
        run.position = Position(windows=len(self.steps), total=run.position.total)
        run.records, run.optimizer, run.adapted = [], {}, None
        run.say(f"window {len(self.done) + 1}, {self.words(now)}{self._about_data(now)}")

    def check_memory(self, run: RunState) -> None:
        """Raise TrainingError where the present stage, as a window's last one, is too large for unknown numbers."""
        if self.numbers is not None and self.config.lambda_.mode != "fixed":
            check_memory(self._objective(run.solution, self.ahead[-1]))

    def samples_in(self, window: Window) -> Samples | None:
        """The measured values in a window's time; a moment between two belongs to the earlier one."""
        if self.samples is None:
            return None
        return self.samples.between(self._clock, window.begin, window.end, window.begin <= self._time[0])

    def _check_data(self, window: Window) -> None:
        needs = self.config.problem.found_in_each_window
        if needs and self.samples_in(window) is None:
            raise TrainingError(
                f"The window {self.words(window)} has no row of data, and each window finds {', '.join(needs)} from "
                "its own. Take fewer windows, or say how it begins by a condition where it is no field found from data."
            )

    def _about_data(self, window: Window) -> str:
        if self.samples is None:
            return ""
        here = self.samples_in(window)
        return f", {0 if here is None else len(here.points):,} of {len(self.samples.points):,} rows of data"

    def window_config(self, problem: Problem) -> RunConfig:
        """The run's config as the present window has it: its problem, σ that is known already, λ held or looked for."""
        stages = []
        for k, stage in enumerate(self.config.stages):
            sigma = self.sigmas[k] if k < len(self.sigmas) else None
            if stage.fourier is not None and sigma is not None:
                stage = stage.model_copy(update={"fourier": stage.fourier.model_copy(update={"sigma": sigma})})
            stages.append(stage)
        changes = {"problem": problem, "stages": tuple(stages)}
        if self.numbers is not None:
            changes["lambda_"] = self._lambda()
        return self.config.model_copy(update=changes)

    def _lambda(self) -> Lambda:
        """The first window with data looks for unknown numbers; in others they are held while it is trained."""
        lambda_ = self.config.lambda_
        if self.numbers.known or not self._weight(self.ahead[-1] if self.ahead else self.done[-1][0]):
            return lambda_.model_copy(update={"mode": "fixed", "release_stage": None})
        before = self.steps[-1].total if self.steps else 0
        return lambda_.model_copy(update={"release_after": lambda_.release_after + before})

    def _weight(self, window: Window) -> float:
        """Part of all data that lies in a window; without data part of the time."""
        if self.samples is None:
            low, high = self._time
            return (window.end - window.begin) / (high - low)
        here = self.samples_in(window)
        return 0.0 if here is None else len(here.points) / len(self.samples.points)

    def leave(self, run: RunState, fault: str = "") -> None:
        """Take the window whose stages are done, or halve it. Raises TrainingError where it was halved too often.

        Args:
            run: at the window's end.
            fault: why its stages could not be trained to their end; it is halved then.
        """
        now, windows = self.ahead[-1], self.config.windows
        whole = bool(run.records) and not fault
        left = self._left(run) if whole else (math.inf, math.inf)
        target = math.inf if windows.target_residual is None else windows.target_residual
        if target < left[1] < math.inf:
            target = max(target, self._noise(run.solution, now))
        failed = not left[1] < math.inf or left[1] > target
        if failed:
            self.steps.append(_step(now, run.records, run.position.total, left, fault, halved=True))
            self.ahead.pop()
            if now.halved >= windows.halvings:
                raise TrainingError(self._in_vain(now, left[1], fault))
            middle = now.begin + (now.end - now.begin) / 2
            again = now.halved + 1
            self.ahead += [Window(middle, now.end, again), Window(now.begin, middle, again, now.start)]
            too_much = f"leaves a residual of {left[1]:.1e}, more than {target:g}" if left[1] < math.inf else "diverges"
            run.say(f"window {self.words(now)} {too_much}: it is halved{'. ' * bool(fault)}{fault}")
            return
        follows = self._learn(run, now)
        step = _step(now, run.records, run.position.total, left, fault, halved=False)
        if self.numbers is not None:
            step = replace(step, unknowns=dict(zip(self.numbers.names, self.numbers.values, strict=True)),
                           errors=self.numbers.errors())  # fmt: skip
        self.steps.append(step)
        self.ahead.pop()
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
            self._settle(run)
            return
        clock = self._clock
        self.ahead[-1].start, off = self.config.problem.left_at(
            now.end,
            run.solution.fields_at,
            lambda points: run.solution.slopes_at(points, clock),
            tuple(self.numbers.values) if follows else (),
            follows,
        )
        if off > SERIES:
            run.say(f"  its end as a series is off by {off:.1e} of the fields' size: they are not smooth there")

    def _objective(self, solution: Solution, window: Window) -> Objective:
        """The rows of a window at the points of its last stage."""
        config = self.config.model_copy(update={"problem": solution.problem})
        index = min(len(config.stages), len(solution.networks)) - 1
        stage = config.stages[index]
        points = collocation(config, stage, index, 0)
        return Objective(
            solution, points, samples=self.samples_in(window), weighing=Weighing.of(stage, solution.problem)
        )

    def _left(self, run: RunState) -> tuple[float, float]:
        """The largest residual at a window's points and their RMS; without those of data, which may be noise."""
        record, problem = run.records[-1], self.config.problem
        if self.samples is None and problem.judged_names == problem.residual_names:
            return record.max_residual, record.rms_residual
        return self._of_equations(run.solution, self.ahead[-1])

    @torch.no_grad()
    def _noise(self, solution: Solution, window: Window) -> float:
        """What a window's data leave (RMS, weighted as in training), as far as that may be noise of theirs; 0 without.

        Equations that leave no more than that are off as their data are, which no shorter window changes.
        """
        samples = self.samples_in(window)
        if samples is None:
            return 0.0
        rows = self._objective(solution, window).residuals().by_name
        names = solution.problem.data_rows
        left = torch.cat([rows[names[name]] for name in samples.values])
        size = samples.weight * np.sqrt(np.mean([np.square(each).mean() for each in samples.values.values()]))
        noise = float(left.square().mean().sqrt())
        return noise if noise <= NOISE * size else 0.0

    @torch.no_grad()
    def _of_equations(self, solution: Solution, window: Window) -> tuple[float, float]:
        found = self._objective(solution, window).residuals().by_name
        judged = torch.cat([found[name] for name in self.config.problem.judged_names if name in found])
        return float(judged.abs().max()), float(judged.square().mean().sqrt())

    def _learn(self, run: RunState, now: Window) -> Sequence[Follows]:
        """Have the numbers follow the window's data; how its fields follow the numbers."""
        numbers = self.numbers
        if numbers is None or self.config.lambda_.mode == "fixed":
            return ()
        weight = self._weight(now)
        found = numbers.learn(self._objective(run.solution, now), weight, run.say)
        now.follows = found.follows
        if weight:
            errors = numbers.errors()
            run.say("  " + ", ".join(f"{name} = {value:.12g} ± {errors.get(name, math.nan):.1e}"
                                     for name, value in zip(numbers.names, numbers.values, strict=True)))  # fmt: skip
        stage = self.config.stages[len(run.records) - 1]
        return how_fields_follow(run.solution, found.follows, self._clock, stage.is_linear)

    def _disagreement(self) -> dict[str, float]:
        """Field that does not depend on time → how far apart the windows found it, RMS over its size."""
        names = self.config.problem.found_steady
        if not names or len(self.done) < 2:
            return {}
        found = []
        for window, solution in self.done:
            points = collocation(self.config, self.config.stages[-1], 0, 0, POINTS)["interior"].copy()
            points[:, self._clock] = (window.begin + window.end) / 2
            found.append(solution.fields_at(points))
        held = {name: np.array([each[name] for each in found]) for name in names}
        return {
            name: float(np.linalg.norm(each - each.mean(0)) / max(np.linalg.norm(each), 1e-300))
            for name, each in held.items()
        }

    def _settle(self, run: RunState) -> None:
        """Move all windows to the last values of the unknown numbers, which are constants of the run."""
        for name, spread in self._disagreement().items():
            run.say(f"the windows found {name}, each from its own data, within {spread:.1e} of its size of each other")
        if self.numbers is None:
            return
        worst = (1.0, None, 0.0)
        for window, solution in self.done:
            by = [last - own for last, own in zip(self.numbers.values, values_of(solution), strict=True)]
            if window.follows is None or not any(by):
                continue
            before = self._of_equations(solution, window)[1]
            follow(solution, window.follows, by)
            after = self._of_equations(solution, window)[1]
            worst = max(worst, (after / before if before else math.inf, window, after), key=lambda each: each[0])
        if worst[0] > RAISED:
            start = ", ".join(f"{name} = {value:.8g}" for name, value in
                              zip(self.numbers.names, self.numbers.values, strict=True))  # fmt: skip
            run.say(
                f"the unknown numbers went on moving after the window {self.words(worst[1])}: moved along with them to "
                f"first order, it leaves {worst[2]:.1e}, {worst[0]:.2g} times as much. A run that starts from {start} "
                "leaves less."
            )

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
        time, (low, high) = self.config.problem.time, self._time
        if not self.done:
            return f"It was interrupted in its first window, {self.words(self.ahead[-1])} of {low:g} … {high:g}."
        return f"It is trained to {time} = {self.done[-1][0].end:.6g} of {high:g}: nothing is known after that."

    def words(self, window: Window) -> str:
        """From when to when a window is."""
        return f"{self.config.problem.time} = {window.begin:.6g} … {window.end:.6g}"


def _same(one: Tensor | None, other: Tensor | None) -> bool:
    return one is not None and other is not None and torch.equal(one, other)


def _step(
    window: Window, records: list[StageRecord], total: int, left: tuple[float, float], fault: str, halved: bool
) -> WindowStep:
    return WindowStep(
        begin=window.begin,
        end=window.end,
        iterations=sum(record.iterations for record in records),
        total=total,
        seconds=sum(record.seconds for record in records),
        max_residual=left[0],
        rms_residual=left[1],
        halved=halved,
        ended=fault or records[-1].ended,
    )
