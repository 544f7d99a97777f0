"""Typed equations as a user runs them, and beside their twins of the catalogue: `python -m benchmarks.equations`.

Prints a Markdown table and, with `--json FILE`, writes {"rows": [{"name", "relative_l2", "seconds", …}]}.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import machine
from benchmarks.presets import measure
from core.presets import presets

TWINS = {
    "typed-heat": "heat2d",
    "typed-wave": "wave",
    "typed-helmholtz": "helmholtz",
    "typed-poisson": "poisson2d",
}
"""Typed preset → the catalogue's for the same equation, whose error and time it is held against."""


def row(name: str, lab_home: str, seed: int) -> dict[str, object]:
    """One preset's figures; its twin's beside them where it has one."""
    found = _figures(name, lab_home, seed)
    if name in TWINS:
        found |= {f"class_{key}": value for key, value in _figures(TWINS[name], lab_home, seed).items()}
    return found


def _figures(name: str, lab_home: str, seed: int) -> dict[str, object]:
    run = measure(name, seed, lab_home)
    return {
        "name": name,
        "relative_l2": run.get("relative_l2_error"),
        "seconds": run["process_s"],
        "training_seconds": run["wall_time_s"],
        "max_residual": run["max_residual"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="typed presets; all without")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"{machine()}\n")
    print("| equation | relative L2 | process, s | max residual | class: relative L2 | process, s |")
    print("|---|---|---|---|---|---|")
    rows = []
    with tempfile.TemporaryDirectory() as lab_home:
        for name in options.names or [each for each in presets() if each.startswith("typed-")]:
            try:
                found = row(name, lab_home, options.seed)
            except subprocess.CalledProcessError as error:
                print(f"{name} failed with exit status {error.returncode}", file=sys.stderr, flush=True)
                found = {"name": name, "relative_l2": None, "seconds": None, "failed": error.returncode}
            rows.append(found)
            print(
                f"| {name} | {_shown(found, 'relative_l2')} | {_shown(found, 'seconds')} | "
                f"{_shown(found, 'max_residual')} | {_shown(found, 'class_relative_l2')} | "
                f"{_shown(found, 'class_seconds')} |",
                flush=True,
            )
            if options.json:
                options.json.write_text(
                    json.dumps({"machine": machine(), "seed": options.seed, "rows": rows}, indent=1)
                )


def _shown(found: dict[str, object], key: str) -> str:
    value = found.get(key)
    return "" if value is None else f"{value:.1f}" if key.endswith("seconds") else f"{value:.1e}"


if __name__ == "__main__":
    main()
