"""Certificates of profiles in the plane: the published equations, Biot and Savart, where both are asked for."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.config import Chebyshev, parse_config
from core.errors import LabError
from core.execution.lambda_uncertainty import ROUGH, ROUNDING, lambda_uncertainty
from core.forms import Layout, laplacian
from core.jets import Jet, chebyshev, chebyshev_sums, coordinates
from core.networks.layers import polynomials
from core.networks.solution import Solution, Term
from core.problems.boussinesq import Boussinesq
from core.problems.ipm import IPM
from core.runs import RunFolder
from core.runs.history import MAIN, PATH
from core.singularity import biot_savart, original_equations, regions
from core.singularity.certificate import Certificate
from core.singularity.certify import certify
from core.singularity.false_minima import axis_power, false_minimum
from core.training import checkpoint as checkpoints
from core.training.checkpoint import Checkpoint
from core.training.points import collocation
from core.training.state import Position, StageRecord

CONFIG = {
    "problem": {"kind": "ipm"},
    "stages": [
        {
            "chebyshev": {"degrees": [12, 12]},
            "optimizer": {"kind": "gauss_newton"},
            "collocation": {"points": 225, "sampler": "gauss", "shape": [15, 15]},
        }
    ],
}


def with_polynomials(problem, size=0.3, degrees=(5, 4)):
    """A solution with a few random polynomials on top of nothing."""
    solution = Solution(problem, problem.lambda_start())
    network = polynomials(Chebyshev(degrees=degrees), problem.outputs)
    weight = network.layers[0].weight
    weight.data.copy_(size * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1), dtype=weight.dtype))
    solution.add(Term(network, 1.0, problem.lambda_start()))
    return solution


@pytest.mark.parametrize("degrees", [(7,), (6, 9), (4, 3, 5)])
def test_sums_of_polynomials_need_no_products(degrees):
    layout = Layout.of(len(degrees), {"laplacian": laplacian(len(degrees))})
    generator = torch.Generator().manual_seed(0)
    inputs = Jet(
        torch.rand(layout.components, 11, len(degrees), generator=generator, dtype=torch.float64) * 2 - 1, layout
    )
    weight = torch.randn(3, math.prod(degrees), generator=generator, dtype=torch.float64)
    found = chebyshev_sums(inputs, degrees, weight).data
    assert torch.allclose(found, chebyshev(inputs, degrees).data @ weight.T, rtol=1e-12, atol=1e-10)


@pytest.mark.parametrize("problem", [IPM(), IPM(order=2), Boussinesq(order=1)])
def test_points_cover_the_plane_and_are_none_of_training(problem):
    blocks = regions.points(problem)
    assert list(blocks) == ["near", "wall", "axis", "inside", "far", "beyond"]
    assert set(blocks) <= set(regions.WORDS)
    config = parse_config(CONFIG | {"problem": problem.model_dump()})
    trained = {tuple(place) for place in collocation(config, config.stages[0], 0, 0)["interior"]}
    assert not trained & {tuple(place) for block in blocks.values() for place in block}
    assert (blocks["wall"][:, 1] == 0).all()
    assert (blocks["axis"][:, 1] == 1).all()
    assert blocks["near"][0, 0] == 0
    w = {name: block[:, 0] for name, block in blocks.items()}
    assert w["near"].max() < w["inside"].min() < w["inside"].max() < w["far"].min()
    assert problem.domain()[0][1] < w["beyond"].min() < w["beyond"].max() < 1
    assert np.isfinite(regions.distance(problem, blocks["beyond"], 3.0)).all()


@pytest.mark.parametrize("problem", [IPM(), Boussinesq(order=1)])
def test_gradients_in_the_plane_are_those_of_finite_differences(problem):
    solution = with_polynomials(problem)
    lam = float(solution.lam)
    points = np.array([[0.1, 0.3], [0.4, 0.9], [0.2, 0.05]])
    y = original_equations.position(points, lam)
    fields, slopes = solution.gradients(points)
    assert fields["U1"] == pytest.approx(solution.evaluate(points)["U1"], rel=1e-13)

    def at(moved):
        r = np.hypot(*moved)
        low, high = np.zeros_like(r), np.ones_like(r)
        for _ in range(200):
            middle = (low + high) / 2
            below = middle * (1 - middle) ** -(1 + lam) < r
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return solution.evaluate(np.stack([(low + high) / 2, moved[1] / r], axis=1))

    for i in range(2):
        step = np.zeros((2, 1))
        step[i] = 1e-5
        ahead, back = at(y + step), at(y - step)
        for name in problem.fields:
            found = original_equations.gradient(points, slopes[name], lam)[i]
            assert (ahead[name] - back[name]) / 2e-5 == pytest.approx(found, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("problem", [IPM(), Boussinesq(order=1)])
def test_published_equations_hold_where_they_are_identities_and_only_there(problem):
    """Random polynomials: the velocity is divergence-free and gradients are gradients, and nothing else holds."""
    solution = with_polynomials(problem)
    found = original_equations.largest(solution, regions.points(problem))
    identities = {"ipm": {"div U = 0", "Ω = −∂₁R"}, "boussinesq": {"div U = 0", "∂₁(∂₂Θ) = ∂₂(∂₁Θ)"}}[problem.kind]
    for name, value in found.items():
        assert value < 1e-9 if name in identities else 1e-3 < value <= 1, name


def test_published_equations_are_as_good_as_those_that_train():
    """The equation for R is the trained one times a factor that is known."""
    problem = IPM()
    solution = with_polynomials(problem)
    points = np.array([[0.05, 0.2], [0.3, 0.6], [0.8, 0.9]])
    lam, w = float(solution.lam), points[:, 0]
    fields, slopes = solution.gradients(points)
    y = original_equations.position(points, lam)
    gradients = {name: original_equations.gradient(points, slope, lam) for name, slope in slopes.items()}
    residual, _ = problem.original(fields, gradients, y, lam)["((1+λ)y + U)·∇R = λR"]
    trained = solution.evaluate(points)["residual_transport"] * w * (1 - w) / (1 + lam * w)
    assert residual / fields["R"] == pytest.approx(trained, rel=1e-9)


@pytest.mark.parametrize("problem", [IPM(), IPM(order=5), Boussinesq(order=1), Boussinesq(order=4)])
def test_biot_and_savart_give_the_velocity_of_a_vorticity_that_is_known(problem):
    """φ = y₁y₂(1+r²)^{−q} with the far field of λ, whose Laplacian is y₁y₂(g″ + 5g′/r)."""
    lam, q = 1.0, 0.25

    def strength(u, p):
        w = problem.radial.at(u)[:, None]
        z = problem.angular.at(w, 1 - p**2)
        square = w**2 * (1 - w) ** (-2 * (1 + lam))
        laplacian = -12 * q * (1 + square) ** (-q - 1) + 4 * q * (q + 1) * square * (1 + square) ** (-q - 2)
        return -z * square * laplacian / (w * (1 - w))

    uniform = np.array([0.1, 0.45, 0.9])
    u, p = (axis.ravel() for axis in np.meshgrid(uniform, uniform, indexing="ij"))
    w = problem.radial.at(u)
    y = original_equations.position(np.stack([w, problem.angular.at(w, 1 - p**2)], axis=1), lam)
    g, slope = (1 + (y**2).sum(0)) ** -q, -2 * q * (1 + (y**2).sum(0)) ** (-q - 1)  # g′/r
    exact = np.stack([y[0] * g + y[0] * y[1] ** 2 * slope, -y[1] * g - y[0] ** 2 * y[1] * slope])
    size = np.hypot(*exact)
    found = biot_savart.integral(problem, lam, strength, u, p, biot_savart.FINE)
    assert (np.hypot(*(found - exact)) / size).max() < 3e-11
    coarse = biot_savart.integral(problem, lam, strength, u, p, biot_savart.COARSE)
    assert (np.hypot(*(coarse - exact)) / size).max() < 1e-8


def test_round_trip_and_judgement_of_a_certificate_in_the_plane(tmp_path):
    config = parse_config(CONFIG)
    solution = with_polynomials(config.problem, degrees=(12, 12), size=0.01)
    checkpoints.save(Checkpoint(config, Position(total=1), solution), RunFolder(tmp_path).last)
    certificate = certify(RunFolder(tmp_path))
    assert [region.name for region in certificate.regions] == ["near", "wall", "axis", "inside", "far", "beyond"]
    assert certificate.velocity.points == 100
    assert not certificate.holds
    assert "published equations" in certificate.sentence()
    data = json.loads(certificate.write(RunFolder(tmp_path)).read_text())
    assert Certificate.from_dict(data) == certificate
    good = replace(
        certificate,
        regions=tuple(replace(region, max_residual=1e-10) for region in certificate.regions),
        equations=dict.fromkeys(certificate.equations, 1e-10),
        velocity=biot_savart.VelocityCheck(100, 1e-9, 1e-10),
    )
    assert good.holds
    assert not replace(good, equations={"curl U = Ω": 1e-7}).holds
    assert not replace(good, velocity=biot_savart.VelocityCheck(100, 1e-6, 1e-10)).holds
    assert replace(good, velocity=biot_savart.VelocityCheck(100, 1e-6, 2e-6)).holds  # the integral can't tell
    assert not replace(good, velocity=biot_savart.VelocityCheck(100, np.nan, 1e-10)).holds
    older = {key: value for key, value in data.items() if key not in ("equations", "velocity")}
    assert Certificate.from_dict(older).equations == {}
    for broken in ({"equations": 3}, {"equations": {"curl": "x"}}, {"velocity": {"points": 1}}, {"velocity": []}):
        with pytest.raises(LabError, match="no certificate"):
            Certificate.from_dict(data | broken)


@pytest.mark.parametrize("problem", [IPM(order=1), Boussinesq(order=1)])
def test_a_known_lambda_of_another_order_is_named(problem):
    for order, lam in problem.other_lambdas().items():
        assert f"order {order}" in problem.mistaken(lam + 1e-6)
    assert problem.mistaken(problem.reference_lambda()) is None
    beyond = type(problem)(order=4)
    assert beyond.reference_lambda() is None
    assert "No paper" in beyond.caution()
    assert problem.caution() is None


def test_false_minima_are_named():
    solution = with_polynomials(IPM(order=1), size=0.01)
    assert false_minimum(solution, 1e-9, 1e-8) == ""
    assert "false minimum" in false_minimum(solution, 1e-14, 0.3)
    assert "can't be told" in false_minimum(solution, 1e-2, 1e-2)
    assert "can't be told" in false_minimum(solution, 1e-2, math.nan)
    solution.lam.data.fill_(IPM().reference_lambda())
    assert "order 0" in false_minimum(solution, 1e-9, 1e-8)


def test_an_order_that_nobody_has_found_was_searched_and_not_found():
    solution = with_polynomials(IPM(order=6), size=0.01)
    said = false_minimum(solution, 1e-2, 1e-2)
    assert said.startswith("No profile of order 6 was found, which nobody has: The residual is still 1.0e-02")
    assert "no digit of λ = " in said
    assert false_minimum(solution, 1e-9, 1e-8) == ""  # one that holds would be believed
    assert false_minimum(with_polynomials(IPM(order=5), size=0.01), 1e-2, 1e-2).startswith("The residual is still")


def test_a_kink_at_the_axis_is_seen():
    problem = IPM()
    solution = Solution(problem, 0.9)
    network = polynomials(Chebyshev(degrees=(20, 40)), problem.outputs)
    solution.add(Term(network, 1.0, 0.9))
    assert axis_power(solution) == pytest.approx(2, abs=0.02)
    fit_logarithm(solution, 0.5)
    assert axis_power(solution) == pytest.approx(2.5, abs=0.15)
    assert "|y₁|^2." in false_minimum(solution, 1e-9, 1e-8)


def test_a_map_that_spreads_points_evenly_has_its_kinks_looked_for_near_the_axis():
    problem = Boussinesq(order=4)  # whose map is 27 deep at the origin
    solution = Solution(problem, 1.145)
    solution.add(Term(polynomials(Chebyshev(degrees=(20, 40)), problem.outputs), 1.0, 1.145))
    fit(solution, lambda w, z: (1 - z**2) / w)  # smooth, and different well away from the axis
    assert axis_power(solution) == pytest.approx(2, abs=0.1)


def fit_logarithm(solution, power):
    """F ~ (1−z)^{power/2}, so that R ~ |y₁|^{2+power}, as far as its polynomials can."""
    fit(solution, lambda w, z: power / 2 * np.log1p(-z) / w)


def fit(solution, wanted):
    """The first field's logarithm over w as far as its polynomials can."""
    problem, network = solution.problem, solution.networks[0]
    unit = [(1 - np.cos(np.pi * (np.arange(n) + 0.5) / n)) / 2 for n in (24, 48)]
    points = problem.collocation(np.stack(np.meshgrid(*unit, indexing="ij"), axis=-1).reshape(-1, 2))["interior"]
    x = coordinates(torch.as_tensor(points), solution.layout)
    basis = chebyshev(solution.features_at(x, solution.lam.expand(len(points))), network.degrees).value
    found = torch.linalg.lstsq(
        basis * torch.as_tensor(points[:, :1]), torch.as_tensor(wanted(*points.T) * points[:, 0])[:, None]
    ).solution
    network.layers[0].weight.data[0] = found[:, 0]


