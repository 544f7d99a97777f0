"""Speed against DeepXDE and PINA on 2D Poisson: `python -m benchmarks.throughput --peers .venv-peers/bin/python`.

Same network (2×32 tanh), 1000 points, float64, hard boundary, threads and machine; the programs take turns, so that
all see the same neighbours. Two questions: Adam steps a second, and the seconds from the process's start to a relative
L2 error of 1e-6 by what each does best (DeepXDE: Adam, then L-BFGS, at two learning rates; the better one counts).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.machine import machine

ROOT = Path(__file__).parents[1]


def answer(python: str, module: str, *arguments: str) -> dict[str, float]:
    """The JSON line that a program prints last."""
    command = [python, "-m", f"benchmarks.peers.{module}", *arguments]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", default=".venv-peers/bin/python", help="interpreter with DeepXDE and PINA")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--most-seconds", type=int, default=280, help="for DeepXDE to reach the error")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(machine(), "\n")
    programs = {
        "ours": (sys.executable, "lab_poisson", "3000"),
        "DeepXDE": (options.peers, "deepxde_poisson", "500"),
        "PINA": (options.peers, "pina_poisson", "300"),
    }
    rates: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(options.rounds):
        for name, (python, module, steps) in programs.items():
            rates[name].append(answer(python, module, "--steps", steps)["steps_per_second"])
    result: dict[str, object] = {"machine": machine(), "steps_per_second": rates}
    print("Adam steps a second, median (smallest to largest)")
    for name, values in rates.items():
        print(f"  {name}: {statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f})")
    for name in ("DeepXDE", "PINA"):
        ratio = statistics.median(a / b for a, b in zip(rates["ours"], rates[name], strict=True))
        print(f"  times {name}, median of the rounds: {ratio:.2f}")
    print("seconds to a relative L2 error of 1e-6, whole process", flush=True)
    times: dict[str, list[dict[str, float]]] = {"ours, Fourier features": [], "ours, tanh network": []}
    for _ in range(options.rounds):
        times["ours, Fourier features"].append(answer(sys.executable, "lab_poisson", "--way", "fourier"))
        times["ours, tanh network"].append(answer(sys.executable, "lab_poisson", "--way", "tanh"))
    for adam, rate in (("3000", "1e-3"), ("1000", "5e-3")):
        arguments = ("--target", "1e-6", "--adam", adam, "--learning-rate", rate)
        limit = ("--most-seconds", str(options.most_seconds))
        times[f"DeepXDE, Adam {adam} at {rate}, L-BFGS"] = [
            answer(options.peers, "deepxde_poisson", *arguments, *limit)
        ]
    result["time_to_error"] = times
    for name, values in times.items():
        seconds = statistics.median(value["seconds"] for value in values)
        errors = ", ".join(f"{value['relative_l2_error']:.1e}" for value in values)
        print(f"  {name}: {seconds:.1f} s, error {errors}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
