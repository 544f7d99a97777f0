"""Sample a run's solution on a grid, once for each checkpoint and resolution."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import LabError
from core.files import read_object
from core.names import beside
from core.problems.exact_error import exact_fields
from core.runs import RunFolder
from core.runs.checkpoint_file import look
from core.runs.folder import CERTIFICATE
from core.solution import streamfunction
from core.solution.derived import velocity_of
from core.solution.grid import RESERVED, SolutionGrid, check_resolution, default_resolution, fixed, shown
from core.solution.kept import about_to_compute, forget, is_kept
from core.solution.sampled import WITHOUT_VALUE, places_text
from core.solution.wanted import ALL, Wanted, checkpoint_path
from core.tracking.store import run_config

if TYPE_CHECKING:
    from core.solution.evaluate import RunSolution


BLOCK = 2**14
"""Points evaluated between two looks at the clock, unless they are a grid that is summed axis by axis."""

NO_POINT = "No point of this grid lies in the domain, so nothing has a value. Make it finer."


def sample(folder: RunFolder, resolution: int | None = None, wanted: Wanted = ALL) -> SolutionGrid:
    """A checkpoint's fields, residuals, exact values, errors and formulas on a grid. Imports torch.

    Args:
        folder: the run's.
        resolution: points along each axis; None for the problem's default.
        wanted: which checkpoint, stages and formulas; everything of the newest one unless it says otherwise.

    Raises:
        LabError: no such run or checkpoint, a formula that can't be read, a resolution that the memory can't hold.
    """
    return SolutionGrid.read(sampled_file(folder, resolution, wanted=wanted))


def sampled_file(
    folder: RunFolder, resolution: int | None = None, limit_s: float | None = None, wanted: Wanted = ALL
) -> Path:
    """Like `sample`, returning the file that holds the grid; only a new checkpoint or resolution is computed.

    With `limit_s`, LabError as soon as it is clear that sampling would take longer.
    """
    problem = run_config(folder).problem
    resolution = default_resolution(problem) if resolution is None else resolution
    check_resolution(problem, resolution, len(wanted.formulas))
    return kept_file(folder, str(resolution), lambda solution: _on_axes(solution, resolution, limit_s), wanted)


def kept_file(
    folder: RunFolder, name: str, compute: Callable[[RunSolution], SolutionGrid], wanted: Wanted = ALL
) -> Path:
    """The file of a grid that is made of a checkpoint, computed once for each checkpoint, name and what is wanted.

    What a grid says about itself is added: run, problem, config, checkpoint, λ. What of it is not in the checkpoint is
    in the file's name: what the checkpoint is called, the certificate's digest. Raises LabError without a checkpoint.
    """
    checkpoint = checkpoint_path(folder, wanted.checkpoint)
    look(checkpoint)  # a damaged one is never sampled, nor taken for an earlier one's grid
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    path = _place(folder, digest, name, wanted)
    if is_kept(path):
        return path
    about_to_compute()
    solution, digest = loaded(folder, wanted)
    path = _place(folder, digest, name, wanted)
    path.parent.mkdir(exist_ok=True)
    grid = compute(solution)
    about = about_of(solution, folder, digest) | wanted.said | grid.about
    try:
        replace(grid, about=about).save(path)
    except OSError as error:
        raise LabError(f"What was sampled can't be kept in {path.parent}: {error.strerror or error}.") from error
    forget(path.parent, digest[:16])
    return path


def _place(folder: RunFolder, digest: str, name: str, wanted: Wanted) -> Path:
    certified = _certified(folder, digest)
    proof = hashlib.sha256(json.dumps(certified, sort_keys=True).encode()).hexdigest()[:8] if certified else ""
    return folder.samples / f"{'-'.join(filter(None, [digest[:16], name, wanted.digest, proof]))}.npz"


def loaded(folder: RunFolder, wanted: Wanted) -> tuple[RunSolution, str]:
    """The solution, and the SHA-256 of the very file it came from: a live run may replace it at any moment."""
    from core.solution.device import device_for
    from core.solution.evaluate import load_solution

    path = checkpoint_path(folder, wanted.checkpoint)
    while True:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        solution = load_solution(folder, wanted)
        if hashlib.sha256(path.read_bytes()).hexdigest() == digest:
            return solution.on(device_for(solution.stored.config.device)), digest


def about_of(solution: RunSolution, folder: RunFolder, digest: str) -> dict[str, object]:
    """What a sample says of itself: run, problem, config, checkpoint, λ, and its certificate if it is this one's."""
    about = {
        "run_id": folder.run_id,
        "problem": solution.problem.title,
        "config_hash": solution.stored.config.hash,
        "checkpoint_sha256": digest,
        "iteration": solution.stored.position.total,
        "units": "1",  # of everything: equations are solved as they are written
        **({} if solution.lambda_ is None else {"lambda": solution.lambda_}),
        **({WITHOUT_VALUE: text} if (text := places_text(solution.places_without_value)) else {}),
    }
    return about | _certified(folder, digest)


