"""The store as others leave it: deleted runs and experiments, runs of other programs, values that look like others."""

import sqlite3

import pytest
from mlflow.entities import Metric

from benchmarks.sample_store import fill
from core import jobs
from core.errors import ExperimentDeletedError, LabError
from core.home import home
from core.presets import resolve
from core.runs import run_folder
from core.tracking import store
from core.tracking.best import Rule, get_best_run, ranking, require_checkpoint
from core.tracking.curves import run_curves
from core.tracking.search import search
from core.tracking.store.mlflow_reader import MlflowReader
from core.tracking.store.reader import reader
from tests.integration.test_pages import opened, texts


@pytest.fixture
def foreign():
    """A maker of runs as any other program would log them: name, params, and (step, seconds, value) of a loss."""
    client = store.client()
    experiment = client.create_experiment("elsewhere")

    def make(name, params=None, points=(), state="FINISHED"):
        run_id = client.create_run(experiment, run_name=name).info.run_id
        client.log_batch(run_id, [Metric("loss", value, int(1000 * (9 + at)), step) for step, at, value in points])
        for key, value in (params or {}).items():
            client.log_param(run_id, key, value)
        client.set_terminated(run_id, state)
        return run_id

    return make


def delete_experiment():
    client = store.client()
    client.delete_experiment(client.get_experiment_by_name(store.EXPERIMENT).experiment_id)


def test_a_deleted_experiment_is_named_with_the_command_that_brings_it_back(command_line):
    run_id = fill(1, points=5)[0]
    delete_experiment()
    with pytest.raises(ExperimentDeletedError, match="doctor --restore"):
        jobs.submit(resolve("poisson2d-quick"))
    told = command_line("doctor")
    assert told.returncode == 1
    assert "FAIL  store" in told.stdout
    assert "doctor --restore" in told.stdout
    assert store.runs() == []
    assert "doctor --restore" in command_line("best").stderr
    done = command_line("doctor", "--restore")
    assert done.returncode == 0, done.stdout
    assert [record.run_id for record in store.runs()] == [run_id]
    assert "nothing to restore" in command_line("doctor", "--restore").stdout


def test_the_launch_page_brings_a_deleted_experiment_back(monkeypatch):
    delete_experiment()
    monkeypatch.setattr("core.jobs.actions._local.ensure", lambda: None)  # no worker: it would train
    app = opened("pages/launch_runs.py")
    next(item for item in app.button if item.label == "Launch").click().run()
    assert not app.exception, app.exception
    assert any("was deleted" in item.value for item in app.error)
    next(item for item in app.button if item.label == "Restore the experiment").click().run()
    assert not app.exception, app.exception
    assert not app.error
    assert store.experiment_id()


@pytest.mark.parametrize("page", ["compare_runs", "best_run", "replay_run", "find_singularities"])
def test_a_page_whose_runs_are_deleted_with_their_experiment_does_not_say_that_there_are_none(page):
    fill(3, points=5)
    delete_experiment()
    app = opened(f"pages/{page}.py")
    assert not app.exception, app.exception
    assert "was deleted" in texts(app)
    assert "No runs yet" not in texts(app)
    assert MlflowReader().is_deleted(store.EXPERIMENT)
    next(item for item in app.button if item.label == "Restore the experiment").click().run()
    assert not app.exception, app.exception
    assert "was deleted" not in texts(app)
    assert len(store.runs()) == 3
    assert not store.experiment_is_deleted()


def test_an_experiment_that_is_gone_for_good_is_made_anew():
    client = store.client()
    found = client.get_experiment_by_name(store.EXPERIMENT)
    client.rename_experiment(found.experiment_id, "away")
    assert store.experiment_id() != found.experiment_id


def test_deleted_runs_are_in_no_ranking_and_no_list_of_metrics():
    best, second = sorted(fill(8, points=5), key=lambda run_id: store.get_run(run_id).metrics["rms_residual"])[:2]
    store.client().log_metric(best, "only here", 1.0)
    assert ranking(Rule("rms_residual", states=("finished", "stopped", "failed", "crashed")))[0].run_id == best
    store.client().delete_run(best)
    for read in (reader(), MlflowReader()):
        assert best not in read.values("rms_residual", "last")
        assert "only here" not in read.metric_names()
    assert ranking(Rule("rms_residual", states=("finished", "stopped", "failed", "crashed")))[0].run_id == second
    assert get_best_run("rms_residual").run_id != best
    with pytest.raises(LabError, match="was deleted"):
        require_checkpoint(run_folder(best))
    app = opened("pages/watch_runs.py", run=best)
    assert not app.exception, app.exception


def test_runs_of_other_programs_open_on_watch_as_what_they_are(foreign):
    run_id = foreign("theirs", {"seed": "007", "commit": "7e12345"}, [(k, k, 0.5**k) for k in range(20)], "FAILED")
    app = opened("pages/watch_runs.py", run=run_id)
    assert not app.exception, app.exception
    assert not app.error
    assert "made by another program" in texts(app)
    assert "elsewhere" in texts(app)
    params = next(item.value for item in app.dataframe if "seed" in set(item.value["name"]))
    assert dict(zip(params["name"], params["value"], strict=True)) == {"seed": "007", "commit": "7e12345"}
    fill(2, points=5)
    assert "made by another program" in texts(opened("pages/watch_runs.py", run=run_id))


