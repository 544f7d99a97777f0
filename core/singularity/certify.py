"""Makes the certificate of a run's newest checkpoint."""

from __future__ import annotations

import hashlib
import platform
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

import core
from core.errors import LabError
from core.problems.boundary_profile import BoundaryProfile
from core.provenance import code
from core.runs import RunFolder
from core.runs.folder import CHECKPOINTS
from core.singularity import biot_savart, original_equations, regions, similarity
from core.singularity.certificate import TOLERANCE, Certificate, Region, certified

if TYPE_CHECKING:
    from core.networks.solution import Solution
    from core.training.checkpoint import Checkpoint


def certify(
    folder: RunFolder,
    *,
    stored: Checkpoint | None = None,
    lambda_uncertainty: float | None = None,
    tolerance: float = TOLERANCE,
    dense_max_residual: float | None = None,
) -> Certificate:
    """The certificate of a checkpoint, from the file itself. Imports torch.

    Args:
        folder: the run's, whose newest checkpoint it is of.
        stored: its content, where that was read already.
        lambda_uncertainty: half of the width of the interval that holds λ; None if nobody assessed it.
        tolerance: largest residual that passes.
        dense_max_residual: largest residual of the same checkpoint on the dense grid, where that was measured.

    Raises:
        LabError: the checkpoint can't be read, or its problem has no λ.
    """
    from core.training import checkpoint as checkpoints

    path = folder.last
    stored = stored or checkpoints.load(path)
    problem, solution = stored.config.problem, stored.solution
    if not certified(problem):
        raise LabError(f"{problem.title} has no λ, and a certificate is about λ and its profile.")
    lam, blocks = float(solution.lam.detach()), regions.points(problem)
    equations, velocity = {}, None
    if isinstance(problem, BoundaryProfile):
        equations = original_equations.largest(solution, blocks)
        velocity = biot_savart.check(solution)
    return Certificate(
        run_id=folder.run_id,
        problem=problem.kind,
        title=problem.title,
        parameters=problem.model_dump(mode="json", exclude={"kind"}, exclude_none=True),
        equation=problem.equation,
        gauge=similarity.gauge(problem),
        regions=tuple(_region(name, block, solution) for name, block in blocks.items()),
        tolerance=tolerance,
        lambda_=lam,
        lambda_uncertainty=lambda_uncertainty,
        lambda_reference=problem.reference_lambda(),
        config_hash=stored.config.hash,
        checkpoint=f"{CHECKPOINTS}/{path.name}",
        checkpoint_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        iteration=stored.position.total,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=_versions(),
        dense_max_residual=dense_max_residual,
        equations=equations,
        velocity=velocity,
    )


def _region(name: str, block: np.ndarray, solution: Solution) -> Region:
    values = solution.evaluate(block)
    residuals = solution.problem.value_names.residuals.values()
    residual = np.concatenate([rows for key, rows in values.items() if key in residuals])
    along = regions.distance(solution.problem, block, float(solution.lam.detach()))
    largest, rms = float(np.abs(residual).max()), float(np.sqrt(np.mean(residual**2)))
    return Region(name, float(along.min()), float(along.max()), len(block), largest, rms)


def _versions() -> dict[str, str]:
    import scipy
    import torch

    return {
        "singularity_lab": core.__version__,
        "commit": code().commit,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }
