"""Runs that learn from data: pinned to the version they used, found by it, replayed with it, refused without it."""

import json
import math

import numpy as np
import pytest
import torch

from core import jobs
from core.config import MLP, override
from core.datasets import Column, add, datasets, digests_of, pinned, samples_of, since
from core.errors import LabError
from core.execution.execute import execute
from core.home import home
from core.jobs import table
from core.networks.layers import mlp
from core.networks.solution import Solution, Term
from core.presets import resolve
from core.problems.base import Samples
from core.problems.burgers_inverse import SAMPLE, SAMPLE_VISCOSITY, BurgersInverse, sample_csv
from core.problems.burgers_viscous import BurgersViscous
from core.runs import run_folder
from core.runs.history import read_history
from core.tracking import store
from core.tracking.dataset_inputs import uses
from core.tracking.verify import verify
from core.training import checkpoint as checkpoints
from core.training.objective import Objective

SHORT = [
    "network.hidden=[8, 8]",
    "stages.0.warmup.iterations=10",
    "stages.0.iterations=12",
    "stages.0.collocation.points=80",
    "name=short",
]
OTHER = sample_csv(0.2, 60, seed=3)
COLUMNS = [Column("X (mm)", "x", 0.001), Column("time", "t"), Column("usol", "u")]
MEASURED = b"x,t,u\n0.5,0.25,1\n-0.5,0.75,2e-3\n"


def short(*settings):
    return override(resolve("burgers-inverse"), [*SHORT, *settings])


def run(config):
    run_id = jobs.begin_here(config)
    return run_id, execute(run_folder(run_id), 1)


def runs_on_disk():
    return list(home().runs.glob("*")) if home().runs.exists() else []


def test_sample_dataset_is_a_solution_and_does_not_say_which():
    content = sample_csv()
    assert content == sample_csv()
    header, *lines = content.decode().splitlines()
    assert header == "x,t,u"
    x, t, u = np.array([[float(cell) for cell in line.split(",")] for line in lines]).T
    assert len(x) == 500
    np.testing.assert_array_equal(u, BurgersViscous(viscosity=0.05).exact(np.stack([x, t], 1))["u"])
    assert SAMPLE_VISCOSITY == 0.05
    assert BurgersInverse().reference_lambda() is None
    assert BurgersInverse().exact(np.zeros((1, 2))) is None


def test_rows_of_the_data_and_their_jacobian():
    rng = np.random.default_rng(1)
    problem = BurgersInverse()
    solution = Solution(problem, 0.07)
    solution.add(Term(mlp(MLP(hidden=(6, 5)), 2, 1, torch.Generator().manual_seed(0)), 1.0))
    solution.lam.requires_grad_(True)
    measured, interior = rng.uniform(0, 1, (9, 2)), rng.uniform(0, 1, (7, 2))
    values = rng.normal(size=9)
    objective = Objective(solution, {"interior": interior}, samples=Samples(measured, {"u": values}, weight=3.0))
    residuals, r, J = objective.linearise()
    expected = 3.0 * (solution.evaluate(measured)["u"] - values)
    np.testing.assert_allclose(residuals.by_name["data_u"], expected, rtol=1e-13)
    assert r.shape == (16,)
    direct = objective.residuals()
    rows = torch.cat([value / math.sqrt(len(value)) for value in direct.by_name.values()])
    slow = [
        torch.cat([
            g.reshape(-1)
            for g in torch.autograd.grad(row, objective.parameters(), retain_graph=True, materialize_grads=True)
        ])
        for row in rows
    ]  # fmt: skip
    torch.testing.assert_close(J, torch.stack(slow), rtol=1e-9, atol=1e-12)
    assert J[7:, -1].abs().max() == 0  # data say nothing of ν by themselves
    assert J[:7, -1].abs().min() > 0