def _certified(folder: RunFolder, digest: str) -> dict[str, object]:
    """What a run's certificate says of the checkpoint of a digest; nothing where it is another's."""
    certificate = read_object(folder.file(CERTIFICATE)) or {}
    if certificate.get("checkpoint_sha256") != digest:
        return {}
    told = (f"λ = {certificate.get('lambda_text')}, max residual {certificate.get('max_residual')}, "
            f"holds: {certificate.get('holds')}")  # fmt: skip
    uncertainty = certificate.get("lambda_uncertainty")
    return {"certificate": told} | ({} if uncertainty is None else {"lambda_uncertainty": uncertainty})


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
    about = {beside(name, "coordinate", RESERVED): value for name, value in fixed(problem).items()}
    if solution.wanted.streamfunction:
        values[streamfunction.NAME], off = _streamfunction(solution, values, axes)
        about["streamfunction_uncertainty"] = off
    return SolutionGrid(
        coordinates=tuple(problem.coordinates[i] for i in along),
        axes=axes,
        values=values,
        inside=None if inside.all() else inside.reshape(shape),
        time=problem.time,
        about=about,
        names=problem.value_names,
    )


def _streamfunction(
    solution: RunSolution, values: dict[str, np.ndarray], axes: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, float]:
    problem = solution.problem
    flow = velocity_of(problem)
    if len(flow) != 2:
        raise LabError(f"{problem.title} has no plane flow, so it has no stream function.")
    places = tuple(k for k, name in enumerate(problem.coordinates) if name != problem.time)
    u, v = (values[solution.words.fields[name]] for name in flow)
    return streamfunction.streamfunction(u, v, axes[places[0]], axes[places[1]], places)


def evaluated(solution: RunSolution, points: np.ndarray, limit_s: float | None) -> dict[str, np.ndarray]:
    """What is wanted of a solution at points (N, d), each (N,): fields, residuals, exact values, errors, formulas.

    Exact values and errors where the problem has them. LabError without a point, and with `limit_s` as soon as it is
    clear that it would take longer.
    """
    if not len(points):
        raise LabError(NO_POINT)
    parts: dict[str, list[np.ndarray]] = {}
    began = time.monotonic()
    names, usable = solution.problem.value_names, solution.without is None
    for chosen in solution.blocks(points, BLOCK):
        block = points[chosen]
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
        values |= solution.formulas_at(block, values)
        if solution.places_without_value and (lacking := solution.problem.lacks_value(block)).any():
            for name in (*names.residuals.values(), *solution.formulas_of_derivatives):
                if name in values:
                    values[name] = np.where(lacking, np.nan, values[name])
        for name, value in values.items():
            parts.setdefault(name, []).append(value)
        share = chosen.stop / len(points)
        _progress.seen(share)
        expected = (time.monotonic() - began) / share
        if limit_s is not None and expected > limit_s and time.monotonic() - began > 5:
            raise LabError(
                f"Sampling {len(points):,} points would take about {expected / 60:.0f} min here, and a page waits "
                f"{limit_s / 60:.0f} min at most. Lower the resolution, or use `python -m core export` in a terminal."
            )
    whole = len(parts[solution.problem.fields[0]])  # exact values of some blocks alone are left out
    return {name: np.concatenate(blocks) for name, blocks in parts.items() if len(blocks) == whole}


class _Progress:
    """Who is told how much of the points is evaluated: whoever waits for this process."""

    seen: Callable[[float], None] = staticmethod(lambda share: None)


_progress = _Progress()


def tell(seen: Callable[[float], None]) -> None:
    """Have a function called with the share of the points that is evaluated, again and again, in this process."""
    _progress.seen = seen
