"""A sweep from a tick on Launch to its best trial as the parent of a next stage, in a real browser with real runs."""

import re

import pytest
from playwright.sync_api import Page, expect

from core import sweeps
from core.runs import run_folder
from tests.e2e.conftest import settled

pytestmark = [pytest.mark.e2e, pytest.mark.proof]


def test_a_sweep_is_ticked_started_followed_and_its_best_trial_becomes_a_parent(server, page: Page):
    page.set_default_timeout(300_000)
    page.goto(server.url)
    expect(page.get_by_role("button", name="Launch", exact=True)).to_be_enabled(timeout=180_000)
    settled(page)
    page.get_by_test_id("stCheckbox").filter(has_text="Sweep").first.click()  # the switch
    settled(page)
    field = page.get_by_test_id("stVerticalBlock").filter(has=page.get_by_text("Activation", exact=True)).last
    field.get_by_test_id("stCheckbox").filter(has_text="Sweep").click()
    settled(page)
    expect(field.get_by_role("textbox", name="Values")).to_have_value("tanh, sine")
    page.get_by_text("grid", exact=True).first.click()
    settled(page)
    page.get_by_role("button", name="Start 2 trials").click()
    page.wait_for_url("**/sweeps?sweep=*")
    expect(page.get_by_text("2 of 2 finished").first).to_be_visible(timeout=600_000)
    (seen,) = sweeps.sweeps()
    assert sorted(trial.values["network.activation"] for trial in seen.known.trials) == ["sine", "tanh"]
    settled(page)
    expect(page.get_by_text("Trial", exact=False).first).to_be_visible()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    page.get_by_role("button", name="Link as parent").click()
    page.wait_for_url(re.compile(f"launch.*parent={seen.known.best.run_id}|\\?parent={seen.known.best.run_id}"))
    assert run_folder(seen.known.best.run_id).has_checkpoint
