"""Profiles above a wall: their equations against the physical ones and an independent solver's, and at the ends."""

import numpy as np
import pytest
import torch

from core.forms import Layout
from core.jets import Jet, coordinates
from core.problems.boundary_profile import BoundaryProfile
from core.problems.boussinesq import Boussinesq, relative_expm1
from core.problems.ipm import IPM
from tests.spectral_wall import Equations, Grid, solve

ORDERS = [IPM(order=n) for n in range(6)] + [Boussinesq(order=n) for n in range(5)]
FAMILIES = [IPM(order=0), Boussinesq(order=0)]
BETWEEN = (Boussinesq(epsilon=0.0), Boussinesq(order=1, epsilon=0.4))
LAYOUT = Layout.of(2, BoundaryProfile.forms)
LAM = 1.23
"""No profile's: what is asked of arbitrary functions holds at any λ."""


def named(problem):
    between = getattr(problem, "epsilon", None)
    return f"{problem.kind}-{problem.order}" + ("" if between is None else f"-{between:g}")


def smooth(problem, w, z):
    """Some f, h and s, as jets."""
    f = (w * 0.7).sin() + z * z * 0.3 + w * z * z * 0.2 - w * z * 0.4
    h = (w * 0.3).cos() + z * z * 0.4 - w * z * 0.3
    s = (w * 0.5).cos() * 0.4 - z * z * 0.2 + w * w * z * 0.1
    return [{"f": f, "h": h, "s": s}[name] for name in problem.raw_names]


def evaluated(problem, raw, x, lam=LAM):
    """Fields and residuals (n,) by name."""
    lam = torch.full_like(x[0].value, lam)
    u = problem.ansatz(tuple(raw), x, lam)
    return {name: u[name].numpy() for name in problem.fields}, {
        name: row.numpy() for name, row in problem.residuals("interior", u, x, lam).items()
    }


def compactified(y1, y2, lam=LAM):
    """W and z (n, 2) at points of the plane."""
    r = np.hypot(y1, y2)
    log_w = np.log(r / (1 + r))
    for _ in range(60):  # Newton for ln w − (1+λ) ln(1−w) = ln r
        w = np.exp(log_w)
        log_w -= (log_w - (1 + lam) * np.log1p(-w) - np.log(r)) / (1 + (1 + lam) * w / (1 - w))
        log_w = np.minimum(log_w, -1e-6)
    return np.stack([np.exp(log_w), y2 / r], axis=1)


RADII, ANGLES = np.meshgrid([0.01, 0.3, 1.0, 5.0, 300.0], [0.03, 0.5, 1.1, 1.5])
PLACES = np.stack([(RADII * np.cos(ANGLES)).ravel(), (RADII * np.sin(ANGLES)).ravel()])
"""Points of the plane, near the origin, along the wall, along the axis, and far away."""


def in_the_plane(problem, y1, y2):
    """Fields and residuals at points of the plane, and w and z there."""
    x = compactified(y1, y2)
    jets = coordinates(torch.as_tensor(x), LAYOUT)
    return *evaluated(problem, smooth(problem, *jets), jets), x[:, 0], x[:, 1]


def derivatives(problem):
    """∂₁ and ∂₂ (n,) of every field at PLACES, by differences of the sixth order in the plane."""
    step = 0.006 * np.hypot(*PLACES)
    found = {}
    for axis in (0, 1):
        total = dict.fromkeys(problem.fields, 0.0)
        for k, weight in ((1, 45.0), (2, -9.0), (3, 1.0)):
            ahead, back = PLACES.copy(), PLACES.copy()
            ahead[axis] += k * step
            back[axis] -= k * step
            there, here = (in_the_plane(problem, *places)[0] for places in (ahead, back))
            for name in total:
                total[name] = total[name] + weight * (there[name] - here[name]) / (60 * step)
        found |= {(name, axis): value for name, value in total.items()}
    return found


def assert_equal(found, expected, *sizes):
    """To what differences leave of the largest of the terms that cancel, (n,) each."""
    size = np.max([np.abs(term) for term in (found, expected, *sizes)], axis=0)
    off = np.abs(found - expected) / size
    assert off.max() < 1e-8, off.reshape(RADII.shape)


