"""The layer of Chebyshev polynomials: its jets, its points, its checkpoints, and a run that is taken up again."""

import numpy as np
import pytest
import torch
from numpy.polynomial import chebyshev as numpy_chebyshev

from core.config import Chebyshev, parse_config
from core.forms import Layout
from core.jets import chebyshev, coordinates, stack
from core.networks.layers import polynomials
from core.networks.solution import Solution, Term
from core.problems.boundary_maps import Sinh
from core.problems.boussinesq import Boussinesq
from core.problems.ipm import IPM
from core.problems.poisson2d import Poisson2D
from core.runs.checkpoint_file import CheckpointError
from core.training import checkpoint as checkpoints
from core.training.checkpoint import Checkpoint
from core.training.objective import Objective
from core.training.points import collocation
from core.training.stage_network import fit
from core.training.state import Position
from tests.training import curve, train

FORMS = {"laplacian": ((0, 0, 1.0), (1, 1, 1.0)), "mixed": ((0, 1, -3.0), (1, 1, 0.5))}
LAYOUT = Layout.of(2, FORMS)
STAGE = {
    "chebyshev": {"degrees": [7, 6]},
    "optimizer": {"kind": "gauss_newton", "damping": 1e-6},
    "iterations": 6,
    "checkpoint_every": 2,
    "collocation": {"sampler": "gauss", "points": 90, "shape": [10, 9]},
}
TWO_STAGES = [STAGE, STAGE | {"begins": "fitted", "chebyshev": {"degrees": [9, 8]}}]
POISSON = {"problem": {"kind": "poisson2d"}, "stages": TWO_STAGES}
WALL = {"problem": {"kind": "ipm"}, "lambda": {"release_after": 3}, "stages": TWO_STAGES}


def values(k, order, x):
    """Derivative of T_k by numpy."""
    return numpy_chebyshev.chebval(x, numpy_chebyshev.chebder(np.eye(k + 1)[k], order))


@pytest.mark.parametrize("degrees", [(12, 9), (2, 5)])
def test_products_are_numpy_s_with_their_derivatives(degrees):
    points = np.concatenate([np.random.default_rng(0).random((30, 2)) * 2 - 1, [[-1, 1], [1, -1], [0, 0]]])
    x, y = points.T
    found = chebyshev(stack(coordinates(torch.as_tensor(points), LAYOUT)), degrees)
    assert found.data.shape == (LAYOUT.components, len(points), degrees[0] * degrees[1])
    for column in range(degrees[0] * degrees[1]):
        i, j = divmod(column, degrees[1])

        def product(m, n, i=i, j=j):
            return values(i, m, x) * values(j, n, y)

        expected = {
            "value": product(0, 0),
            "x": product(1, 0),
            "y": product(0, 1),
            "laplacian": product(2, 0) + product(0, 2),
            "mixed": -3 * product(1, 1) + 0.5 * product(0, 2),
        }
        for part, wanted in zip(found.data, expected.values(), strict=True):
            np.testing.assert_allclose(part[:, column], wanted, rtol=1e-11, atol=1e-11)


