"""Coordinates about whose middle a problem is its own mirror image: even polynomials, or odd ones, are enough there."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from core.config import Chebyshev, Parity
from core.domains.sequences import halton
from core.jets import Jet, coordinates
from core.networks.layers import polynomials
from core.networks.solution import Solution, Term
from core.problems import Problem
from core.problems.axes import on_nodes
from core.training.objective import Objective

SAMPLES = 64
FEW = 4
"""Polynomials of each coordinate by which equations are told from their mirror images."""
SAME = 1e-11
"""Parts of the largest row by which the rows of mirror images may differ: rounding."""
ALIKE = 0.1
"""Part of its size by which a solution so far of equations that are not linear may differ from its mirror image, since
what they have several solutions may lack."""


@torch.no_grad()
def parities(problem: Problem, so_far: Solution | None = None) -> tuple[Parity, ...] | None:
    """Of each coordinate which polynomials can differ from 0 in the solution; None where all can.

    Each is reflected about its middle. With any network of one parity along it, here a random one, all equations must
    leave the same at mirrored points, up to the sign: then the equations of even polynomials, or of odd ones, are a
    system of their own, and a solution that is unique is among them. All outputs must have the same parity.

    Args:
        problem: what is solved, at points inside a box alone, each input being one coordinate's own.
        so_far: an approximate solution, where the problem has several and the one that is meant lacks the symmetry;
            None: whatever least squares says, which has the equations' symmetry.
    """
    alone, axes = Solution(problem, None), problem.inputs - len(problem.circles)
    unit = halton(SAMPLES, axes, np.full(axes, 0.5))
    here, found, place = _points(problem, unit), ["all"] * axes, 0
    for axis in range(axes):
        mirrored = unit.copy()
        mirrored[:, axis] = 1 - mirrored[:, axis]
        there, on_circle = _points(problem, mirrored), place in problem.circles
        if not on_circle and _reflects(alone, here, there, place):
            for parity, sign in (("even", 1), ("odd", -1)):
                if _same(_rows(problem, axis, parity, here), _rows(problem, axis, parity, there)) and (
                    so_far is None or _has(so_far, here, there, sign)
                ):
                    found[axis] = parity
                    break
        place += 1 + on_circle
    return tuple(found) if any(each != "all" for each in found) else None


def found_parity(problem: Problem, so_far: Solution | None = None) -> tuple[Parity, ...] | None:
    """`parities`, where points are such that they may be told."""
    return parities(problem, so_far) if on_nodes(problem) else None


@torch.no_grad()
def read_evenly(problem: Problem) -> tuple[bool, ...]:
    """Of each coordinate whether its input is where points are drawn, from −1 to 1: nodes may then follow a layer.

    A cosine of the coordinate, or one that is read backwards, is not.
    """
    axes, place, found = problem.inputs - len(problem.circles), 0, []
    unit = halton(SAMPLES, axes, np.full(axes, 0.5))
    inputs = _features(Solution(problem, None), _points(problem, unit)).value.numpy()
    for axis in range(axes):
        found.append(bool(np.allclose(inputs[:, place], -np.cos(np.pi * unit[:, axis]), rtol=0, atol=1e-9)))
        place += 1 + (place in problem.circles)
    return tuple(found)


def _points(problem: Problem, unit: np.ndarray) -> np.ndarray:
    return problem.collocation_towards_walls(unit)["interior"]


def _features(solution: Solution, points: np.ndarray) -> Jet:
    return solution.features_at(coordinates(torch.as_tensor(points), solution.layout), None)


def _reflects(solution: Solution, here: np.ndarray, there: np.ndarray, place: int) -> bool:
    """Whether one input changes its sign from the ones to the others, and no other input changes."""
    sign = torch.ones(solution.problem.inputs, dtype=torch.float64)
    sign[place] = -1
    before, after = (_features(solution, points).value for points in (here, there))
    return bool(torch.allclose(after, before * sign, rtol=0, atol=SAME))


def _rows(problem: Problem, axis: int, parity: Parity, points: np.ndarray) -> Tensor:
    """What the equations leave, (M,), with a network of random weights that has a parity along one axis."""
    axes = problem.inputs - len(problem.circles)
    which = tuple(parity if k == axis else "all" for k in range(axes))
    network = polynomials(Chebyshev(degrees=(FEW,) * axes, parity=which), problem.outputs, problem.circles)
    weight = network.layers[0].weight
    weight.copy_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(0), dtype=weight.dtype))
    solution = Solution(problem, None)
    solution.add(Term(network, 1.0))
    return Objective(solution, {"interior": points}, torch.float64, None).residuals().rows()


def _same(rows: Tensor, mirrored: Tensor) -> bool:
    return bool((rows.abs() - mirrored.abs()).abs().max() <= SAME * rows.abs().max())


def _has(solution: Solution, here: np.ndarray, there: np.ndarray, sign: int) -> bool:
    """Whether what the networks say has that parity, about."""
    before, after = (
        solution.raw(solution.features(coordinates(torch.as_tensor(points), solution.layout), None))[0]
        for points in (here, there)
    )
    return bool((after - sign * before).norm() <= ALIKE * before.norm())