@pytest.mark.parametrize("problem", [*FAMILIES, *BETWEEN], ids=named)
def test_the_fields_and_rows_are_those_of_the_physical_equations_whatever_the_functions(problem):
    values, rows, w, _ = in_the_plane(problem, *PLACES)
    d = derivatives(problem)
    carried, first, second, omega, U1, U2 = (values[name] for name in problem.fields)
    assert problem.fields[3:] == ("Omega", "U1", "U2")
    name = problem.fields[0]
    assert_equal(first, d[name, 0])
    assert_equal(second, d[name, 1])
    assert_equal(d["U1", 0], -d["U2", 1])
    curl = d["U2", 0] - d["U1", 1]
    unit = w * (1 - w) / (1 + LAM * w)  # what r∂_r is in w
    assert_equal(omega - curl, rows["elliptic"] * omega, omega, d["U2", 0], d["U1", 1])
    V1, V2 = (1 + LAM) * PLACES[0] + U1, (1 + LAM) * PLACES[1] + U2
    growth = LAM - problem.inertia
    transported = V1 * first + V2 * second - growth * carried
    assert_equal(transported, rows["transport"] * unit * carried, V1 * first, V2 * second, growth * carried)
    if problem.kind == "ipm":
        assert np.array_equal(problem.residual_names, ["transport", "elliptic"])
        assert_equal(omega, -first)
    else:
        eps = problem.inertia
        terms = [eps * omega / (1 - w), eps * V1 * d["Omega", 0] / (1 - w), eps * V2 * d["Omega", 1] / (1 - w)]
        terms += [(1 - eps) * omega, -first / (1 - w) ** eps]
        assert_equal(sum(terms), rows["vorticity"] * unit / (1 - w) * omega, *terms)


@pytest.mark.parametrize("problem", [*FAMILIES, *BETWEEN], ids=named)
def test_what_holds_at_the_origin_at_the_wall_and_on_the_axis_holds_whatever_the_functions(problem):
    near = 1e-7
    y = near * np.array([[1.0, 0.0], [0.6, 0.8], [1e-12, 1.0]]).T
    values, *_ = in_the_plane(problem, *y)
    epsilon = problem.inertia
    assert values["U1"] == pytest.approx(problem.stretching(LAM) * y[0], rel=1e-5)
    assert values["U2"] == pytest.approx(-problem.stretching(LAM) * y[1], rel=1e-5)
    assert -2 - epsilon - 2 * values["U1"][0] / near == pytest.approx(LAM, rel=1e-5)
    H0 = values["Omega"][:2] / y[0, :2]
    assert values[problem.fields[1]][:2] / y[0, :2] == pytest.approx([-4.0 * problem.sign] * 2, rel=1e-5)
    assert np.abs(H0 / (problem.F0 / problem.ratio(LAM)) - 1).max() < 1e-5
    # ε(1 + λ + a)Ω + Ω = ∂₁Θ of linear Ω
    assert (epsilon * (1 + LAM + problem.stretching(LAM)) + 1) * H0 == pytest.approx([-4.0] * 2, rel=1e-5)
    wall = np.stack([np.linspace(0, 0.999, 9), np.zeros(9)], axis=1)
    axis = wall + np.array([0.0, 1.0])
    for points, zero in ((wall, ["U2"]), (axis, ["U1", "Omega", *problem.fields[:2]])):
        jets = coordinates(torch.as_tensor(points), LAYOUT)
        values, _ = evaluated(problem, smooth(problem, *jets), jets)
        assert all(np.isfinite(value).all() for value in values.values())
        assert [np.abs(values[name]).max() for name in zero] == [0.0] * len(zero)


