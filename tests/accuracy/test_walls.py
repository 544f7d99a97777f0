"""Profiles above a wall, trained and by an independent collocation in other coordinates, from other starts."""

import numpy as np
import pytest

from core.config import override
from core.presets import resolve
from tests.spectral_wall import Grid, solve, times_w
from tests.training import train

pytestmark = pytest.mark.accuracy


def short(preset, order, *sides):
    """The preset's first two stages, with so many polynomials each, at somewhat more points than these."""
    settings = [f"problem.order={order}", "stages.0.iterations=60"]
    for k, side in enumerate(sides):
        settings += [
            f"stages.{k}.chebyshev.degrees=[{side}, {side}]",
            f"stages.{k}.collocation.shape=[{side + 2}, {side + 2}]",
            f"stages.{k}.collocation.points={(side + 2) ** 2}",
        ]
    config = override(resolve(preset), settings)
    return config.model_copy(update={"stages": config.stages[:2]})


@pytest.mark.parametrize(
    ("preset", "order", "start", "maps", "shapes", "sides", "grids_agree_to", "bar"),
    [
        ("ipm", 0, 1.02, (0.2, 0.3, -2.5, -4.2, 0.5), [(14, 14), (24, 24), (32, 32)], (16, 31), 1e-9, 1e-10),
        ("ipm", 1, 0.47, (0.14, 0.06, -2.5, -4, 0.5), [(18, 18), (28, 28), (36, 34)], (19, 32), 2e-7, 3e-8),
        ("boussinesq", 0, 1.9, (0.2, 0.2, -3.5, -7.6, 0.2), [(16, 18), (26, 30), (30, 36)], (18, 30), 1e-7, 1e-8),
    ],
    ids=["ipm-0", "ipm-1", "boussinesq-0"],
)
def test_a_profile_is_that_of_an_independent_solver(
    tmp_path, preset, order, start, maps, shapes, sides, grids_agree_to, bar
):
    *_, coarse, fine = solve(int(preset == "boussinesq"), start, [Grid(shape, *maps) for shape in shapes])
    assert abs(coarse.lam - fine.lam) <= grids_agree_to
    solution = train(short(preset, order, *sides), tmp_path / "run").solution
    assert abs(float(solution.lam.detach()) - fine.lam) <= bar

    # the whole profile too, which both have at the same gauge
    w, z = fine.equations.grid.points(np.linspace(-0.98, 0.98, 9), np.linspace(-1, 0.95, 7))
    fields = {name: times_w(w, jet) for name, jet in fine.parts(w, z).items()}
    omega = w * (1 - w) * np.sqrt(1 - z * z) * fine.equations.vorticity(w, z, fields, fine.lam)
    found = solution.evaluate(np.stack([w, z], axis=1))["Omega"]
    assert np.abs(found / omega - 1).max() <= 100 * bar


def test_the_gauge_changes_nothing_of_lambda():
    grids = [Grid(shape, 0.2, 0.3, -2.5, -4.2, 0.5) for shape in ((14, 14), (26, 26))]
    one, other = (solve(0, 1.02, grids, F0=F0)[-1].lam for F0 in (-2.0, -2.6))
    assert abs(one - other) <= 1e-8
