"""A lab to look at: short runs trained into a home of their own, then the dashboard on it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.machine import check_port, serve
from core.cli.output import note, say
from core.errors import LabError, StoreError

if TYPE_CHECKING:
    from core.jobs import Job
    from core.presets.demo import DemoRun

EVERY_S = 0.5
"""Seconds between two looks at the runs."""
BATCH = "demo"
"""By which the demo's runs are known among others of the same home."""


def demo(
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
    folder: Annotated[Path, typer.Option("--home", help="The demo's lab home; another than your own.")] = Path(
        "~/.singularity-lab-demo"
    ),
) -> None:
    """Train a few short runs into a home of their own, at most three minutes, then start the dashboard on it.

    What was trained before is shown as it is; what was interrupted goes on.
    """
    check_port(port)
    from core.home import home

    own = folder.expanduser().resolve()
    if own.is_relative_to(home().root.resolve()):
        raise LabError(f"{own} is your own lab, or lies in it. Name another folder for the demo: --home FOLDER.")
    os.environ["LAB_HOME"] = str(own)
    os.environ.pop("MLFLOW_TRACKING_URI", None)  # a store of its own, too
    try:
        say(f"Demo lab: {home().ensure().root}")
    except StoreError as error:
        reason = getattr(error.__cause__, "strerror", None) or "you may not write there"
        raise LabError(f"The demo can't use {own}: {reason}. Name another folder: --home FOLDER.") from None
    _prepare()
    runs = _begun()
    try:
        _follow(runs)
    except KeyboardInterrupt:
        say()
        say("The runs go on without this terminal. The same command shows them again.")
        raise typer.Exit(130) from None
    say(f"Dashboard: http://127.0.0.1:{port}   Ctrl-C ends it. What is trained is kept in {own}.")
    serve(port)


def _prepare() -> None:
    """Two slots where there are two cores, and the dataset that one of the runs learns from."""
    from core.datasets import add
    from core.home import home
    from core.presets.samples import SAMPLES
    from core.problems.burgers_inverse import SAMPLE
    from core.settings import Settings, Slots, save

    if not home().has_settings():
        save(Settings(slots=Slots(cpu=min(2, os.cpu_count() or 1))))
    if not (home().data / SAMPLE).exists():
        add(SAMPLE, SAMPLES[SAMPLE]())


def _begun() -> dict[str, str]:
    """Name → run of each of the demo's runs, those that are not there queued, those that were interrupted resumed."""
    from core import jobs
    from core.presets.demo import demo_runs

    there = {job.name: job for job in reversed(jobs.queue()) if job.batch == BATCH and not job.binned}
    runs: dict[str, str] = {}
    for run in demo_runs():
        name = run.config.name
        job = there.get(name)
        if job is None:
            runs[name] = _submitted(run, runs)
            continue
        runs[name] = job.run_id
        if job.state in ("paused", "stopped", "crashed") and job.has_checkpoint:
            jobs.resume(job.run_id)
        elif job.state in ("paused", "stopped", "crashed", "failed"):
            jobs.retry(job.run_id)
        elif job.held:
            jobs.release(job.run_id)
    return runs


def _submitted(run: DemoRun, runs: dict[str, str]) -> str:
    from core import jobs

    first = runs[run.after] if run.after else None
    return jobs.submit(run.config, after=first, from_after=first is not None, batch=BATCH, why="For the demo.")


def _follow(runs: dict[str, str]) -> None:
    """Say how far the runs are until none of them goes on by itself."""
    from core.jobs.board import BoardReader

    reader, told, began, shown = BoardReader(), {}, time.monotonic(), ""
    while True:
        entries = reader.read().entries
        seen = [entries[run_id] for run_id in runs.values() if run_id in entries]
        for entry in seen:
            if told.get(entry.job.run_id) != entry.job.state:
                told[entry.job.run_id] = entry.job.state
                if shown:
                    sys.stdout.write("\r" + " " * len(shown) + "\r")
                    shown = ""
                say(f"{time.monotonic() - began:5.0f} s  {entry.job.name:<20} {_words(entry.job)}")
        if not any(_goes_on(entry.job) for entry in seen):
            break
        if sys.stdout.isatty():
            active = [f"{entry.job.name} {entry.fraction or 0:.0%}" for entry in seen if entry.job.active]
            line = f"{time.monotonic() - began:5.0f} s  {', '.join(active)}"
            sys.stdout.write("\r" + line.ljust(len(shown)))
            sys.stdout.flush()
            shown = line
        time.sleep(EVERY_S)
    for entry in seen:
        if entry.job.state != "finished":
            note(f"{entry.job.name} is {entry.job.state}: {entry.job.reason or 'its log says why'}")


def _words(job: Job) -> str:
    if job.state != "finished":
        return job.state
    return f"finished, max residual {(job.folder.progress() or {}).get('max_residual') or float('nan'):.1e}"


def _goes_on(job: Job) -> bool:
    return job.active or (job.state == "queued" and not job.held)