@pytest.mark.parametrize("problem", ORDERS, ids=named)
def test_the_rows_are_the_plain_equations_divided_whatever_the_functions(problem):
    """The oracle writes them without cancelling anything."""
    epsilon = 1 if problem.kind == "boussinesq" else 0
    x = np.random.default_rng(2).random((60, 2)) * [0.98, 1.0] + [0.02, 0.0]
    jets = coordinates(torch.as_tensor(x), LAYOUT)
    lam = problem.lambda_start()
    raw = smooth(problem, *jets)
    _, rows = evaluated(problem, raw, jets, lam)
    w, z = x.T
    times = {name: (jet * jets[0]).data.numpy() for name, jet in zip(problem.raw_names, raw, strict=True)}
    fields = {name: dict(zip(("", "w", "z", "ww", "zz"), data, strict=True)) for name, data in times.items()}
    equations = Equations(epsilon, Grid((2, 2), 0.2, 0.3, -2.0, -3.0), problem.F0)
    plain = equations.rows(w, z, fields, lam)
    plain[-1] = plain[-1] / equations.vorticity(w, z, fields, lam)
    for name, row in zip(problem.residual_names, plain, strict=True):
        assert rows[name] == pytest.approx(row / w, rel=1e-11, abs=1e-11), name


def jets_of(found, names, x):
    """An oracle's functions as jets."""
    parts = found.parts(*x.T)
    return [
        Jet(torch.as_tensor(np.stack([parts[name][key] for key in ("", "w", "z", "ww", "zz")])), LAYOUT)
        for name in names
    ]


@pytest.mark.parametrize(
    ("problem", "start", "grid", "shapes", "error"),
    [
        (IPM(order=0), 1.02, (0.2, 0.3, -2.5, -4.2, 0.5), [(12, 12), (18, 18)], 1e-7),
        (Boussinesq(order=0), 1.9, (0.2, 0.2, -3.5, -7.6, 0.2), [(14, 16)], 5e-4),
    ],
    ids=["ipm-0", "boussinesq-0"],
)
def test_a_profile_found_by_another_solver_solves_the_problem(problem, start, grid, shapes, error):
    found = solve(int(problem.kind == "boussinesq"), start, [Grid(shape, *grid) for shape in shapes])[-1]
    assert found.lam == pytest.approx(problem.reference_lambda(), abs=error)
    x = np.stack(found.equations.grid.nodes, axis=1)
    _, rows = evaluated(
        problem, jets_of(found, problem.raw_names, x), coordinates(torch.as_tensor(x), LAYOUT), found.lam
    )
    for name, row in rows.items():
        assert np.abs(row).max() < 1e-8, name


@pytest.mark.parametrize("problem", [*FAMILIES, IPM(order=1), Boussinesq(order=1)], ids=named)
def test_the_guess_is_the_oracle_s_and_solves_its_own_elliptic_equation(problem):
    equations = Equations(int(problem.kind == "boussinesq"), Grid((30, 30), 0.2, 0.2, -2.0, -4.0))
    grid = equations.grid
    w, z = grid.nodes
    raw = problem.guess(np.stack([w, z], axis=1))
    assert raw.shape == (len(w), problem.outputs)
    for column, c in zip(raw.T, equations.guess(problem.lambda_start()).values(), strict=True):
        assert np.abs(column - grid.basis(w, z)[""] @ c).max() < 1e-3
    coefficients = np.linalg.solve(grid.basis(w, z)[""], raw)
    axis = (np.arange(25) + 0.618) / 25 * 2 - 1
    x = np.stack(grid.points(axis, axis), axis=1)
    basis = grid.basis(*x.T)
    jets = torch.as_tensor(np.stack([basis[key] @ coefficients for key in ("", "w", "z", "ww", "zz")]))
    jets = [Jet(jet, LAYOUT) for jet in jets.unbind(-1)]
    _, rows = evaluated(problem, jets, coordinates(torch.as_tensor(x), LAYOUT), problem.lambda_start())
    assert np.abs(rows["elliptic"]).max() < 1e-3  # near the axis, where the guess's map is another
    assert np.median(np.abs(rows["elliptic"])) < 1e-5


def test_the_exponential_over_its_argument_is_exact_at_and_near_zero():
    x = np.concatenate([[0.0], 10.0 ** -np.arange(0, 18, 0.5), [20.0]])
    x = np.concatenate([-x, x])
    found = relative_expm1(torch.as_tensor(x)).numpy()
    expected = np.divide(np.expm1(x), x, out=np.ones_like(x), where=x != 0)
    np.testing.assert_allclose(found, expected, rtol=1e-15)


