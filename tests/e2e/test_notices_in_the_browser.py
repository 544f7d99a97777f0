"""The bell in Chromium: what happens while somebody is there is toasted once, counted until seen, and listed."""

import pytest
from playwright.sync_api import expect

from benchmarks.sample_store import fill
from core.config import RunConfig
from core.jobs import table
from core.runs import run_folder
from tests.e2e.conftest import settled

pytestmark = pytest.mark.e2e

NAME = "<b>night</b> *run*"


def end(run_id, state):
    config = RunConfig(problem={"kind": "poisson2d"}, name=NAME)
    run_folder(run_id).create(config)
    table.insert(run_id, config, "local", state="running", attempt=1)
    table.update(run_id, state=state, reason="" if state == "finished" else "Its process was ended by SIGKILL.")


def test_what_happens_is_toasted_counted_and_listed(lab_home, server, page):
    end("a" * 32, "finished")
    page.goto(f"{server.url}/datasets")
    settled(page)
    count, toasts = page.locator(".lab-bell-count"), page.locator(".lab-toast")
    with page.expect_response("**/live/notices**"):  # it knows now what was before
        pass
    expect(count).to_be_hidden()
    title = page.get_by_role("heading", level=1).bounding_box()
    end("b" * 32, "crashed")
    expect(toasts).to_have_count(1)
    expect(toasts.locator("b")).to_have_text(f"Crashed: {NAME}")
    expect(count).to_have_text("1")
    assert page.get_by_role("heading", level=1).bounding_box() == title  # nothing jumps
    page.locator('[data-testid="stTopNavLink"]', has_text="Best run").click()
    settled(page)
    expect(count).to_have_text("1")  # another page is no new visit
    page.reload()
    settled(page)
    expect(count).to_have_text("1")
    expect(toasts).to_have_count(0)
    page.locator(".lab-bell").click()
    expect(page.locator(".lab-notice")).to_have_count(2)
    expect(page.locator(".lab-notice.lab-fresh")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(count).to_be_hidden()
    page.locator(".lab-bell").click()
    page.locator(".lab-notice").first.click()
    page.wait_for_url(f"**/watch?run={'b' * 32}")


def test_a_page_of_a_server_that_was_started_again_works_without_a_reload(lab_home, server, page):
    (run_id,) = fill(1, points=40)
    table.update(run_id, state="paused")
    page.goto(f"{server.url}/watch?run={run_id}")
    settled(page)
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    page.evaluate("window.notReloaded = true")
    server.kill()
    server.start()
    drawn = "window.singularityLabBell.server === window.singularityLabBell.drawnBy"
    began = page.evaluate("window.singularityLabBell.drawnBy")
    page.wait_for_function(f"window.singularityLabBell.drawnBy !== {began!r} && {drawn}")
    settled(page)
    page.get_by_role("button", name="Stop", exact=True).click()  # in a fragment: its server alone knows it
    expect(page.get_by_role("heading", level=3)).to_contain_text("stopped")
    assert page.evaluate("window.notReloaded")
