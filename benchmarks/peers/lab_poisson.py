"""2D Poisson by this package's trainer: Adam steps a second, or the seconds to an error. Prints one JSON line."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

BEGAN = time.perf_counter()

from core.config import parse_config  # noqa: E402
from core.runs import RunFolder  # noqa: E402
from core.runs.history import HistoryWriter  # noqa: E402
from core.training.measure import measure  # noqa: E402
from core.training.trainer import Trainer  # noqa: E402

ADAM = {"kind": "adam", "learning_rate": 1e-3}
TANH = [{"warmup": {"iterations": 100}, "iterations": 80, "target_residual": 2e-5, "collocation": {"points": 800}}]
FOURIER = [
    {
        "fourier": {"features": 150, "sigma": "measured"},
        "optimizer": {"kind": "gauss_newton", "damping": 1e-26, "minimum_damping": 1e-32},
        "iterations": 1,
        "collocation": {"points": 800, "sampler": "chebyshev"},
    }
]


def train(stages: list[dict]):
    """The trained solution, and the seconds that training took, history, checkpoints and progress file included."""
    config = parse_config(
        {"problem": {"kind": "poisson2d"}, "network": {"hidden": [32, 32]}, "stages": stages, "device": "cpu"}
    )
    with tempfile.TemporaryDirectory() as name:
        folder = RunFolder(Path(name))
        history = HistoryWriter(folder.history, config.problem.row_names)
        trainer = Trainer(config, folder, wanted=lambda: None, history=history, say=lambda line: None)
        began = time.perf_counter()
        outcome = trainer.train()
        seconds = time.perf_counter() - began
        history.close()
    return outcome.solution, seconds


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--way", choices=["adam", "tanh", "fourier"], default="adam")
    options = parser.parse_args()
    if options.way == "adam":
        adam = {"optimizer": ADAM, "collocation": {"points": 1000}}
        train([adam | {"iterations": 50}])
        _, seconds = train([adam | {"iterations": options.steps}])
        print(json.dumps({"steps_per_second": options.steps / seconds}))
        return
    solution, _ = train(TANH if options.way == "tanh" else FOURIER)
    seconds = time.perf_counter() - BEGAN
    print(json.dumps({"seconds": seconds, "relative_l2_error": measure(solution).relative_l2_error}))


if __name__ == "__main__":
    main()
