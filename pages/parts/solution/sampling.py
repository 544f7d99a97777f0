"""Waits for a sample with its progress in sight, and a button that takes it back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from core.errors import LabError
from core.runs import RunFolder
from core.solution.at_points import SolutionPoints
from core.solution.on_mesh import read_sampled
from core.solution.ordering import Sampling, told_apart
from core.solution.sampled import Sampled

WAITING = "solution.sampling"
SILENT_S = 0.8
"""So long nothing is said: most samples are there by then."""


def sampled(place: str, function: Callable[..., Path], folder: RunFolder, *arguments: Any, **named: Any) -> Path:
    """The file that a function samples in a child, once for each request of a visitor and place on the page.

    Raises LabError, also for one that the visitor cancelled.
    """
    kept: dict[str, Sampling] = st.session_state.setdefault(WAITING, {})
    job = kept.get(place)
    asked = told_apart(function, folder, arguments, named)
    if job is not None and job.asked != asked:
        job.cancel()  # the visitor moved on
        job = None
    if job is None or (not job.cancelled and job.done(0)):
        job = kept[place] = Sampling(function, folder, *arguments, **named)  # a new checkpoint is a new sample
    if not job.cancelled and not job.done(SILENT_S):
        _show_progress(place, job)
    if job.cancelled:
        if st.button("Sample again", key=f"{WAITING}.again.{place}"):
            del kept[place]
            st.rerun()
        raise LabError("Sampling was cancelled, so nothing is drawn. Sample again, or choose something coarser.")
    return job.path()


def _show_progress(place: str, job: Sampling) -> None:
    shown = st.empty()
    with shown.container():
        bar, button = st.columns([5, 1], vertical_alignment="center")
        button.button("Cancel", on_click=job.cancel, key=f"{WAITING}.cancel.{place}")
        drawn = bar.progress(0.0, "Sampling the network …")
        while not job.cancelled and not job.done(0.3):
            drawn.progress(job.share, f"Sampling the network … {job.share:.0%}")
    shown.empty()


@st.cache_resource(max_entries=4, show_spinner=False)
def read_grid(path: Path) -> Sampled:
    """A sampled grid or mesh, shared by visitors; a file's name changes with its content."""
    return read_sampled(path)


@st.cache_resource(max_entries=8, show_spinner=False)
def read_points(path: Path) -> SolutionPoints:
    """Values at points, likewise."""
    return SolutionPoints.read(path)
