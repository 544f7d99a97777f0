"""What a CUDA device is good for: `python -m benchmarks.gpu`. Needs one; without, it says so and exits with 2.

Five questions, each a part that can be asked alone with `--parts`; `PARTS` says what they are. It needs no store and no
browser: torch and what training itself imports are enough. With `--json FILE` the figures are kept, part by part.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.accuracy import BARS
from benchmarks.gpu_steps import eager, features, gauss_newton, rates, replayed, system
from benchmarks.machine import gpu, machine
from core.presets import presets, resolve

if TYPE_CHECKING:
    import torch


FASTER, SMALLER = 2.0, 0.55
"""What mixed precision is meant to reach: times float32's steps a second, and part of its peak memory."""
AIMS = BARS | {"burgers-viscous": (1e-12, 900), "poisson5d": (1e-12, 600)}
"""As `BARS`; of two presets more is expected on a GPU."""
SIZES = ((2_000, 1_000), (8_000, 4_000))
"""Rows and parameters of the second-order systems."""
DAMPINGS = {"normal equations": 1e-4, "QR": 1e-14}
"""Damping on either side of the one from which Gauss–Newton may use Cholesky."""
SECOND_ORDER_ROUNDS = 3
"""Of so many: on a CPU an iteration of the large system takes seconds."""
WALLS = {"ipm": 6, "boussinesq": 5}
"""Preset → how many orders of it are found one after the other."""
PARTS = {
    "amp": "Adam steps a second and peak memory of a wide network in float32, tf32 and mixed precision, which is meant "
    f"to be at least {FASTER:g} times as fast as float32 with at most {SMALLER:.0%} of its memory",
    "graph": "Adam steps a second of 2×32 tanh on 1000 points, kernel by kernel and replayed as a CUDA graph",
    "second-order": "Gauss–Newton iterations a second in float64 with Fourier features, on the device and on this "
    f"machine's CPU: {' and '.join(f'{rows} rows × {columns} parameters' for rows, columns in SIZES)}",
    "accuracy": "presets trained on the device, with relative L2 errors and seconds of at most "
    + ", ".join(f"{name} {error:.0e} in {seconds} s" for name, (error, seconds) in AIMS.items()),
    "walls": "λ of every order of IPM and Boussinesq beside a wall, each found on the device from the one before, and "
    "the seconds of one undamped iteration of its last stage",
}
"""Part → what it measures, and what is meant to come out."""


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


def second_order(sizes: Sequence[tuple[int, int]], devices: Sequence[torch.device]) -> Iterator[dict[str, object]]:
    """Rates of Gauss–Newton iterations by device, for each size and each way of solving the damped system."""
    for points, parameters in sizes:
        for way, damping in DAMPINGS.items():
            row: dict[str, object] = {"rows": points, "parameters": parameters, "solved_by": way}
            for device in devices:
                iteration = gauss_newton(features(parameters, points, device), damping)
                row[device.type] = rates(iteration, 1, device, SECOND_ORDER_ROUNDS)
            yield row


def accuracy(names: Sequence[str], seeds: Sequence[int], device: torch.device) -> Iterator[dict[str, object]]:
    """Each preset trained with each seed: its errors, the seconds of training alone, and the device's peak memory.

    `met` says whether an aim was reached; it is left out where there is none. A run that failed says why.
    """
    import torch

    from core.config import override
    from core.errors import LabError
    from core.runs import RunFolder
    from core.training.measure import measure
    from core.training.train import train

    on_device = device.type == "cuda"
    torch.zeros(1, device=device)  # the device's own start is no run's
    for name in names:
        for seed in seeds:
            row: dict[str, object] = {"preset": name, "seed": seed}
            gc.collect()
            if on_device:
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats(device)
            with tempfile.TemporaryDirectory() as folder:
                began = time.perf_counter()
                try:
                    config = override(resolve(name), [f"seed={seed}", f"device={device.type}"])
                    outcome = train(config, RunFolder(Path(folder)), say=lambda line: None)
                    solution = outcome.solution.cpu()  # waits for the device
                except LabError as error:
                    yield row | {"failed": str(error)}
                    continue
                row["train_s"] = time.perf_counter() - began
            row["peak_memory_mb"] = torch.cuda.max_memory_allocated(device) / 2**20 if on_device else None
            found = measure(solution)
            for key in ("relative_l2_error", "max_error", "max_residual", "lambda_error"):
                row[key] = getattr(found, key)
            if outcome.failed:
                row["failed"] = outcome.failed
            if name in AIMS:
                error, seconds = AIMS[name]
                row |= {"bar": error, "most_s": seconds}
                row["met"] = not outcome.failed and row["relative_l2_error"] <= error and row["train_s"] <= seconds
            yield row


