"""The demo: its runs go together, and it touches nobody's lab."""

import os
import socket

import pytest

from core.home import home
from core.presets.demo import demo_runs


@pytest.fixture(autouse=True)
def this_lab_again(monkeypatch):
    """The command chooses a lab for its process, which here is that of all tests."""
    monkeypatch.setenv("LAB_HOME", os.environ.get("LAB_HOME", ""))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")


def test_each_run_has_a_name_of_its_own_and_starts_after_one_before_it():
    seen = []
    for run in demo_runs():
        assert run.config.name
        assert run.config.name not in seen
        assert run.after is None or run.after in seen
        seen.append(run.config.name)
    assert any(run.after for run in demo_runs()), "Best run shows a lineage"
    problems = [run.config.problem for run in demo_runs()]
    assert any(len(problem.coordinates) == 3 for problem in problems), "Solution 3D shows a volume"
    assert any(problem.has_lambda and not problem.uses_data for problem in problems), "Singularities shows a profile"
    assert any(problem.uses_data for problem in problems), "Datasets shows a version that was used"


def test_a_port_that_is_taken_is_said_before_anything_is_made(command_line, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = command_line("demo", "--port", str(taken.getsockname()[1]), "--home", str(tmp_path / "demo"))
    assert done.returncode == 2
    assert "Choose another" in done.stderr
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("inside", ["", "runs", "data/.."])
def test_a_persons_own_lab_is_no_place_for_it(command_line, monkeypatch, tmp_path, inside):
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "own"))
    (home().ensure().root / "runs").mkdir(exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    done = command_line("demo", "--port", str(port), "--home", str(tmp_path / "own" / inside))
    assert done.returncode == 2
    assert "your own lab" in done.stderr
    assert not home().settings_file.exists()


def test_a_folder_that_can_not_be_made_is_said(command_line, tmp_path):
    (tmp_path / "file").touch()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    done = command_line("demo", "--port", str(port), "--home", str(tmp_path / "file" / "lab"))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "--home FOLDER" in done.stderr