def test_without_its_dataset_a_run_is_refused_before_it_exists():
    for begin in (jobs.submit, jobs.begin_here):
        with pytest.raises(LabError, match=r"no dataset 'burgers-samples\.csv'.*or with `python"):
            begin(short())
    assert jobs.queue() == []
    assert store.runs() == []
    assert runs_on_disk() == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"x,t\n0.1,0.2\n", "no column u"),
        (b"x,t,u\n0.1,7,0.2\n", "t from 7 to 7"),
        (b"x,t,u\n-3,0.5,0.2\n", "Rescale"),
    ],
)
def test_datasets_that_do_not_fit_the_problem_are_refused(content, words):
    add("mine.csv", content)
    with pytest.raises(LabError, match=words):
        jobs.submit(short("problem.dataset=mine.csv"))
    assert jobs.queue() == []


@pytest.mark.parametrize("name", ["../jobs.db", "/etc/passwd", ".versions/x"])
def test_a_config_can_not_read_outside_the_data_folder(name):
    with pytest.raises(LabError):
        jobs.submit(short(f"problem.dataset={name}"))
    assert store.runs() == []


def test_a_run_names_the_version_that_it_used():
    first = add(SAMPLE, sample_csv()).version.digests
    one, report = run(short())
    add(SAMPLE, OTHER, replace=True)
    two, _ = run(short())
    second = digests_of(OTHER)
    assert store.run_config(run_folder(one)).problem.dataset_version == first.git_blob
    assert store.run_config(run_folder(two)).problem.dataset_version == second.git_blob
    assert report.config_hash == store.run_config(run_folder(one)).hash != store.run_config(run_folder(two)).hash

    assert [(use.run_id, use.path, use.git_blob) for use in uses()] == [
        (two, SAMPLE, second.git_blob),
        (one, SAMPLE, first.git_blob),
    ]
    (given,) = store.client().get_run(one).inputs.dataset_inputs
    assert (given.dataset.name, given.dataset.digest) == (SAMPLE, first.git_blob[:36])
    assert json.loads(given.dataset.source)["uri"] == str(home().data / SAMPLE)
    profile = json.loads(given.dataset.profile)
    assert profile == {"rows": 500, **vars(first)}
    assert [item["name"] for item in json.loads(given.dataset.schema)["mlflow_colspec"]] == ["x", "t", "u"]
    found = store.client().search_runs(
        [store.client().get_run(one).info.experiment_id], f"dataset.digest = '{first.git_blob[:36]}'"
    )
    assert [item.info.run_id for item in found] == [one]

    (item,) = datasets()
    assert since(first.git_blob, item) == f"changed to {second.git_blob[:12]}"
    assert since(second.git_blob, item) == "same"
    (home().data / SAMPLE).unlink()
    (item,) = datasets()
    assert since(second.git_blob, item) == "removed"


def test_what_the_columns_stand_for_is_pinned_and_logged():
    add("mm.csv", b"X (mm),time,usol\n500,0.25,1\n-500,0.75,2e-3\n", columns=COLUMNS)
    run_id = jobs.begin_here(short("problem.dataset=mm.csv"))
    mapping = "X (mm)=x*0.001; time=t; usol=u"
    assert store.run_config(run_folder(run_id)).problem.dataset_columns == mapping
    (given,) = store.client().get_run(run_id).inputs.dataset_inputs
    assert json.loads(given.dataset.profile)["columns"] == mapping
    assert [item["name"] for item in json.loads(given.dataset.schema)["mlflow_colspec"]] == ["x", "t", "u"]
    again = pinned(store.run_config(run_folder(run_id)))
    assert again == store.run_config(run_folder(run_id))
    assert samples_of(again.problem).points.tolist() == [[0.5, 0.25], [-0.5, 0.75]]


def test_data_are_in_the_history_and_nu_is_found_in_the_end():
    add(SAMPLE, sample_csv())
    run_id, report = run(short("stages.0.iterations=60", "network.hidden=[16, 16]", "stages.0.collocation.points=400"))
    columns = read_history(home().run_dir(run_id) / "history.arrows").columns
    assert columns["rms_data_u"][-1] < 0.02 * columns["rms_data_u"][0]
    assert columns["lambda"][-1] == pytest.approx(report.measures.lambda_, rel=0.05)
    assert abs(report.measures.lambda_ - SAMPLE_VISCOSITY) < 2e-3
    assert report.measures.lambda_error is None
    text = (home().run_dir(run_id) / "summary.md").read_text()
    assert "| ν |" in text
    assert digests_of(sample_csv()).git_blob in text
    stored = checkpoints.load(home().run_dir(run_id) / "checkpoints" / "last.pt")
    assert float(stored.solution.lam.detach()) == report.measures.lambda_