@pytest.mark.parametrize("problem", ORDERS, ids=named)
def test_rows_go_to_those_at_infinity(problem):
    """Their test with all other problems ends where fields are shown to, at w = 0.999."""
    away = np.concatenate([[0.0], 10.0 ** -np.arange(4, 17)])
    for z in (0.0, 0.4, 1.0):
        jets = coordinates(torch.as_tensor(np.stack([1 - away, np.full_like(away, z)], axis=1)), LAYOUT)
        lam = torch.full_like(jets[0].value, problem.lambda_start())
        parts = dict(zip(problem.raw_names, smooth(problem, *jets), strict=True))
        for name, row in problem.residuals("interior", parts, jets, lam).items():
            assert ((row - row[0]).abs().numpy() < 1e-13 + 200 * away).all(), name


@pytest.mark.parametrize("kind", [IPM, Boussinesq])
def test_a_search_starts_from_lower_orders_alone(kind, monkeypatch):
    """Not from what was found of the order itself, which would prove nothing."""
    published = len(kind.published)
    starts = {n: kind(order=n).lambda_start() for n in range(published, published + len(kind.found))}
    for n, start in starts.items():
        monkeypatch.setattr(kind, "found", kind.found[: n - published])
        assert kind(order=n).lambda_start() == start
        monkeypatch.undo()
        assert start == pytest.approx(kind.found[n - published], rel=5e-3)
    beyond = kind(order=published + len(kind.found))
    assert set(beyond.other_lambdas()) == set(range(beyond.order))


@pytest.mark.parametrize("kind", [IPM, Boussinesq])
def test_orders_that_nobody_has_found_go_on_as_those_before(kind):
    table = len(kind.maps)
    for order in range(table, 10):
        problem, before = kind(order=order), kind(order=order - 1)
        assert before.radial.center < problem.radial.center < 0.6
        assert 0.5 * before.radial.width < problem.radial.width < before.radial.width
        assert problem.angular == kind.maps[-1][1]
        assert 0.8 * before.lambda_start() < problem.lambda_start() < before.lambda_start()
        assert (problem.reference_lambda(), problem.found_by_nobody()) == (None, True)
        assert f"Nobody has found the profile of order {order}" in problem.caution()
    assert not kind(order=table - 1).found_by_nobody()
    assert "No paper at hand" in kind(order=table - 1).caution()


UNIFORM = np.unique(np.concatenate([np.linspace(0, 1, 201), 10.0 ** -np.arange(3, 17), 1 - 10.0 ** -np.arange(3, 17)]))
RADIAL = {*(problem.radial for problem in ORDERS), *(problem.angular.ridge for problem in ORDERS)} - {None}
ANGULAR = {problem.angular for problem in ORDERS}


def assert_inverse(at, spread, slope):
    """One map undoes the other to rounding, ends to themselves, and is increasing."""
    assert at[[0, -1]].tolist() == [0.0, 1.0]
    assert ((at >= 0) & (at <= 1)).all()
    assert (np.diff(at) >= 0).all()
    assert (np.diff(at)[np.diff(UNIFORM) > 1e-12] > 0).all()
    assert (np.abs(spread - UNIFORM) < 2e-15 + 4e-16 * slope).all()


@pytest.mark.parametrize("radial", sorted(RADIAL, key=repr), ids=str)
def test_the_radial_map_is_undone_to_rounding(radial):
    x = radial.at(UNIFORM)
    jet = radial.spread_jet(coordinates(torch.as_tensor(np.stack([x, 0 * x], axis=1)), LAYOUT)[0])
    assert_inverse(x, radial.spread(x), jet.first(0).numpy())
    assert jet.value.numpy() == pytest.approx(radial.spread(x), abs=1e-15)


@pytest.mark.parametrize("angular", sorted(ANGULAR, key=repr), ids=str)
def test_the_angular_map_is_undone_to_rounding_at_any_radius(angular):
    for w in (0.0, 1e-16, 0.1, 0.5, 0.999, 1.0):
        z = angular.at(np.full_like(UNIFORM, w), UNIFORM)
        jet = angular.spread_jets(*coordinates(torch.as_tensor(np.stack([0 * z + w, z], axis=1)), LAYOUT))
        assert_inverse(z, jet.value.numpy(), jet.first(1).numpy())
