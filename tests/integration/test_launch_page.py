"""Launch with a queue around it: a waiting run edited, a run copied, runs after others, batches."""

import pytest

from core import jobs
from core.config import override
from core.jobs import actions, table, waiting
from core.presets import resolve
from core.tracking import store
from core.tracking.tags import COPY_TAG
from tests.integration.test_pages import opened, texts

PAGE = "pages/launch_runs.py"


@pytest.fixture(autouse=True)
def nobody_works(monkeypatch):
    """No worker is started: runs wait."""
    monkeypatch.setattr(actions, "refresh", waiting.settle)


def submit(*settings, **options):
    return jobs.submit(override(resolve("poisson2d-quick"), list(settings)), **options)


def widget(app, kind, label):
    return next(item for item in app.get(kind) if item.label == label)


def test_a_waiting_run_is_edited_on_the_form():
    run = submit("name=waits", "seed=3")
    app = opened(PAGE, edit=run[:12])
    assert not app.exception, app.exception
    assert "Changes the waiting run waits" in texts(app)
    assert widget(app, "number_input", "Seed").value == 3
    assert widget(app, "button", "Save the change").disabled
    widget(app, "number_input", "Seed").set_value(4).run()
    assert "1 changed against the queued run" in texts(app)
    assert table.get(run).revision == 0
    widget(app, "button", "Save the change").click().run()
    assert not app.exception, app.exception
    assert jobs.status(run).folder.config().config.seed == 4
    assert [job.run_id for job in jobs.queue()] == [run]


def test_what_somebody_else_saved_meanwhile_is_shown_and_nothing_typed_is_lost():
    run = submit("seed=3")
    app = opened(PAGE, edit=run)
    widget(app, "number_input", "Seed").set_value(4).run()
    jobs.edit(run, override(resolve("poisson2d-quick"), ["seed=3", "network.hidden=[8]"]), 0)
    widget(app, "button", "Save the change").click().run()
    assert not app.exception, app.exception
    assert any("meanwhile" in item.value and "hidden" in item.value for item in app.error)
    assert widget(app, "number_input", "Seed").value == 4
    assert "2 changed against the queued run" in texts(app)  # theirs, too: saving now would undo it, knowingly
    widget(app, "button", "Save the change").click().run()
    saved = jobs.status(run).folder.config().config
    assert (saved.seed, saved.network.hidden, table.get(run).revision) == (4, (32, 32), 2)


def test_a_run_that_began_while_it_was_edited_is_unchanged_and_the_form_keeps_what_was_typed():
    run = submit("seed=3")
    app = opened(PAGE, edit=run)
    widget(app, "number_input", "Seed").set_value(4).run()
    table.update(run, state="running")
    widget(app, "button", "Save the change").click().run()
    assert not app.exception, app.exception
    assert any("is running and does not wait" in item.value for item in app.error)
    assert widget(app, "number_input", "Seed").value == 4
    assert jobs.status(run).folder.config().config.seed == 3
    again = opened(PAGE, edit=run)
    assert any("does not wait" in item.value for item in again.error)
    assert widget(again, "button", "Launch")
    table.update(run, state="stopped")


def test_a_copy_is_launched_under_its_own_name_and_known_as_one():
    run = submit("name=first", "seed=3")
    table.update(run, state="stopped")
    app = opened(PAGE, duplicate=run)
    assert widget(app, "text_input", "Name").value == "first copy"
    assert "A copy of first" in texts(app)
    widget(app, "button", "Launch").click().run()
    assert not app.exception, app.exception
    copy = next(job.run_id for job in jobs.queue() if job.run_id != run)
    record = store.get_run(copy)
    assert (record.name, record.tags[COPY_TAG], record.params["seed"]) == ("first copy", run, "3")


def test_a_run_is_launched_to_start_from_another_one_that_waits():
    first = submit("name=first")
    app = opened(PAGE)
    assert "starts at once" in texts(app)
    widget(app, "selectbox", "Start after").set_value(first).run()
    widget(app, "checkbox", "from its best checkpoint").check().run()
    assert "once first has finished, from its best checkpoint" in texts(app)
    widget(app, "number_input", "Priority").set_value(3).run()
    widget(app, "button", "Launch").click().run()
    assert not app.exception, app.exception
    job = next(job for job in jobs.queue() if job.run_id != first)
    assert (job.after_run, job.priority, job.folder.config().config.parent) == (first, 3, first)
    assert "starts once first" in jobs.waits_because(job, jobs.capacity())


