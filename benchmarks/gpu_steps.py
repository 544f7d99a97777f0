"""Single steps on 2D Poisson, as the trainer takes them, and how many of them a device does in a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

    from core.networks.layers import Network
    from core.training.objective import Objective

ROUNDS = 5
LONG_ENOUGH = 60.0


def system(hidden: Sequence[int], points: int, device: torch.device, dtype: torch.dtype) -> Objective:
    """2D Poisson with a hard boundary, a tanh network on uniform points, the same for the same arguments."""
    import torch

    from core.config import MLP
    from core.networks.layers import mlp
    from core.problems.poisson2d import Poisson2D

    generator = torch.Generator().manual_seed(0)
    network = mlp(MLP(hidden=tuple(hidden)), Poisson2D().inputs, Poisson2D().outputs, generator)
    return objective(network, points, device, dtype)


def features(parameters: int, points: int, device: torch.device) -> Objective:
    """The same with Fourier features that are linear in their weights, in float64; one parameter more, the bias."""
    import torch

    from core.config import Fourier
    from core.networks.layers import fourier
    from core.problems.poisson2d import Poisson2D

    generator = torch.Generator().manual_seed(0)
    config = Fourier(features=parameters // 2)
    network = fourier(config, 6.0, Poisson2D().inputs, Poisson2D().outputs, generator)
    return objective(network, points, device, torch.float64)


def objective(network: Network, points: int, device: torch.device, dtype: torch.dtype) -> Objective:
    """2D Poisson's residuals for a network."""
    from core.networks.solution import Solution, Term
    from core.problems.poisson2d import Poisson2D
    from core.training.objective import Objective

    problem = Poisson2D()
    solution = Solution(problem, None)
    solution.add(Term(network, 1.0))
    solution.to(device=device, dtype=dtype)
    return Objective(solution, problem.collocation(np.random.default_rng(0).random((points, 2))), dtype)


def eager(objective: Objective, precision: str, device: torch.device) -> Callable[[], None]:
    """One step of the first-order loop, as the trainer does it kernel by kernel."""
    import torch

    from core.optimizers.adam import Adam
    from core.training.arithmetic import ARITHMETICS

    how = ARITHMETICS[precision]
    optimizer = Adam(objective.parameters(), 1e-3)
    scaler = torch.amp.GradScaler(device.type, enabled=how.scaled and device.type == "cuda")

    def step() -> None:
        optimizer.forget_gradients()
        with how.context(device):
            loss = objective.residuals().loss()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()

    return step


def replayed(objective: Objective, precision: str) -> Callable[[], None]:
    """The same step, recorded."""
    from core.optimizers.adam import Adam
    from core.training.arithmetic import ARITHMETICS
    from core.training.cuda_graph import AdamStep

    recorded = AdamStep(objective, ARITHMETICS[precision], Adam(objective.parameters(), 1e-3))
    recorded.record()
    return lambda: recorded(1e-3)


def gauss_newton(objective: Objective, damping: float) -> Callable[[], None]:
    """One iteration, linearisation and step, from the same parameters each time."""
    import torch

    from core.optimizers.gauss_newton import GaussNewton

    parameters = objective.parameters()
    start = [p.detach().clone() for p in parameters]

    def step() -> None:
        with torch.no_grad():
            for p, value in zip(parameters, start, strict=True):
                p.copy_(value)
        _, report = GaussNewton(damping, 1e-20).iterate(objective)
        if not report.accepted:
            raise RuntimeError(f"Gauss–Newton found no step at the damping {damping:g}: it would be another iteration.")

    return step


def rates(step: Callable[[], None], steps: int, device: torch.device, rounds: int = ROUNDS) -> list[float]:
    """Steps a second of each round, after a round that does not count; `LONG_ENOUGH` seconds of them are enough."""
    import torch

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    found: list[float] = []
    start = time.perf_counter()
    while len(found) <= rounds and (len(found) < 2 or time.perf_counter() - start < LONG_ENOUGH):
        wait()
        began = time.perf_counter()
        for _ in range(steps):
            step()
        wait()
        found.append(steps / (time.perf_counter() - began))
    return found[1:]
