"""Sample a run's solution on a grid, once for each checkpoint and resolution."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from core.errors import LabError
from core.home import home
from core.solution.grid import SolutionGrid, check_resolution, default_resolution
from core.tracking.store import run_config


def sample(run_id: str, resolution: int | None = None) -> SolutionGrid:
    """The newest checkpoint's fields, residuals, exact values and errors on a grid. Imports torch.

    Args:
        run_id: the run.
        resolution: points along each axis; None for the problem's default.

    Raises:
        LabError: no such run or checkpoint, or a resolution that the memory can't hold.
    """
    return SolutionGrid.read(sampled_file(run_id, resolution))


def sampled_file(run_id: str, resolution: int | None = None) -> Path:
    """Like `sample`, returning the file that holds the grid; only a new checkpoint or resolution is computed."""
    problem = run_config(run_id).problem
    resolution = default_resolution(problem) if resolution is None else resolution
    check_resolution(problem, resolution)
    folder = home().run_dir(run_id)
    checkpoint = folder / "checkpoints" / "last.pt"
    if not checkpoint.exists():
        raise LabError(f"Run {run_id[:8]} has no checkpoint yet; the first one is written while it trains.")
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    path = folder / "solution" / f"{digest[:16]}-{resolution}.npz"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        _compute(run_id, resolution, digest).save(path)
        for old in path.parent.glob("*.npz"):  # grids of replaced checkpoints
            if not old.name.startswith(digest[:16]):
                old.unlink(missing_ok=True)
    return path


def _compute(run_id: str, resolution: int, digest: str) -> SolutionGrid:
    from core.solution.evaluate import load_solution

    solution = load_solution(run_id)
    problem = solution.problem
    axes = tuple(problem.axis(i, resolution) for i in range(len(problem.coordinates)))
    shape = tuple(len(axis) for axis in axes)
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    values = solution.evaluate(points)
    exact = problem.exact(points)
    if exact is not None:
        for name in problem.fields:
            values[f"{name}_exact"] = exact[name]
            values[f"{name}_error"] = values[name] - exact[name]
    return SolutionGrid(
        coordinates=problem.coordinates,
        axes=axes,
        values={name: value.reshape(shape) for name, value in values.items()},
        time=problem.time,
        about={
            "run_id": run_id,
            "problem": problem.title,
            "config_hash": solution.stored.config.hash,
            "checkpoint_sha256": digest,
            "iteration": solution.stored.position.total,
            **({} if solution.lambda_ is None else {"lambda": solution.lambda_}),
        },
    )
