"""How far a run is: every phase has a name, its own progress, and a time left that is measured in it."""

import pytest

from core.config import override
from core.presets import presets, resolve
from core.runs import RunFolder
from core.training import progress as module
from core.training.progress import Progress, phases
from pages.parts.shared.progress import progress_text


def test_every_part_of_a_run_is_a_phase():
    named = [(phase.name, phase.stage) for phase in phases(resolve("poisson2d"))]
    assert named == [
        ("warm-up", 0),
        ("main", 0),
        ("search for σ", 1),
        ("main", 1),
        ("dense grid", None),
        ("artifacts", None),
    ]
    assert phases(resolve("heat2d"))[0].name == "search for σ"  # where it comes first it is seen too
    assert "certificate" in [phase.name for phase in phases(resolve("burgers-profile"))]


@pytest.mark.parametrize("name", list(presets()))
def test_progress_never_falls_and_ends_at_one(tmp_path, name):
    config = resolve(name)
    progress, shares = Progress(RunFolder(tmp_path), config), []
    for phase in phases(config):
        progress.enter(phase.name, phase.stage)
        for part in (0.3, 0.7):
            progress.write(part * phase.length)
            shares.append(RunFolder(tmp_path).progress()["fraction"])
    progress.share(1.0)
    shares.append(RunFolder(tmp_path).progress()["fraction"])
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] == pytest.approx(1.0)


def test_what_is_left_is_measured_in_the_phase_itself(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    folder = RunFolder(tmp_path)
    progress = Progress(folder, override(resolve("poisson2d"), ["stages.0.warmup.iterations=1000"]))
    progress.enter("warm-up", 0)
    assert folder.progress()["eta_s"] is None  # nothing is known yet
    now[0] = 1.0
    progress.write(100)
    assert folder.progress()["eta_s"] == pytest.approx(9.0)
    progress.enter("main", 0, done=57)  # resumed: what was done before says nothing of how fast it goes now
    assert (folder.progress()["done"], folder.progress()["eta_s"]) == (57, None)
    now[0] = 3.0
    progress.write(58)
    assert folder.progress()["eta_s"] == pytest.approx(2.0 * 2)


def test_figures_stay_until_there_are_newer_ones(tmp_path):
    folder, config = RunFolder(tmp_path), resolve("poisson2d-quick")
    first = Progress(folder, config)
    first.figures = {"total_iterations": 7, "max_residual": 1e-3, "rms_residual": 1e-4, "lambda": None}
    first.enter("main", 0)
    first.write(7, 12.5)
    Progress(folder, config).enter("dense grid")
    said = folder.progress()
    assert (said["phase"], said["max_residual"], said["wall_time_s"]) == ("dense grid", 1e-3, 12.5)


@pytest.mark.parametrize("name", ["poisson2d", "heat2d", "burgers-profile"])
def test_a_page_names_every_phase(tmp_path, name):
    folder, config = RunFolder(tmp_path), resolve(name)
    progress, seen = Progress(folder, config), []
    for phase in phases(config):
        progress.enter(phase.name, phase.stage)
        progress.write(1)
        seen.append(progress_text(folder.progress()))
    assert len(set(seen)) == len(seen)
    if name == "heat2d":
        assert seen[0].startswith("Stage 1 of 1 · search for σ · try 1 of at most ")
    assert any(text.startswith("Dense grid · 1 %") for text in seen)
    assert progress_text({"stage": 0, "stages": 1, "fraction": 0.5}) == "50% done"  # as older versions wrote it


def test_what_is_left_is_said_of_the_phase_alone():
    said = {"phase": "main", "stage": 1, "stages": 2, "done": 3, "of": 40, "unit": "iteration", "eta_s": 65.0}
    assert (
        progress_text(said) == "Stage 2 of 2 · training · iteration 3 of at most 40 · at most 65 s left in this phase"
    )
    assert "left" not in progress_text(said | {"eta_s": None})


def test_an_interrupted_run_stays_as_far_as_it_came(tmp_path):
    folder, config = RunFolder(tmp_path), resolve("poisson2d-quick")
    progress = Progress(folder, config)
    progress.enter("main", 0)
    progress.write(30)
    before = folder.progress()
    closing = Progress(folder, config, quiet=True)
    closing.enter("dense grid")
    closing.share(1.0)
    assert folder.progress() == before
    assert 0 < before["fraction"] < 1
