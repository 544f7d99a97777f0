"""Residuals next to an origin, a wall or a corner: as exact there as anywhere, down to 1e-16 from it."""

import itertools

import numpy as np
import pytest
import torch

from core.config import MLP, Fourier
from core.networks.layers import fourier, mlp
from core.networks.solution import Solution, Term
from core.problems import CATALOGUE
from core.problems.axes import evenly
from core.problems.boussinesq import Boussinesq
from core.problems.burgers_profile import BurgersProfile
from core.problems.burgers_viscous import BurgersViscous
from core.problems.ccf import CCF
from core.problems.gclm import GCLM
from core.problems.gp_vortex import GPVortex
from core.problems.hilbert import UNIFORM, nodes, operators
from core.problems.ipm import IPM
from core.singularity.reconstruction import _window
from core.training.measure import dense_points

DISTANCES = 10.0 ** -np.arange(4, 17)
SPECIAL = [
    *(GCLM(a=-0.6), GCLM(a=0.5), GCLM(a=-1.5, scale=0.3), CCF(order=0), CCF(order=1), CCF(order=2)),
    *(BurgersProfile(order=1), BurgersProfile(order=4), BurgersViscous(stretch=0.01)),
    *(IPM(order=n) for n in range(1, 6)),
    *(Boussinesq(order=n) for n in range(1, 5)),
    *(GPVortex(charge=2), GPVortex(charge=30)),
]
PROBLEMS = [*(kind() for kind in CATALOGUE), *SPECIAL]


def named(problem):
    own = problem.model_dump(exclude_defaults=True, exclude={"kind"})
    return "-".join([problem.kind, *(f"{key}={value}" for key, value in own.items())])


def smooth_solution(problem):
    """A stand-in: a random network, at a λ that the problem's own solution has or nearly so."""
    solution = Solution(problem, problem.lambda_start())
    generator = torch.Generator().manual_seed(5)
    if problem.integral_names:  # resolved by its quadrature, as a trained one is
        network = fourier(Fourier(features=8), 1.5, problem.inputs, problem.outputs, generator)
        network.layers[-1].weight.data.normal_(std=0.05, generator=generator)
    else:
        network = mlp(MLP(hidden=(6, 6)), problem.inputs, problem.outputs, generator)
    solution.add(Term(network, 1.0, problem.lambda_start() if problem.integral_names else None))
    return solution


def approaches(problem):
    """Points (k, 1 + distances, d): an origin, a wall or a corner first, then what comes ever closer to it."""
    d = len(problem.coordinates)
    ends = np.array(problem.domain())
    rng = np.random.default_rng(1)
    inside = ends[:, 0] + (ends[:, 1] - ends[:, 0]) * rng.uniform(0.2, 0.8, d)
    places = []  # (where, from which side)
    for i in range(d):
        for value, side in ((ends[i, 0], 1.0), (ends[i, 1], -1.0), (0.0, 1.0), (0.0, -1.0)):
            if ends[i, 0] < value < ends[i, 1] or value in ends[i]:
                at, towards = inside.copy(), np.zeros(d)
                at[i], towards[i] = value, side
                places.append((at, towards))
    for corner in itertools.islice(itertools.product((0, 1), repeat=d), 16):
        places.append((ends[np.arange(d), corner], 1.0 - 2.0 * np.array(corner)))
    lines = []
    for at, towards in places:
        line = at + np.concatenate([[0.0], DISTANCES])[:, None] * towards
        low, high = ends.T
        if np.all((line >= low) & (line <= high)):
            lines.append(line)
    return np.array(lines)


@pytest.mark.parametrize("problem", PROBLEMS, ids=named)
def test_a_residual_at_a_place_is_the_limit_of_those_ever_closer_to_it(problem):
    solution, lines = smooth_solution(problem), approaches(problem)
    assert len(lines) >= 3
    for name in problem.collocation(np.random.default_rng(4).random((24, len(problem.coordinates)))):
        values = solution.evaluate(lines.reshape(-1, lines.shape[-1]), name)
        for key, found in values.items():
            if not key.startswith("residual_"):
                continue
            r = np.abs(found.reshape(lines.shape[:2]))  # an odd residual may change its sign at an origin
            assert np.isfinite(r).all()
            scale = 1 + r.max()
            slope = np.abs(r[:, 1] - r[:, 0]) / DISTANCES[0]  # at the farthest
            allowed = 3e-13 * scale + (10 * slope[:, None] + 10 * scale) * DISTANCES
            off = np.abs(r[:, 1:] - r[:, :1])
            assert (off <= allowed).all(), (name, key, float((off / allowed).max()))