def test_a_batch_is_shown_before_it_is_launched():
    app = opened(PAGE)
    widget(app, "selectbox", "Field").set_value("seed").run()
    widget(app, "text_input", "Values").set_value("5..7").run()
    names = [f"poisson2d-quick seed={seed}" for seed in (5, 6, 7)]
    assert "\n".join(names) in [item.value for item in app.code]
    widget(app, "text_input", "Values").set_value("1,,2").run()
    assert any("empty value" in item.value for item in app.error)
    assert widget(app, "button", "Launch").disabled
    widget(app, "text_input", "Values").set_value("5..7").run()
    widget(app, "toggle", "Hold").set_value(True).run()
    widget(app, "button", "Launch 3 runs").click().run()
    assert not app.exception, app.exception
    queued = jobs.queue(states=["queued"])
    assert [job.name for job in queued] == names
    assert all(job.held and job.batch == "poisson2d-quick" for job in queued)


def test_a_batch_goes_row_by_row_where_that_is_asked_for():
    app = opened(PAGE)
    widget(app, "selectbox", "Field").set_value("seed").run()
    widget(app, "text_input", "Values").set_value("5,6").run()
    next(item for item in app.selectbox if item.key == "launch.vary.1").set_value("network.hidden").run()
    next(item for item in app.text_input if item.key == "launch.values.network.hidden").set_value("[8],[9]").run()
    assert widget(app, "button", "Launch 4 runs")
    widget(app, "toggle", "Row by row").set_value(True).run()
    assert not app.exception, app.exception
    assert widget(app, "button", "Launch 2 runs")
    assert "poisson2d-quick seed=5 hidden=[8]\npoisson2d-quick seed=6 hidden=[9]" in [item.value for item in app.code]


def test_a_waiting_run_s_own_view_offers_what_can_be_done_with_it():
    run = submit("name=waits")
    app = opened("pages/watch_runs.py", run=run)
    links = [item.proto.label for item in app.get("page_link")]
    assert {"Edit", "Duplicate"} <= set(links) and "Replay" not in links
    widget(app, "button", "Hold").click().run()
    assert table.get(run).held
    widget(app, "button", "Release").click().run()
    assert not app.exception, app.exception
    assert not table.get(run).held


def test_empty_optional_lists_are_none_and_what_has_no_default_is_asked_for():
    app = opened(PAGE)
    assert not app.error
    widget(app, "toggle", "Chebyshev").set_value(True).run()
    assert not app.exception, app.exception
    assert any("degrees" in item.value for item in app.error)
    assert widget(app, "button", "Launch").disabled
    widget(app, "text_input", "Degrees").set_value("9, 9").run()
    assert not app.error
    widget(app, "button", "Launch").click().run()
    assert not app.exception, app.exception
    (stage,) = jobs.queue()[0].folder.config().config.stages
    assert (stage.chebyshev.degrees, stage.collocation.shape) == ((9, 9), None)


def test_windows_are_a_field_of_problems_whose_time_can_be_cut():
    run = jobs.submit(override(resolve("typed-heat"), ["growth=null", "windows.count=4"]))
    app = opened(PAGE, edit=run)
    assert not app.exception, app.exception
    assert widget(app, "toggle", "Windows").value is True
    assert widget(app, "text_input", "Count").value == "4"
    widget(app, "text_input", "Count").set_value("6").run()
    widget(app, "button", "Save the change").click().run()
    assert not app.exception, app.exception
    assert jobs.status(run).folder.config().config.windows.count == 6
    app = opened(PAGE, edit=submit("seed=3"))  # which has no time
    assert not [item for item in app.toggle if item.label == "Windows"]


def test_growth_is_a_field_where_features_may_grow_and_never_hidden():
    run = jobs.submit(resolve("helmholtz"))
    app = opened(PAGE, edit=run)
    assert not app.exception, app.exception
    assert widget(app, "toggle", "Growth").value is True
    widget(app, "text_input", "Seconds").set_value("60").run()
    widget(app, "button", "Save the change").click().run()
    assert not app.exception, app.exception
    assert jobs.status(run).folder.config().config.growth.seconds == 60
    app = opened(PAGE, edit=run)
    widget(app, "toggle", "Growth").set_value(False).run()
    widget(app, "button", "Save the change").click().run()
    assert jobs.status(run).folder.config().config.growth is None
    app = opened(PAGE, edit=jobs.submit(resolve("gclm")))  # whose λ is unknown
    assert not [item for item in app.toggle if item.label == "Growth"]
