"""A first visit: an empty lab offers a tour that leads over four pages, and is ended for good by one button."""

import pytest

from core import jobs
from core.home import home
from core.presets import tour as presets
from core.settings import settings
from pages.parts.tour import strip
from tests.integration.test_pages import opened, texts
from tests.stand_in import submit, until_state


@pytest.fixture(autouse=True)
def nobody_was_here(monkeypatch):
    monkeypatch.setattr(strip, "_over", set())


def buttons(app):
    return {button.label: button for button in app.button}


def test_it_leads_from_page_to_page_and_is_over_with_a_run_of_ones_own(lab, monkeypatch):
    chosen = [config.model_copy(update={"name": name}) for config, name in zip(presets.tour_runs(), "ab", strict=True)]
    monkeypatch.setattr(strip, "tour_runs", lambda: chosen)
    app = opened("pages/launch_runs.py")
    app = buttons(app)["Start the tour"].click().run()
    assert not app.exception, app.exception
    first, second = (job.run_id for job in sorted(jobs.queue(), key=lambda job: job.submitted))
    for run_id in (first, second):
        until_state(run_id, "finished")
    steps = {"watch_runs": 2, "compare_runs": 4, "launch_runs": 1}
    for page, step in steps.items():
        app = opened(f"pages/{page}.py", run=first)
        assert not app.exception, app.exception
        assert f"Tour, {step} of 4" in texts(app)
    assert "Tour" not in texts(opened("pages/data_sets.py"))
    submit("steps=1")
    assert "Tour" not in texts(opened("pages/watch_runs.py"))


def test_it_is_ended_for_good(lab):
    app = buttons(opened("pages/watch_runs.py"))["No, thanks"].click().run()
    assert "Start the tour" not in buttons(app)
    assert not settings().tour
    assert "Start the tour" not in buttons(opened("pages/launch_runs.py")), "another visitor has it back"


def test_a_settings_file_at_fault_is_left_as_it_is(lab):
    path = home().ensure().settings_file
    path.write_text("slots: {cpu: many}\n")
    app = buttons(opened("pages/watch_runs.py"))["No, thanks"].click().run()
    assert "Start the tour" not in buttons(app)
    assert path.read_text() == "slots: {cpu: many}\n"
