"""Compare on a store with runs of every kind: what MLflow finds is what we find, and nothing is lost by bad input."""

import math

import numpy as np
import pytest
from mlflow.entities import Metric
from streamlit.testing.v1 import AppTest

from benchmarks.bulk_store import bulk, long_history
from benchmarks.sample_store import fill
from core.errors import LabError
from core.home import home
from core.runs import run_folder
from core.tracking import store
from core.tracking.annotations import ConflictError, add_tag, note_of, remove_tag, set_note
from core.tracking.compare import MISSING, config_fields, table
from core.tracking.curves import run_curves
from core.tracking.lineage import lineage
from core.tracking.search import search
from core.tracking.store.mlflow_reader import row_of
from core.tracking.store.records import record_of
from tests.integration.test_pages import opened, texts

PAGE = "pages/compare_runs.py"


def foreign(points=30):
    """A run as any other program would log it."""
    client = store.client()
    experiment = client.create_experiment("elsewhere")
    run = client.create_run(experiment, run_name="theirs")
    for step in range(points):
        client.log_metric(run.info.run_id, "train_loss", math.exp(-step), step=10 * step)
    client.log_metric(run.info.run_id, "accuracy", 0.5, step=3)
    client.log_param(run.info.run_id, "batch", 32)
    client.set_terminated(run.info.run_id)
    return run.info.run_id


def test_reading_the_file_gives_what_mlflow_gives():
    bulk(40)
    run_id = foreign()
    store.client().log_batch(run_id, [Metric("odd", value, 0, step) for step, value in enumerate((1.0, math.inf))])
    client = store.client()
    names = {item.experiment_id: item.name for item in client.search_experiments()}
    page = client.search_runs(list(names), order_by=["attributes.start_time DESC"])
    theirs = {run.info.run_id: record_of(row_of(run, names[run.info.experiment_id])) for run in page}
    ours = {record.run_id: record for record in store.runs()}
    assert ours.keys() == theirs.keys()
    assert len(ours) == 41
    for run_id, record in ours.items():
        np.testing.assert_equal(vars(record), vars(theirs[run_id]))


def test_what_is_written_is_seen_at_once():
    run_id = fill(1, points=10)[0]
    assert store.runs()[0].state == "finished"
    store.set_state(run_id, "failed")
    assert store.runs()[0].state == "failed"
    store.client().delete_run(run_id)
    assert store.runs() == []


@pytest.mark.parametrize(
    "clause",
    [
        "metrics.max_residual < 1e-3",
        "metrics.max_residual >= 1e-3 and params.seed != '7'",
        "params.`problem.kind` LIKE 'pois%'",
        "tags.lab.state = 'crashed'",
        "tags.`lab.problem` ILIKE '%BURGERS%'",
        "attributes.status = 'FAILED'",
        "attributes.status != 'FINISHED'",
        "run_name LIKE 'sample-0000%'",
        "params.hyper_3 IS NULL",
        "attributes.start_time > 0",
        "dataset.name = 'none'",
    ],
)
def test_a_filter_finds_what_mlflow_finds(clause):
    bulk(50)
    ours = {record.run_id for record in search(store.runs(), clause)}
    theirs = store.search_ids(clause)
    # MLflow's SQL takes a stored NaN for zero; here NaN matches nothing
    nan = {r.run_id for r in store.runs() if math.isnan(r.metrics.get("max_residual", 0.0))} if "<" in clause else set()
    assert ours == theirs - nan
    assert "dataset" in clause or ours


@pytest.mark.parametrize(
    "clause", ["metrics.x <", "metrics.x = 'a'", "loss < 1", "params.a LIKE", "metrics.a < 1 or 2"]
)
def test_a_broken_filter_says_why(clause):
    bulk(3)
    with pytest.raises(LabError, match="This filter can't be read"):
        search(store.runs(), clause)


def test_a_broken_filter_keeps_the_old_result_on_the_page():
    bulk(30)
    app = opened(PAGE)
    app.text_input[0].set_value("finished").run()
    before = next(text for text in (item.value for item in app.caption) if "of 30 runs" in text)
    app.text_input[0].set_value("metrics.loss <").run()
    assert not app.exception, app.exception
    assert any("can't be read" in item.value for item in app.error)
    assert before in texts(app)


def test_a_deleted_run_of_a_permalink_is_named_and_the_others_are_drawn():
    added = fill(4, points=30)
    store.client().delete_run(added[1])
    app = opened(PAGE, runs=f"{added[0][:12]}.0,{added[1][:12]}.1,{added[2][:12]}.2")
    assert not app.exception, app.exception
    assert any(added[1][:12] in item.value for item in app.warning)
    assert "2 chosen" in texts(app)


