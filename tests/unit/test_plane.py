"""Profiles above a wall: from the plane to the network's coordinates and back, in physical time, and as files."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicSpline

from core.config import Chebyshev
from core.errors import LabError
from core.networks.layers import polynomials
from core.networks.solution import Solution, Term
from core.problems.boussinesq import Boussinesq
from core.problems.ipm import IPM
from core.singularity import similarity
from core.singularity.plane import ODD, STREAM, PlaneProfile, compactified, plane_grid
from core.singularity.plane_blow_up import SPAN, even, plane_blow_up, plane_physical_grid
from core.singularity.plane_export import blow_up_series, profile_bytes
from core.solution.evaluate import RunSolution
from pages.parts.singularities import plane_figures
from pages.parts.singularities.plane_figures import RESIDUAL, plane_blow_up_figure, plane_figure
from pages.parts.singularities.profile_figures import AXES, SYMBOLS, profile_figure


@pytest.fixture(scope="module", params=[IPM(), Boussinesq(), IPM(order=2)], ids=lambda p: f"{p.kind}-{p.order}")
def solution(request):
    """A smooth network of no meaning: it solves nothing, but its fields belong together."""
    problem = request.param
    network = polynomials(Chebyshev(degrees=(5, 5)), problem.outputs)
    decay = torch.tensor([0.3 / (1 + i + j) ** 2 for i in range(5) for j in range(5)], dtype=torch.float64)
    weight = network.layers[0].weight
    weight.data = decay * torch.randn(weight.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    found = Solution(problem, problem.lambda_start())
    found.add(Term(network, 1.0, problem.lambda_start()))
    return RunSolution(problem, Path(), SimpleNamespace(solution=found), found)


@pytest.fixture(scope="module")
def grid(solution):
    made = plane_grid(solution, 321)
    made.about["lambda"] = solution.lambda_  # `kept_file` adds it, with the run and its checkpoint
    return made


@pytest.fixture(scope="module")
def profile(grid, solution):
    return PlaneProfile.of(grid, solution.problem.fields)


@pytest.mark.parametrize("lam", [0.16, 1.0285722760322, 1.92])
def test_every_distance_has_its_w(lam):
    r = np.geomspace(1e-12, 1e12, 241)
    w, z = compactified(0.6 * r, 0.8 * r, lam)
    # far out a rounding of w by 1e-16 is a larger one of 1 − w
    off = np.abs(np.log(w) - (1 + lam) * np.log1p(-w) - np.log(r))
    assert (off <= 2e-15 * (1 + np.abs(np.log(r)) + (1 + lam) / (1 - w))).all()
    np.testing.assert_allclose(z, 0.8, rtol=1e-15)
    assert np.diff(w).min() > 0
    np.testing.assert_array_equal(compactified(np.array([0.0, 2.0]), np.array([0.0, 0.0]), lam)[1], 0)
    assert compactified(np.zeros(1), np.zeros(1), lam)[0][0] == 0


def test_one_side_is_the_mirror_image_of_the_other(grid, solution):
    n = len(grid.axes[0]) // 2
    assert (grid.axes[0][n], grid.axes[1][0]) == (0, 0)
    for name, values in grid.values.items():
        assert np.isfinite(values).all()
        sign = -1 if name in (*ODD, STREAM) else 1
        np.testing.assert_array_equal(values[::-1], sign * values)
    assert next(iter(grid.values)) == "Omega"
    y1, y2 = np.array([grid.axes[0][-9]]), np.array([grid.axes[1][13]])
    known = solution.evaluate(np.stack(compactified(y1, y2, solution.lambda_), axis=1))
    for name in solution.problem.fields:
        assert grid.values[name][-9, 13] == pytest.approx(known[name][0], rel=1e-12)


def test_gradient_and_velocity_are_the_derivatives_they_are_called(grid, solution):
    s = [np.arcsinh(axis / grid.about["delta"]) for axis in grid.axes]
    stretch = [grid.about["delta"] * np.cosh(part) for part in s]
    carried, first, second = solution.problem.fields[:3]

    def slope(name, axis):
        shape = [-1, 1] if axis == 0 else [1, -1]
        return CubicSpline(s[axis], grid.values[name], axis=axis)(s[axis], 1) / stretch[axis].reshape(shape)

    near = np.ix_(np.abs(s[0]) < 6, (s[1] > 0.2) & (s[1] < 6))  # a spline is worst at its end
    pairs = [
        (first, slope(carried, 0)),
        (second, slope(carried, 1)),
        ("U1", slope(STREAM, 1)),
        ("U2", -slope(STREAM, 0)),
    ]
    for name, found in pairs:
        expected = grid.values[name][near]
        np.testing.assert_allclose(found[near], expected, atol=1e-2 * np.abs(expected).max(), err_msg=name)


def test_between_its_points_and_beyond_them_a_profile_goes_on(profile, solution):
    draws = np.random.default_rng(0).uniform(size=(200, 2))
    s = draws * (np.arcsinh(profile.y1[-1] / profile.width) + 2)  # a part of them beyond the sample
    y1, y2 = profile.width * np.sinh(s).T
    known = solution.evaluate(np.stack(compactified(y1, y2, solution.lambda_), axis=1))
    inside = np.maximum(y1, y2) <= profile.y1[-1]
    assert 20 < (~inside).sum() < 180
    for name in solution.problem.fields:
        found, size = profile.at(name, y1, y2), np.abs(known[name])
        np.testing.assert_allclose(found[inside], known[name][inside], atol=1e-3 * size[inside].max(), err_msg=name)
        np.testing.assert_allclose(found[~inside], known[name][~inside], atol=0.02 * size[~inside].max(), err_msg=name)
        np.testing.assert_allclose(profile.at(name, -y1, y2), -found if name in ODD else found, rtol=1e-9)


def test_far_from_the_origin_nothing_depends_on_time(profile, solution):
    far = profile.y1[-1] * np.array([2.0, 40.0])
    for name in solution.problem.fields:
        later = profile.physical(name, 0.8 * far, 0.6 * far, np.array([[1.0], [0.1], [1e-3]]))
        np.testing.assert_allclose(later[1:], np.broadcast_to(later[0], later[1:].shape), rtol=0.03, err_msg=name)


def test_along_the_wall_and_along_the_axis(profile, solution):
    wall, axis = profile.along_wall(), profile.along_axis()
    assert set(wall.values) == set(solution.problem.fields) - {"U2"}
    h = profile.y1[len(profile.y1) // 2 + 1] / 50
    for name in [name for name in axis.values if name != "U2"]:
        field = name.removesuffix("_1")
        y2 = profile.y2[:60:7]
        np.testing.assert_allclose(axis.values[name][:60:7], profile.at(field, h, y2) / h, rtol=1e-3)
    for line in (wall, axis):
        for drawn in AXES:
            figure = profile_figure(line, list(line.values), drawn, "r")
            assert {trace.name.strip("|") for trace in figure.data} == {SYMBOLS[name] for name in line.values}


def test_the_blow_up_keeps_its_shape_while_it_shrinks_and_grows(profile):
    lam = profile.lambda_
    found = plane_blow_up(profile, "Omega", moments=4, points=33)
    np.testing.assert_allclose(found.moments, [0, -1, -2, -3])
    x1 = found.delta * np.sinh(found.s1)
    for moment, values in zip(found.moments, found.values, strict=True):
        remaining = 10.0**moment
        np.testing.assert_allclose(values[:, 0] * remaining, profile.at("Omega", x1 / remaining ** (1 + lam), 0.0))
    assert np.abs(found.logarithm[-1]).max() > np.abs(found.logarithm[0]).max() + 2.5
    figure = plane_blow_up_figure(found)
    assert [frame.name for frame in figure.frames] == ["0", "1", "2", "3"]
    assert len(figure.layout.sliders[0].steps) == 4
    for frame, decades in zip(figure.frames, found.logarithm, strict=True):
        np.testing.assert_allclose(np.array(frame.data[0].z), decades.T, atol=0.0051)
        np.testing.assert_allclose(np.array(frame.data[1].z), decades[::2, ::2].T, atol=0.0051)


def test_contours_hold_the_field_and_level_lines_of_the_flow(grid, solution, monkeypatch):
    for shown in (*solution.problem.fields, RESIDUAL):
        figure = plane_figure(grid, shown, True, "r")
        assert [trace.type for trace in figure.data] == ["contour", "contour", "scatter"]
        assert len(plane_figure(grid, shown, False, "r").data) == 1
        assert 10 <= (figure.data[0].zmax - figure.data[0].zmin) / figure.data[0].contours.size <= 45
    omega = plane_figure(grid, "Omega", False, "r").data[0]
    near = np.abs(omega.z) < omega.zmax
    np.testing.assert_allclose(np.array(omega.z)[near], grid.values["Omega"].T[near], rtol=1e-6)
    assert omega.zmin == -omega.zmax
    monkeypatch.setattr(plane_figures, "POINTS", 200)
    thinned = plane_figure(grid, "Omega", True, "r").data[0]
    assert len(thinned.x) == 161
    assert thinned.x[80] == 0  # the axis
    np.testing.assert_array_equal(thinned.z, np.array(omega.z)[::2, ::2])


def test_files_for_paraview_are_read_again(grid, profile, tmp_path):
    import pyvista

    source = tmp_path / "plane.npz"
    grid.save(source)
    (tmp_path / "p.vts").write_bytes(profile_bytes(source, "vts"))
    (tmp_path / "p.vti").write_bytes(profile_bytes(source, "vti"))
    space, image = pyvista.read(tmp_path / "p.vts"), pyvista.read(tmp_path / "p.vti")
    np.testing.assert_array_equal(space.points.reshape(*grid.values["U1"].T.shape, 3)[0, :, 0], grid.axes[0])
    for mesh in (space, image):
        np.testing.assert_array_equal(mesh["Omega"], grid.values["Omega"].ravel(order="F"))
    np.testing.assert_allclose(image.points[:, 0], np.arcsinh(image["y1"] / grid.about["delta"]), atol=1e-12)
    assert even(grid).uniform
    times = plane_physical_grid(profile, 17, {"lambda": profile.lambda_}, moments=3)
    times.save(tmp_path / "times.npz")
    for suffix in ("vti", "vts"):
        folder = tmp_path / suffix
        zipfile.ZipFile(io.BytesIO(blow_up_series(tmp_path / "times.npz", suffix))).extractall(folder)
        reader = pyvista.get_reader(folder / "blow-up.pvd")
        assert reader.time_values == [0, SPAN / 2, SPAN]
        reader.set_active_time_value(SPAN)
        np.testing.assert_array_equal(reader.read()[0]["ω"], times.values["ω"][:, :, 2].ravel(order="F"))
    assert {path.name for path in (tmp_path / "vts" / "blow-up").iterdir()} == {"0000.vts", "0001.vts", "0002.vts"}
    source.unlink()
    with pytest.raises(LabError, match="Load the page again"):
        profile_bytes(source, "vts")


def test_a_profile_that_is_not_finite_is_said_to_be_none(grid, solution):
    spoilt = grid.values["U1"].copy()
    spoilt[3, 4] = np.nan
    with pytest.raises(LabError, match=r"1 of the .* NaN or infinite"):
        PlaneProfile.of(replace(grid, values=grid.values | {"U1": spoilt}), solution.problem.fields)


def test_only_profiles_above_a_wall_are_in_the_plane():
    assert similarity.is_plane_profile(IPM())
    assert not similarity.is_profile(IPM())
