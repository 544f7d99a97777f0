"""Memory is asked about before it is taken: what is free, what a stage needs, and what a refusal says."""

import numpy as np
import psutil
import pytest
import torch

from core import resources
from core.config import parse_config
from core.errors import TrainingError
from core.networks.layers import mlp
from core.networks.solution import Solution, Term
from core.problems.base import Samples
from core.runs import RunFolder
from core.training import room, train
from core.training.largest import in_words, smaller_together
from core.training.meter import peak_bytes
from core.training.objective import free_memory
from core.training.room import check_room, needs
from core.training.state import RunState

WIDE = {"hidden": [300, 300]}
"""Wider than the compiled kernel takes: torch's own operations, each with a result of its own."""


def state(stage, network=None, problem="poisson2d", samples=None, lam=None):
    config = parse_config({"problem": {"kind": problem}, "network": network or {}, "stages": [stage]})
    start = config.problem.lambda_start() if lam is None else lam
    return RunState(config, torch.device("cpu"), Solution(config.problem, start), samples, lambda: None, print)


def stage(kind, points, **more):
    return {"optimizer": {"kind": kind}, "iterations": 1, "collocation": {"points": points}, **more}


def test_tensors_are_counted_while_they_live():
    def work():
        one = torch.zeros(1000, dtype=torch.float64)
        two = (one + 1).sum()  # the sum's argument is gone again
        x = torch.ones(500, dtype=torch.float64, requires_grad=True)
        (x.exp() * x).sum().backward()
        return two

    assert 16_000 <= peak_bytes(work) <= 16_100 + 4 * 4000
    assert peak_bytes(lambda: torch.zeros(8).view(2, 4)) == 32


@pytest.mark.parametrize("kind", ["gradient", "products", "linearise"])
def test_what_a_pass_takes_grows_with_its_points(kind):
    run = state(stage("adam", 1000), WIDE)
    how = room.arithmetic("float64", run.device)
    one, four = (room.point_bytes(run, room.network_like(run), kind, points, how) for points in (20_000, 80_000))
    assert four == pytest.approx(4 * one, rel=1e-9)
    jets = 20_000 * 4 * 300 * 8  # one layer's: value, two slopes, the Laplacian
    assert 4 * jets < one < 60 * jets


def test_mixed_and_single_precision_take_less():
    run = state(stage("adam", 1000), WIDE)
    network = room.network_like(run)
    double, single, mixed = (
        room.point_bytes(run, network, "gradient", 10_000, room.arithmetic(name, run.device))
        for name in ("float64", "float32", "amp-bf16")
    )
    assert single == double / 2
    assert single / 4 < mixed < double


def test_a_warm_up_that_does_not_fit_is_refused_before_it_is_taken(monkeypatch, tmp_path):
    made = []
    monkeypatch.setattr(room, "free_memory", lambda device: 4 * 2**30)
    monkeypatch.setattr(room.Objective, "__init__", watched(room.Objective.__init__, made))
    description = stage("auto", 200_000, warmup={"iterations": 5})
    config = parse_config({"problem": {"kind": "poisson2d"}, "network": WIDE, "stages": [description]})
    with pytest.raises(TrainingError) as refused:
        train.train(config, RunFolder(tmp_path), say=lambda line: None)
    text = str(refused.value)
    for part in ("The warm-up of stage 1 (Adam)", "GiB for 200,000 points", "4 GiB are free", "fewer points"):
        assert part in text
    assert made
    assert max(made) <= 2 * room.FEW
    fit = int(text.split("of which about ")[1].split(" ")[0].replace(",", ""))
    assert 1_000 < fit < 200_000
    again = state(stage("adam", fit, warmup={"iterations": 5}), WIDE)
    check_room(again)


def watched(made_before, sizes):
    def made(self, solution, points, *arguments, **more):
        sizes.append(max(map(len, points.values())))
        made_before(self, solution, points, *arguments, **more)

    return made


@pytest.mark.parametrize(
    ("kind", "network", "said"),
    [
        ("ssbroyden", {"hidden": [200, 200, 200]}, "lbfgs or adam"),
        ("rank_one_ema", {"hidden": [200, 200, 200]}, "lbfgs or adam"),
        ("soap", {"hidden": [2000, 2000]}, "adam"),
        ("lbfgs", {"hidden": [1500, 1500]}, "shorter history"),
        ("conjugate_gradient", WIDE, "fewer points"),
        ("gauss_newton", WIDE, "conjugate_gradient stores no Jacobian"),
        ("woodbury", WIDE, "conjugate_gradient stores no Jacobian"),
    ],
)
def test_every_method_is_asked_about_its_own_matrices(monkeypatch, kind, network, said):
    monkeypatch.setattr(room, "free_memory", lambda device: 2**30)
    points = 60_000 if "points" in said or "Jacobian" in said else 100
    with pytest.raises(TrainingError, match=said):
        check_room(state(stage(kind, points), network))
    check_room(state(stage(kind, 100), {"hidden": [8, 8]}))


CHEBYSHEV = {"chebyshev": {"degrees": [64, 56]}}
GAUSS = {"points": 3944, "sampler": "gauss", "shape": [68, 58]}
DENSE = {
    "polynomials": (stage("gauss_newton", 3944, **CHEBYSHEV), "boussinesq", None),
    "on a grid": ({**stage("gauss_newton", 0), **CHEBYSHEV, "collocation": GAUSS}, "boussinesq", None),
    "features": (stage("gauss_newton", 5000, fourier={"features": 1700, "sigma": 4.0}), "ipm", None),
    "features and layers": (stage("woodbury", 3000, fourier={"features": 400, "hidden": [90, 90]}), "ipm", None),
    "layers": (stage("gauss_newton", 60_000), "poisson2d", WIDE),
    "search": (stage("adam", 6000, fourier={"features": 1700, "sigma": "search"}), "ipm", None),
}


