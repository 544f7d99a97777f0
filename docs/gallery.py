"""Pictures of the typed presets' solutions: `python -m docs.gallery [NAME …]`, a quarter of an hour for all.

Each preset is trained as a user does, in a home of its own, and its first field drawn: of one coordinate and time over
both, of two coordinates of space at one moment. It writes `core/presets/pictures/NAME.webp`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from PIL import Image

from benchmarks.presets import make_samples, measure
from core.presets import presets
from core.problems import Problem

FOLDER = Path(__file__).parents[1] / "core" / "presets" / "pictures"
WIDTH, HEIGHT = 480, 216
MOMENT = 0.6
"""Of the time that there is, what is drawn of fields in two coordinates of space."""
QUALITY = 82


def drawn(problem: Problem, values: Callable[[np.ndarray], np.ndarray]) -> Image.Image:
    """A field in colours, nothing where the domain is not.

    Args:
        problem: of two coordinates, or two and time.
        values: points (n, d) → (n,).
    """
    names, ends = problem.coordinates, problem.domain()
    across, along = [k for k in range(len(names)) if len(names) == 2 or names[k] != problem.time]
    width, height = WIDTH, HEIGHT
    if problem.time not in (names[across], names[along]):  # space is drawn to scale
        a, b = (high - low for low, high in (ends[across], ends[along]))
        width, height = (WIDTH, round(WIDTH * b / a)) if a * HEIGHT > b * WIDTH else (round(HEIGHT * a / b), HEIGHT)
    points = np.empty((height, width, len(names)))
    for k, (low, high) in enumerate(ends):
        points[..., k] = low + MOMENT * (high - low)
    points[..., across] = np.linspace(*ends[across], width)
    points[..., along] = np.linspace(*ends[along], height)[::-1, None]
    flat = points.reshape(-1, len(names))
    inside = problem.contains(flat)
    found = np.full(len(flat), np.nan)
    found[inside] = values(flat[inside])
    low, high = np.nanmin(found), np.nanmax(found)
    colours = colormaps["viridis"]((found - low) / (high - low), bytes=True)
    colours[~inside, 3] = 0
    image = Image.new("RGBA", (WIDTH, HEIGHT), (0, 0, 0, 0))
    image.paste(Image.fromarray(colours.reshape(height, width, 4)), ((WIDTH - width) // 2, (HEIGHT - height) // 2))
    return image


def main() -> None:
    """Make those that are named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="typed presets; all without")
    wanted = parser.parse_args().names or [name for name in presets() if name.startswith("typed-")]
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as lab_home:
        os.environ["LAB_HOME"] = lab_home
        make_samples(lab_home)
        for name in wanted:
            run = measure(name, 0, lab_home)
            _save(name, run["run_id"])
            print(f"{name}.webp, {run['process_s']:.0f} s", flush=True)


def _save(name: str, run_id: str) -> None:
    from core.runs import run_folder
    from core.solution.evaluate import load_solution

    solution = load_solution(run_folder(run_id))
    field = solution.problem.fields[0]
    image = drawn(solution.problem, lambda points: solution.evaluate(points)[field])
    image.save(FOLDER / f"{name}.webp", quality=QUALITY, method=6)


if __name__ == "__main__":
    main()
