"""Certificates: what they measure, what they say of λ, and that they survive the way through a file."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.config import parse_config
from core.errors import LabError
from core.networks.layers import mlp
from core.networks.solution import Solution, Term
from core.problems.burgers_inverse import BurgersInverse
from core.problems.burgers_profile import BurgersProfile
from core.problems.ccf import CCF
from core.problems.gclm import GCLM
from core.runs import RunFolder
from core.singularity import certificate as certificates
from core.singularity import regions, similarity
from core.singularity.certificate import Certificate, Region
from core.singularity.certify import certify
from core.singularity.digits import lambda_text, reference_text
from core.singularity.found import _found, lambda_of
from core.tracking.store import RunRecord
from core.training import checkpoint as checkpoints
from core.training.checkpoint import Checkpoint
from core.training.points import collocation
from core.training.state import Position


def saved(folder, problem, lam):
    """A checkpoint with an untrained network."""
    config = parse_config({"problem": problem, "network": {"hidden": [6]}})
    solution = Solution(config.problem, lam)
    generator = torch.Generator().manual_seed(0)
    solution.add(Term(mlp(config.network, config.problem.inputs, config.problem.outputs, generator), 1.0))
    checkpoints.save(Checkpoint(config, Position(total=7), solution), RunFolder(folder).last)
    return config, solution


@pytest.mark.parametrize("problem", [{"kind": "burgers_profile", "order": 1}, {"kind": "gclm", "a": 0.0}])
def test_figures_are_those_of_the_solution_itself(tmp_path, problem):
    config, solution = saved(tmp_path, problem, 0.3)
    certificate = certify(RunFolder(tmp_path), lambda_uncertainty=1e-3)
    assert [region.name for region in certificate.regions] == ["near", "far", "beyond"]
    for region, block in zip(certificate.regions, regions.points(config.problem).values(), strict=True):
        residual = solution.evaluate(block)["residual_profile"]
        assert region.max_residual == pytest.approx(np.abs(residual).max(), rel=1e-12)
        assert region.rms_residual == pytest.approx(np.sqrt((residual**2).mean()), rel=1e-12)
        assert (region.low, region.high, region.points) == (block.min(), block.max(), len(block))
    assert certificate.lambda_ == 0.3
    assert certificate.config_hash == config.hash
    assert certificate.iteration == 7
    assert not certificate.holds
    assert certificate.at(2 * certificate.max_residual).holds


@pytest.mark.parametrize("problem", [BurgersProfile(), GCLM(a=0.0), CCF(), CCF(order=1)])
def test_points_are_not_those_of_training(problem):
    config = parse_config({"problem": problem.model_dump(), "stages": [{"collocation": {"points": 400}}]})
    trained = collocation(config, config.stages[0], 0, 0)["interior"][:, 0]
    blocks = regions.points(problem)
    asked = np.concatenate(list(blocks.values()))[:, 0]
    assert set(asked) & set(trained) <= {0.0}
    assert asked[0] == 0  # where λ is decided
    assert (np.diff(asked) > 0).all()
    assert blocks["near"].max() <= regions.NEAR * similarity.width(problem) < blocks["far"].min()
    end = trained[: problem.asked(trained[:, None])].max()
    assert 0.9 * end < blocks["far"].max() <= problem.domain()[0][1] < blocks["beyond"].min()


def test_the_exact_profile_beyond_the_training_reach_is_integrated_to_rounding():
    problem = GCLM(a=0.0)
    far = regions.points(problem)["beyond"]
    sources = problem.sources()
    integrals = problem.integrals(far, sources)
    exact = problem.exact(far)
    found = {name: item.matrix @ problem.exact(sources)["Omega"] for name, item in integrals.items()}
    # H of it falls like 8/y²; what the cut-off tail leaves shows against 1/y, the size the residual is divided by
    np.testing.assert_allclose(found["HOmega"], exact["HOmega"], atol=1e-12 / far.min())
    np.testing.assert_allclose(found["U"], exact["U"], rtol=1e-10)


def made(**changes):
    region = Region("near", 0.0, 10.0, 11, 3e-10, 1e-10)
    certificate = Certificate(
        "a" * 32, "burgers_profile", "Burgers", {"order": 0}, "U", "C = 1", (region, replace(region, name="far")),
        1e-8, 0.5000000000012, 3e-12, 0.5, "c" * 64, "checkpoints/last.pt", "d" * 64, 12, "2026-01-01T00:00:00+00:00",
        {"numpy": "2.4.6"},
    )  # fmt: skip
    return replace(certificate, **changes)


def test_round_trip_through_a_file(tmp_path):
    certificate = made()
    path = certificate.write(RunFolder(tmp_path))
    data = json.loads(path.read_text())
    assert Certificate.from_dict(data) == certificate
    assert (data["holds"], data["max_residual"], data["lambda"]) == (True, 3e-10, 0.5000000000012)
    assert data["lambda_text"] == "0.500000000001(4)"
    assert [item.name for item in tmp_path.iterdir()] == ["certificate.json"]
    for broken in ({}, {**data, "regions": [{"name": "near"}]}, {**data, "regions": 3}):
        with pytest.raises(LabError, match="no certificate of this version"):
            Certificate.from_dict(broken)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_never_holds_and_is_plain_json(bad, tmp_path):
    certificate = made(regions=(*made().regions, Region("beyond", 10, 20, 5, bad, bad)))
    assert not certificate.holds
    data = json.loads(certificate.write(RunFolder(tmp_path)).read_text(), parse_constant=pytest.fail)
    assert data["holds"] is False
    assert not Certificate.from_dict(data).holds


def test_a_tolerance_is_positive():
    assert made().at(3e-10).holds
    assert not made().at(2.9e-10).holds
    for bad in (0.0, -1e-8, math.nan, math.inf):
        with pytest.raises(LabError, match="positive"):
            made().at(bad)


def test_only_searches_for_lambda_are_certified(tmp_path):
    assert certificates.certified(CCF())
    assert not certificates.certified(BurgersInverse())  # its unknown is a viscosity
    saved(tmp_path, {"kind": "poisson2d"}, None)
    with pytest.raises(LabError, match="no λ"):
        certify(RunFolder(tmp_path))


@pytest.mark.parametrize(
    ("value", "uncertainty", "text"),
    [
        (0.60573370120, 1e-11, "0.60573370120(1)"),
        (0.60573370120321, 8.3e-12, "0.605733701203(9)"),
        (1.18077766289, 9.95e-12, "1.18077766289(1)"),
        (1.180777662, 9.6e-7, "1.180778(2)"),
        (-0.597711, 1e-6, "-0.597711(1)"),
        (-1e-14, 1e-12, "0.000000000000(2)"),
        (0.99999, 2e-3, "1.000(3)"),
        (52.3, 3.2, "52(4)"),
        (0.5, 0.0, "0.5"),
        (0.47132486, None, "≈ 0.4713, digits not assessed"),
        (-1e-9, None, "≈ 0.0000, digits not assessed"),
        (math.nan, 1e-3, "not a number"),
        (0.5, math.inf, "undetermined"),
        (0.5, math.nan, "undetermined"),
    ],
)
def test_digits_of_lambda(value, uncertainty, text):
    assert lambda_text(value, uncertainty) == text


def test_no_digit_is_shown_that_is_not_supported():
    rng = np.random.default_rng(0)
    for value, uncertainty in zip(rng.uniform(-2, 2, 500), 10 ** rng.uniform(-14, -1, 500), strict=True):
        shown, _, count = lambda_text(value, uncertainty).rstrip(")").partition("(")
        decimals = len(shown.partition(".")[2])
        unit = 10.0**-decimals
        assert 1 <= int(count) <= 9
        assert unit >= 0.9 * uncertainty / 10  # the last digit shown is no finer than the uncertainty's own first one
        # the interval that is shown holds the one that was found
        off = abs(float(shown) - value) + uncertainty
        assert off <= int(count) * unit * (1 + 1e-9) + 1e-15


def of_store(problem="ccf", **tags):
    tags = {f"lab.certificate.{key}" if key != "state" else "lab.certificate": value for key, value in tags.items()}
    params = {"problem.order": "1"}
    return RunRecord("0" * 32, "run", "e", "finished", problem, "", 1.0, 2.0, None, params=params, tags=tags)


@pytest.mark.parametrize(
    ("record", "value", "text"),
    [
        (of_store(state="holds", **{"lambda": "0.6057337012032", "lambda_uncertainty": "1e-12"}), 0.6057337012032,
         "0.605733701203(2)"),
        (of_store(state="holds", **{"lambda": "0.6057337012032", "lambda_uncertainty": "1e-12"}), 0.60573370120285,
         "0.605733701203(2)"),  # of the last iteration, not of the checkpoint
        (of_store(state="holds", **{"lambda": "0.6057337012032", "lambda_uncertainty": "1e-12"}), 0.61, "≈ 0.6100"),
        (of_store(state="holds", **{"lambda": "0.6057337012032"}), 0.6057337012032, "≈ 0.6057"),
        (of_store(), 0.6057337012032, "≈ 0.6057"),
        (of_store(state="holds", **{"lambda": "abc", "lambda_uncertainty": "1e999"}), 0.6, "≈ 0.6000"),
        (of_store("burgers_inverse"), 0.05000021, "0.05000021"),
        (of_store(""), 1e-9, "1e-09"),  # of another program: a weight of its loss, say
    ],
)  # fmt: skip
def test_lambda_has_the_digits_that_are_supported_wherever_it_stands(record, value, text):
    assert lambda_of(record, value) == text


def test_a_known_lambda_has_the_digits_of_its_source():
    assert reference_text(1.1807776628998) == "1.1807776628998"
    assert reference_text(0.25) == "0.25"
    assert reference_text(-2 / 3) == "-0.666666666666667"


def test_tags_that_are_no_numbers_are_none():
    texts = dict.fromkeys(("lambda", "lambda_uncertainty", "max_residual"), "1_0")
    run = _found(of_store(state="?", **texts), "finished")
    assert (run.lambda_, run.uncertainty, run.max_residual, run.holds) == (None, None, None, False)
