"""Rows of least squares: one piece or blocks, factorised in place, and what follows from the triangle alone."""

import numpy as np
import pytest
import torch

from core.config import MLP, Chebyshev
from core.networks.layers import mlp, polynomials
from core.networks.solution import Solution, Term
from core.optimizers import rows as kept_rows
from core.optimizers import triangle
from core.optimizers.gauss_newton import DampedSystem, GaussNewton
from core.optimizers.rows import Reduced, Whole, dense_bytes, read, rows_at_once
from core.problems import CATALOGUE
from core.training.meter import peak_bytes
from core.training.objective import Objective, jacobian
from tests.training import Given

PROBLEMS = {problem().kind: problem for problem in CATALOGUE}


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("n", [1, 7, triangle.PANEL, 2 * triangle.PANEL + 5])
@pytest.mark.parametrize("root", [1e-13, 1e-3, 10.0])
def test_a_damped_triangle_is_that_of_the_stacked_matrix(n, root):
    R, y = random(n + 3, n), random(n, seed=1)
    R = torch.linalg.qr(R * torch.logspace(0, -9, n, dtype=torch.float64), mode="r").R
    S, z = R.clone(), y.clone()
    triangle.damp(S, z, root)
    bottom = torch.zeros(n, n + 1, dtype=torch.float64)
    bottom.diagonal().fill_(root)
    stacked = torch.linalg.qr(torch.cat([torch.cat([R, y[:, None]], 1), bottom]), mode="r")
    signs = stacked.R[:n, :n].diagonal().sign() * S.diagonal().sign()
    torch.testing.assert_close(S.triu(), signs[:, None] * stacked.R[:n, :n], rtol=1e-9, atol=1e-14 * max(1.0, root))
    torch.testing.assert_close(z, signs * stacked.R[:n, n], rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("n", [1, 7, triangle.PANEL, 2 * triangle.PANEL + 5])
@pytest.mark.parametrize("rows", [0, 3, None])
def test_two_triangles_become_that_of_all_rows(n, rows):
    count = n + 9 if rows is None else rows
    first, other = random(n + 3, n + 1), random(count, n + 1, seed=1)
    S, T = (torch.linalg.qr(torch.cat([each, each.new_zeros(n, n + 1)])).R for each in (first, other))
    R, y, z = S[:n, :n].contiguous(), S[:n, n].clone(), T[:n, n].clone()
    T = T[:n, :n] + torch.full((n, n), 7.0, dtype=torch.float64).tril(-1)
    triangle.stack(R, y, T, z)
    all_rows = torch.cat([first, other])
    J, r = all_rows[:, :n], all_rows[:, n]
    torch.testing.assert_close(R.triu().T @ R.triu(), J.T @ J, rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(R.triu().T @ y, J.T @ r, rtol=1e-11, atol=1e-11)


def test_a_triangle_is_sent_as_numbers_and_mirrored(monkeypatch):
    monkeypatch.setattr(triangle, "WIDE", 8)
    J = random(40, 29)
    gram = J.T @ J
    sent = triangle.packed(gram)
    assert len(sent) < 0.66 * gram.numel()
    found = triangle.mirrored(triangle.unpacked(sent, 29))
    assert torch.equal(found, found.T)
    assert torch.equal(found.triu(), gram.triu())


def test_products_and_solves_read_the_upper_triangle_alone(monkeypatch):
    monkeypatch.setattr(triangle, "WIDE", 8)
    full, x = random(29, 29), random(29, seed=1)
    full.diagonal().add_(10)
    R = full.triu()
    torch.testing.assert_close(triangle.times(full, x), R @ x)
    torch.testing.assert_close(triangle.transposed_times(full, x), R.T @ x)
    torch.testing.assert_close(R @ triangle.solve(full, x), x)
    torch.testing.assert_close(R.T @ triangle.transposed_solve(full, x), x)
    torch.testing.assert_close(triangle.norms_of_columns(full), R.norm(dim=0))
    triangle.clear_below(full)
    assert torch.equal(full, R)


@pytest.mark.parametrize("shape", [(40, 12), (13, 12), (12, 12), (7, 12)])
def test_the_same_is_known_before_and_after_the_factorisation(shape):
    J, r = random(*shape), random(shape[0], seed=1)
    step, other = random(shape[1], seed=2), random(shape[0], seed=3)
    rows = Whole.of(r, J)
    for _ in range(2):
        torch.testing.assert_close(rows.norms(), J.norm(dim=0))
        torch.testing.assert_close(rows.gradient(), J.T @ r)
        torch.testing.assert_close(rows.gram(), J.T @ J)
        torch.testing.assert_close(rows.times(step), J @ step)
        torch.testing.assert_close(rows.transposed(other), J.T @ other)
        assert rows.decrease(step) == pytest.approx(float(r @ r - (r + J @ step).square().sum()), rel=1e-10)
        R, _ = rows.triangle()
        torch.testing.assert_close(R.triu().T @ R.triu(), J.T @ J)


@pytest.mark.parametrize("at_once", [5, 9, 40, 90, 1000])
def test_blocks_reduce_to_the_triangle_of_all_rows(at_once):
    J, r, step = random(90, 6), random(90, seed=1), random(6, seed=2)
    blocks, whole = Reduced(Given(r, J), at_once), Whole.of(r, J)
    torch.testing.assert_close(blocks.norms(), whole.norms())
    torch.testing.assert_close(blocks.gradient(), whole.gradient())
    torch.testing.assert_close(blocks.gram(), whole.gram())
    assert blocks.decrease(step) == pytest.approx(whole.decrease(step), rel=1e-12)
    scale = 10.0 ** random(6, seed=3)
    for damping in (1e-32, 1e-14, 1e-3):
        one, other = (DampedSystem(rows, scale).step(damping) for rows in (blocks, whole))
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-13)


def test_their_shape_alone_says_how_many_rows_are_made_at_once(monkeypatch):
    monkeypatch.setattr(kept_rows, "ONE_PIECE", 8 * 11 * 50)
    assert rows_at_once(50, 10) == 50
    assert rows_at_once(51, 10) == 50
    assert rows_at_once(90, 30) == 90  # hardly more than columns: blocks would save nothing
    assert rows_at_once(91, 30) == 60
    J, r = random(400, 10), random(400, seed=1)
    slopes = Given(r, J)
    assert isinstance(read(slopes), Reduced)
    assert slopes.asked == [50] * 8
    assert isinstance(read(slopes, whole=True), Whole)
    assert dense_bytes(10**6, 10, "columns") == dense_bytes(400, 10, "columns") < dense_bytes(400, 10, "columns", True)


@pytest.mark.parametrize("guard", [None, "line_search", "geodesic"])
def test_an_iteration_by_blocks_is_that_in_one_piece(monkeypatch, guard):
    _, objective = system("burgers_profile")
    before, found = [p.detach().clone() for p in objective.parameters()], []
    for one_piece in (2**30, 1):
        monkeypatch.setattr(kept_rows, "ONE_PIECE", one_piece)
        with torch.no_grad():
            for p, value in zip(objective.parameters(), before, strict=True):
                p.copy_(value)
        found.append(GaussNewton(1e-9, 1e-20, guard).iterate(objective)[1])
    assert found[0].accepted
    assert found[0].loss == pytest.approx(found[1].loss, rel=1e-9)


def system(kind, points=300, analytic=False):
    problem = PROBLEMS[kind]()
    solution = Solution(problem, 0.45 if problem.has_lambda else None)
    generator = torch.Generator().manual_seed(0)
    solution.add(Term(mlp(MLP(hidden=(6, 5)), problem.inputs, problem.outputs, generator), 1.0))
    if solution.lam is not None:
        solution.lam.requires_grad_(True)
    unit = np.random.default_rng(0).random((points, len(problem.coordinates))) * 0.5
    return solution, Objective(solution, problem.collocation(unit), analytic=analytic)


@pytest.mark.parametrize("kind", ["burgers_profile", "gclm", "poisson2d", "ipm"])
def test_rows_are_written_from_anywhere(monkeypatch, kind):
    monkeypatch.setattr(jacobian, "AT_ONCE", 2**12)
    _, objective = system(kind, 25)
    _, slopes = objective.slopes()
    whole = slopes.whole()
    M, P = slopes.shape
    for start, count in ((0, 1), (M // 3, M // 2), (M - 2, 2)):
        part = torch.full((count, P + 1), torch.nan, dtype=torch.float64)
        slopes.write(part, start)
        torch.testing.assert_close(part, whole[start : start + count], rtol=1e-13, atol=1e-15)


def test_rows_along_the_condition_at_the_origin_have_no_slope_there():
    solution, objective = system("gclm", 40)
    condition = solution.problem.origin_condition
    objective.settle_lambda()
    residuals, _, J = objective.linearise()
    names = list(residuals.by_name)
    row = J[sum(len(residuals.by_name[name]) for name in names[: names.index(condition)])]
    expected = J[:, :-1] - torch.outer(J[:, -1], row[:-1] / row[-1])
    _, analytic = system("gclm", 40, analytic=True)
    _, r, found = analytic.linearise()
    assert len(r) == len(found)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10 * float(expected.abs().max()))


def test_an_undamped_iteration_takes_one_jacobian_and_a_damped_one_a_triangle_more(monkeypatch):
    monkeypatch.setattr(jacobian, "AT_ONCE", 2**18)
    monkeypatch.setattr(triangle, "WIDE", 64)
    problem = PROBLEMS["ipm"]()
    solution = Solution(problem, 1.0)
    network = polynomials(Chebyshev(degrees=(20, 18)), problem.outputs)
    network.layers[0].weight.data.normal_(std=1e-4, generator=torch.Generator().manual_seed(0))
    solution.add(Term(network, 1.0, 1.0))
    objective = Objective(solution, problem.collocation(np.random.default_rng(0).random((400, 2))))
    _, P = objective.shape()
    objective.linearise()  # what the points' polynomials are is remembered
    made = peak_bytes(objective.linearise)  # J, and what it is made from

    def step(damping):
        return GaussNewton(damping, 1e-32).step(read(objective.slopes()[1]), lambda step: 0.0)

    for damping, triangles in ((1e-32, 0), (1e-12, 1), (1e-3, 2)):
        took = peak_bytes(lambda damping=damping: step(damping))
        assert took < made + 8 * (triangles + 0.3) * P**2
