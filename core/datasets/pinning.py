"""The files of a run, its dataset and its mesh: pinned to versions before it begins, kept, the former handed to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.data_folder import current, read
from core.datasets.files import columns, table
from core.datasets.ledger import Version, added_as, record, recorded
from core.datasets.mapping import Column, guess, mapping_of, stored
from core.domains import MeshFile
from core.errors import LabError
from core.problems import Problem
from core.problems.base import DataProblem, Samples

if TYPE_CHECKING:
    from core.config import RunConfig


def samples_of(problem: Problem) -> Samples | None:
    """What a problem is fitted to: the pinned version's rows, or the present file's where none is pinned yet.

    None for a problem that learns from its equations alone. Raises LabError when the file or version is missing, lacks
    a column, or has points outside the domain.
    """
    if not problem.uses_data:
        return problem.samples()
    return problem.samples_in(columns(problem.dataset, problem.dataset_version, problem.dataset_columns))


def pinned(config: RunConfig) -> RunConfig:
    """`config` with the versions of its dataset and its mesh, and what the columns stand for, where not asked for.

    A version is the file's present one, columns what was said when it was added, and else a guess.

    Raises LabError when a file or version can't be had, or is not what the problem needs.
    """
    problem = config.problem
    if problem.uses_data:
        wanted = _version(problem.dataset, problem.dataset_version)
        problem = problem.model_copy(update={"dataset_version": wanted, "dataset_columns": _columns(problem, wanted)})
        samples_of(problem)
    if mesh := mesh_of(problem):
        kept = mesh.model_copy(update={"version": _version(mesh.file, mesh.version)})
        problem = problem.model_copy(update={"shape": kept})
    return config if problem is config.problem else config.model_copy(update={"problem": problem})


def mesh_of(problem: Problem) -> MeshFile | None:
    """The mesh file that a problem is on; None where its domain is none."""
    shape = getattr(problem, "shape", None)
    return shape if isinstance(shape, MeshFile) else None


def _version(name: str, wanted: str | None) -> str:
    if wanted is None:
        return current(name).git_blob
    # a config from another lab is welcome when the file here is the same
    if wanted not in recorded(name) and current(name).git_blob != wanted:
        raise LabError(
            f"{wanted[:12]} is no version of the dataset {name!r} in this lab. "
            "Leave the version empty to use the file as it is."
        )
    return wanted


def _columns(problem: DataProblem, git_blob: str) -> str | None:
    if problem.dataset_columns is not None:
        return problem.dataset_columns
    added = added_as(problem.dataset, git_blob)
    if added and problem.dataset_version is None:
        return added.columns
    found = table(problem.dataset, git_blob)
    wanted = (*problem.coordinates, *problem.measured)
    if all(name in found.columns for name in wanted):  # a config that was pinned before there were mappings
        gaps = any(np.isnan(values).any() for values in found.columns.values())
        return mapping_of(Column(name, name) for name in wanted) if gaps else None
    if added:
        return added.columns
    guessed = guess(found, problem)
    return stored(guessed.columns, found) if guessed.title else None


def keep(config: RunConfig) -> tuple[Version, ...]:
    """Keep and note the versions that a run with a pinned config is about to use: of its dataset, of its mesh."""
    problem, kept = config.problem, []
    if problem.uses_data:
        data, _ = read(problem.dataset, problem.dataset_version)
        kept.append(record(problem.dataset, data, "run", problem.dataset_columns))
    if mesh := mesh_of(problem):
        kept.append(record(mesh.file, read(mesh.file, mesh.version)[0], "run"))
    return tuple(kept)
