"""What of one run moves while it trains: progress, key figures, rungs of a stop, curves, the size of its log."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from hashlib import sha1
from pathlib import Path
from typing import Any

from core import jobs
from core.jobs import live
from core.jobs.waiting import FREE_SLOT, waits_because
from core.problems import CATALOGUE, Problem
from core.runs.curves import Curves
from core.runs.folder import EVENTS, IN_FORCE
from core.runs.machine_readings import placed
from core.singularity.digits import iterate_text
from pages.parts.live.figure_changes import changes, whole
from pages.parts.shared.curves_cache import curves_of_job, readings_of
from pages.parts.shared.figures import X_TITLES, lambda_figure, residual_figure, unknowns_figure
from pages.parts.shared.live_plotly import as_data
from pages.parts.shared.machine_figure import machine_figure
from pages.parts.shared.progress import progress_line
from pages.parts.shared.text import LONGEST, LONGEST_MESSAGE, duration, figure_of, visible
from pages.parts.shared.unknown_text import claimed_lambda

PROBLEMS = {problem.model_fields["kind"].default: problem for problem in CATALOGUE}
EVERY_S, SOON_S = 0.8, 0.25
"""Seconds between two looks at a run: while it trains, and while its first residual is about to be there.

A row is written half a second after it was made at most, so it is seen within a second and a half.
"""
SOON_FOR_S = 60.0
"""It is about to be there for so long after it was launched or began."""
QUIET_S = 5.0
"""Seconds between two looks at a run that has ended and waits for the store."""


@dataclass(frozen=True)
class RunState:
    """One run at one moment."""

    seen: float
    """When it was so, in seconds of `time.monotonic`."""
    state: str
    structure: str
    """Another one where what Streamlit draws of the run (badge, buttons, warnings) is to be drawn again."""
    every_s: float
    """Seconds for which this is new enough."""
    rests: bool
    """Nothing more happens to it unless somebody asks."""
    progress: tuple[float, str] | None
    """Fraction and words."""
    figures: tuple[tuple[str, str], ...]
    """Label and value of each key figure."""
    rungs: tuple[tuple[float, str], ...]
    """Unix time and words of each rung of a stop."""
    log_size: int
    charts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By name: `data` and `layout` for plotly.js."""


def build(run_id: str, axis: str) -> RunState:
    """How a run stands now, its curves over `axis`. Raises RunNotFoundError, LabError."""
    job, seen = live.look().job(run_id)
    curves = curves_of_job(job)
    progress = job.folder.progress() or {}
    problem = problem_of(job)
    untold = job.untold
    points = len(curves.column("iteration"))
    waits = job.state == "queued"
    begun = max(job.submitted, job.started or 0.0)
    soon = (job.active or waits) and not points and time.time() - begun < SOON_FOR_S
    every_s = SOON_S if soon else EVERY_S if job.active or waits else QUIET_S
    charts = {"residual": residual_figure(curves, run_id, axis)} if points else {}
    if points and problem is not None and problem.has_lambda:
        if further := problem.further_unknowns:
            charts["lambda"] = unknowns_figure(curves, run_id, (problem.unknown, *further), axis)
        else:
            charts["lambda"] = lambda_figure(curves, run_id, problem.reference_lambda(), problem.unknown, axis)
    readings = readings_of(job.folder)
    there = placed(readings, curves, axis) if len(readings) else None
    if there is not None and len(there.x):
        charts["machine"] = machine_figure(there, x_title=X_TITLES[axis], revision=f"{run_id} {axis}")
    if points:  # the charts stand below each other: one begins and ends where the others do
        reach = curves.column(axis)[[0, -1]].tolist()
        for figure in charts.values():
            figure.update_xaxes(autorangeoptions_include=reach)
    return RunState(
        seen=seen,
        state=job.state,
        structure=structure(job, curves),
        every_s=every_s,
        rests=not (job.active or waits or untold),
        progress=_progress(job, progress),
        figures=tuple(_figures(job, progress, problem)),
        rungs=tuple(zip(job.stop_moments, job.stop_rungs, strict=True)),
        log_size=job.folder.log_size(),
        charts={name: as_data(figure) for name, figure in charts.items()},
    )