def test_lambda_is_known_no_better_than_the_last_two_resolutions_agree():
    stage = CONFIG["stages"][0] | {"begins": "fitted"}
    larger = stage | {"chebyshev": {"degrees": [13, 12]}}
    config = parse_config(CONFIG | {"stages": [stage, larger]})
    solution = with_polynomials(config.problem, size=0.01, degrees=(13, 12))
    records = [StageRecord(0, 288, 1.0), StageRecord(1, 312, 1.0)]
    columns = {"stage": np.array([0, 0, 1, 1]), "lambda": np.array([1.0, 1.03, 1.031, 1.0305])}
    basin = lambda_uncertainty(config, solution, records[:1], {}, 1e-9)
    assert 0 < basin < 1e-6
    assert lambda_uncertainty(config, solution, records, columns, 1e-9) == pytest.approx(5e-4)
    assert lambda_uncertainty(config, solution, records, columns, 1.0) > 5e-4  # the basin is wider
    held = columns | {"lambda": np.array([1.03, 1.03, 1.031, 1.0305])}  # of a λ that did not move nothing is learned
    assert lambda_uncertainty(config, solution, records, held, 1e-9) == pytest.approx(basin)
    at_once = {"stage": np.array([0, 0, 1]), "lambda": np.array([1.0, 1.03, 1.0305])}  # by the finer one's only step
    assert lambda_uncertainty(config, solution, records, at_once, 1e-9) == pytest.approx(5e-4)
    on_a_path = {"stage": np.array([0, 0, 0, 1]), "lambda": np.array([0.9, 1.03, 1.03, 1.0305])}
    on_a_path["phase"] = np.array([PATH, PATH, MAIN, MAIN])  # the first stage itself held it
    assert lambda_uncertainty(config, solution, records, on_a_path, 1e-9) == pytest.approx(basin)

    def converged(left, change, floor):
        """λ's uncertainty where a finer resolution left a part of the residual and moved λ a little."""
        both = [replace(records[0], rms_residual=1e-6), replace(records[1], rms_residual=1e-6 * left)]
        moved = columns | {"lambda": np.array([1.0, 1.03, 1.031, 1.03 + change])}
        return lambda_uncertainty(config, solution, both, moved, floor)

    wide = lambda_uncertainty(config, solution, records[:1], {}, 1e-6)
    assert converged(0.01, 1e-12, 1e-6) == pytest.approx(wide / ROUGH)  # what is left is rough
    assert converged(0.01, wide / 3, 1e-6) == pytest.approx(wide / 3, rel=1e-3)  # never less than λ moved
    assert converged(0.9, 1e-12, 1e-6) == converged(np.nan, 1e-12, 1e-6) == pytest.approx(wide)  # nothing was gained
    assert converged(0.01, 0.0, 1e-20) < converged(0.01, 0.0, 1e-12) == pytest.approx(max(wide * 1e-8, 1.03 * ROUNDING))


def test_lambda_that_settles_over_three_resolutions_is_known_as_well_as_its_last_change():
    stage = CONFIG["stages"][0] | {"begins": "fitted"}
    stages = [stage | {"chebyshev": {"degrees": [n, 12]}} for n in (11, 12, 13)]
    config = parse_config(CONFIG | {"stages": stages})
    solution = with_polynomials(config.problem, size=0.01, degrees=(13, 12))
    records = [StageRecord(k, 264 + 24 * k, 1.0, rms_residual=0.1**k) for k in range(3)]
    numbers = np.array([0, 0, 1, 1, 2, 2])

    def known(*lams):
        """Its uncertainty, the floor far above what λ's changes tell."""
        return lambda_uncertainty(config, solution, records, {"stage": numbers, "lambda": np.array(lams)}, 1.0)

    settled = known(1.0, 1.03, 1.031, 1.0301, 1.0301, 1.03011)
    assert settled == pytest.approx(1e-5)
    assert known(1.0, 1.03, 1.031, 1.0301, 1.0301, 1.0302) > 10 * settled  # it goes on as far as before
    assert known(1.0, 1.0, 1.031, 1.0301, 1.0301, 1.03011) > 10 * settled  # of two resolutions one change is all
