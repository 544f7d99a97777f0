"""Adam on one flat vector (Kingma and Ba, arXiv 1412.6980, algorithm 1).

torch.optim.Adam computes the same. For the small networks of this field it spends more time on its many small
tensors than on the update, and its first step imports the compiler, which takes longer than a whole warm-up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from core import kernel


class Adam:
    """Adam for a fixed list of parameters of one dtype and device; a parameter without gradient counts as zero.

    `param_groups` is what `torch.amp.GradScaler` looks for.

    Args:
        parameters: moved by `step`.
        learning_rate: may be changed at any time.
    """

    BETAS = (0.9, 0.999)
    EPSILON = 1e-8

    def __init__(self, parameters: Sequence[nn.Parameter], learning_rate: float):
        self.parameters = list(parameters)
        self.param_groups = [{"params": self.parameters}]
        self.learning_rate = learning_rate
        self._steps = 0
        like = self.parameters[0]
        self._mean = like.new_zeros(sum(p.numel() for p in self.parameters)).detach()
        self._square = torch.zeros_like(self._mean)

    def forget_gradients(self) -> None:
        """Drop the gradients, before the next backward pass."""
        for p in self.parameters:
            p.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """One update from the parameters' gradients."""
        self._steps += 1
        first, second = self.BETAS
        rate = self.learning_rate / (1 - first**self._steps)
        unbiased = math.sqrt(1 - second**self._steps)
        coefficients = {"rate": rate, "first": first, "second": second, "unbiased": unbiased, "epsilon": self.EPSILON}
        if kernel.adam_step(self.parameters, self._mean, self._square, **coefficients):
            return
        gradient = torch.cat(
            [p.new_zeros(p.numel()) if p.grad is None else p.grad.reshape(-1) for p in self.parameters]
        )
        self._mean.lerp_(gradient, 1 - first)
        self._square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        update = self._mean / self._square.sqrt().div_(unbiased).add_(self.EPSILON)
        for p, part in zip(self.parameters, update.split([p.numel() for p in self.parameters]), strict=True):
            p.sub_(part.view_as(p), alpha=rate)

    def state(self) -> dict[str, int | Tensor]:
        """What a checkpoint needs to continue."""
        return {"steps": self._steps, "mean": self._mean, "square": self._square}

    def restore(self, state: dict[str, int | Tensor]) -> None:
        """Continue from `state()`."""
        self._steps = int(state["steps"])
        self._mean, self._square = state["mean"].to(self._mean), state["square"].to(self._square)