@pytest.mark.parametrize("view", ["Curves", "Configs", "Parallel", "Scatter", "Groups"])
@pytest.mark.parametrize("how", ["last", "lowest", "at checkpoint"])
def test_every_view_draws_runs_of_every_kind(view, how):
    ids = bulk(20)
    long_history(ids[0], 5000)
    run_id = foreign()
    chosen = ",".join(f"{i[:12]}.{k}" + "*" * (k == 1) for k, i in enumerate([*ids[:9], run_id]))
    app = opened(PAGE, runs=chosen, view=view, how=how, sort="max |R|")
    assert not app.exception, app.exception
    assert not app.error
    assert app.segmented_control(key="view").value == view


def test_values_are_the_last_the_lowest_or_that_of_the_checkpoint():
    run_id = fill(1, points=10)[0]
    client = store.client()
    for step, value in enumerate((5.0, 1.0, math.nan, 3.0, 4.0)):
        client.log_metric(run_id, "m", value, step=step)
    client.set_tag(run_id, "lab.checkpoint.step", "3")
    records = store.runs()
    found = {
        how: table(records, ["metrics.m"], how)["metrics.m"].iloc[0] for how in ("last", "min", "max", "at-checkpoint")
    }
    assert found == {"last": 4.0, "min": 1.0, "max": 5.0, "at-checkpoint": 3.0}


def test_only_differing_fields_are_shown_and_a_missing_one_is_not_an_empty_one():
    fill(2, points=10)
    records = store.runs()
    fields = config_fields(records)
    assert "seed" in fields
    assert "device" not in fields
    assert all(a is MISSING or b is MISSING or a != b for a, b in fields.values())
    assert "device" in config_fields(records, only_differing=False)


def test_curves_come_from_the_artifact_and_then_from_mlflow():
    moved = fill(2, points=60)[1]
    history = home().run_dir(moved) / "history.arrows"
    whole = run_curves(run_folder(moved))
    whole.update()
    store.client().log_artifact(moved, str(history))
    history.unlink()
    fetched = run_curves(run_folder(moved))
    fetched.update()
    assert fetched.source == "history"
    np.testing.assert_array_equal(fetched.column("loss"), whole.column("loss"))
    theirs = run_curves(run_folder(foreign()))
    theirs.update()
    assert theirs.source == "MLflow"
    assert theirs.curve_names() == ["train_loss"]
    x, y = theirs.points("train_loss")
    assert x[-1] == 290
    assert y[:2] == pytest.approx([1.0, math.exp(-1)])
    assert len(theirs.points("no such")[0]) == 0


def test_two_people_cannot_overwrite_each_others_note():
    run_id = fill(1, points=10)[0]
    seen_by_both = note_of(run_id)
    set_note(run_id, "first", seen_by_both)
    with pytest.raises(ConflictError) as conflict:
        set_note(run_id, "second", seen_by_both)
    assert conflict.value.current == "first"
    assert note_of(run_id) == "first"
    set_note(run_id, "second", conflict.value.current)
    assert note_of(run_id) == "second"
    with pytest.raises(LabError, match="characters"):
        set_note(run_id, "x" * 6000, "second")
    assert search(store.runs(), "second")[0].run_id == run_id


def test_the_note_dialog_keeps_both_texts_in_a_conflict():
    def page():
        from core.tracking import store as runs
        from pages.parts.compare.annotate import annotate

        annotate(runs.runs())

    run_id = fill(1, points=10)[0]
    app = AppTest.from_function(page, default_timeout=30).run()
    app.text_area[0].set_value("mine").run()
    set_note(run_id, "theirs", "")
    next(button for button in app.button if button.label == "Save note").click().run()
    assert not app.exception, app.exception
    assert any("Someone else" in item.value for item in app.warning)
    assert app.text_area[0].value == "mine"
    assert app.code[0].value == "theirs"
    assert note_of(run_id) == "theirs"
    next(button for button in app.button if button.label == "Save mine over it").click().run()
    assert note_of(run_id) == "mine"


def test_tags_of_people_come_and_go_and_those_of_programs_stay():
    run_id = fill(1, points=10)[0]
    add_tag([run_id], "campaign", "IPM n=1")
    assert search(store.runs(), "ipm")[0].run_id == run_id
    remove_tag([run_id], "campaign")
    assert search(store.runs(), "ipm") == []
    for name in ("lab.state", "mlflow.user", "", "../x", "a\nb"):
        with pytest.raises(LabError):
            add_tag([run_id], name, "x")
    with pytest.raises(LabError):
        remove_tag([run_id], "lab.state")


def test_a_lineage_goes_both_ways_names_deleted_parents_and_cuts_circles():
    a, b, c, d, e = fill(5, points=10)
    client = store.client()
    for child, parent in ((b, a), (c, b), (d, b)):
        client.set_tag(child, "mlflow.parentRunId", parent)
    nodes = {node.run_id: node for node in lineage(c)}
    assert [nodes[i].column for i in (a, b, c, d)] == [0, 1, 2, 2]
    assert nodes[b].row == (nodes[c].row + nodes[d].row) / 2
    client.delete_run(a)
    assert {node.run_id: node for node in lineage(d)}[a].state == "deleted"
    client.set_tag(e, "mlflow.parentRunId", e)
    assert [node.run_id for node in lineage(e)] == [e]
