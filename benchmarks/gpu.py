"""What a CUDA device is good for: `python -m benchmarks.gpu`. Needs one; without, it says so and exits with 2.

Three questions. Mixed precision against float32 and tf32, steps a second and peak memory, for a network wide enough to
be bound by arithmetic. A small network, bound by launching kernels: steps one by one against steps replayed as a CUDA
graph. And the presets of benchmarks.accuracy trained on the device. With `--json FILE` the figures are kept.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.accuracy import BARS, rows
from benchmarks.machine import gpu, machine

if TYPE_CHECKING:
    import torch

    from core.training.objective import Objective

PARTS = ("amp", "graph", "accuracy")
FASTER, SMALLER = 2.0, 0.55
"""What mixed precision is meant to reach: times float32's steps a second, and part of its peak memory."""
AIMS = BARS | {"burgers-viscous": (1e-12, 900), "poisson5d": (1e-12, 600)}
"""As `BARS`; of two presets more is expected on a GPU."""
ROUNDS = 5


def system(hidden: Sequence[int], points: int, device: torch.device, dtype: torch.dtype) -> Objective:
    """2D Poisson with a hard boundary, a tanh network on uniform points, the same for the same arguments."""
    import torch

    from core.config import MLP
    from core.networks.layers import mlp
    from core.networks.solution import Solution, Term
    from core.problems.poisson2d import Poisson2D
    from core.training.objective import Objective

    problem = Poisson2D()
    solution = Solution(problem, None)
    network = mlp(MLP(hidden=tuple(hidden)), problem.inputs, problem.outputs, torch.Generator().manual_seed(0))
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


def rates(step: Callable[[], None], steps: int, device: torch.device) -> list[float]:
    """Steps a second of `ROUNDS` rounds, after a round that does not count."""
    import torch

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    found = []
    for _ in range(ROUNDS + 1):
        wait()
        began = time.perf_counter()
        for _ in range(steps):
            step()
        wait()
        found.append(steps / (time.perf_counter() - began))
    return found[1:]


def amp(hidden: Sequence[int], points: int, steps: int, device: torch.device) -> list[dict[str, object]]:
    """Rate and peak memory of each precision, one after the other on an empty device."""
    import torch

    from core.training.arithmetic import ARITHMETICS

    found = []
    for precision in ("float32", "tf32", "amp-bf16", "amp-fp16"):
        gc.collect()
        on_device = device.type == "cuda"
        if on_device:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)
        objective = system(hidden, points, device, ARITHMETICS[precision].dtype)
        measured = rates(eager(objective, precision, device), steps, device)
        peak = torch.cuda.max_memory_allocated(device) / 2**20 if on_device else None
        with torch.no_grad():
            loss = float(objective.residuals().loss())
        found.append({"precision": precision, "steps_per_second": measured, "peak_memory_mb": peak, "loss": loss})
        del objective
    return found


def graph(steps: int, device: torch.device) -> list[dict[str, object]]:
    """Rates of 2×32 tanh on 1000 points, kernel by kernel and replayed."""
    from core.training.arithmetic import ARITHMETICS

    found = []
    for precision in ("float64", "float32", "amp-bf16"):
        dtype = ARITHMETICS[precision].dtype
        singly = rates(eager(system((32, 32), 1000, device, dtype), precision, device), steps, device)
        at_once = rates(replayed(system((32, 32), 1000, device, dtype), precision), steps, device)
        found.append({"precision": precision, "eager": singly, "graph": at_once})
    return found


def show_amp(found: list[dict[str, object]]) -> None:
    """A table of what `amp` found, float32 the measure."""
    print("| precision | steps/s, median (smallest to largest) | times float32 | peak memory, MB | part of float32 | |")
    print("|---|---|---|---|---|---|")
    base = found[0]
    for row in found:
        speed, memory = row["steps_per_second"], row["peak_memory_mb"]
        times = statistics.median(speed) / statistics.median(base["steps_per_second"])
        part = memory / base["peak_memory_mb"]
        verdict = ""
        if row["precision"].startswith("amp"):
            verdict = "met" if times >= FASTER and part <= SMALLER else "not met"
        print(
            f"| {row['precision']} | {statistics.median(speed):.1f} ({min(speed):.1f} to {max(speed):.1f}) "
            f"| {times:.2f} | {memory:.0f} | {part:.0%} | {verdict} |"
        )
    print(f"\nAims: at least {FASTER:g} times as fast, at most {SMALLER:.0%} of the memory.\n")


def show_graph(found: list[dict[str, object]]) -> None:
    """A table of what `graph` found."""
    print("| precision | steps/s kernel by kernel | replayed | times |")
    print("|---|---|---|---|")
    for row in found:
        singly, at_once = statistics.median(row["eager"]), statistics.median(row["graph"])
        print(f"| {row['precision']} | {singly:.0f} | {at_once:.0f} | {at_once / singly:.1f} |")
    print()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--width", type=int, default=2048, help="of the wide network's layers")
    parser.add_argument("--depth", type=int, default=4, help="its hidden layers")
    parser.add_argument("--points", type=int, default=16_384, help="at which it is trained")
    parser.add_argument("--presets", nargs="+", choices=list(AIMS), default=list(AIMS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)

    import torch

    if not torch.cuda.is_available():
        print(
            "error: benchmarks.gpu needs a CUDA device, and torch finds none on this machine; "
            "benchmarks.accuracy and benchmarks.throughput measure without one.",
            file=sys.stderr,
        )
        return 2
    device = torch.device("cuda", 0)
    result: dict[str, object] = {"machine": machine(), "gpu": gpu()}

    def keep(name: str, value: object) -> None:
        result[name] = value
        if options.json:
            options.json.write_text(json.dumps(result, indent=1))

    print(f"{machine()}\n{gpu()}\n")
    if "amp" in options.parts:
        hidden = (options.width,) * options.depth
        print(f"Adam steps of a tanh network {options.depth}×{options.width} on {options.points} points\n")
        found = amp(hidden, options.points, 20, device)
        keep("amp", {"hidden": hidden, "points": options.points, "rows": found})
        show_amp(found)
    if "graph" in options.parts:
        print("Adam steps of a tanh network 2×32 on 1000 points\n")
        found = graph(500, device)
        keep("graph", found)
        show_graph(found)
    if "accuracy" in options.parts:
        trained: list[dict[str, object]] = []
        for row in rows(options.presets, options.seeds, AIMS, ["device=cuda"]):
            trained.append(row)
            keep("accuracy", trained)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
