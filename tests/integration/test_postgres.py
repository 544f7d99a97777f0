"""The lab on PostgreSQL: MLflow's runs as they are read there, and a run from its launch to its figures."""

import time

from core import exchange, jobs
from core.home import home
from core.jobs import actions, processes, table
from core.jobs.engines.local import LocalEngine
from core.presets import presets
from core.runs import run_folder
from core.tracking import store
from core.tracking.best import Rule, ranking

CONFIG = presets()["poisson2d-quick"].config


def test_what_was_written_is_read_at_once_and_remembered_until_something_is(database):
    ids = [store.create_run(CONFIG.model_copy(update={"name": f"run {k}"})) for k in range(3)]
    first = store.runs()
    assert {record.run_id for record in first} == set(ids)
    for run_id in ids[:2]:
        store.set_state(run_id, "finished")
    store.client().log_metric(ids[0], "loss", 3.0, step=1)
    store.client().log_metric(ids[1], "loss", float("nan"), step=1)
    store.client().log_metric(ids[1], "loss", 2.0, step=2)
    assert [ranked.run_id for ranked in ranking(Rule("loss"))] == [ids[1], ids[0]]
    assert store.runs() is not first
    assert store.metric_names() == ["loss"]


def test_a_run_is_trained_and_told_from_there(database):
    run_id = jobs.submit(CONFIG.model_copy(update={"name": "on a server"}))
    end = time.monotonic() + 240
    while not (job := table.get(run_id)).ended_for_good or not job.synced:
        assert time.monotonic() < end, (job.state, job.reason)
        actions.refresh()
        time.sleep(0.5)
    assert (job.state, job.reason) == ("finished", "")
    record = next(record for record in store.runs() if record.run_id == run_id)
    assert record.state == "finished"
    assert record.metrics["max_residual"] < 1e-2
    assert len(store.metric_history(run_id)["max_residual"][0]) > 3
    assert not home().jobs_db.exists()
    while [each for each in processes.of_home() if each.what in ("courier", "worker")]:  # its database is to be dropped
        assert time.monotonic() < end
        time.sleep(0.5)


def test_a_run_launched_on_one_machine_trains_on_another_and_is_seen_on_the_first(database, tmp_path, monkeypatch):
    desk = home().root
    monkeypatch.setattr("core.jobs.actions.ensure", lambda: None)  # the desk has no slot to spare
    config = CONFIG.model_copy(update={"name": "elsewhere", "seed": 7})
    with monkeypatch.context() as at_desk:
        at_desk.setattr("core.jobs.engines.local.LocalEngine.ensure", lambda self: None)
        run_id = jobs.submit(config)
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "node"))
    home().ensure()
    LocalEngine().ensure()
    end = time.monotonic() + 300
    while not (job := table.get(run_id)).ended_for_good or not job.synced:
        assert time.monotonic() < end, (job.state, job.reason)
        time.sleep(0.5)
    assert (job.state, job.reason, job.machine) == ("finished", "", exchange.this_machine())
    trained = run_folder(run_id)
    while [each for each in processes.of_home() if each.what in ("courier", "worker", "run")]:
        assert time.monotonic() < end
        time.sleep(0.5)
    monkeypatch.setenv("LAB_HOME", str(desk))
    assert run_id in exchange.Pulling().look()
    seen = run_folder(run_id)
    assert seen.path != trained.path
    assert len(seen.history_columns()["iteration"]) == len(trained.history_columns()["iteration"]) > 10
    assert seen.last.read_bytes() == trained.last.read_bytes()
    assert seen.last_word()["state"] == "finished"
    assert table.get(run_id).elsewhere