def test_a_run_is_found_by_its_name_even_where_that_looks_like_a_filter(foreign):
    run_id = foreign("nu=0.01, lr=1e-3", {"seed": "007"}, [(0, 0, 0.5)])
    other = foreign("nu=0.02", {"seed": "7"}, [(0, 0, 2.0)])
    found = {
        text: [record.run_id for record in search(store.runs(), text)]
        for text in (
            "nu=0.01", "NU=0.01, LR=1e-3", "nu=0.01 lr", "nu=", "nu=0.01 metrics.loss < 1", "nu=0.02 metrics.loss < 1",
            "params.seed = '007'", "params.seed = '7'",
        )
    }  # fmt: skip
    assert found.pop("nu=") == [other, run_id]
    assert found.pop("nu=0.02 metrics.loss < 1") == []
    assert found.pop("params.seed = '7'") == [other]
    for text in ("nu=0.03", "nu=0.02 and nothing"):
        with pytest.raises(LabError):
            search(store.runs(), text)
    assert all(ids == [run_id] for ids in found.values()), found


def test_a_resumed_run_of_another_program_is_in_order_on_either_axis(foreign):
    points = [(k, k, 1.0 + k) for k in range(30)] + [(k, 500 + k, 2.0 + k) for k in range(20, 40)]
    curves = run_curves(run_folder(foreign("resumed", points=points)))
    curves.update()
    for axis in ("iteration", "wall_time_s"):
        x, y = curves.points("loss", axis)
        assert (x[1:] > x[:-1]).all()
        assert y.tolist() == [1.0 + k for k in range(20)] + [2.0 + k for k in range(20, 40)]
        assert [len(part) for _, part in curves.superseded("loss", axis)] == [10]


def test_two_runs_of_a_name_have_a_column_each_and_a_param_does_not_replace_a_metric(foreign):
    twins = [foreign("twin", {"loss": text, "seed": text}, [(0, 0, 0.25), (1, 1, 0.5)]) for text in ("7", "007")]
    app = opened("pages/compare_runs.py", runs=",".join(f"{i[:12]}.{k}" for k, i in enumerate(twins)), view="Configs")
    assert not app.exception, app.exception
    table = app.dataframe[1].value
    assert len(set(table.columns)) == 3
    rows = {row[0]: tuple(row[1:]) for row in table.itertuples(index=False)}
    assert rows == {"metrics.loss": ("0.5", "0.5"), "params.loss": ("7", "007"), "seed": ("7", "007")}
    assert "configs are the same" not in texts(app)
    options = next(box for box in app.selectbox if box.label == "Baseline").options
    assert len(set(options)) == 2


def test_the_table_and_the_filter_of_days_have_one_zone_and_name_it(foreign, monkeypatch):
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.timezone", "Asia/Tokyo")
    run_id = foreign("late")
    with sqlite3.connect(home().mlflow_db) as database:  # 2027-01-15 00:30 in Tokyo, the day before in UTC
        database.execute("UPDATE runs SET start_time = ? WHERE run_uuid = ?", (1_799_940_600_000, run_id))
    database.close()
    for day, count in (("2027-01-14", 0), ("2027-01-15", 1), ("2027-01-16", 0)):
        app = opened("pages/compare_runs.py", **{"from": day, "until": day})
        assert not app.exception, app.exception
        assert list(app.dataframe[0].value.index) == [run_id] * count
        assert "Asia/Tokyo" in texts(app)
        assert '"timezone": "Asia/Tokyo"' in app.dataframe[0].proto.columns
        assert "started, Asia/Tokyo" in app.dataframe[0].proto.columns


def test_a_foreign_runs_config_is_read_within_bounds(foreign, tmp_path):
    merges = [f"a{k}: &a{k} {{<<: [{', '.join([f'*a{k - 1}'] * 10)}]}}" for k in range(1, 9)]
    bomb = "\n".join(["a0: &a0 {x: 1}", *merges])
    for raw, words in (
        (bomb, "20,000 values"),
        ('{"problem": {"kind": "poisson2d"}, "seed": 1, "seed": 2}', "'seed' stands twice"),
        ("[" * 100_000, "nested"),
        ('{"version": ' + "9" * 400 + "}", "400 digits"),
        ("x" * 2_000_000, "MB"),
        ("x" * 70_000_000, "has 70 MB, and such a file at most 64"),
    ):
        run_id = foreign("bomb")
        (tmp_path / "config.json").write_text(raw)
        store.client().log_artifact(run_id, str(tmp_path / "config.json"))
        with pytest.raises(LabError, match=words):
            store.stored_config(run_folder(run_id))


def test_lambda_has_the_digits_of_its_certificate_wherever_it_stands(foreign, command_line):
    run_id = foreign("found elsewhere", {"problem.order": "1"})
    client = store.client()
    client.log_metric(run_id, "lambda", 0.6057337012032)
    tags = {
        "lab.problem": "ccf",
        "lab.state": "finished",
        "lab.certificate": "holds",
        "lab.certificate.lambda": "0.6057337012032",
        "lab.certificate.lambda_uncertainty": "1e-12",
    }
    for name, value in tags.items():
        client.set_tag(run_id, name, value)
    best = opened("pages/best_run.py", metric="lambda")
    assert not best.exception, best.exception
    assert best.metric[0].value == best.dataframe[0].value["value"].iloc[0] == "0.605733701203(2)"
    watch = opened("pages/watch_runs.py", run=run_id)
    assert watch.dataframe[0].value.set_index("name")["value"]["lambda"] == "0.605733701203(2)"
    assert opened("pages/compare_runs.py").dataframe[0].value["metrics.lambda"].iloc[0] == "0.605733701203(2)"
    assert "lambda 0.605733701203(2)" in command_line("best", "--metric", "lambda").stdout
