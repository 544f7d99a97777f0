"""Samples that are kept: what each says of itself, whose they are, and what is left of them."""

import hashlib
import json
import os
import time
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.config import parse_config
from core.errors import LabError
from core.runs import RunFolder
from core.runs.folder import CERTIFICATE
from core.solution import children, kept
from core.solution.at_points import points_file
from core.solution.children import Child
from core.solution.grid import SolutionGrid
from core.solution.sample import sample, sampled_file
from core.solution.streamed import stream
from core.solution.wanted import Wanted
from core.tracking.store import run_config
from core.training import checkpoint as checkpoints
from core.training.state import Position
from tests.unit.test_formulas import solution_of

RING = {"kind": "difference", "of": {"kind": "disk", "centre": [0, 0], "radius": 1},
        "less": [{"kind": "disk", "centre": [0, 0], "radius": 0.5}]}  # fmt: skip
TYPED = {"kind": "equation", "domain": RING, "fields": ["u"], "equations": ["laplacian(u) = 0"],
         "conditions": [{"on": "boundary", "that": "u = x"}], "exact": {"u": "x"}}  # fmt: skip


def begun(tmp_path, problem):
    """A run's folder with one checkpoint of a random network, under two names."""
    config = parse_config({"problem": problem, "stages": [{}]})
    made = RunFolder(tmp_path / "a" / ("c" * 32))
    made.create(config)
    stored = checkpoints.Checkpoint(config, Position(), solution_of(config.problem, None, 1))
    checkpoints.save(stored, made.last)
    made.of_stage(1).write_bytes(made.last.read_bytes())
    return made


@pytest.fixture
def ring(tmp_path):
    return begun(tmp_path, TYPED)


@pytest.mark.parametrize("suffix", ["vti", "h5"])
def test_a_grid_without_a_point_in_the_domain_is_a_message(ring, tmp_path, suffix):
    with pytest.raises(LabError, match="No point of this grid lies in the domain"):
        sampled_file(ring, 2)  # the four corners of the ring's box
    with pytest.raises(LabError, match="No point of this grid lies in the domain"):
        stream(ring, tmp_path / f"none.{suffix}", 2)
    assert not list(tmp_path.glob("*none*")) and not list(ring.samples.glob("*"))
    assert sample(ring, 5).inside.sum() >= 4


def test_the_same_checkpoint_under_two_names_says_each(ring):
    of_stage = sample(ring, 5, Wanted(checkpoint="stage-1"))
    newest = sample(ring, 5)
    assert of_stage.about["checkpoint"] == "stage-1" and "checkpoint" not in newest.about
    assert of_stage.about["checkpoint_sha256"] == newest.about["checkpoint_sha256"]


def test_a_certificate_that_came_later_is_said(ring):
    before = sampled_file(ring, 5)
    assert "certificate" not in SolutionGrid.read(before).about
    digest = hashlib.sha256(ring.last.read_bytes()).hexdigest()
    stated = {"checkpoint_sha256": digest, "lambda_text": "0.5", "max_residual": 1e-9, "holds": True}
    ring.file(CERTIFICATE).write_text(json.dumps(stated))
    after = sampled_file(ring, 5)
    assert SolutionGrid.read(after).about["certificate"] == "λ = 0.5, max residual 1e-09, holds: True"
    ring.file(CERTIFICATE).write_text(json.dumps(stated | {"checkpoint_sha256": "0" * 64}))
    assert sampled_file(ring, 5) == before  # another checkpoint's certificate says nothing of this one


def test_what_is_kept_waits_for_nobody_and_nothing_else_is_computed_here(ring, monkeypatch):
    busy = Child("sampling for another visitor")
    monkeypatch.setattr(children, "_sampler", busy)
    asked = {"wanted": Wanted(formulas=("u_x",))}
    points = np.full((3, 2), 0.5)
    assert kept.looked_up(sampled_file, ring, 5, **asked) is kept.looked_up(points_file, ring, points) is None
    assert not ring.samples.exists()
    grid, line = sampled_file(ring, 5, **asked), points_file(ring, points)
    with busy._lock:
        assert children.sample(sampled_file, ring, 5, **asked) == grid
        assert children.sample(points_file, ring, points) == line
    assert busy._process is None


def test_what_a_killed_writer_left_is_dropped_and_what_is_written_now_is_not(ring):
    ring.samples.mkdir()
    left, written, theirs = (ring.samples / name for name in (".left.npz", ".written.npz", "other.npz"))
    for path in (left, written, theirs):
        path.write_bytes(b"half")
    for path in (left, theirs):
        os.utime(path, (time.time() - 2 * kept.KEEP_S,) * 2)
    made = sampled_file(ring, 5)
    assert set(ring.samples.iterdir()) == {made, written}


def test_a_formula_of_what_is_not_shown_is_told_beside_its_input_and_the_first_value_taken(ring):
    def page():
        import streamlit as st

        from pages.parts.solution.form import value_input

        chosen, formulas = value_input(st.session_state["problem"], st.session_state["grid"], "grid")
        st.code(f"{chosen.name} {formulas}")

    alone = Wanted(stages=1, alone=True)
    shown = AppTest.from_function(page)
    shown.session_state["problem"] = run_config(ring).problem
    shown.session_state["grid"] = sample(ring, 5, alone)
    shown.query_params["value"], shown.query_params["formula"] = "formula …", "u_exact"
    shown.run(timeout=60)
    assert not shown.exception and "exact is not known for what is shown" in shown.warning[0].value
    assert shown.code[0].value == "u ()"
    with pytest.raises(LabError, match="u_exact is not known"):
        sample(ring, 5, replace(alone, formulas=("u_exact",)))