def walls(names: Sequence[str], orders: Sequence[int], seed: int, device: torch.device) -> Iterator[dict[str, object]]:
    """Each order of each preset, trained on the device from the solution of the order before.

    `lambdas` holds λ where each stage ended, `iteration_s` the seconds of an iteration of the last stage.
    """
    import torch

    from core.config import override
    from core.errors import LabError
    from core.runs import RunFolder
    from core.training.measure import measure
    from core.training.parent import start_from
    from core.training.train import train

    for name in names:
        before, config = None, None
        for order in (n for n in orders if n < WALLS[name]):
            row: dict[str, object] = {"preset": name, "order": order, "seed": seed}
            solved = config.problem if config else None
            config = override(resolve(name), [f"problem.order={order}", f"seed={seed}", f"device={device.type}"])
            if device.type == "cuda":
                torch.cuda.reset_peak_memory_stats(device)
            lines: list[str] = []
            with tempfile.TemporaryDirectory() as path:
                folder, began = RunFolder(Path(path)), time.perf_counter()
                try:
                    # orders 0 and 1 have a guess of their own
                    parent = start_from(config, solved, before, lines.append) if order > 1 and before else None
                    outcome = train(config, folder, say=lines.append, parent=parent)
                except LabError as error:
                    yield row | {"failed": str(error), "log": lines}
                    break
                row["train_s"] = time.perf_counter() - began
                history = folder.history_columns()
            stage, lam, wall = (history[key] for key in ("stage", "lambda", "wall_time_s"))
            row["lambdas"] = [float(lam[stage == k][-1]) for k in np.unique(stage)]
            row["iteration_s"] = float(np.median(np.diff(wall[stage == stage.max()]))) if len(wall) > 1 else None
            row["peak_memory_mb"] = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else None
            before = outcome.solution
            row["lambda"] = float(before.lam.detach())
            row["max_residual"] = measure(before).max_residual
            row["log"] = lines
            if outcome.failed:
                row["failed"] = outcome.failed
            yield row


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


def show_second_order(found: Iterator[dict[str, object]]) -> Iterator[dict[str, object]]:
    """A table of what `second_order` finds, line by line."""
    print("| rows × parameters | solved by | CPU, iterations/s | device, iterations/s | times |")
    print("|---|---|---|---|---|")
    for row in found:
        cpu, device = statistics.median(row["cpu"]), statistics.median(row["cuda"])
        size = f"{row['rows']} × {row['parameters']}"
        print(f"| {size} | {row['solved_by']} | {cpu:.3g} | {device:.3g} | {device / cpu:.1f} |", flush=True)
        yield row
    print()


def show_accuracy(found: Iterator[dict[str, object]]) -> Iterator[dict[str, object]]:
    """A table of what `accuracy` finds, line by line."""

    def shown(value: float | None, form: str = ".1e") -> str:
        return "" if value is None else format(value, form)

    print(
        "| preset | seed | relative l2 error | bar | max error | max residual | λ error "
        "| training, s | most, s | peak memory, MB | |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for row in found:
        verdict = row.get("failed") or {True: "met", False: "not met", None: ""}[row.get("met")]
        print(
            f"| {row['preset']} | {row['seed']} | {shown(row.get('relative_l2_error'))} "
            f"| {shown(row.get('bar'), '.0e')} | {shown(row.get('max_error'))} | {shown(row.get('max_residual'))} "
            f"| {shown(row.get('lambda_error'))} | {shown(row.get('train_s'), '.0f')} "
            f"| {shown(row.get('most_s'), 'd')} | {shown(row.get('peak_memory_mb'), '.0f')} | {verdict} |",
            flush=True,
        )
        yield row
    print()


def show_walls(found: Iterator[dict[str, object]]) -> Iterator[dict[str, object]]:
    """A table of what `walls` finds, line by line."""
    print(
        "| problem | order | λ | last two stages apart | max residual | training, s | an iteration, s | memory, MB | |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for row in found:
        if "lambda" in row:
            last = row["lambdas"][-2:]
            print(
                f"| {row['preset']} | {row['order']} | {row['lambda']:.15g} | {abs(last[-1] - last[0]):.0e} "
                f"| {row['max_residual']:.1e} | {row['train_s']:.0f} | {row['iteration_s'] or 0:.2f} "
                f"| {row['peak_memory_mb'] or 0:.0f} | {row.get('failed', '')} |",
                flush=True,
            )
        else:
            print(f"| {row['preset']} | {row['order']} | | | | | | | {row['failed']} |", flush=True)
        yield row
    print()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--width", type=int, default=2048, help="of the wide network's layers")
    parser.add_argument("--depth", type=int, default=4, help="its hidden layers")
    parser.add_argument("--points", type=int, default=16_384, help="at which it is trained")
    parser.add_argument("--presets", nargs="+", choices=list(presets()), default=list(AIMS), metavar="PRESET")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--walls", nargs="+", choices=list(WALLS), default=list(WALLS))
    parser.add_argument("--orders", type=int, nargs="+", default=list(range(max(WALLS.values()))), help="of `walls`")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)

    import torch

    if not torch.cuda.is_available():
        print(
            "error: benchmarks.gpu needs a CUDA device, and torch finds none on this machine; "
            "benchmarks.accuracy and benchmarks.throughput measure without one. With one it would measure:",
            *(f"  {part}: {PARTS[part]}" for part in options.parts),
            sep="\n",
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
    if "second-order" in options.parts:
        print(f"Gauss–Newton iterations in float64, Fourier features; the CPU with {torch.get_num_threads()} threads\n")
        several: list[dict[str, object]] = []
        for row in show_second_order(second_order(SIZES, (torch.device("cpu"), device))):
            several.append(row)
            keep("second-order", several)
    if "accuracy" in options.parts:
        print("Presets, trained on the device\n")
        trained: list[dict[str, object]] = []
        for row in show_accuracy(accuracy(options.presets, options.seeds, device)):
            trained.append(row)
            keep("accuracy", trained)
    if "walls" in options.parts:
        print("Profiles beside a wall, each order found on the device from the one before\n")
        profiles: list[dict[str, object]] = []
        for row in show_walls(walls(options.walls, options.orders, options.seeds[0], device)):
            profiles.append(row)
            keep("walls", profiles)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
