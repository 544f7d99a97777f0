"""Replay: how two configs differ, and whether a rerun repeated its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.config import RunConfig
from core.errors import LabError
from core.tracking import store
from core.tracking.curves import run_curves

COMPARED = ("loss", "max_residual", "rms_residual", "lambda")
WITHIN = 1e-6
"""Largest relative difference of a curve that still counts as within tolerance: other threads, versions or a GPU
round differently, and Levenberg–Marquardt carries the last digits on."""

ENVIRONMENT = ("git.commit", "singularity_lab", "torch", "numpy", "python", "threads", "device", "gpu", "cuda", "cpu")


@dataclass(frozen=True)
class Difference:
    """One field in which two configs differ; None where a side does not have it."""

    field: str
    before: Any
    after: Any


def differences(before: RunConfig, after: RunConfig) -> list[Difference]:
    """The differing fields of two configs by path, names left out."""
    first, second = before.flat(), after.flat()
    paths = dict.fromkeys([*first, *second])
    return [
        Difference(path, first.get(path), second.get(path))
        for path in paths
        if path != "name" and first.get(path) != second.get(path)
    ]


@dataclass(frozen=True)
class Verdict:
    """What a rerun did compared with its source."""

    outcome: str
    """bit-identical, within tolerance or different."""
    largest: float
    """Largest relative difference over the compared curves."""
    from_iteration: int | None
    """First iteration at which anything differs."""
    iterations: tuple[int, int]
    """Iterations of the source and of the rerun."""
    environment: dict[str, tuple[str, str]]
    """Versions, threads and device of both, where they differ."""

    def sentence(self) -> str:
        """The verdict in words."""
        if self.outcome == "bit-identical":
            return f"bit-identical over {self.iterations[0]:,} iterations"
        text = f"{self.outcome}: from iteration {self.from_iteration:,} on, at most {self.largest:.1e} relatively"
        if self.iterations[0] != self.iterations[1]:
            text += f"; {self.iterations[0]:,} against {self.iterations[1]:,} iterations"
        return text + "".join(f"; {key} {a} against {b}" for key, (a, b) in self.environment.items())


def verify(source: str, rerun: str) -> Verdict:
    """Compare the curves of two runs, iteration by iteration. Raises LabError when one of them has none."""
    curves = []
    for run_id in (source, rerun):
        read = run_curves(run_id)
        read.update()
        if not len(read.column("iteration")):
            raise LabError(f"Run {run_id[:8]} has no history here to compare.")
        curves.append(read)
    lengths = tuple(len(read.column("iteration")) for read in curves)
    common = min(lengths)
    largest, first = 0.0, None
    for name in COMPARED:
        a, b = (read.column(name)[:common] for read in curves)
        unequal = ~((a == b) | (np.isnan(a) & np.isnan(b)))
        if not unequal.any():
            continue
        at = int(np.flatnonzero(unequal)[0])
        first = at if first is None else min(first, at)
        with np.errstate(invalid="ignore", divide="ignore"):
            relative = np.abs(a - b) / np.maximum(np.abs(a), np.abs(b))
        largest = max(largest, float(np.nan_to_num(relative[unequal], nan=np.inf).max()))
    if lengths[0] != lengths[1]:
        first = common if first is None else first
        largest = np.inf
    outcome = "bit-identical" if first is None else ("within tolerance" if largest <= WITHIN else "different")
    tags = [store.get_run(run_id).tags for run_id in (source, rerun)]
    sides = {key: tuple(tag.get(f"provenance.{key}", "unknown") for tag in tags) for key in ENVIRONMENT}
    environment = {key: pair for key, pair in sides.items() if pair[0] != pair[1]}
    at = None if first is None else int(curves[0].column("iteration")[min(first, lengths[0] - 1)])
    return Verdict(outcome, largest, at, lengths, environment)
