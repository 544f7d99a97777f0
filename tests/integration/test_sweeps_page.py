"""Sweeps on Launch and on their page: chosen beside a field, refused in a line, looked at, stopped, gone on from."""

import time

import pytest

from core import sweeps
from core.jobs import sweeping
from core.jobs.detached import COURIER
from core.jobs.slot_lock import hold
from core.presets import resolve
from core.sweeps.folder import Known, Trial, sweep_folder
from tests.integration.test_pages import opened, texts

DAMPING = "stages.0.optimizer.damping"


@pytest.fixture(autouse=True)
def nobody_works(lab_home, monkeypatch):
    """No sweep's process is started, nor a courier that would: what is known of one is what a test writes."""
    monkeypatch.setattr(sweeping, "PROCESS", ("true",))
    courier = hold(COURIER)
    yield
    courier.close()


def widget(app, kind, label, key=""):
    return next(item for item in app.get(kind) if item.label == label and key in (item.key or ""))


def on_launch():
    app = opened("pages/launch_runs.py")
    assert not [item for item in app.checkbox if item.label == "Sweep"]
    widget(app, "toggle", "Sweep").set_value(True).run()
    assert "Tick Sweep beside a field" in texts(app)
    widget(app, "checkbox", "Sweep", DAMPING).set_value(True).run()
    assert not app.exception, app.exception
    return app


def test_a_field_is_ticked_on_launch_and_the_sweep_is_there():
    app = on_launch()
    what = widget(app, "text_input", "Values", DAMPING)
    assert what.value == "0.001..0.1 log"
    what.set_value("1e-6..1e-2 log").run()
    widget(app, "checkbox", "Sweep", "network.activation").set_value(True).run()
    assert not app.error and "stages.0.optimizer.damping: 1e-06..0.01 log" in texts(app).replace("\\", "")
    widget(app, "button", "Start 24 trials").click().run()
    assert not app.exception, app.exception
    (seen,) = sweeps.sweeps()
    assert [axis.path for axis in seen.sweep.axes] == ["network.activation", DAMPING]
    assert (seen.sweep.axes[1].low, seen.sweep.axes[1].high, seen.sweep.axes[1].log) == (1e-6, 1e-2, True)
    assert seen.known.state == "running"


@pytest.mark.parametrize(("text", "says"), [("-1..1", "greater than"), ("2..1", "lower to the higher"), ("", "empty")])
def test_what_can_t_be_tried_is_said_and_nothing_starts(text, says):
    app = on_launch()
    widget(app, "text_input", "Values", DAMPING).set_value(text).run()
    assert not app.exception, app.exception
    assert any(says in item.value for item in app.error)
    assert widget(app, "button", "Start the sweep").disabled
    assert sweeps.sweeps() == []


def started(known: int = 0, **changes) -> str:
    sweep_id = sweeps.start(resolve("poisson2d-quick"), {DAMPING: "1e-6..1e-2 log"}, trials=24, parallel=2, name="<b>w")
    trials = tuple(
        Trial(k, "finished", {DAMPING: f"1e-{k % 5 + 2}"}, f"{k:032x}", 1e-3 / (k + 1), 1e-4, 1.0) for k in range(known)
    )
    trials += (Trial(known, "running", {DAMPING: "1e-3"}, "f" * 32, None, 1e-2, 0.4),)
    folder = sweep_folder(sweep_id)
    folder.write_known(Known(**{"state": "running", "trials": trials, "updated": time.time(), **changes}))
    return sweep_id


@pytest.mark.parametrize("known", [0, 1, 23])
def test_a_sweep_is_drawn_while_it_runs_and_can_be_stopped(known):
    sweep_id = started(known, importance={DAMPING: 1.0} if known > 4 else {})
    app = opened("pages/sweep_runs.py", sweep=sweep_id)
    assert not app.exception, app.exception
    assert not app.error
    assert f"{known} of 24 finished" in app.get("progress")[0].proto.text
    assert len(app.dataframe[0].value) == known + 1
    widget(app, "button", "Stop the sweep").click().run()
    assert sweep_folder(sweep_id).is_to_stop and sweeps.read(sweep_id).known.state == "stopping"


def test_one_that_failed_says_why_and_goes_on_by_a_click():
    sweep_id = started(3, state="failed", reason="The first 5 trials have all failed.")
    sweep_folder(sweep_id).close()
    app = opened("pages/sweep_runs.py", sweep=sweep_id)
    assert any("The first 5 trials have all failed" in item.value for item in app.error)
    widget(app, "button", "Go on").click().run()
    assert sweep_folder(sweep_id).is_open


def test_a_link_to_a_sweep_that_is_not_there_shows_the_newest():
    started()
    app = opened("pages/sweep_runs.py", sweep="../../etc")
    assert not app.exception and "is not in this lab" in texts(app)


def test_watch_shows_the_sweeps_that_go_on():
    from benchmarks.sample_store import fill

    fill(1, points=20)
    sweep_id = started(2)
    app = opened("pages/watch_runs.py")
    assert not app.exception, app.exception
    assert "2 of 24 finished" in texts(app)
    widget(app, "button", "Stop", sweep_id).click().run()
    assert sweep_folder(sweep_id).is_to_stop


def test_one_that_is_over_is_deleted_by_a_click_undone_and_restored_from_the_bin():
    sweep_id = started(3, state="stopped", reason="Stopped by anna.")
    app = opened("pages/sweep_runs.py", sweep=sweep_id)
    assert not [item for item in app.button if item.label == "Delete"]  # it is to go on
    sweep_folder(sweep_id).close()
    app = opened("pages/sweep_runs.py", sweep=sweep_id)
    assert "goes to the bin" in texts(app) and "No run of its trials is left." in texts(app)
    widget(app, "button", "Delete").click().run()
    assert not app.exception and sweeps.sweeps() == []
    assert "is in the bin" in app.success[0].value and "No sweeps yet" in texts(app)
    widget(app, "button", "Undo").click().run()
    assert [seen.sweep_id for seen in sweeps.sweeps()] == [sweep_id] and "is back" in app.success[0].value
    widget(app, "button", "Delete").click().run()
    widget(app, "button", "Bin 1").click().run()
    assert "gone for good 14 days after that" in texts(app)
    assert widget(app, "button", "Restore", sweep_id) and widget(app, "button", "Delete for good", sweep_id)


def test_a_failed_sweep_shows_why_and_no_figures_that_will_never_come():
    sweep_id = started(0, state="failed", reason="5 trials have failed and none has not.")
    folder = sweep_folder(sweep_id)
    failed = tuple(Trial(k, "failed", {DAMPING: "1e-3"}, f"{k:032x}", reason="It broke.") for k in range(5))
    folder.write_known(Known("failed", "5 trials have failed and none has not.", failed, updated=time.time()))
    folder.close()
    app = opened("pages/sweep_runs.py", sweep=sweep_id)
    assert not app.exception and "first trial's residuals" not in texts(app)
    assert list(app.dataframe[0].value.columns) == ["trial", "state", "damping", "why"]
