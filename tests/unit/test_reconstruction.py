"""Profiles in physical time against exact solutions of their equations, and laws against the literature."""

import numpy as np
import pytest

from core.config import parse_config, start_of_path
from core.errors import LabError
from core.presets import presets
from core.problems.boussinesq import Boussinesq
from core.problems.burgers_profile import BurgersProfile
from core.problems.ccf import CCF
from core.problems.gclm import GCLM
from core.problems.ipm import IPM
from core.problems.poisson2d import Poisson2D
from core.singularity import similarity
from core.singularity.laws import LAWS, PARAMETERS, published
from core.singularity.onward import WAYS, next_order_config, ways
from core.singularity.reconstruction import SPAN, Profile, blow_up, physical_grid
from core.solution.grid import SolutionGrid

MOMENTS = (1.0, 0.3, 1e-2, 1e-4)


def exact_profile(problem, lam):
    y = problem.axis(0, 2001)
    return Profile(y, problem.exact(y[:, None]), lam, similarity.width(problem))


@pytest.mark.parametrize("remaining", MOMENTS)
@pytest.mark.parametrize("order", [0, 1, 2])
def test_burgers_moves_along_characteristics(order, remaining):
    problem = BurgersProfile(order=order)
    lam = problem.reference_lambda()
    profile = exact_profile(problem, lam)
    start = np.linspace(-1, 1, 81) * 0.9 * (profile.y[-1] * remaining ** (1 + lam)) ** 0.3
    initial = problem.exact(start[:, None])["U"]
    position = start + initial * (1 - remaining)  # u_t + u u_x = 0 keeps u along x = x₀ + u₀ t
    inside = np.abs(position) < profile.y[-1] * remaining ** (1 + lam)
    assert inside.sum() > 10
    np.testing.assert_allclose(profile.physical("U", position, remaining)[inside], initial[inside], atol=3e-9)


@pytest.mark.parametrize("remaining", MOMENTS)
def test_clm_is_its_exact_solution(remaining):
    profile = exact_profile(GCLM(a=0.0), 0.0)
    x = np.linspace(-3, 3, 201)
    # ω_t = ω Hω from ω₀ = Ω: 4ω₀/((2 − tHω₀)² + t²ω₀²) (Constantin, Lax and Majda 1985)
    t = 1 - remaining
    w0, h0 = -x / (1 + x**2 / 4), 2 / (1 + x**2 / 4)
    omega = 4 * w0 / ((2 - t * h0) ** 2 + (t * w0) ** 2)
    found = profile.physical("Omega", x, remaining)
    np.testing.assert_allclose(found * remaining, omega * remaining, atol=1e-8)


def test_beyond_its_sample_a_profile_follows_its_power_law():
    for problem, lam, field in ((BurgersProfile(), 0.5, "U"), (GCLM(a=0.0), 0.0, "Omega"), (GCLM(a=0.0), 0.0, "U")):
        profile = exact_profile(problem, lam)
        y = profile.y[-1] * np.array([1.0, 10.0, 1e4])
        np.testing.assert_allclose(profile.at(field, y), problem.exact(y[:, None])[field], rtol=2e-3)
        np.testing.assert_allclose(profile.at(field, -y), -profile.at(field, y), rtol=1e-12)


def test_the_animation_ends_where_the_core_is_still_resolved():
    found = blow_up(exact_profile(GCLM(a=0.0), 0.0), "Omega", moments=4)
    np.testing.assert_allclose(found.moments, [0, -2, -4, -6])
    assert found.near.shape == (4, len(found.x))
    assert found.tails.shape == (4, len(found.far))
    np.testing.assert_allclose(found.tails.max(axis=1), 10.0**-found.moments, rtol=0.02)  # max |Ω| = 1 at y = 2
    assert (found.tails > 0).all()


def test_the_surface_holds_the_blow_up_and_what_stays_bounded():
    profile = exact_profile(GCLM(a=0.0), 0.0)
    grid = physical_grid(profile, 65, {"lambda": 0.0})
    assert [len(axis) for axis in grid.axes] == [65, 65]
    s, decades = grid.axes
    x = grid.values["x"]
    np.testing.assert_allclose(x[:, 0], grid.about["delta"] * np.sinh(s))
    assert decades[-1] == SPAN
    remaining = 10.0 ** -decades[None, :]
    exact = -(x / remaining) / (1 + (x / remaining) ** 2 / 4)
    np.testing.assert_allclose(grid.values["ω"] * remaining, exact, atol=1e-8)
    np.testing.assert_allclose(grid.values["ω/(1−t)^-1"], exact, atol=1e-8)


def test_the_surface_says_which_of_its_values_blow_up(tmp_path):
    grid = physical_grid(exact_profile(GCLM(a=0.0), 0.0), 17)
    grid.save(tmp_path / "physical.npz")
    assert SolutionGrid.read(tmp_path / "physical.npz").blow_ups == grid.blow_ups == ("ω", "u", "Hω")
    assert grid.around_zero("u")
    assert not grid.around_zero("x")
    assert not grid.around_zero("ω/(1−t)^-1")


