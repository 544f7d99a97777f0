"""A lab home full of runs of every state, to look at pages and to time them: `python -m benchmarks.sample_store N`.

Writes to LAB_HOME through the program's own store, job table and history writer. The curves are invented; nothing here
is a result.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from core.config import override
from core.home import home
from core.jobs import table
from core.presets import presets
from core.runs import run_folder
from core.runs.history import HistoryWriter
from core.tracking import store
from core.training.progress import Progress

STATES = ("finished",) * 7 + ("stopped", "failed", "crashed")
REASONS = {"failed": "The loss became NaN.", "crashed": "Its process was ended by SIGKILL."}


def fill(runs: int, points: int = 400, seed: int = 0) -> list[str]:
    """Add `runs` ended runs with histories of `points` iterations; returns their ids."""
    from mlflow.entities import Metric

    rng = np.random.default_rng(seed)
    names = [name for name in presets() if not name.startswith("typed-")]
    added = []
    now = time.time()
    for k in range(runs):
        preset = presets()[names[k % len(names)]]
        config = override(preset.config, [f"seed={k}", f"name={preset.name}-{k:03d}"])
        run_id = store.create_run(config)
        state = STATES[k % len(STATES)]
        folder = run_folder(run_id)
        folder.create(config)
        floor = 10 ** rng.uniform(-11, -5)
        residual = np.exp(-np.linspace(0, 6, points)) * rng.uniform(0.9, 1.1, points) + floor
        if state == "failed":
            residual[-1] = np.nan
        writer = HistoryWriter(folder.history, config.problem.row_names)
        for i, value in enumerate(residual):
            extra = {"lambda": 0.5 + value} if config.problem.has_lambda else {}
            writer.append(
                iteration=i + 1,
                stage=int(i > 0.7 * points),
                phase=1,
                wall_time_s=0.02 * i,
                loss=value**2,
                max_residual=3 * value,
                rms_residual=value,
                **extra,
            )
        writer.close()
        progress = Progress(folder, config)
        progress.figures = {
            "total_iterations": points,
            "max_residual": 3 * residual[-2],
            "rms_residual": residual[-2],
            "lambda": 0.5 + residual[-2] if config.problem.has_lambda else None,
        }
        progress.enter("main", len(config.stages) - 1)
        progress.write(config.stages[-1].iterations, 0.02 * points)
        metrics = {"max_residual": 3 * residual[-2], "rms_residual": residual[-2], "wall_time_s": 0.02 * points}
        if state == "finished":
            metrics["relative_l2_error"] = residual[-2] * rng.uniform(0.01, 1)
        store.client().log_batch(run_id, [Metric(key, float(v), int(now * 1000), points) for key, v in metrics.items()])
        begun = now - 600 * (runs - k)
        reason = REASONS.get(state, "")
        times = {"submitted": begun, "started": begun, "ended": begun + 9}
        table.insert(run_id, config, "local", state=state, attempt=1, reason=reason, **times)
        store.set_state(run_id, state, reason)
        added.append(run_id)
    return added


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    fill(count)
    print(f"{count} runs in {home().root}")
