"""An old run found, trained again and verified in a real browser, with a reload on the way."""

import re

import pytest
from playwright.sync_api import Page, expect

from core import jobs
from core.config import override
from core.execution.execute import execute
from core.presets import resolve
from core.replay import REPLAY_TAG
from core.runs import run_folder
from core.tracking import store
from tests.e2e.conftest import settled
from tests.integration.test_best_and_replay import SMALL

pytestmark = pytest.mark.e2e


def test_a_rerun_is_verified_and_survives_a_reload(common, page: Page):
    source = jobs.begin_here(override(resolve("poisson2d-quick"), SMALL))
    execute(run_folder(source), 1)
    page.goto(f"{common.url}/replay")
    settled(page)
    find = page.get_by_role("textbox", name="Find a run")
    find.fill(source[:8])
    find.press("Enter")
    page.wait_for_url(re.compile(f"run={source}"))
    page.get_by_role("button", name="Verify by a rerun").click()
    page.wait_for_url(re.compile("rerun=[0-9a-f]{32}"))
    rerun = re.search("rerun=([0-9a-f]{32})", page.url)[1]
    assert store.get_run(rerun).tags[REPLAY_TAG] == source
    page.reload()
    settled(page)
    expect(page.get_by_text("bit-identical over 22 iterations")).to_be_visible(timeout=90_000)
    expect(page.get_by_text("CPU instructions").last).to_be_visible()
    expect(page.locator(".js-plotly-plot .legendtext").filter(has_text="rerun")).to_be_visible()

    page.get_by_role("button", name="Fill the Launch form").click()
    expect(page.get_by_text("Every field as in the source.")).to_be_visible()
    seed = page.get_by_role("spinbutton", name="Seed")
    seed.fill("3")
    seed.press("Enter")
    expect(page.get_by_text("1 changed against the source:")).to_be_visible()
    page.get_by_role("button", name="Back to the values of the source").click()
    expect(page.get_by_text("Every field as in the source.")).to_be_visible()
    same = jobs.status(source).config_hash
    assert len([job for job in jobs.queue() if job.config_hash == same]) == 2
