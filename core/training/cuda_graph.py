"""First-order steps recorded once as a CUDA graph and replayed with a single launch.

A step of a small network is some two hundred kernels of a few microseconds each; launching them one by one from Python
takes longer than running them. Replayed, the device runs them back to back and the host only says when.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from core.optimizers.adam import Adam
from core.training.arithmetic import Arithmetic
from core.training.objective import Objective

WARM_UPS = 3
"""Passes before the recording: libraries allocate their workspaces in them (as torch's notes on CUDA graphs ask)."""


@dataclass(frozen=True)
class StepFigures:
    """What one step saw before it moved, each of shape (); the answers of `Residuals` that a history asks for."""

    _loss: Tensor
    _maximum: Tensor
    _rms: Tensor
    _by_name: dict[str, Tensor]

    def loss(self) -> Tensor:
        """Σ over the equations of the mean square."""
        return self._loss

    def maximum(self) -> Tensor:
        """Largest absolute residual."""
        return self._maximum

    def rms(self) -> Tensor:
        """Root mean square over all points and equations."""
        return self._rms

    def rms_by_name(self) -> dict[str, Tensor]:
        """Root mean square of each equation."""
        return self._by_name


class AdamStep:
    """Loss, gradient and Adam's update of an objective, with every number that changes kept on the device.

    Step count and learning rate are tensors, so that a recording of `run` stays right from one replay to the next;
    the update itself is `core.optimizers.adam.Adam`'s.

    Args:
        objective: its parameters are moved; what can't change is computed once, so it must not change meanwhile.
        how: arithmetic of the loss; one that needs a GradScaler asks the host at each step and can't be recorded.
        optimizer: whose state is continued; give the new one back by `optimizer.restore(step.state())`.
    """

    def __init__(self, objective: Objective, how: Arithmetic, optimizer: Adam):
        if how.scaled:
            raise ValueError(f"{how.name} needs a GradScaler, whose steps can't be recorded")
        self.objective, self.how = objective, how
        self._parameters = list(optimizer.parameters)
        like = self._parameters[0]
        self.device = like.device
        state = optimizer.state()
        self._mean, self._square = (state[name].clone() for name in ("mean", "square"))
        # float64 counts: 1 − 0.999^t needs more digits than float32 has while t is small
        self._steps = torch.tensor(float(state["steps"]), dtype=torch.float64, device=self.device)
        self._rate = torch.zeros((), dtype=torch.float64, device=self.device)
        self._names: list[str] = []
        self._figures: Tensor | None = None
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, learning_rate: float) -> StepFigures:
        """One step at this rate, replayed where it was recorded; never waits for the device."""
        self._rate.fill_(learning_rate)
        if self._graph is None:
            self.run()
        else:
            self._graph.replay()
        loss, maximum, rms, *by_name = self._figures.clone().unbind()
        return StepFigures(loss, maximum, rms, dict(zip(self._names, by_name, strict=True)))

    def run(self) -> None:
        """The step as kernels; the figures are left in one tensor of fixed place."""
        gradients = self._gradients()
        with torch.no_grad():
            self._update(gradients)

    def record(self) -> None:
        """Record `run` as a graph (CUDA alone). Parameters and state are left as they were.

        Raises RuntimeError or TrainingError where a problem's residuals do what can't be recorded, such as asking the
        device for a number.
        """
        side, usual = torch.cuda.Stream(self.device), torch.cuda.current_stream(self.device)
        graph = torch.cuda.CUDAGraph()
        # a recording that fails leaves its stream in use: `usual` is put back by whoever set it last
        with torch.cuda.device(self.device), torch.cuda.stream(usual):
            side.wait_stream(usual)
            with torch.cuda.stream(side):
                for _ in range(WARM_UPS):
                    self._gradients()
            usual.wait_stream(side)
            with torch.cuda.graph(graph, stream=side):
                self.run()
        self._graph = graph

    def state(self) -> dict[str, Any]:
        """Adam's state after the steps so far, as `Adam.state` gives it; asks the device."""
        return {"steps": int(self._steps), "mean": self._mean.clone(), "square": self._square.clone()}

    def _gradients(self) -> Tensor:
        """The loss's gradient (P,) at the present parameters; what was seen goes to the figures."""
        with self.how.context(self.device):
            residuals = self.objective.residuals()
            loss = residuals.loss()
        moving = [p for p in self._parameters if p.requires_grad]
        of = dict(zip(map(id, moving), torch.autograd.grad(loss, moving, materialize_grads=True), strict=True))
        by_name = residuals.rms_by_name()
        self._names = list(by_name)
        seen = [loss.detach(), residuals.maximum(), residuals.rms(), *by_name.values()]
        self._figures = torch.stack([value.double() for value in seen])
        # a λ that is still frozen counts as at rest, as it does in Adam
        return torch.cat([of.get(id(p), torch.zeros_like(p)).reshape(-1) for p in self._parameters])

    def _update(self, gradient: Tensor) -> None:
        first, second = Adam.BETAS
        self._steps.add_(1)
        self._mean.lerp_(gradient, 1 - first)
        self._square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        dtype = self._mean.dtype
        unbiased = (1 - torch.pow(second, self._steps)).sqrt().to(dtype)
        rate = (self._rate / (1 - torch.pow(first, self._steps))).to(dtype)
        update = self._mean / self._square.sqrt().div_(unbiased).add_(Adam.EPSILON)
        update.mul_(rate)
        sizes = [p.numel() for p in self._parameters]
        for p, part in zip(self._parameters, update.split(sizes), strict=True):
            p.sub_(part.view_as(p))