@pytest.mark.parametrize("problem", [p for p in PROBLEMS if p.kind != "allen_cahn"], ids=named)  # a spline of its own
def test_exact_values_go_to_those_at_a_place(problem):
    lines = approaches(problem)
    exact = problem.exact(lines.reshape(-1, lines.shape[-1]))
    for name, found in (exact or {}).items():
        values = found.reshape(lines.shape[:2])
        assert np.isfinite(values).all()
        slope = np.abs(values[:, 1] - values[:, 0]) / DISTANCES[0]
        allowed = 1e-12 + (10 * slope[:, None] + 300) * DISTANCES
        assert (np.abs(values[:, 1:] - values[:, :1]) <= allowed).all(), name


@pytest.mark.parametrize("crowding", [UNIFORM, CCF(order=1).crowding, CCF(order=2).crowding], ids=["0", "1", "2"])
def test_the_transform_is_exact_however_close_to_the_origin_or_to_a_node(crowding):
    """Ω = −y/(1+y²/4), of which H is 2/(1+y²/4) and U is 4 arctan(y/2)."""
    sigma = nodes(0.0397, 13.0, 1.0, crowding)
    z = np.sinh(sigma)
    f = -z / (1 + z * z / 4)
    near_nodes = [sigma[j] + side * distance for j in (0, 1, 40, 200) for side in (1, -1) for distance in DISTANCES]
    s = np.concatenate([[1e-300, 1e-30], DISTANCES, [1e-3, 0.01, 0.02, 0.03], near_nodes])
    hilbert, antiderivative = operators(s, sigma, crowding)
    y = np.sinh(s)
    own = 1 / (1 + y / 2)  # the size of Ω, by which residuals are divided
    assert np.abs((hilbert @ f - 2 / (1 + y * y / 4)) / own).max() < 2e-13
    assert np.abs((antiderivative @ f) / (4 * np.arctan(y / 2)) - 1).max() < 2e-14


@pytest.mark.parametrize("problem", [GCLM(a=-0.6), CCF(order=1), CCF(order=2)], ids=named)
def test_the_velocity_over_y_goes_to_the_stretching_at_the_origin(problem):
    solution = smooth_solution(problem)
    y = np.concatenate([[0.0], DISTANCES])[:, None]
    values = solution.evaluate(y)
    assert np.abs(values["U"][1:] / DISTANCES - values["HOmega"][0]).max() < 1e-7  # what y = 1e-4 differs by
    assert np.abs(values["U"][5:] / DISTANCES[4:] - values["HOmega"][0]).max() < 1e-14


@pytest.mark.parametrize("problem", PROBLEMS, ids=named)
def test_axes_of_symmetric_ranges_are_symmetric(problem):
    for n, (i, (low, high)) in itertools.product((2, 3, 33, 129, 1001, 4001), enumerate(problem.domain())):
        axis = problem.axis(i, n)
        assert (np.diff(axis) > 0).all()
        assert axis[[0, -1]] == pytest.approx([low, high], rel=1e-14)
        if low == -high:
            assert np.array_equal(axis, -axis[::-1])
            assert n % 2 == 0 or axis[n // 2] == 0


def test_the_dense_grid_of_a_profile_has_the_origin_itself():
    for problem in (GCLM(a=-0.6), CCF(order=2), BurgersProfile(order=0)):
        y = dense_points(problem)[:, 0]
        assert y[len(y) // 2] == 0
        assert np.abs(np.delete(y, len(y) // 2)).min() > 1e-4


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (-13.0, 13.0), (-17.3, 17.3), (-np.pi, np.pi)])
def test_evenly_is_linspace_to_rounding(low, high):
    for n in (2, 3, 301, 4001):
        found = evenly(low, high, n)
        assert np.abs(found - np.linspace(low, high, n)).max() <= 2e-16 * high * 8
        assert found[0] == low
        assert found[-1] == high
    assert np.array_equal(evenly(0.0, 1.0, 7), np.linspace(0, 1, 7))
    window = _window(2.0, 301)
    assert np.array_equal(window, -window[::-1])
