"""The first-order phase: Adam or SOAP, in any precision, until its iterations are done or its target is reached."""

from __future__ import annotations

import math
import time
from typing import Literal

import torch

from core import config as configs
from core import kernel
from core.errors import NotFiniteError
from core.optimizers.adam import Adam
from core.optimizers.soap import SOAP
from core.training import equations
from core.training.arithmetic import Arithmetic, arithmetic
from core.training.exponent import Exponent
from core.training.recorder import Recorder
from core.training.state import RunState, Wanted
from core.training.step import FirstOrderStep

LOOK = 25
"""Iterations between two looks at the loss: only there does the loop wait for the device."""
SAVE_INTERVAL = 2.0
"""Least seconds between two checkpoints: steps are so short that saving would slow them."""


class FirstOrderPhase:
    """Adam or SOAP for a number of iterations.

    Args:
        run: its state.
        recorder: of its numbers.
        exponent: what is done about λ.
        optimizer: description of it.
        iterations: of the phase.
        precision: as the config says it.
        main: whether this is the stage's main phase, which ends early at the stage's target.
    """

    def __init__(
        self,
        run: RunState,
        recorder: Recorder,
        exponent: Exponent,
        optimizer: configs.Adam | configs.SOAP,
        iterations: int,
        precision: configs.Precision,
        main: bool,
    ):
        self.run, self.recorder, self.exponent, self.optimizer = run, recorder, exponent, optimizer
        self.iterations, self.precision, self.main = iterations, precision, main

    def advance(self) -> Wanted:
        """Descend. Losses that are no longer finite in a reduced precision send the phase back to float64."""
        run, how = self.run, arithmetic(self.precision, self.run.device)
        if how.scaled and run.ranks is not None and run.ranks.size_of(run.stage.processes) > 1:
            run.say_once("several processes compute in float32: amp-fp16 scales its gradients in one process alone")
            how = arithmetic("float32", run.device)
        if run.device.type == "cpu" and how.autocast is None:
            run.say_once(kernel.about(how.dtype))
        wanted = self._descend(how)
        if wanted == "diverged" and how.name != "float64":
            run.say(f"the loss stopped being finite in {how.name}; going on in float64")
            wanted = self._descend(arithmetic("float64", run.device))
        if wanted == "diverged":
            raise NotFiniteError(
                f"The loss became NaN or infinite in stage {run.position.stage + 1} at iteration "
                f"{run.position.iteration}. Lower the learning rate, or look at the problem's residual."
            )
        return wanted

    def _descend(self, how: Arithmetic) -> Wanted | Literal["diverged"]:
        self.recorder.computes_in(how.name)
        with self.run.solution.computing_in(how.dtype):
            wanted = self._iterate(how)
        if wanted is None:
            self.recorder.final_residuals(equations.trained(self.run, self.exponent))
        return wanted

    def _iterate(self, how: Arithmetic) -> Wanted | Literal["diverged"]:
        run, recorder, position = self.run, self.recorder, self.run.position
        objective = equations.trained(run, self.exponent, how)
        parameters = list(run.solution.networks[-1].parameters())
        parameters += run.solution.unknowns()
        step = self._step(parameters, how)
        good = [p.detach().clone() for p in parameters]
        wanted: Wanted | Literal["diverged"] = None
        while position.iteration < self.iterations:
            began = time.perf_counter()
            objective = equations.refreshed(run, self.exponent, objective, how)
            rate = self._rate(position.iteration)
            residuals = step(objective, rate)
            run.one_more(time.perf_counter() - began)
            loss, maximum = residuals.loss().detach(), residuals.maximum()
            recorder.row(residuals, loss, maximum, learning_rate=rate)
            if position.iteration % LOOK == 0 or position.iteration == self.iterations:
                if not math.isfinite(float(loss)):
                    _restore(parameters, good)
                    wanted = "diverged"
                    break
                good = [p.detach().clone() for p in parameters]
                recorder.report(residuals, maximum)
                if self.main and run.stage.target_residual and float(maximum) <= run.stage.target_residual:
                    run.record.ended = f"target residual {run.stage.target_residual:g} reached"
                    break
            if position.iteration % run.stage.checkpoint_every == 0 and recorder.seconds_since_saved() >= SAVE_INTERVAL:
                run.optimizer = {self.optimizer.kind: step.state()}
                recorder.save()
            if wanted := run.wanted():
                run.optimizer = {self.optimizer.kind: step.state()}
                break
        else:
            run.record.ended = "all iterations done"
        return wanted

    def _step(self, parameters: list[torch.nn.Parameter], how: Arithmetic) -> FirstOrderStep:
        run, config = self.run, self.optimizer
        optimizer = Adam(parameters, config.learning_rate)
        if config.kind == "soap":
            optimizer = SOAP(parameters, config.learning_rate, config.precondition_every)
        if config.kind in run.optimizer:
            optimizer.restore(run.optimizer[config.kind])
        on_the_same_points = run.stage.collocation.resample_every or self.iterations
        return FirstOrderStep(optimizer, how, run.device, on_the_same_points, run.say_once)

    def _rate(self, iteration: int) -> float:
        config = self.optimizer
        return cosine(config.learning_rate, config.final_learning_rate_ratio, iteration, self.iterations)


@torch.no_grad()
def _restore(parameters: list[torch.nn.Parameter], values: list[torch.Tensor]) -> None:
    for p, value in zip(parameters, values, strict=True):
        p.copy_(value)


def cosine(first: float, final_ratio: float, iteration: int, iterations: int) -> float:
    """Learning rate of an iteration: a cosine from `first` to `first · final_ratio`."""
    progress = min(1.0, iteration / max(1, iterations))
    return first * (final_ratio + (1 - final_ratio) * 0.5 * (1 + math.cos(math.pi * progress)))
