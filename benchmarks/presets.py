"""Every preset as a user runs it, `core train NAME`, timed as a whole process: `python -m benchmarks.presets`.

Prints a Markdown table and, with `--json FILE`, writes the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import machine
from core.presets import presets

ROOT = Path(__file__).parents[1]
SHOWN = ("relative_l2_error", "max_error", "max_residual", "lambda_error")


def measure(name: str, seed: int, lab_home: str, settings: Sequence[str] = ()) -> dict[str, object]:
    """One run, with fields of its config set: its own figures, and the seconds from starting the process to its end."""
    changed = [part for setting in (f"seed={seed}", *settings) for part in ("--set", setting)]
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "core", "train", name, *changed, "--json", out.name],
            cwd=ROOT,
            env=os.environ | {"LAB_HOME": lab_home},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        seconds = time.perf_counter() - began
        return json.loads(Path(out.name).read_text()) | {"preset": name, "process_s": seconds}


def make_samples(lab_home: str) -> None:
    """Put the datasets that presets learn from into a lab home."""
    sample = [sys.executable, "-m", "core", "dataset", "sample"]
    subprocess.run(sample, cwd=ROOT, env=os.environ | {"LAB_HOME": lab_home}, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="presets; all without")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"{machine()}\n")
    print("| preset | seed | process, s | training, s | " + " | ".join(name.replace("_", " ") for name in SHOWN) + " |")
    print("|---|---|---|---|" + "---|" * len(SHOWN))
    rows = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as lab_home:
        make_samples(lab_home)
        for name in options.names or presets():
            for seed in options.seeds:
                row = measure(name, seed, lab_home)
                rows.append(row)
                figures = " | ".join(f"{row[key]:.1e}" if key in row else "" for key in SHOWN)
                print(
                    f"| {name} | {seed} | {row['process_s']:.1f} | {row['wall_time_s']:.1f} | {figures} |", flush=True
                )
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "runs": rows}, indent=1))


if __name__ == "__main__":
    main()
