"""Which inputs of a network belong together, so that they share a factor in the search for σ."""

from __future__ import annotations

import itertools

import numpy as np
import torch

from core.jets import coordinates
from core.networks.solution import Solution
from core.training.sigma import MOST_GROUPS

SAMPLES = 8


def input_groups(solution: Solution) -> tuple[tuple[int, ...], ...]:
    """The inputs by the coordinates that they are made of, as places among the inputs; none where all are one group.

    Cosine and sine of a periodic coordinate are one group. Of many coordinates those of space are one group and time
    is another.
    """
    problem = solution.problem
    seen, _ = coordinates_of_inputs(solution)
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, changed in enumerate(seen):
        groups.setdefault(changed, []).append(index)
    if len(groups) > MOST_GROUPS and problem.time is not None:
        time = problem.coordinates.index(problem.time)
        with_time = [index for index, changed in enumerate(seen) if changed == (time,)]
        groups = {(): [index for index in range(len(seen)) if index not in with_time], (time,): with_time}
    found = tuple(tuple(group) for group in groups.values() if group)
    return found if 1 < len(found) <= MOST_GROUPS else ()


@torch.no_grad()
def coordinates_of_inputs(solution: Solution) -> tuple[list[tuple[int, ...]], float]:
    """For each input, the places of the coordinates that change it; and how large any of them gets."""
    low, high = np.array(solution.problem.domain()).T
    unit = np.random.default_rng(0).random((2, SAMPLES, len(low)))
    here, there = low + (high - low) * unit
    before = _inputs(solution, here)
    changed: list[tuple[int, ...]] = [() for _ in range(before.shape[1])]
    for axis in range(len(low)):
        moved = here.copy()
        moved[:, axis] = there[:, axis]
        for index in np.flatnonzero((_inputs(solution, moved) != before).any(axis=0)):
            changed[index] = (*changed[index], axis)
    corners = low + (high - low) * np.array(list(itertools.product((0, 0.5, 1), repeat=len(low))))
    return changed, float(np.abs(np.concatenate([before, _inputs(solution, corners)])).max())


def _inputs(solution: Solution, points: np.ndarray) -> np.ndarray:
    lam = None if solution.lam is None else solution.lam.detach().cpu().expand(len(points))
    return solution.features_at(coordinates(torch.as_tensor(points), solution.layout), lam).value.numpy()
