"""Time in windows in domains that are no boxes: what one window leaves is where the next one begins."""

import numpy as np
import pytest
import torch

from core.config import parse_config
from core.datasets import add, pinned
from core.networks.solution import Solution
from core.problems.equation import Equation
from core.problems.exact_samples import exact_samples
from core.runs import RunFolder
from core.solution.evaluate import load_solution
from core.solution.on_mesh import _mesh_of, _sampled
from core.training import checkpoint as checkpoints
from core.training.measure import measure
from core.training.train import train as run_in
from tests.training import curve, train
from tests.unit.test_uploaded_meshes import named_plate

L = "polygon((-1,-1),(1,-1),(1,0),(0,0),(0,1),(-1,1))"
CORNER = "(x^2 + y^2)^(1/3)*sin(2/3*(atan2(x - y, -x - y) + 3*pi/4))"
WITH_A_CORNER = "polygon((0,0),(1,0),(0,1))"
"""Of its corners one has functions of its own, so that little is computed."""
SMOOTH = "sin(2*x)*cos(y)"


def typed(domain, exact, equation="u_t = laplacian(u)/10", initial=("u = 0",)):
    return {
        "kind": "equation",
        "coordinates": {"x": None, "y": None, "t": [0, 1]},
        "time": "t",
        "domain": domain,
        "equations": [equation],
        "conditions": [{"on": "t = 0", "that": each} for each in initial] + [{"on": "boundary", "that": "u = 0"}],
        "manufactured": True,
        "exact": {"u": exact},
    }


def config(problem, count, features=60, **changes):
    stage = {
        "fourier": {"features": features, "sigma": [1.5, 1.5, 0.7]},
        "optimizer": {"kind": "gauss_newton", "damping": 1e-26, "minimum_damping": 1e-32},
        "iterations": 2,
        "collocation": {"points": 5 * features, "sampler": "chebyshev"},
    }
    windows = {"count": count, "target_residual": None}
    return parse_config({"problem": problem, "stages": [stage | changes], "windows": windows})


@pytest.mark.parametrize(
    ("domain", "exact", "error"),
    [
        ("disk((0,0),1)", f"(1 + t)*{SMOOTH}", 1e-12),
        ("ellipse((1,0),(2,0.5),20)", f"cos(t)*{SMOOTH}", 1e-11),
        (L, f"(1 + t)*({CORNER})*cos(x) + {SMOOTH}", 1e-7),
    ],
)
def test_a_state_holds_smooth_fields_and_what_goes_into_corners(domain, exact, error):
    whole = Equation(**typed(domain, exact, "u_tt = laplacian(u)", ("u = 0", "u_t = 0")))

    def fields(points):
        return whole.exact(points)

    def rates(points):
        ahead, behind = (whole.exact(points + np.array([0, 0, step]))["u"] for step in (0.01, -0.01))
        return {"u": (ahead - behind) / 0.02}  # right for what is linear in time

    state, off = whole.left_at(0.5, fields, rates)
    assert off < error
    later = whole.window(0.5, 1.0, whole.state_of(state.plain()))
    inside = whole.system.frame.region.interior(np.random.default_rng(0).random((300, 2)))
    points = np.column_stack([inside, np.full(300, 0.5)])
    begins = Solution(later, None)
    assert np.abs(begins.fields_at(points)["u"] - fields(points)["u"]).max() < 10 * error
    slopes = begins.gradients(points)[1]
    step = 1e-4
    near = np.abs(points[:, :2]).min(1) > 0.1  # not at the corner
    for axis in (0, 1):
        ahead, behind = (fields(points + sign * step * np.eye(3)[axis])["u"] for sign in (1, -1))
        steep = begins.slopes_at(points, axis)["u"]
        np.testing.assert_allclose(steep[near], (ahead - behind)[near] / (2 * step), atol=1e-4 + 1e4 * error, rtol=1e-4)
    assert set(slopes)


