"""The best run by its rule, its link to a next stage, and replays that prove themselves."""

import math

import numpy as np
import pytest
from mlflow.entities import Metric
from streamlit.testing.v1 import AppTest

from core import jobs
from core.config import differences, override
from core.errors import LabError
from core.execution.execute import execute
from core.home import home
from core.presets import resolve
from core.runs import run_folder
from core.runs.history import HistoryWriter
from core.tracking import store
from core.tracking.best import Rule, get_best_run, ranking
from core.tracking.verify import verify
from tests.integration.test_pages import ROOT

SMALL = [
    "network.hidden=[8, 8]",
    "stages.0.warmup.iterations=10",
    "stages.0.iterations=12",
    "stages.0.collocation.points=80",
]
SMALL_SECOND_STAGE = ["stages.1.fourier.features=30", "stages.1.collocation.points=300"]


def short(preset):
    """A preset cut down to what takes a moment: all of its stages, none of its accuracy."""
    config = override(resolve(preset), SMALL)
    return override(config, SMALL_SECOND_STAGE) if len(config.stages) > 1 else config


def run_with(value, state="finished", name="r"):
    run_id = store.create_run(override(resolve("poisson2d-quick"), [f"name={name}"]))
    if value is not None:
        store.client().log_batch(run_id, [Metric("m", value, 0, 0)])
    store.set_state(run_id, state)
    return run_id


def test_nan_infinite_missing_and_unfinished_never_win():
    run_with(math.nan)
    run_with(math.inf)
    run_with(None)
    run_with(1e-9, state="failed")
    good = run_with(1e-3)
    better = run_with(1e-5)
    tied = run_with(1e-5)
    assert [record.run_id for record in ranking(Rule("m"))] == [better, tied, good]
    assert get_best_run("m").run_id == better
    assert get_best_run("m", "max").run_id == good
    assert ranking(Rule("m", states=("failed",)))[0].value == 1e-9
    with pytest.raises(LabError, match="finite 'nothing'"):
        get_best_run("nothing")


def test_a_best_run_without_a_checkpoint_is_not_linked():
    best = run_with(1e-5)
    with pytest.raises(LabError, match="no checkpoint"):
        get_best_run("m", auto_link=True)
    assert "lab.next_stage_parent" not in store.get_run(best).tags


def test_linked_run_opens_the_form_as_its_next_stage():
    run_id = jobs.begin_here(override(resolve("poisson2d-quick"), SMALL))
    execute(run_folder(run_id), 1)
    assert get_best_run("dense_max_residual", auto_link=True).run_id == run_id
    assert store.get_run(run_id).tags["lab.next_stage_parent"] == "true"
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["parent"] = run_id
    app.run()
    assert not app.exception
    assert [item.value for item in app.error] == []
    data = app.session_state["launch.data"]
    assert data["parent"] == run_id
    assert data["stages"][0]["fourier"] is not None
    assert any(run_id[:12] in item.value for item in app.caption)


def test_replay_fills_the_form_and_tells_what_was_changed():
    run_id = jobs.begin_here(override(resolve("poisson2d-quick"), SMALL))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["replay"] = run_id
    app.run()
    assert any("as in the source" in item.value for item in app.caption)
    assert store.run_config(run_folder(run_id)).hash.startswith(app.code[0].value)
    next(item for item in app.text_input if item.label == "Hidden").set_value("9, 8").run()
    changes = app.table[0].value
    assert changes.values.tolist() == [["network · hidden", "8, 8", "9, 8"]]
    next(item for item in app.button if "Back to" in item.label).click().run()
    assert store.run_config(run_folder(run_id)).hash.startswith(app.code[0].value)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["replay"] = "0" * 32
    app.run()
    assert not app.exception
    assert any("There is no run" in item.value for item in app.error)


@pytest.mark.parametrize("preset", ["poisson2d-quick", "poisson3d", "burgers-profile"])
def test_a_rerun_is_bit_identical(preset):
    config = short(preset)
    first, second = jobs.begin_here(config), jobs.begin_here(config)
    execute(run_folder(first), 1)
    execute(run_folder(second), 1)
    verdict = verified(first, second)
    assert verdict.outcome == "bit-identical", verdict.sentence()
    assert not any(fact.differs for fact in verdict.environment)
    other = jobs.begin_here(override(config, ["seed=1"]))
    execute(run_folder(other), 1)
    verdict = verified(first, other)
    assert verdict.outcome == "different"
    assert verdict.from_iteration == 1


def verified(source, rerun):
    """The verdict on two runs by their ids."""
    return verify(run_folder(source), run_folder(rerun))


def curves_of(run_id, losses):
    folder = home().run_dir(run_id)
    folder.mkdir(parents=True, exist_ok=True)
    writer = HistoryWriter(folder / "history.arrows", ())
    for i, loss in enumerate(losses):
        writer.append(iteration=i + 1, stage=0, phase=1, loss=loss)
    writer.close()


def test_verdicts():
    a, b, c, d = (run_with(1.0) for _ in range(4))
    base = np.geomspace(1, 1e-6, 50)
    near = base.copy()
    near[30:] *= 1 + 1e-9
    curves_of(a, base)
    curves_of(b, near)
    curves_of(c, base[:40])
    verdict = verified(a, b)
    assert (verdict.outcome, verdict.from_iteration) == ("within tolerance", 31)
    assert verdict.largest == pytest.approx(1e-9, rel=1e-3)
    shorter = verified(a, c)
    assert (shorter.outcome, shorter.from_iteration) == ("different", 41)
    with pytest.raises(LabError, match="no history"):
        verified(a, d)


def test_differences_are_typed_and_leave_the_name_out():
    before = resolve("poisson2d-quick")
    after = override(before, ["name=other", "seed=3", "network.hidden=[4]", "stages.0.target_residual=null"])
    found = {item.field: (item.before, item.after) for item in differences(before, after)}
    assert found == {
        "seed": (0, 3),
        "network.hidden": ([32, 32], [4]),
        "stages.0.target_residual": (1e-5, None),
    }
    longer = differences(before, resolve("poisson2d"))
    assert any(item.field.startswith("stages.1.") and item.before is None for item in longer)
