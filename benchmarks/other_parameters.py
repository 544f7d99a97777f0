"""Presets with other parameters than they are tuned to, as a user runs them: `python -m benchmarks.other_parameters`.

Each case is `core train NAME --set problem.X=…`, timed as a whole process, beside the preset's own error. Prints a
Markdown table and, with `--json FILE`, writes {"rows": [{"name", "relative_l2", "seconds", …}]}.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import machine
from benchmarks.presets import measure

MOST_SECONDS = 180
"""A whole process on two cores."""
WORSE = 100
"""Times the tuned preset's error that any parameters may cost, where a case has no bar of its own."""


@dataclass(frozen=True)
class Case:
    """A preset with parameters of its own."""

    preset: str
    settings: tuple[str, ...]
    bar: float | None = None
    """Relative L2 that is asked for; None: `WORSE` times the tuned preset's."""

    @property
    def name(self) -> str:
        """As the table calls it."""
        return " ".join((self.preset, *(setting.removeprefix("problem.") for setting in self.settings)))


CASES = (
    Case("helmholtz", ("problem.a1=7", "problem.a2=3", "problem.wavenumber=4"), 1e-12),
    Case("helmholtz", ("problem.a1=10", "problem.a2=10", "problem.wavenumber=10")),
    Case("taylor-green", ("problem.viscosity=0.2",), 1e-8),
    Case("heat2d", ("problem.diffusivity=2",)),
    Case("heat2d", ("problem.diffusivity=0.005",)),
    Case("burgers-viscous", ("problem.viscosity=0.0636",)),
    Case("allen-cahn", ("problem.diffusivity=2e-3",)),
    Case("beltrami", ("problem.a=0.5", "problem.d=2")),
    Case("typed-helmholtz", ("problem.parameters.a=10", "problem.parameters.b=6", "problem.parameters.k=10")),
    Case("typed-advection", ("problem.parameters.c=60",)),
    Case("typed-burgers", ("problem.parameters.nu=1",)),
    Case("typed-heat", ("problem.parameters.kappa=2",)),
    Case("typed-heat", ("problem.parameters.kappa=10",)),
    Case("typed-heat", ("problem.parameters.kappa=0.005",)),
    Case("typed-wave", ("problem.parameters.c=10",)),
)


def row(case: Case, tuned: dict[str, object], lab_home: str, seed: int) -> dict[str, object]:
    """A case's figures, the tuned preset's error, the bar and whether it is met."""
    run = measure(case.preset, seed, lab_home, case.settings)
    error, own = run.get("relative_l2_error"), tuned.get("relative_l2_error")
    bar = case.bar if case.bar is not None else None if own is None else WORSE * own
    return {
        "name": case.name,
        "relative_l2": error,
        "seconds": run["process_s"],
        "training_seconds": run["wall_time_s"],
        "max_residual": run["max_residual"],
        "tuned_relative_l2": own,
        "bar": bar,
        "met": error is not None and bar is not None and error <= bar and run["process_s"] <= MOST_SECONDS,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("presets", nargs="*", help="presets whose cases are run; all without")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"{machine()}\n")
    print("| case | relative L2 | bar | tuned | process, s | max residual | |")
    print("|---|---|---|---|---|---|---|")
    rows, tuned = [], {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as lab_home:
        for case in (each for each in CASES if not options.presets or each.preset in options.presets):
            try:
                if case.preset not in tuned:
                    tuned[case.preset] = measure(case.preset, options.seed, lab_home)
                found = row(case, tuned[case.preset], lab_home, options.seed)
            except subprocess.CalledProcessError as error:
                print(f"{case.name} failed with exit status {error.returncode}", file=sys.stderr, flush=True)
                found = {"name": case.name, "relative_l2": None, "seconds": None, "failed": error.returncode}
            rows.append(found)
            print(f"| {_line(found)} |", flush=True)
            if options.json:
                options.json.write_text(
                    json.dumps({"machine": machine(), "seed": options.seed, "rows": rows}, indent=1)
                )


def _line(found: dict[str, object]) -> str:
    figures = ("relative_l2", "bar", "tuned_relative_l2", "seconds", "max_residual")
    shown = ["" if found.get(key) is None else f"{found[key]:.3g}" for key in figures]
    return " | ".join([found["name"], *shown, "met" if found.get("met") else "missed"])


if __name__ == "__main__":
    main()
