"""How exact the presets with an exact solution get, against their bars: `python -m benchmarks.accuracy`.

Every row is `core train NAME` as a user runs it, timed as a whole process. With `--json FILE` the figures are kept.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.machine import machine
from benchmarks.presets import measure

BARS = {
    "poisson2d": (1e-12, 300),
    "poisson3d": (1e-8, 600),
    "poisson5d": (1e-6, 600),
    "poisson5d-cosine": (1e-6, 600),
    "helmholtz": (1e-10, 600),
    "wave": (1e-9, 600),
    "heat2d": (1e-9, 600),
    "burgers-viscous": (1e-7, 900),
    "taylor-green": (1e-8, 900),
    "beltrami": (1e-5, 900),
}
"""Preset → largest relative L2 error, and most seconds on two cores."""


def rows(
    names: Sequence[str], seeds: Sequence[int], bars: Mapping[str, tuple[float, int]], settings: Sequence[str] = ()
) -> Iterator[dict[str, object]]:
    """Train each preset with each seed, and print each as a line of a table as soon as it is there.

    Args:
        names: presets.
        seeds: of each.
        bars: preset → largest relative L2 error, and most seconds.
        settings: fields of the configs that are set, as `core train --set` takes them.
    """
    print("| preset | seed | relative l2 error | bar | max error | max residual | process, s | most, s | |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as lab_home:
        for name in names:
            error, seconds = bars[name]
            for seed in seeds:
                row = measure(name, seed, lab_home, settings)
                row["met"] = row["relative_l2_error"] <= error and row["process_s"] <= seconds
                print(
                    f"| {name} | {seed} | {row['relative_l2_error']:.1e} | {error:.0e} | {row['max_error']:.1e} "
                    f"| {row['max_residual']:.1e} | {row['process_s']:.0f} | {seconds} "
                    f"| {'met' if row['met'] else 'not met'} |",
                    flush=True,
                )
                yield row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="presets; all without")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"{machine()}\n")
    done = []
    for row in rows(options.names or list(BARS), options.seeds, BARS):
        done.append(row)
        if options.json:
            options.json.write_text(json.dumps({"machine": machine(), "runs": done}, indent=1))


if __name__ == "__main__":
    main()
