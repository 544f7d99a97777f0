"""Sweeps by CMA-ES over runs that are really trained, from the command line, on SQLite and on PostgreSQL."""

import json
import time

import pytest

from core import sweeps
from core.home import home
from core.jobs import notable, processes, table
from core.sweeps import study as studies
from core.sweeps.folder import sweep_folder
from core.tracking import store
from core.tracking.tags import PARENT

DAMPING, POINTS = "stages.0.optimizer.damping", "stages.0.collocation.points"
FIELDS = ("--field", f"{DAMPING}=1e-6..1e-1 log", "--field", f"{POINTS}=30..90")
SMALL = ("--set", "network.hidden=[6]", "--set", "stages.0.iterations=4", "--set", "device=cpu")
TRIALS = 10
"""Two begin at once at random, six make the first generation of two fields, one may come before these have ended."""


@pytest.fixture(params=[pytest.param("sqlite", marks=pytest.mark.sqlite_file), "postgres"])
def lab(request, lab_home, monkeypatch):
    """A lab on either database with two slots and real workers, which are gone when the test ends."""
    if request.param == "postgres":
        request.getfixturevalue("database")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    lab_home.mkdir(exist_ok=True)
    (lab_home / "settings.yaml").write_text("slots: {cpu: 2, threads: 1}\n")
    yield request.param
    end = time.monotonic() + 120
    while [each for each in processes.of_home() if each.what in ("courier", "worker", "run")]:
        assert time.monotonic() < end
        time.sleep(0.5)


@pytest.mark.proof
def test_cma_es_tries_trains_and_follows_what_was_good(lab, command_line, tmp_path):
    told = tmp_path / "sweep.json"
    done = command_line(
        "sweep", "poisson2d-quick", *FIELDS, *SMALL, "--sampler", "cmaes", "--trials", str(TRIALS),
        "--parallel", "2", "--seed", "1", "--json", str(told), "--wait",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(told.read_text())
    assert (found["state"], found["reason"]) == ("finished", "")
    trials, sweep_id = found["trials"], found["id"]
    assert [trial["state"] for trial in trials] == ["finished"] * TRIALS
    damping = [float(trial["values"][DAMPING]) for trial in trials]
    points = [int(trial["values"][POINTS]) for trial in trials]
    assert len(set(damping)) == TRIALS and all(1e-6 <= each <= 1e-1 for each in damping)
    assert len(set(points)) > 1 and all(30 <= each <= 90 for each in points)
    runs = {trial["run_id"] for trial in trials}
    assert {record.run_id for record in store.runs() if record.tags.get(PARENT) == sweep_id} == runs
    for trial in trials:
        metrics = store.get_run(trial["run_id"]).metrics
        assert trial["value"] == metrics["dense_max_residual"] > 0
        config = table.get(trial["run_id"]).folder.config().config
        assert config.stages[0].optimizer.damping == float(trial["values"][DAMPING])
        assert config.stages[0].collocation.points == int(trial["values"][POINTS])
    folder = sweep_folder(sweep_id)
    kept = studies.open_study(folder, folder.sweep()).get_trials(deepcopy=False)
    generations = [[key for key in trial.system_attrs if "generation" in key] for trial in kept]
    assert not generations[0] and all(generations[2:]), "what is drawn after the first trials is CMA-ES's"
    assert kept[-1].system_attrs[generations[-1][0]] >= 1
    assert sum(found["importance"].values()) == pytest.approx(1.0)
    assert [(each.title, each.of_sweep) for each in notable.latest()] == [("Sweep finished", True)]
    assert folder.journal.exists() == (lab == "sqlite") and home().jobs_db.exists() == (lab == "sqlite")
    assert sweeps.read(sweep_id).known.best.value == min(trial["value"] for trial in trials)


@pytest.mark.parametrize(
    ("field", "says"),
    [
        (
            "network.activation=tanh,sine",
            "CMA-ES takes ranges of numbers alone, and network.activation has single values",
        ),
        ("network.activation=tanh..sine", "is no range"),
        ("seed=0", "takes ranges of numbers alone, and seed has single values"),
    ],
)
def test_what_cma_es_can_t_follow_is_refused_in_a_line_and_nothing_starts(command_line, field, says):
    done = command_line("sweep", "poisson2d-quick", *FIELDS, "--field", field, "--sampler", "cmaes")
    assert done.returncode == 2 and says in done.stderr and done.stderr.count("\n") == 1
    assert not home().sweeps.exists() and table.find() == []
