"""Typed equations as a user runs them, and beside their twins of the catalogue: `python -m benchmarks.equations`.

A twin's row has the class's own error and time from the same run, and whether the typed one stays within `WITHIN` of
both; one of `FOUND` the error of the field that is found from data, and of no other; others the bars of `BARS`.
Prints a Markdown table and, with `--json FILE`, writes {"rows": [{"name", "relative_l2", "seconds", …}]}.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import machine
from benchmarks.pinnacle import measuring
from benchmarks.pinnacle.cases import CASES
from benchmarks.pinnacle.tables import relative_l2
from benchmarks.presets import ROOT, make_samples, measure
from core.presets import presets

TWINS = {
    "typed-poisson": "poisson2d",
    "typed-heat": "heat2d",
    "typed-wave": "wave",
    "typed-helmholtz": "helmholtz",
    "burgers1d-c": "burgers-viscous",
}
"""Typed → the catalogue's for the same equation. Burgers' is a row of PINNacle: no text says its exact solution."""
TORUS = Path(__file__).with_name("torus.yaml")
"""A run inside of `docs/examples/torus.stl`; its row is called `torus`."""
BARS = {
    "typed-kdv": (1e-6, 300),
    "typed-sine-gordon": (1e-6, 300),
    "typed-schroedinger": (1e-6, 300),
    "typed-biharmonic": (1e-8, 180),
    "typed-elasticity": (1e-8, 180),
    "typed-lshape": (1e-6, 300),
    "typed-holes": (1e-8, 300),
    "torus": (1e-5, 300),
}
"""Row → the largest relative L2 error and the most seconds that are asked for."""
FOUND = {"typed-darcy-inverse": ("a", 1e-3), "typed-darcy-noisy": ("a", 3e-2)}
"""Typed preset → the field that it finds from data, and the largest relative L2 error that is asked for."""
WITHIN = (10.0, 1.5)
"""How many times the class's error and its time a twin may have."""
ROUNDING = 1e-14
"""Errors below this are equal: which is the smaller one is chance."""


def row(name: str, lab_home: str, seed: int) -> dict[str, object]:
    """One typed equation's figures; its twin's beside them where it has one."""
    found = _figures(name, lab_home, seed)
    if name in BARS:
        bar, most_seconds = BARS[name]
        met = found["relative_l2"] <= bar and found["seconds"] <= most_seconds
        return found | {"bar": bar, "most_seconds": most_seconds, "met": met}
    if name not in TWINS:
        return found
    theirs = _figures(TWINS[name], lab_home, seed)
    bar, most_seconds = WITHIN[0] * max(theirs["relative_l2"], ROUNDING), WITHIN[1] * theirs["seconds"]
    found |= {f"class_{key}": value for key, value in theirs.items()} | {"bar": bar, "most_seconds": most_seconds}
    return found | {"met": found["relative_l2"] <= bar and found["seconds"] <= most_seconds}


def _figures(name: str, lab_home: str, seed: int) -> dict[str, object]:
    if name in CASES:
        found = measuring.row(CASES[name], lab_home, None, seed)
        return {key: found[key] for key in ("name", "relative_l2", "seconds", "training_seconds", "max_residual")}
    run = measure(str(TORUS) if name == "torus" else name, seed, lab_home)
    found = {
        "name": name,
        "relative_l2": run.get("relative_l2_error"),
        "seconds": run["process_s"],
        "training_seconds": run["wall_time_s"],
        "max_residual": run["max_residual"],
    }
    if name in FOUND:
        field, bar = FOUND[name]
        error = _error_of(field, run["run_id"], lab_home)
        found |= {"field": field, "relative_l2": error, "bar": bar, "met": error <= bar}
    return found


def _add(mesh: Path, lab_home: str) -> None:
    """Put a mesh into a lab home, as a user does."""
    command = [sys.executable, "-m", "core", "dataset", "add", str(mesh)]
    subprocess.run(command, cwd=ROOT, env=os.environ | {"LAB_HOME": lab_home}, check=True, stdout=subprocess.DEVNULL)


def _error_of(field: str, run_id: str, lab_home: str) -> float:
    """Relative L2 error of one field of a run's newest checkpoint, on the grid that runs are judged on."""
    os.environ["LAB_HOME"] = lab_home
    from core.runs import run_folder
    from core.solution.evaluate import load_solution
    from core.training.measure import dense_points

    solution = load_solution(run_folder(run_id))
    points = dense_points(solution.problem)
    return relative_l2(solution.evaluate(points), {field: solution.problem.exact(points)[field]})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="typed presets, burgers1d-c and torus; all without")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    every = list(dict.fromkeys([*TWINS, *(each for each in presets() if each.startswith("typed-")), "torus"]))
    if unknown := [name for name in options.names if name not in every]:
        parser.error(f"there is no row {', '.join(unknown)}; there are {', '.join(every)}")
    print(f"{machine()}\n")
    print("| equation | relative L2 | process, s | max residual | class: relative L2 | process, s | met |")
    print("|---|---|---|---|---|---|---|")
    rows = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as lab_home:
        make_samples(lab_home)
        _add(ROOT / "docs" / "examples" / "torus.stl", lab_home)
        for name in options.names or every:
            try:
                found = row(name, lab_home, options.seed)
            except subprocess.CalledProcessError as error:
                print(f"{name} failed with exit status {error.returncode}", file=sys.stderr, flush=True)
                found = {"name": name, "relative_l2": None, "seconds": None, "failed": error.returncode}
            rows.append(found)
            print(
                f"| {name} | {_shown(found, 'relative_l2')} | {_shown(found, 'seconds')} | "
                f"{_shown(found, 'max_residual')} | {_shown(found, 'class_relative_l2')} | "
                f"{_shown(found, 'class_seconds')} | {_yes(found)} |",
                flush=True,
            )
            if options.json:
                options.json.write_text(
                    json.dumps({"machine": machine(), "seed": options.seed, "rows": rows}, indent=1)
                )


def _shown(found: dict[str, object], key: str) -> str:
    value = found.get(key)
    return "" if value is None else f"{value:.1f}" if key.endswith("seconds") else f"{value:.1e}"


def _yes(found: dict[str, object]) -> str:
    return ("yes" if found["met"] else "no") if "met" in found else ""


if __name__ == "__main__":
    main()