def test_one_and_three_inputs_too():
    points = torch.rand(9, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    found = chebyshev(stack(coordinates(points, Layout(3))), (3, 2, 4))
    grid = [numpy_chebyshev.chebvander(points[:, k].numpy(), n - 1) for k, n in enumerate((3, 2, 4))]
    np.testing.assert_allclose(found.value, np.einsum("ni,nj,nk->nijk", *grid).reshape(9, -1), atol=1e-14)
    one = chebyshev(stack(coordinates(points[:, :1], Layout(1))), (5,))
    np.testing.assert_allclose(one.first(0)[:, 4], values(4, 1, points[:, 0].numpy()), atol=1e-13)


def written(config, path):
    """A solution of all the stages' layers, with some weights, in a checkpoint."""
    problem = config.problem
    solution = Solution(problem, problem.lambda_start())
    generator = torch.Generator().manual_seed(7)
    for stage in config.stages:
        network = polynomials(stage.chebyshev, problem.outputs)
        network.layers[0].weight.data.normal_(std=0.05, generator=generator)
        solution.add(Term(network, 1.0, problem.lambda_start()))
    checkpoints.save(Checkpoint(config, Position(), solution), path)
    return solution


@pytest.mark.parametrize("problem", [IPM(order=1), Boussinesq(order=2)], ids=lambda problem: problem.kind)
def test_the_jacobian_is_autograd_s(problem):
    solution = Solution(problem, problem.lambda_start())
    network = polynomials(Chebyshev(degrees=(4, 3)), problem.outputs)
    network.layers[0].weight.data.normal_(std=0.2, generator=torch.Generator().manual_seed(2))
    solution.add(Term(network, 1.0, problem.lambda_start()))
    solution.lam.requires_grad_(True)
    objective = Objective(solution, problem.collocation(np.random.default_rng(0).random((9, 2))))
    _, r, J = objective.linearise()
    rows = torch.cat([value / len(value) ** 0.5 for value in objective.residuals().by_name.values()])
    torch.testing.assert_close(r, rows.detach())
    parameters = objective.parameters()
    for row, found in zip(rows, J, strict=True):
        gradient = torch.autograd.grad(row, parameters, retain_graph=True)
        torch.testing.assert_close(found, torch.cat([g.reshape(-1) for g in gradient]), rtol=1e-9, atol=1e-9)


def test_features_that_change_are_read_anew():
    network = polynomials(Chebyshev(degrees=(4, 4)), 1)
    network.layers[0].weight.data.normal_(generator=torch.Generator().manual_seed(0))
    blocks = torch.rand(3, 8, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    jets = [stack(coordinates(block, LAYOUT)) for block in blocks]
    first = [network(jet).data.clone() for jet in jets]
    for jet, expected in zip(jets[::-1], first[::-1], strict=True):
        assert torch.equal(network(jet).data, expected)
        assert torch.equal(network(jet).data, expected)


@pytest.mark.parametrize(("shape", "sides"), [((12, 5), (12, 5)), (None, (8, 8))])
def test_gauss_points_are_chebyshev_s_in_the_given_shape(shape, sides):
    points = {"sampler": "gauss", "points": sides[0] * sides[1], "shape": shape}
    config = parse_config({"problem": {"kind": "poisson2d"}, "stages": [{"collocation": points}]})
    found = collocation(config, config.stages[0], 0, 0)["interior"]
    low, high = np.array(Poisson2D().domain()).T
    axes = [np.sort(numpy_chebyshev.chebgauss(n)[0]) for n in sides]
    expected = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    np.testing.assert_allclose((found - low) / (high - low) * 2 - 1, expected, atol=1e-14)
    later = collocation(config, config.stages[0], 0, 5)["interior"]  # of another draw: as many, off the nodes
    assert later.shape == found.shape and not np.isin(later, found).any()
    more = collocation(config, config.stages[0], 0, 0, 400)["interior"]  # held-out points, of another grid
    assert more.shape == (400, 2)


def test_a_first_stage_begins_as_the_guess():
    problem = IPM(order=0)
    stage = STAGE | {"chebyshev": {"degrees": [24, 24]}}
    stage["collocation"] = {"sampler": "gauss", "points": 26 * 26, "shape": [26, 26]}
    config = parse_config({"problem": problem.model_dump(), "stages": [stage]})
    solution = Solution(problem, problem.lambda_start())
    term = Term(polynomials(config.stages[0].chebyshev, problem.outputs), 1.0, problem.lambda_start())
    fit(term, solution, collocation(config, config.stages[0], 0, 0))
    solution.add(term)
    x = problem.collocation(np.random.default_rng(3).random((50, 2)))["interior"]
    jets = coordinates(torch.as_tensor(x), solution.layout)
    lam = torch.full((50,), problem.lambda_start(), dtype=torch.float64)
    found = solution.raw(solution.features(jets, lam))[0].detach().numpy()
    assert np.abs(found - problem.guess(x)).max() < 1e-3
    assert np.median(np.abs(found - problem.guess(x))) < 1e-5


def test_a_checkpoint_is_read_bit_by_bit(tmp_path):
    config = parse_config(WALL)
    solution = written(config, tmp_path / "last.pt")
    again = checkpoints.load(tmp_path / "last.pt")
    assert again.config == config
    assert [network.degrees for network in again.solution.networks] == [(7, 6), (9, 8)]
    assert all(layer.bias is None for network in again.solution.networks for layer in network.layers)
    x = config.problem.collocation(np.random.default_rng(1).random((40, 2)))["interior"]
    before, after = solution.evaluate(x), again.solution.evaluate(x)
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize(
    "degrees",
    [[7, 7], [42], [7, 3, 2], [-7, -6], [42, 1], [], "76", 42, [None, 6], [float("nan"), 6], [7.9, 6.2], None],
    ids=str,
)
def test_damaged_degrees_are_one_clear_line(tmp_path, degrees):
    path = tmp_path / "last.pt"
    written(parse_config(WALL), path)
    data = torch.load(path, weights_only=True)
    data["stages"][0]["degrees"] = degrees
    torch.save(data, path)
    with pytest.raises(CheckpointError) as raised:
        checkpoints.load(path)
    assert len(str(raised.value).splitlines()) == 1
    assert str(path.name) in str(raised.value)


@pytest.mark.parametrize(("content", "moments"), [(POISSON, (1, 4)), (WALL, (8,))], ids=["poisson2d", "ipm"])
def test_a_run_taken_up_again_is_the_one_that_was_not_broken_off(tmp_path, content, moments):
    config = parse_config(content)
    train(config, tmp_path / "straight")
    straight = curve(tmp_path / "straight")
    assert set(straight["stage"]) == {0, 1}
    for moment in moments:
        seen = iter(range(1000))
        folder = tmp_path / str(moment)
        broken = train(
            config, folder, wanted=lambda seen=seen, moment=moment: "pause" if next(seen) == moment else None
        )
        assert broken.wanted == "pause"
        assert train(config, folder, resume=True).wanted is None
        for name, column in curve(folder).items():
            np.testing.assert_array_equal(column, straight[name], err_msg=name)


def test_weights_are_not_read_with_other_formulas_than_they_were_written_with(tmp_path, monkeypatch):
    written(parse_config(WALL), tmp_path / "last.pt")
    assert checkpoints.load(tmp_path / "last.pt")
    moved = tuple((Sinh(radial.center * 1.01, radial.width), angular) for radial, angular in IPM.maps)
    monkeypatch.setattr(IPM, "maps", moved)
    with pytest.raises(CheckpointError, match="ipm has other formulas than when it was written: its fields are off by"):
        checkpoints.load(tmp_path / "last.pt")
