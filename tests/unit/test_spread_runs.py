"""What a run in several processes is before there are any: its config, who holds which points, what its ends mean."""

import json
import os

import numpy as np
import pytest

from core.config import override, parse_config
from core.errors import ConfigError
from core.jobs.process import LAUNCHER, OUTSIDE, inside, leader, outside
from core.presets import resolve
from core.problems.base import Samples
from core.training.spread.part import Points
from core.training.spread.ranks import Place

POISSON = {"problem": {"kind": "poisson2d"}}


def with_stage(**stage):
    return parse_config(POISSON | {"stages": [{"processes": 2, **stage}]})


def test_processes_count_for_the_hash_and_their_absence_does_not():
    plain, two = parse_config(POISSON | {"stages": [{}]}), with_stage()
    assert "processes" not in plain.model_dump(mode="json")["stages"][0]
    assert plain.hash != two.hash
    assert two.hash != with_stage(processes="all").hash
    assert parse_config(two.model_dump(mode="json", by_alias=True)) == two


@pytest.mark.parametrize("kind", ["gauss_newton", "adam", "soap", "lbfgs", "ssbroyden"])
def test_methods_that_ask_for_sums_alone_take_rows_from_several_processes(kind):
    assert with_stage(optimizer={"kind": kind}).stages[0].processes == 2


@pytest.mark.parametrize(
    ("stage", "why"),
    [
        ({"optimizer": {"kind": "woodbury"}}, "processes does not go with woodbury, which needs all rows in one"),
        ({"optimizer": {"kind": "conjugate_gradient"}}, "allowed: gauss_newton, adam"),
        ({"optimizer": {"kind": "rank_one_ema"}}, "processes does not go with rank_one_ema"),
        ({"optimizer": {"kind": "auto"}}, "chooses by what fits one process"),
        ({"optimizer": {"kind": "gauss_newton", "guard": "geodesic"}}, "guard geodesic"),
        ({"optimizer": {"kind": "adam"}, "precision": "amp-fp16"}, "amp-fp16 does not go with processes"),
        ({"warmup": {"precision": "amp-fp16"}}, "warmup.precision amp-fp16"),
        ({"processes": 900, "collocation": {"points": 800}}, "900 for 800 points"),
        ({"processes": 1}, "processes"),
        ({"processes": "some"}, "processes"),
    ],
)
def test_what_does_not_go_with_several_processes_is_refused_before_a_run_begins(stage, why):
    with pytest.raises(ConfigError, match=why):
        with_stage(**stage)


@pytest.mark.parametrize(
    ("preset", "changes", "why"),
    [
        ("ccf", [], "integrals over all points"),
        ("poisson2d", ["device=cuda:1"], "cuda:1 is one GPU"),
    ],
)
def test_so_are_problems_whose_rows_hang_together(preset, changes, why):
    with pytest.raises(ConfigError, match=why):
        override(resolve(preset), ["stages.0.processes=2", *changes])


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_each_point_is_in_one_process_and_pieces_are_even(size):
    sets = {"interior": np.arange(20.0)[:, None], "gauge": np.zeros((1, 1)), "mean": np.ones((5, 1))}
    samples = Samples(np.arange(11.0)[:, None], {"u": np.arange(11.0)}, 0.5)
    points = Points(sets, samples, None, whole=frozenset({"mean"}))
    parts = [points.part(rank, size) for rank in range(size)]
    for name, block in sets.items():
        pieces = [part.sets[name] for part in parts if name in part.sets]
        np.testing.assert_array_equal(np.concatenate(pieces), block)
    lengths = [len(part.sets["interior"]) for part in parts]
    assert max(lengths) - min(lengths) <= 1
    assert [rank for rank, part in enumerate(parts) if "mean" in part.sets] == [0]
    measured = [part.samples for part in parts if part.samples is not None]
    np.testing.assert_array_equal(np.concatenate([each.values["u"] for each in measured]), samples.values["u"])


def test_what_a_rank_starts_does_not_inherit_its_place(monkeypatch):
    machine = {"HOME": "/home/someone", "OMP_NUM_THREADS": "8"}
    run = inside({"LAB_THREADS": "8", "OMP_NUM_THREADS": "8", "LAB_RUN_DIR": "/runs/1", "LAB_ATTEMPT": "1"}, machine)
    rank = inside({LAUNCHER: "7", "OMP_NUM_THREADS": "4"}, run, also=("RANK", "WORLD_SIZE"))
    assert outside(rank | {"RANK": "1", "WORLD_SIZE": "2"}) == machine
    assert json.loads(rank[OUTSIDE])["OMP_NUM_THREADS"] == "8"


def test_a_rank_knows_its_launcher_and_its_place(monkeypatch):
    assert leader() == os.getpid()
    monkeypatch.setenv(LAUNCHER, str(os.getppid()))
    assert leader() == os.getppid()
    monkeypatch.setenv(LAUNCHER, "1" if os.getppid() != 1 else "2")
    assert leader() == os.getpid()  # a launcher of something above
    for name, value in {"RANK": "1", "WORLD_SIZE": "3", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    assert Place.told() == Place(1, 3, 1)
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert Place.told() is None
