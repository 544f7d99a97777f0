"""One step of a first-order phase, by the quickest of three ways that do the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from core.errors import TrainingError
from core.optimizers.adam import Adam
from core.optimizers.soap import SOAP
from core.training.affine_loss import AffineLoss
from core.training.arithmetic import Arithmetic
from core.training.cuda_graph import AdamStep, StepFigures
from core.training.objective import Objective, Residuals

RECORDS_ON = "cuda"
"""Type of the devices that can record a step."""
WORTH_RECORDING = 100
"""Steps on the same points for which the passes before a recording, and the recording itself, pay."""


class FirstOrderStep:
    """Loss, gradient and update of Adam or SOAP.

    Adam's are recorded and replayed on a GPU, unless points are drawn anew too often. On a CPU a linear equation takes
    one pass of the compiled kernel. All else goes by autograd, as does what turns out not to be recordable.

    Args:
        optimizer: moves the parameters; its state is the step's, whoever moved them last.
        how: arithmetic of the loss.
        device: of the parameters.
        steps: how many are taken on the same points.
        say: receives one line when a recording fails.
    """

    def __init__(
        self,
        optimizer: Adam | SOAP,
        how: Arithmetic,
        device: torch.device,
        steps: int,
        say: Callable[[str], None],
    ):
        self._optimizer, self._how, self._device, self._say = optimizer, how, device, say
        self._records = (
            device.type == RECORDS_ON and isinstance(optimizer, Adam) and not how.scaled and steps >= WORTH_RECORDING
        )
        self._scaler = torch.amp.GradScaler(device.type, enabled=how.scaled and device.type == "cuda")
        self._prepared_for: tuple[Objective | None, bool] = (None, False)
        self._affine: AffineLoss | None = None
        self._recorded: AdamStep | None = None

    def __call__(self, objective: Objective, rate: float) -> Residuals | StepFigures:
        """Move the parameters at this learning rate; returns what the residuals were before."""
        now = (objective, objective.free_lambda)
        if now != self._prepared_for:
            self._prepare(objective)
            self._prepared_for = now
        if self._recorded is not None:
            return self._recorded(rate)
        self._optimizer.learning_rate = rate
        self._optimizer.forget_gradients()
        if self._affine is not None:
            residuals = self._affine.backward()
        else:
            with self._how.context(self._device):
                residuals = objective.residuals()
                loss = residuals.loss()
            self._scaler.scale(loss).backward()
        self._scaler.step(self._optimizer)
        self._scaler.update()
        return residuals

    def state(self) -> dict[str, Any]:
        """The optimizer's state, as a checkpoint keeps it."""
        if self._recorded is not None:
            self._optimizer.restore(self._recorded.state())
        return self._optimizer.state()

    def _prepare(self, objective: Objective) -> None:
        """What is computed once for these points, and for λ at rest or free."""
        if self._recorded is not None:
            self._optimizer.restore(self._recorded.state())
        self._recorded = self._affine = None  # before the next: a recording holds on to its memory
        if objective.together > 1 and self._records:
            self._records = False
            self._say("steps of several processes are launched one by one: a CUDA graph can't wait for the others")
        if self._records:
            step = AdamStep(objective, self._how, self._optimizer)
            try:
                step.record()
            except (RuntimeError, TrainingError) as error:
                self._records = False
                self._say(f"steps are launched one by one, since recording them failed: {str(error).splitlines()[0]}")
            else:
                self._recorded = step
                return
        if self._how.autocast is None:
            self._affine = AffineLoss.of(objective)
