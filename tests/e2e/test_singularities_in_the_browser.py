"""The Singularities page in a real browser: charts that draw, a blow-up that plays, an address that comes back."""

import pytest
from playwright.sync_api import expect

from core import jobs
from core.config import override, parse_config
from core.presets import resolve
from core.runs import run_folder
from tests.e2e.conftest import settled
from tests.e2e.test_solution_view import wait_until

pytestmark = pytest.mark.e2e

LAST_PLOT = "[...document.querySelectorAll('.js-plotly-plot')].filter(e => e.offsetWidth > 100).pop()"


@pytest.fixture
def run_id():
    """A search of a few iterations; it need not be good."""
    from core.execution.execute import execute

    config = resolve("burgers-profile")
    short = ["stages.0.warmup.iterations=5", "stages.0.iterations=8", "stages.0.collocation.points=80"]
    made = jobs.begin_here(override(config, [f"stages=[{config.stages[0].model_dump_json()}]", *short]))
    execute(run_folder(made), 1)
    return made


def test_a_blow_up_plays_and_the_next_order_is_a_click_away(common, run_id, page):
    page.goto(f"{common.url}/singularities")
    settled(page)
    expect(page.get_by_text("beyond the training reach")).to_be_visible(timeout=60_000)
    wait_until(page, lambda: page.evaluate(f"() => Boolean({LAST_PLOT}?._transitionData?._frames?.length)"), "frames")
    assert run_id in page.url
    slider = f"() => {LAST_PLOT}._fullLayout.sliders[0].active"
    drawn = f"() => Array.from({LAST_PLOT}.data[2].y)"
    begin = page.evaluate(drawn)
    assert page.evaluate(slider) == 0
    page.locator(".updatemenu-button").first.click()
    wait_until(page, lambda: page.evaluate(slider) > 10, "the animation")
    assert page.evaluate(drawn) != begin
    page.get_by_role("button", name="Launch the next order from here").click()
    expect(page.get_by_text("as a warm start")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("spinbutton", name="Order n")).to_have_value("1", timeout=60_000)


def test_a_blow_up_above_a_wall_plays_as_contours_and_as_a_height(common, page):
    from core.execution.execute import execute

    stage = {"chebyshev": {"degrees": [6, 6]}, "iterations": 2, "collocation": {"points": 81}}
    made = jobs.begin_here(parse_config({"problem": {"kind": "ipm"}, "stages": [stage]}))
    execute(run_folder(made), 1)
    page.goto(f"{common.url}/singularities?run={made}")
    settled(page)
    wait_until(page, lambda: page.evaluate(f"() => Boolean({LAST_PLOT}?._transitionData?._frames?.length)"), "frames")
    drawn = f"() => {LAST_PLOT}._fullData.map(trace => Math.max(...Array.from(trace.z, row => Math.max(...row))))"
    begin = page.evaluate(drawn)
    page.locator(".updatemenu-button").first.click()
    wait_until(page, lambda: page.evaluate(f"() => {LAST_PLOT}._fullLayout.sliders[0].active") > 10, "the animation")
    assert all(later > first for first, later in zip(begin, page.evaluate(drawn), strict=True))  # ω grows, in both