def test_what_is_no_profile_is_refused():
    grid = SolutionGrid(("x", "y"), (np.arange(3.0), np.arange(3.0)), {"u": np.zeros((3, 3))})
    with pytest.raises(LabError, match="no self-similar profile"):
        Profile.of(grid, Poisson2D())


@pytest.mark.parametrize(
    ("kind", "values", "tolerance"),
    [
        # arXiv 2509.14185, table of λ
        ("ipm", (1.0285722760222, 0.4721297362414, 0.3149620267088, 0.2415604743989), 0.1),
        ("boussinesq", (1.9205599746927, 1.3990961221852, 1.2523481636489, 1.1842500861997), 0.01),
        ("burgers_profile", (1 / 2, 1 / 4, 1 / 6, 1 / 8, 1 / 10), 1e-15),
        ("ccf", (1.1807776628998, 0.6057337012032), 1e-12),
    ],
)
def test_laws_start_a_search_near_what_is_known(kind, values, tolerance):
    for n, value in enumerate(values):
        assert LAWS[kind].value(n) == pytest.approx(value, rel=tolerance)


def test_laws_that_nobody_published_are_labelled_ours():
    assert {kind for kind, law in LAWS.items() if law.ours} == {"ccf", "gclm"}
    assert LAWS["ccf"].kind == "extrapolated"
    assert "ours" in LAWS["ccf"].label
    assert LAWS["ccf"].value(2) == pytest.approx(0.4713248638620, rel=0.15)  # as far off as its source says


def test_published_values_are_the_problems_own():
    (ccf,) = published("ccf").values()
    assert ccf == [(float(n), CCF(order=n).reference_lambda()) for n in range(3)]
    assert published("burgers_profile")["exact"][4] == (4.0, 0.1)
    assert (0.0, 0.0) in published("gclm")["published or exact"]
    first, later = published("ipm").values()
    assert [abs(a - b) > 1e-12 for (_, a), (_, b) in zip(first, later, strict=True)] == [True] * 4  # the papers differ
    assert first[0] == (0.0, IPM().reference_lambda())
    assert published("boussinesq")["arXiv 2509.14185"][3] == (3.0, Boussinesq(order=3).reference_lambda())


def test_the_next_order_starts_from_the_run_with_a_start_of_its_own():
    run = "b" * 32
    config = parse_config({"problem": {"kind": "burgers_profile", "order": 1}, "lambda": {"start": 0.2}})
    following = next_order_config(config, run)
    assert (following.problem.order, following.parent, following.lambda_.start) == (2, run, None)
    assert parse_config(following.model_dump(mode="json", by_alias=True)) == following
    for problem, why in (
        ({"kind": "burgers_profile", "order": 4}, "order 4 is the highest"),
        ({"kind": "ipm", "order": 9}, "order 9 is the highest"),
        ({"kind": "gclm", "a": 0.0}, "no orders"),
        ({"kind": "poisson2d"}, "no orders"),
    ):
        with pytest.raises(LabError, match=why):
            next_order_config(parse_config({"problem": problem}), run)


def test_paths_lead_on_from_a_run_to_the_next_a_the_next_order_and_boussinesq():
    run = "b" * 32

    def onward(way, problem):
        config = WAYS[way].config(parse_config({"problem": problem, "lambda": {"start": 0.2}}), run)
        assert parse_config(config.model_dump(mode="json", by_alias=True)) == config
        assert (config.parent, config.lambda_.start) == (run, None)
        start_of_path(config.continuation.path, config.problem, parse_config({"problem": problem}).problem)
        return config.problem

    assert onward("next_a", {"kind": "gclm", "a": -0.5, "scale": 2.0}) == GCLM(a=-0.55, scale=2.0)
    assert onward("next_a", {"kind": "gclm", "a": 0.25}) == GCLM(a=0.3)
    assert onward("to_boussinesq", {"kind": "ipm", "order": 2}) == Boussinesq(order=2)
    assert onward("next_order", {"kind": "ipm", "order": 5}) == IPM(order=6)  # which nobody has found
    for kind, features in (("ipm", {"chebyshev": {"degrees": [8, 8]}}), ("ipm-fourier", {"fourier": {"sigma": 7.0}})):
        config = parse_config({"problem": {"kind": "ipm"}, "stages": [features]})
        assert WAYS["next_order"].config(config, run).stages == presets()[kind].config.stages
    for way, problem, why in (
        ("next_a", {"kind": "gclm", "a": -4.0}, "no next a"),
        ("next_a", {"kind": "ccf"}, "no next a"),
        ("to_boussinesq", {"kind": "boussinesq"}, "it begins at a run of IPM"),
    ):
        with pytest.raises(LabError, match=why):
            WAYS[way].config(parse_config({"problem": problem}), run)
    offered = {kind: tuple(ways(parse_config({"problem": {"kind": kind}}).problem)) for kind in PARAMETERS}
    assert offered == {
        "burgers_profile": ("next_order",),
        "ccf": ("next_order",),
        "gclm": ("next_a",),
        "ipm": ("next_order", "to_boussinesq"),
        "boussinesq": ("next_order",),
    }
