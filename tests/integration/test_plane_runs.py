"""A search for a profile above a wall, from its run to the pages, which draw a solution in physical time."""

import zipfile

import numpy as np
import pytest

from core import jobs
from core.config import parse_config
from core.errors import LabError
from core.execution.execute import execute
from core.runs import run_folder
from core.singularity.found import found_runs
from core.singularity.plane import RESOLUTION, PlaneProfile, plane_file
from core.singularity.plane_blow_up import plane_physical_file
from core.solution.grid import SolutionGrid
from tests.integration.test_pages import opened, texts


def search(kind):
    """A coarse profile with λ where it is published: its residual is below 1e-2 after some ten steps."""
    config = parse_config(
        {
            "problem": {"kind": kind},
            "lambda": {"mode": "trainable", "release_after": 99},
            "stages": [
                {
                    "chebyshev": {"degrees": [14, 14]},
                    "optimizer": {"kind": "gauss_newton", "damping": 1e-3, "minimum_damping": 1e-24},
                    "iterations": 16,
                    "patience": 30,
                    "collocation": {"points": 272, "sampler": "gauss", "shape": [17, 16]},
                }
            ],
        }
    )
    run_id = jobs.begin_here(config)
    execute(run_folder(run_id), 1)
    return run_folder(run_id), config.problem


@pytest.mark.parametrize("kind", ["ipm", "boussinesq"])
def test_what_is_drawn_solves_the_equations_in_physical_time(kind, command_line, tmp_path):
    folder, problem = search(kind)
    path = plane_file(folder, RESOLUTION)
    assert plane_file(folder, RESOLUTION) == path
    grid = SolutionGrid.read(path)
    profile = PlaneProfile.of(grid, problem.fields)
    assert (grid.about["run_id"], grid.about["lambda"]) == (folder.run_id, profile.lambda_)

    remaining, h = 0.4, 1e-3
    core = profile.width * remaining ** (1 + profile.lambda_)
    x1, x2 = core * np.random.default_rng(1).uniform([[-3], [0.2]], [[3], [3]], size=(2, 80))

    def moving(name):
        """∂_t + u·∇ of a field, and the size of its terms; 1−t falls while t grows."""
        u1, u2 = (profile.physical(part, x1, x2, remaining) for part in ("U1", "U2"))
        step = h * core
        t = (profile.physical(name, x1, x2, remaining - h) - profile.physical(name, x1, x2, remaining + h)) / (2 * h)
        first = profile.physical(name, x1 + step, x2, remaining) - profile.physical(name, x1 - step, x2, remaining)
        second = profile.physical(name, x1, x2 + step, remaining) - profile.physical(name, x1, x2 - step, remaining)
        carried = (u1 * first + u2 * second) / (2 * step)
        return t + carried, np.abs(t).max() + np.abs(carried).max()

    scalar, gradient = problem.fields[:2]
    left, size = moving(scalar)
    np.testing.assert_allclose(left, 0, atol=0.01 * size)
    driven = profile.physical(gradient, x1, x2, remaining)
    if kind == "ipm":
        np.testing.assert_allclose(profile.physical("Omega", x1, x2, remaining), -driven, rtol=1e-6, atol=1e-6)
    else:
        left, size = moving("Omega")
        np.testing.assert_allclose(left, driven, atol=0.02 * size)

    times = SolutionGrid.read(plane_physical_file(folder, 17))
    assert times.time == times.coordinates[-1]
    (found,) = found_runs()
    assert (found.kind, found.parameter) == (kind, 0)
    app = opened("pages/find_singularities.py", run=folder.run_id)
    assert not app.exception, app.exception
    assert not app.error, [item.value for item in app.error]
    assert {item.value for item in app.subheader} == {"Blow-up in physical time"}
    if kind == "ipm":
        for view in ("profile", "physical time"):
            app = opened("pages/solution_3d.py", run=folder.run_id, view=view)
            assert not app.exception, app.exception
            assert not app.error, [item.value for item in app.error]
            assert "points" in texts(app)
        with pytest.raises(LabError, match="odd number"):
            plane_file(folder, 64)
    else:
        files = {"p.vti": (), "own.vts": ("--view", "w, z"), "series.zip": ("--view", "physical time")}
        for name, view in files.items():
            done = command_line("export", folder.run_id, "-o", str(tmp_path / name), "--resolution", "17", *view)
            assert (done.returncode, done.stderr) == (0, ""), done
        assert zipfile.ZipFile(tmp_path / "series.zip").namelist()[-1] == "blow-up.pvd"
        for name, view, why in (("x.zip", "profile", "time series"), ("x.vts", "sideways", "w, z")):
            refused = command_line("export", folder.run_id, "-o", str(tmp_path / name), "--view", view)
            assert (refused.returncode, len(refused.stderr.strip().splitlines())) == (2, 1), refused
            assert why in refused.stderr
            assert not (tmp_path / name).exists()
