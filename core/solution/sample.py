"""Sample a run's solution on a grid, once for each checkpoint and resolution."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import LabError
from core.names import beside
from core.problems.exact_error import exact_fields
from core.runs import RunFolder
from core.runs.checkpoint_file import look
from core.solution.grid import RESERVED, SolutionGrid, check_resolution, default_resolution, fixed, shown
from core.tracking.store import run_config

if TYPE_CHECKING:
    from core.solution.evaluate import RunSolution


BLOCK = 2**14
"""Points evaluated between two looks at the clock."""

KEEP_S = 600.0
"""A replaced checkpoint's grid is kept for so long, since another visitor may be looking at it."""


def sample(folder: RunFolder, resolution: int | None = None) -> SolutionGrid:
    """The newest checkpoint's fields, residuals, exact values and errors on a grid. Imports torch.

    Args:
        folder: the run's.
        resolution: points along each axis; None for the problem's default.

    Raises:
        LabError: no such run or checkpoint, or a resolution that the memory can't hold.
    """
    return SolutionGrid.read(sampled_file(folder, resolution))


def sampled_file(folder: RunFolder, resolution: int | None = None, limit_s: float | None = None) -> Path:
    """Like `sample`, returning the file that holds the grid; only a new checkpoint or resolution is computed.

    With `limit_s`, LabError as soon as it is clear that sampling would take longer.
    """
    problem = run_config(folder).problem
    resolution = default_resolution(problem) if resolution is None else resolution
    check_resolution(problem, resolution)
    return kept_file(folder, str(resolution), lambda solution: _on_axes(solution, resolution, limit_s))


def kept_file(folder: RunFolder, name: str, compute: Callable[[RunSolution], SolutionGrid]) -> Path:
    """The file of a grid that is made of the newest checkpoint, computed once for each checkpoint and name.

    What a grid says about itself is added: run, problem, config, checkpoint, λ. Raises LabError while there is no
    checkpoint.
    """
    if not folder.has_checkpoint:
        raise LabError(f"Run {folder} has no checkpoint yet; the first one is written while it trains.")
    look(folder.last)  # a damaged one is never sampled, nor taken for an earlier one's grid
    digest = hashlib.sha256(folder.last.read_bytes()).hexdigest()
    path = folder.samples / f"{digest[:16]}-{name}.npz"
    if path.exists():
        return path
    solution, digest = _loaded(folder)
    path = path.with_name(f"{digest[:16]}-{name}.npz")
    path.parent.mkdir(exist_ok=True)
    grid = compute(solution)
    replace(grid, about=_about(solution, folder.run_id, digest) | grid.about).save(path)
    for old in path.parent.glob("[!.]*.npz"):
        if not old.name.startswith(digest[:16]) and time.time() - old.stat().st_mtime > KEEP_S:
            old.unlink(missing_ok=True)
    return path


def _loaded(folder: RunFolder) -> tuple[RunSolution, str]:
    """The solution, and the SHA-256 of the very file it came from: a live run may replace it at any moment."""
    from core.solution.evaluate import load_solution

    while True:
        digest = hashlib.sha256(folder.last.read_bytes()).hexdigest()
        solution = load_solution(folder)
        if hashlib.sha256(folder.last.read_bytes()).hexdigest() == digest:
            return solution, digest


def _about(solution: RunSolution, run_id: str, digest: str) -> dict[str, object]:
    return {
        "run_id": run_id,
        "problem": solution.problem.title,
        "config_hash": solution.stored.config.hash,
        "checkpoint_sha256": digest,
        "iteration": solution.stored.position.total,
        **({} if solution.lambda_ is None else {"lambda": solution.lambda_}),
    }


def _on_axes(solution: RunSolution, resolution: int, limit_s: float | None) -> SolutionGrid:
    problem = solution.problem
    along = shown(problem)
    axes = tuple(problem.axis(i, resolution) for i in along)
    shape = tuple(len(axis) for axis in axes)
    points = np.empty((math.prod(shape), len(problem.coordinates)))
    points[:, along] = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    for name, value in fixed(problem).items():
        points[:, problem.coordinates.index(name)] = value
    inside = problem.holds(points) & solution.reaches(points)
    found = evaluated(solution, points[inside], limit_s)
    values = {name: np.full(shape, np.nan) for name in found}
    for name, value in found.items():
        values[name].reshape(-1)[inside] = value
    return SolutionGrid(
        coordinates=tuple(problem.coordinates[i] for i in along),
        axes=axes,
        values=values,
        inside=None if inside.all() else inside.reshape(shape),
        time=problem.time,
        about={beside(name, "coordinate", RESERVED): value for name, value in fixed(problem).items()},
        names=problem.value_names,
    )


def evaluated(solution: RunSolution, points: np.ndarray, limit_s: float | None) -> dict[str, np.ndarray]:
    """Fields, residuals, and exact values and errors where the problem has them, at points (N, d).

    With `limit_s`, LabError as soon as it is clear that it would take longer.
    """
    parts: dict[str, list[np.ndarray]] = {}
    began = time.monotonic()
    names, usable = solution.problem.value_names, True
    for done in range(0, len(points), BLOCK):
        block = points[done : done + BLOCK]
        values = solution.evaluate(block)
        exact = {}
        if usable:
            try:
                exact = exact_fields(solution.problem, block) or {}
            except LabError:  # the run's summary says why
                usable = False
        for name, known in exact.items():
            values[names.exact[name]] = known
            values[names.errors[name]] = values[name] - known
        for name, value in values.items():
            parts.setdefault(name, []).append(value)
        expected = (time.monotonic() - began) / (done + len(block)) * len(points)
        if limit_s is not None and expected > limit_s and time.monotonic() - began > 5:
            raise LabError(
                f"Sampling {len(points):,} points would take about {expected / 60:.0f} min here, and a page waits "
                f"{limit_s / 60:.0f} min at most. Lower the resolution, or use `python -m core export` in a terminal."
            )
    whole = len(parts[solution.problem.fields[0]])  # exact values of some blocks alone are left out
    return {name: np.concatenate(blocks) for name, blocks in parts.items() if len(blocks) == whole}
