"""What a run's solution is looked at over: its own coordinates, the plane of a profile above a wall, physical time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.problems import Problem
from core.runs import RunFolder
from core.singularity import similarity
from core.singularity.plane import plane_file
from core.singularity.plane_blow_up import plane_physical_file
from core.singularity.reconstruction import physical_file
from core.solution.sample import sampled_file

PROFILE, PHYSICAL_TIME, COMPACTIFIED = "profile", "physical time", "w, z"
Sampler = Callable[[RunFolder, int, float | None], Path]


def views(problem: Problem) -> dict[str, Sampler]:
    """View → what samples it; the first is the one to begin with. One alone where there is no profile."""
    if similarity.is_plane_profile(problem):
        return {PROFILE: plane_file, PHYSICAL_TIME: plane_physical_file, COMPACTIFIED: sampled_file}
    if similarity.is_profile(problem):
        return {PROFILE: sampled_file, PHYSICAL_TIME: physical_file}
    return {PROFILE: sampled_file}