def problem_of(job: jobs.Job) -> Problem | None:
    """The problem that a run solves; None for one from outside this package."""
    return PROBLEMS[job.problem](**job.problem_parameters) if job.problem in PROBLEMS else None


def structure(job: jobs.Job, curves: Curves) -> str:
    """A digest of all that Streamlit draws of a run but does not see move."""
    folder = job.folder
    parts = (
        job.state,
        job.attempt,
        job.reason,
        job.engine,
        job.untold,
        job.held,
        job.due,
        job.binned,
        job.bin_step,
        job.name,
        job.config_hash,
        folder.has_checkpoint,
        folder.file(IN_FORCE).exists(),
        _size(folder.file(EVENTS)),
        curves.warnings(job.state == "finished"),
    )
    return sha1(repr(parts).encode(errors="replace")).hexdigest()[:12]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def waiting_line(job: jobs.Job) -> str:
    """What a queued run waits for."""
    if job.held and not job.reason:
        return "On hold: it begins once somebody releases it."
    if job.due is not None and job.due > time.time() and not (job.held or job.after_run):
        return f"It tries again by itself in {duration(job.due - time.time())}."
    waits = waits_because(job, jobs.capacity())
    said = f"waits {FREE_SLOT}" if waits == FREE_SLOT else visible(waits, LONGEST_MESSAGE)
    return f"Queued, place {job.position} · {said}"


def _progress(job: jobs.Job, progress: dict[str, Any]) -> tuple[float, str] | None:
    if job.active and job.engine_word:
        return 0.0, visible(f"At {job.engine}: {job.engine_word}", LONGEST_MESSAGE)
    if job.active and progress:
        return max(0.0, min(1.0, progress["fraction"])), progress_line(progress)
    if job.active:
        return 0.0, "Its process is starting."
    return (0.0, waiting_line(job)) if job.state == "queued" else None


def _figures(job: jobs.Job, progress: dict[str, Any], problem: Problem | None) -> list[tuple[str, str]]:
    found = [
        ("max residual", figure_of(progress.get("max_residual"))),
        ("RMS residual", figure_of(progress.get("rms_residual"))),
        ("iterations", f"{progress.get('total_iterations', 0):,}"),
        ("time", duration(progress.get("wall_time_s"))),
    ]
    if (lam := progress.get("lambda")) is not None:
        unknown = problem.unknown if problem is not None else "λ"
        # while it moves, an iterate is no claim
        claimed = unknown == "λ" and job.state in ("finished", "stopped")
        numbers = progress.get("unknowns") or {unknown: lam}
        found[:0] = [
            (visible(name, LONGEST), claimed_lambda(job.folder, lam) if claimed else iterate_text(value))
            for name, value in numbers.items()
        ]
    return found


def differ(before: RunState, after: RunState) -> bool:
    """Whether somebody who looks at the run sees a difference."""
    return _words(before) != _words(after) or before.log_size != after.log_size or bool(_curves(before, after))


def news(before: RunState | None, after: RunState) -> dict[str, Any]:
    """What is new of a run, for JSON; everything where it is not known what was known before."""
    if before is None:
        charts = {name: whole(figure) for name, figure in after.charts.items()}
    else:
        charts = _curves(before, after)
    return _words(after) | {"seen": after.seen, "whole": before is None, "charts": charts}


def _words(state: RunState) -> dict[str, Any]:
    names: tuple[str, ...] = ("state", "structure", "rests", "progress", "figures", "rungs")
    return {name: getattr(state, name) for name in names}


def _curves(before: RunState, after: RunState) -> dict[str, Any]:
    """Name → what is new of each chart; None for one that is gone."""
    found: dict[str, Any] = {name: None for name in before.charts.keys() - after.charts.keys()}
    for name, figure in after.charts.items():
        new = changes(before.charts[name], figure) if name in before.charts else whole(figure)
        if new is not None:
            found[name] = new
    return found