def test_a_replay_uses_the_bytes_of_then():
    add(SAMPLE, sample_csv())
    source, _ = run(short())
    (home().data / SAMPLE).write_bytes(OTHER)  # by hand, past the program
    rerun, _ = run(store.run_config(run_folder(source)))
    assert verify(run_folder(source), run_folder(rerun)).outcome == "bit-identical"
    (home().data / SAMPLE).unlink()
    rerun, _ = run(store.run_config(run_folder(source)))
    assert verify(run_folder(source), run_folder(rerun)).outcome == "bit-identical"
    with pytest.raises(LabError, match="no dataset"):
        jobs.begin_here(short())  # with no version asked for, the file itself is meant


def test_a_replay_without_the_bytes_of_then_says_so():
    blob = add(SAMPLE, sample_csv()).version.digests.git_blob
    source, _ = run(short())
    (home().data / ".versions" / blob).unlink()
    (home().data / SAMPLE).write_bytes(OTHER)
    before = len(store.runs())
    with pytest.raises(LabError, match=f"Version {blob[:12]} .* is gone"):
        jobs.submit(store.run_config(run_folder(source)))
    assert len(store.runs()) == before
    with pytest.raises(LabError, match="no version of the dataset"):
        jobs.submit(override(store.run_config(run_folder(source)), [f"problem.dataset_version={'ab' * 20}"]))


def test_a_run_whose_data_vanish_while_it_waits_fails_with_a_sentence():
    blob = add(SAMPLE, sample_csv()).version.digests.git_blob
    run_id = jobs.begin_here(short())
    (home().data / ".versions" / blob).unlink()
    (home().data / SAMPLE).unlink()
    from core.datasets import files as module

    module._columns.cache_clear()  # a queued run starts in a process of its own, which remembers nothing
    with pytest.raises(LabError, match="is gone"):
        execute(run_folder(run_id), 1)
    job = table.get(run_id)
    assert job.state == "failed"
    assert "is gone" in job.reason


def test_a_config_from_another_lab_is_welcome_with_the_same_file():
    content = sample_csv()
    (home().ensure().data / SAMPLE).write_bytes(content)
    config = short(f"problem.dataset_version={digests_of(content).git_blob}")
    assert pinned(config) == config
    assert pinned(short()) == config


def test_problems_without_data_are_left_alone():
    config = resolve("poisson2d-quick")
    assert pinned(config) is config
    run_id = jobs.begin_here(config)
    assert store.client().get_run(run_id).inputs.dataset_inputs == []
    assert uses() == []


def test_the_command_line_adds_lists_and_refuses(tmp_path, command_line):
    def run(*arguments):
        return command_line("dataset", *arguments)

    (tmp_path / "m.csv").write_bytes(MEASURED)
    assert "added" in run("add", str(tmp_path / "m.csv")).stdout
    assert "already there" in run("add", str(tmp_path / "m.csv")).stdout
    (tmp_path / "m.csv").write_bytes(MEASURED.replace(b"1", b"5"))
    refused = run("add", str(tmp_path / "m.csv"))
    assert (refused.returncode, len(refused.stderr.strip().splitlines())) == (2, 1)
    assert "replaced" in run("add", str(tmp_path / "m.csv"), "--replace").stdout
    assert run("add", str(tmp_path / "missing.csv")).returncode == 2
    listed = run("list").stdout
    assert digests_of(MEASURED).git_blob in listed
    assert "changed to" in listed
    assert json.loads((home().root / "datasets.jsonl").read_text().splitlines()[0])["size"] == len(MEASURED)
