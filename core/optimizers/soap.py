"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner (arXiv 2409.11321), by pytorch_optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn


class SOAP:
    """The library's SOAP behind the few words that the first-order loop needs.

    Args:
        parameters: moved by `step`.
        learning_rate: may be changed at any time.
        precondition_every: iterations between two eigenbases.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], learning_rate: float, precondition_every: int):
        from pytorch_optimizer import SOAP as Library  # noqa: N811  imports half a second of optimizers

        self._optimizer = Library(
            list(parameters), lr=learning_rate, weight_decay=0.0, precondition_frequency=precondition_every
        )

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """What `torch.amp.GradScaler` looks for; a restored optimizer has new ones."""
        return self._optimizer.param_groups

    @property
    def learning_rate(self) -> float:
        """Of the next step."""
        return self.param_groups[0]["lr"]

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self.param_groups[0]["lr"] = value

    def forget_gradients(self) -> None:
        """Drop the gradients, before the next backward pass."""
        for p in self.param_groups[0]["params"]:
            p.grad = None

    def step(self) -> None:
        """One update from the parameters' gradients."""
        self._optimizer.step()

    def state(self) -> dict[str, Any]:
        """What a checkpoint needs to continue."""
        return self._optimizer.state_dict()

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state()`."""
        self._optimizer.load_state_dict(state)
