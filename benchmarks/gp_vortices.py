"""Vortices of every charge against their bar, as a user finds them: `python -m benchmarks.gp_vortices`.

Each row is `core train PRESET --set problem.charge=n`, timed as a whole process; the largest of the seeds counts. The
residual is that of the dense grid, 4,001 points of which training used none, scaled as the problem says; the reference
for the slope coefficient a = lim f/rⁿ and for f is the shooting solver of the tests. With `--json FILE` the figures are
kept.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.machine import machine
from benchmarks.presets import measure

MOST_RESIDUAL, MOST_SECONDS = 1e-12, 60.0
"""The bar of the project, on two cores."""


def against_shooting(run: dict, lab_home: str | Path, reference: tuple[float, np.ndarray]) -> dict[str, float]:
    """The slope coefficient of a run's last checkpoint, and by how much it and f differ from those of shooting.

    Args:
        run: its figures, as `measure` gives them.
        lab_home: where it was trained.
        reference: as `tests.vortices.shoot` gives it.
    """
    from core.home import Home
    from core.runs import RunFolder
    from core.training import checkpoint

    solution = checkpoint.load(RunFolder(Home(Path(lab_home)).run_dir(run["run_id"])).last).solution
    n, (scaled, path) = solution.problem.charge, reference
    log_a = float(solution.evaluate(np.zeros((1, 1)))["log_a"][0])
    log_reference = math.log(scaled) - n * math.log(2) - math.lgamma(n + 1)
    f = solution.evaluate(path[:, :1])["f"]
    return {
        "a": math.exp(log_a),
        "a_reference": math.exp(log_reference),
        "a_relative_error": abs(math.expm1(log_a - log_reference)),
        "f_error": float(np.abs(f - path[:, 1]).max()),
    }


def main() -> None:
    from tests.vortices import shoot

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="gp-vortex", choices=("gp-vortex", "gp-vortex-polynomials"))
    parser.add_argument("--charges", type=int, nargs="+", default=list(range(1, 31)))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"{machine()}\n\n{options.preset}, seeds {', '.join(map(str, options.seeds))}\n")
    print("| n | a, first seed | |Δa|/a, largest | |Δf|, largest | max residual | training, s | process, s | |")
    print("|---|---|---|---|---|---|---|---|")
    rows = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as lab_home:
        for charge in options.charges:
            reference = shoot(charge)
            runs = [measure(options.preset, seed, lab_home, [f"problem.charge={charge}"]) for seed in options.seeds]
            runs = [run | against_shooting(run, lab_home, reference) for run in runs]
            most = {
                key: max(run[key] for run in runs)
                for key in ("a_relative_error", "f_error", "max_residual", "wall_time_s", "process_s")
            }
            met = most["max_residual"] <= MOST_RESIDUAL and most["process_s"] <= MOST_SECONDS
            rows.append({"charge": charge, "met": met, "most": most, "runs": runs})
            print(
                f"| {charge} | {runs[0]['a']:.13g} | {most['a_relative_error']:.1e} | {most['f_error']:.1e} "
                f"| {most['max_residual']:.1e} | {most['wall_time_s']:.1f} | {most['process_s']:.0f} "
                f"| {'met' if met else 'not met'} |",
                flush=True,
            )
            if options.json:
                kept = {"machine": machine(), "threads": os.environ.get("OMP_NUM_THREADS"), "preset": options.preset}
                options.json.write_text(json.dumps(kept | {"charges": rows}, indent=1))


if __name__ == "__main__":
    main()
