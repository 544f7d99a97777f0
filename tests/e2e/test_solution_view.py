"""What a visitor of Solution 3D would notice in a real browser without internet."""

import pytest
from playwright.sync_api import expect

from core import jobs
from core.config import override
from core.presets import resolve
from core.runs import run_folder
from tests.e2e.conftest import settled
from tests.e2e.test_run_in_the_browser import colours

pytestmark = pytest.mark.e2e

PLOT = "[...document.querySelectorAll('.js-plotly-plot')].find(e => e.offsetWidth > 100)"


@pytest.fixture
def run_id():
    """A run on the unit cube; it need not be good."""
    from core.execution.execute import execute

    config = resolve("poisson3d")
    short = ["stages.0.warmup.iterations=5", "stages.0.iterations=5", "stages.0.collocation.points=80"]
    made = jobs.begin_here(override(config, [f"stages=[{config.stages[0].model_dump_json()}]", *short]))
    execute(run_folder(made), 1)
    return made


def wait_until(page, condition, what, seconds=60):
    """Like waiting with time.sleep, which would also keep the page's requests and events waiting."""
    for _ in range(4 * seconds):
        if condition():
            return
        page.wait_for_timeout(250)
    raise AssertionError(f"not within {seconds} s: {what}")


def opened(page, server, run_id):
    page.goto(f"{server.url}/solution?run={run_id}")
    settled(page)
    picture = page.locator(".js-plotly-plot:visible").first
    wait_until(page, lambda: picture.count() and colours(picture.screenshot()) > 20, "the quick view")


def test_vtk_view_keeps_its_camera_while_nothing_it_shows_changes(server, run_id, page):
    opened(page, server, run_id)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_text("VTK view", exact=True).click()
    frame = page.locator("iframe#stpyvistaframe")
    expect(frame).to_be_visible(timeout=60_000)
    wait_until(page, lambda: colours(frame.screenshot()) > 20, "the VTK view")
    assert not [url for url in asked if not url.startswith((server.url, "data:", "blob:"))]

    loaded = []
    page.on("framenavigated", lambda moved: loaded.append(moved.url))
    page.get_by_label("Format").click()
    page.get_by_role("option", name=".vts,").click()
    settled(page)
    page.wait_for_timeout(2000)
    assert loaded == []
    page.get_by_text("slices", exact=True).click()
    wait_until(page, lambda: loaded, "the changed scene")

    settled(page)
    for kept in (server.home / "runs" / run_id / "solution").iterdir():
        kept.unlink()
    page.get_by_role("button", name="Download for ParaView").click()
    expect(page.get_by_text("what was sampled is no longer kept")).to_be_visible(timeout=60_000)
    assert f"run={run_id}" in page.url


def test_quick_view_follows_theme_and_width(server, run_id, page):
    opened(page, server, run_id)
    light = page.evaluate(f"() => {PLOT}._fullLayout.font.color")
    width = page.evaluate(f"() => {PLOT}._fullLayout.width")
    page.set_viewport_size({"width": 1800, "height": 1000})
    wait_until(page, lambda: page.evaluate(f"() => {PLOT}._fullLayout.width") > width + 100, "a wider picture")
    page.emulate_media(color_scheme="dark")
    wait_until(page, lambda: page.evaluate(f"() => {PLOT}._fullLayout.font.color") != light, "light ink on dark")


def test_a_chart_that_cannot_be_drawn_says_so(server, run_id, page):
    page.route("**/plotly.min.js*", lambda route: route.abort())
    page.goto(f"{server.url}/solution?run={run_id}")
    expect(page.get_by_text("This chart could not be drawn")).to_be_visible(timeout=60_000)
