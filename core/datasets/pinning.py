"""The dataset of a run: pinned to a version before the run begins, kept, and handed to the one who trains it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.data_folder import current, read
from core.datasets.files import columns, table
from core.datasets.ledger import Version, added_as, record, recorded
from core.datasets.mapping import Column, guess, mapping_of, stored
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
    """`config` with its dataset's version and what its columns stand for filled in, where that was not asked for.

    The version is the file's present one, its columns what was said when it was added, and else a guess.

    Raises LabError when the dataset or the version can't be had, or is not what the problem needs.
    """
    problem = config.problem
    if not problem.uses_data:
        return config
    wanted = problem.dataset_version
    if wanted is None:
        wanted = current(problem.dataset).git_blob
    # a config from another lab is welcome when the file here is the same
    elif wanted not in recorded(problem.dataset) and current(problem.dataset).git_blob != wanted:
        raise LabError(
            f"{wanted[:12]} is no version of the dataset {problem.dataset!r} in this lab. "
            "Leave the version empty to use the file as it is."
        )
    problem = problem.model_copy(update={"dataset_version": wanted, "dataset_columns": _columns(problem, wanted)})
    samples_of(problem)
    return config.model_copy(update={"problem": problem})


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


def keep(config: RunConfig) -> Version | None:
    """Keep and note the version that a run with a pinned config is about to use; None for one without a dataset."""
    problem = config.problem
    if not problem.uses_data:
        return None
    data, _ = read(problem.dataset, problem.dataset_version)
    return record(problem.dataset, data, "run", problem.dataset_columns)