@pytest.mark.parametrize(
    "problem",
    [
        typed("disk((0,0),1)", f"exp(-t)*{SMOOTH}"),
        typed("disk((0,0),1)", f"cos(t)*{SMOOTH} + t*x", "u_tt = laplacian(u)", ("u = 0", "u_t = 0")),
    ],
    ids=["heat", "wave"],
)
def test_windows_in_a_domain(tmp_path, problem):
    outcome = train(config(problem, 2), tmp_path / "run")
    assert [step.halved for step in outcome.windows] == [False] * 2
    assert measure(outcome.solution).relative_l2_error < 1e-3
    before, after = outcome.solution.windows
    inside = problem_region(outcome).interior(np.random.default_rng(0).random((50, 2)))
    points = np.column_stack([inside, np.full(50, 0.5)])
    np.testing.assert_allclose(before.fields_at(points)["u"], after.fields_at(points)["u"], atol=1e-10)


def problem_region(outcome):
    return outcome.solution.problem.system.frame.region


def test_resumed_bit_for_bit_in_a_domain(tmp_path):
    cut = config(typed(WITH_A_CORNER, f"exp(-t)*{SMOOTH}"), 2, 10, checkpoint_every=1, iterations=1)
    asked = []
    straight = train(cut, tmp_path / "straight", wanted=lambda: asked.append(None))
    folder, seen = tmp_path / "broken", iter(range(10_000))
    moment = len(asked) - 1
    assert train(cut, folder, wanted=lambda: "pause" if next(seen) == moment else None).wanted == "pause"
    stored = checkpoints.load(RunFolder(folder).last)
    assert len(stored.march.done) == 1
    assert len(stored.march.ahead[-1].start.fields.parts) > 1, "the domain has functions of its own"
    outcome = train(cut, folder, resume=True)
    np.testing.assert_array_equal(curve(tmp_path / "straight")["loss"], curve(folder)["loss"])
    for one, other in zip(straight.solution.parameters(), outcome.solution.parameters(), strict=True):
        assert torch.equal(one, other)


def test_windows_on_a_mesh_are_one_solution_on_its_points(tmp_path):
    add("plate.msh", named_plate(tmp_path, n=6).read_bytes())
    problem = typed({"kind": "mesh", "file": "plate.msh"}, f"exp(-t)*{SMOOTH}")
    folder = RunFolder(tmp_path / "run")
    outcome = run_in(pinned(config(problem, 2)), folder, say=lambda line: None)
    assert measure(outcome.solution).relative_l2_error < 1e-4
    sampled = load_solution(folder)
    shown = _sampled(sampled, _mesh_of(sampled.problem, 8), None)
    assert shown.points == 49 and shown.values["u"].shape == (21, 49)
    assert np.abs(shown.values["u_error"]).max() < 1e-3
    assert shown.accuracy().not_finite == 0
    before, after = outcome.solution.windows
    at = np.column_stack([shown.points_of[:, :2], np.full(49, 0.5)])
    np.testing.assert_allclose(before.fields_at(at)["u"], after.fields_at(at)["u"], atol=1e-10)


def test_a_number_is_found_in_a_domain_too(tmp_path):
    """What is handed on there, polynomials and functions of the domain, has its slopes in the number as well."""
    problem = typed("disk((0,0),1)", "exp(-t)*(1 - x^2 - y^2)", "u_t = D*laplacian(u)") | {
        "unknowns": {"D": {"start": 0.3, "low": 0}}, "dataset": "disk.csv", "manufactured": False,
        "equations": ["u_t = D*laplacian(u) + (4*0.1 - 1 + x^2 + y^2)*exp(-t)"],
        "conditions": [{"on": "t = 0", "that": "u = 1 - x^2 - y^2"}, {"on": "boundary", "that": "u = 0"}],
    }  # fmt: skip
    problem["exact"] = problem["exact"] | {"D": "0.1"}
    add("disk.csv", exact_samples(Equation(**problem), 60))
    cut = config(problem, 2, 40, iterations=15, optimizer={"kind": "gauss_newton", "damping": 1e-8})
    outcome = run_in(cut, RunFolder(tmp_path / "run"), say=lambda line: None)
    assert measure(outcome.solution).unknowns["D"] == pytest.approx(0.1, rel=1e-3)
    assert measure(outcome.solution).relative_l2_error < 5e-3
