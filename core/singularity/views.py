"""What a solution is looked at over: its coordinates, a mesh, the plane of a profile above a wall, physical time."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

from core.domains import MeshFile
from core.problems import Problem
from core.runs import RunFolder
from core.singularity import similarity
from core.singularity.plane import plane_file
from core.singularity.plane_blow_up import plane_physical_file
from core.singularity.reconstruction import physical_file
from core.solution.grid import DEFAULT_RESOLUTION, default_resolution
from core.solution.on_mesh import cells_along, has_mesh, inside_sampled_file, is_surface, mesh_sampled_file
from core.solution.sample import sampled_file

PROFILE, PHYSICAL_TIME, COMPACTIFIED = "profile", "physical time", "w, z"
MESH, INSIDE, GRID = "mesh", "inside", "grid"
Sampler = Callable[[RunFolder, int, float | None], Path]


def views(problem: Problem) -> dict[str, Sampler]:
    """View → what samples it; the first is the one to begin with. One alone where there is no profile."""
    if similarity.is_plane_profile(problem):
        return {PROFILE: plane_file, PHYSICAL_TIME: plane_physical_file, COMPACTIFIED: sampled_file}
    if similarity.is_profile(problem):
        return {PROFILE: sampled_file, PHYSICAL_TIME: physical_file}
    if has_mesh(problem):
        inside = {INSIDE: inside_sampled_file} if is_surface(problem) else {}
        return {MESH: mesh_sampled_file, **inside, GRID: sampled_file}
    return {PROFILE: sampled_file}


def is_given(problem: Problem, view: str) -> bool:
    """Whether a view has the points of a mesh file, so that there is no resolution to choose."""
    return view == MESH and isinstance(problem.shape, MeshFile)


def usual_resolution(problem: Problem, view: str) -> int:
    """How fine a first look in a view is: points along each axis, or cells along a mesh that is made."""
    if view in (MESH, INSIDE):
        return cells_along(problem)
    return DEFAULT_RESOLUTION[2] if view == PHYSICAL_TIME else default_resolution(problem)


def on_cells(view: str) -> bool:
    """Whether a view is a mesh, whose fineness is cells along its largest extent."""
    return view in (MESH, INSIDE)


def takes_wanted(view: str, problem: Problem) -> bool:
    """Whether what samples a view takes a `Wanted`: it evaluates the network itself, at the view's own points."""
    return "wanted" in inspect.signature(views(problem)[view]).parameters
