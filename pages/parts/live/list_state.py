"""What goes on in the whole lab: the runs at work with a small curve of each, and what waits."""

from __future__ import annotations

from typing import Any

import numpy as np

from core import jobs
from core.jobs import live
from core.runs.curves import bucket, recorded
from pages.parts.shared.curves_cache import curves_of_job
from pages.parts.shared.progress import progress_line
from pages.parts.shared.text import LONGEST, figure_of, visible

EVERY_S = 1.0
SMALL = 64
"""Points of a small curve."""
WIDTH, HEIGHT = 300, 100
"""Of a small curve's box, in units of its own."""


def build() -> dict[str, Any]:
    """Runs at work, newest first, and the ids of those that wait, in their order, for JSON. Raises StoreError."""
    look = live.look()
    many = len(look.active) > 1
    return {
        "active": [_run(job, many) for job in look.active],
        "waiting": [job.run_id for job in look.waiting],
        "counts": look.counts,
        "event": look.event,
    }


def _run(job: jobs.Job, with_curve: bool) -> dict[str, Any]:
    progress = job.folder.progress() or {}
    return {
        "id": job.run_id,
        "name": visible(job.name or job.run_id[:8], LONGEST),
        "state": "pending" if job.engine_word else job.state,
        "percent": f"{progress.get('fraction', 0.0):.0%}",
        "line": progress_line(progress) if progress else "",
        "max_residual": figure_of(progress.get("max_residual")),
        "curve": small_curve(job) if with_curve else "",
    }


def small_curve(job: jobs.Job) -> str:
    """The RMS residual on a log axis over iterations, as the points of an SVG polyline in a box of its own."""
    x, y = recorded(curves_of_job(job), "rms_residual")
    curve = bucket(x, y, SMALL, log=True)
    if curve.shown < 2:
        return ""
    across, down = _share(curve.x) * WIDTH, (1 - _share(np.log10(curve.y))) * HEIGHT
    return " ".join(f"{a:.0f},{b:.0f}" for a, b in zip(across, down, strict=True))


def _share(values: np.ndarray) -> np.ndarray:
    """Where values (n,) lie between the least and the largest, from 0 to 1; the middle where all are alike."""
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