@pytest.mark.parametrize("name", DENSE)
def test_a_dense_system_is_refused_with_the_largest_that_fits(monkeypatch, name):
    """What is named does fit, and a system half as large again would not."""
    description, problem, network = DENSE[name]
    run, made, named = state(description, network, problem), [], []
    monkeypatch.setattr(room, "free_memory", lambda device: 2**30)
    monkeypatch.setattr(room.Objective, "__init__", watched(room.Objective.__init__, made))
    monkeypatch.setattr(room, "in_words", lambda fitting: named.append(fitting) or in_words(fitting))
    with pytest.raises(TrainingError) as refused:
        check_room(run)
    assert max(made) <= 2 * room.FEW + 200
    (fitting,) = named
    assert f"What would fit: {in_words(fitting)}" in str(refused.value)
    check_room(fitting)
    assert parse_config(fitting.config.model_dump(mode="json", by_alias=True)) == fitting.config  # as it is
    part = fitting.stage.collocation.points / run.stage.collocation.points
    with pytest.raises(TrainingError):
        check_room(smaller_together(run, 1.5 * part))


def test_many_rows_fit_with_fewer_points(monkeypatch):
    monkeypatch.setattr(room, "free_memory", lambda device: 2**30)
    run = state(stage("gauss_newton", 3_000_000), {"hidden": [20, 20]})
    with pytest.raises(TrainingError, match=r"this network at [0-9,]+ points") as refused:
        check_room(run)
    points = int(str(refused.value).split("this network at ")[1].split(" ")[0].replace(",", ""))
    check_room(state(stage("gauss_newton", points), {"hidden": [20, 20]}))


def test_a_later_stage_that_does_not_fit_is_refused_at_once_and_asked_again_in_its_turn(monkeypatch):
    monkeypatch.setattr(room, "free_memory", lambda device: 2**30)
    config = parse_config({"problem": {"kind": "boussinesq"}, "stages": [stage("adam", 500), DENSE["polynomials"][0]]})
    run = RunState(config, torch.device("cpu"), Solution(config.problem, 1.9), None, lambda: None, print)
    with pytest.raises(TrainingError, match="Jacobian of stage 2"):
        check_room(run)
    run.position.total = 1
    check_room(run)
    run.position.stage = 1
    with pytest.raises(TrainingError, match="Jacobian of stage 2"):
        check_room(run)


def test_the_search_for_sigma_is_asked_about():
    found = needs(state(stage("adam", 100_000, fourier={"features": 400, "sigma": "search"})))
    assert any("search for σ" in need.what for need in found)


def test_matrices_of_nonlocal_terms_grow_with_the_square_of_the_points(monkeypatch):
    run = state(stage("gauss_newton", 1000, fourier={"features": 10, "sigma": 8}), problem="gclm")
    network, how = room.network_like(run), room.arithmetic("float64", run.device)
    monkeypatch.setattr(room, "FEW", 96)
    many = room.point_bytes(run, network, "linearise", 40_000, how)
    targets, sources = 40_001, 4.5 * 40_000
    assert 2 * 8 * targets * sources < many < 8 * 8 * targets * sources


def test_measured_samples_count():
    rng = np.random.default_rng(0)
    samples = Samples(rng.random((50_000, 2)), {"u": rng.random(50_000)})
    plain = state(stage("adam", 1000), WIDE, "burgers_inverse")
    with_data = state(stage("adam", 1000), WIDE, "burgers_inverse", samples)
    how = room.arithmetic("float64", plain.device)
    few, many = (room.point_bytes(run, room.network_like(run), "gradient", 1000, how) for run in (plain, with_data))
    assert many > 10 * few


def test_asking_leaves_no_trace():
    run = state(stage("adam", 300_000, warmup={"iterations": 3}), WIDE, "heat1d")
    network = mlp(run.config.network, run.problem.inputs, run.problem.outputs, torch.Generator().manual_seed(1))
    run.solution.add(Term(network, 1.0))
    before = [(p.clone(), p.requires_grad) for p in run.solution.parameters()]
    random = torch.get_rng_state()
    assert len(needs(run)) == 2
    assert torch.equal(random, torch.get_rng_state())
    assert len(run.solution.networks) == 1
    for p, (value, wanted) in zip(run.solution.parameters(), before, strict=True):
        assert torch.equal(p, value)
        assert p.requires_grad == wanted
        assert p.grad is None


def test_a_small_stage_is_not_measured(monkeypatch):
    monkeypatch.setattr(room, "peak_bytes", lambda work: pytest.fail("measured"))
    assert needs(state(stage("gauss_newton", 1000, warmup={"iterations": 3}))) == []


def test_a_ulimit_is_what_is_free(monkeypatch):
    monkeypatch.setattr(resources, "_address_space", lambda: psutil.Process().memory_info().vms + 2**28)
    assert abs(resources.memory().free - 2**28) < 2**24
    monkeypatch.setattr(resources, "_address_space", lambda: 2**20)
    assert resources.memory().free == 0
    assert free_memory(torch.device("cpu")) == 0
