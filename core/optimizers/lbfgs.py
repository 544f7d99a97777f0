"""L-BFGS: torch's, one iteration at a time."""

from __future__ import annotations

import torch

from core.optimizers.report import Residuals, StepReport


class LBFGS:
    """Limited-memory BFGS with a strong Wolfe line search (Nocedal and Wright, algorithm 7.5).

    Args:
        history: pairs of steps and gradient changes that are remembered.
    """

    def __init__(self, history: int):
        self.history = history
        self._optimizer: torch.optim.LBFGS | None = None
        self._waiting: dict | None = None

    def iterate(self, objective):
        """See `Optimizer.iterate`."""
        parameters = objective.parameters()
        if self._optimizer is None or self._optimizer.param_groups[0]["params"] != parameters:
            self._optimizer = torch.optim.LBFGS(
                parameters,
                lr=1.0,
                max_iter=1,
                max_eval=25,
                tolerance_grad=0.0,
                tolerance_change=0.0,
                history_size=self.history,
                line_search_fn="strong_wolfe",
            )
            if self._waiting is not None:
                self._optimizer.load_state_dict(self._waiting)
                self._waiting = None
        base = [p.detach().clone() for p in parameters]
        seen: list[Residuals] = []

        def closure() -> torch.Tensor:
            for p in parameters:
                p.grad = None
            residuals = objective.residuals()
            if not seen:
                objective.check_finite(residuals)
            loss = residuals.loss()
            loss.backward()
            if not seen:
                seen.append(residuals)
            return loss

        self._optimizer.step(closure)
        with torch.no_grad():
            residuals = seen[0]
            before, after = float(residuals.loss()), float(objective.residuals().loss())
            moved = sum(float((p - b).square().sum()) for p, b in zip(parameters, base, strict=True)) ** 0.5
            if not after < before:
                for p, b in zip(parameters, base, strict=True):
                    p.copy_(b)
                return residuals, StepReport(False, before)
        return residuals, StepReport(True, after, step_norm=moved)

    def state(self):
        """See `Optimizer.state`."""
        return {"lbfgs": None if self._optimizer is None else self._optimizer.state_dict()}

    def restore(self, state):
        """See `Optimizer.restore`."""
        self._optimizer, self._waiting = None, state["lbfgs"]
