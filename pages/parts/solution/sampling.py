"""Waits for a sample with its progress in sight, and a button that takes it back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import LabError
from core.runs import RunFolder
from core.solution.at_points import SolutionPoints
from core.solution.kept import looked_up
from core.solution.on_mesh import read_sampled
from core.solution.ordering import Sampling, told_apart
from core.solution.sampled import Sampled
from core.solution.wanted import ALL, Wanted

WAITING = "solution.sampling"
DRAWN_S = 0.5
"""So long a browser takes to draw what it is given."""
SILENT_S = 0.8
"""So long nothing is said: most samples are there by then."""


def sampled(place: str, function: Callable[..., Path], folder: RunFolder, *arguments: Any, **named: Any) -> Path:
    """The file that a function samples in a child, once for each request of a visitor and place on the page.

    Raises LabError, also for one that the visitor cancelled.
    """
    jobs: dict[str, Sampling] = st.session_state.setdefault(WAITING, {})
    job = jobs.get(place)
    asked = told_apart(function, folder, arguments, named)
    if job is not None and job.asked != asked:
        job.cancel()  # the visitor moved on
        job = None
    if job is None or (not job.cancelled and job.done(0)):
        job = jobs[place] = Sampling(function, folder, *arguments, **named)  # a new checkpoint is a new sample
    shown = st.empty()  # shown or not: were what follows moved, a view would be built anew
    if not job.cancelled and not job.done(SILENT_S):
        _show_progress(shown, place, job)
    if job.cancelled:
        if st.button("Sample again", key=f"{WAITING}.again.{place}"):
            del jobs[place]
            st.rerun()
        raise LabError("Sampling was cancelled, so nothing is drawn. Sample again, or choose something coarser.")
    return job.path()


@dataclass(frozen=True)
class Samples:
    """A view of a run that is sampled: first what is shown at once, then all of it."""

    sampler: Callable[..., Path]
    folder: RunFolder
    resolution: int
    wanted: Wanted | None
    """Which stages and checkpoint; None where the view is no evaluation of the network."""

    def first(self) -> Path:
        """Without residuals, which take several times as long; where a view can't do without, all. Raises LabError.

        It stays what is drawn when the rest is there, so that nothing is drawn twice.
        """
        if self.wanted is None or self.wanted.alone:
            return self.whole()
        wanted = replace(self.wanted, residuals=False)
        return sampled("fields", self.sampler, self.folder, self.resolution, wanted=wanted)

    def whole(self, after_s: float = 0.0) -> Path:
        """The sample of all that is known. Raises LabError.

        Args:
            after_s: where nothing of it is kept, it begins so much later: a browser on this machine, or one that
                shares it with a run, draws first.
        """
        further = {} if self.wanted in (None, ALL) else {"wanted": self.wanted}
        if after_s and looked_up(self.sampler, self.folder, self.resolution, **further) is None:
            time.sleep(after_s)
        return sampled("all", self.sampler, self.folder, self.resolution, **further)

    def later(self, grid: Sampled) -> tuple[str, ...]:
        """The values that `whole` has beyond those of a grid."""
        if self.wanted is None or self.wanted.alone:
            return ()
        return tuple(name for name in grid.names.residuals.values() if name not in grid.values)


def _show_progress(shown: DeltaGenerator, place: str, job: Sampling) -> None:
    with shown.container():
        bar, button = st.columns([5, 1], vertical_alignment="center")
        button.button("Cancel", on_click=job.cancel, key=f"{WAITING}.cancel.{place}")
        drawn = bar.progress(0.0, "Sampling the network …")
        while not job.cancelled and not job.done(0.3):
            drawn.progress(job.share, f"Sampling the network … {job.share:.0%}")
    shown.empty()


@st.cache_resource(max_entries=8, show_spinner=False)
def read_grid(path: Path) -> Sampled:
    """A sampled grid or mesh, shared by visitors; a file's name changes with its content."""
    return read_sampled(path)


@st.cache_resource(max_entries=8, show_spinner=False)
def read_points(path: Path) -> SolutionPoints:
    """Values at points, likewise."""
    return SolutionPoints.read(path)
