"""Watch in Chromium: what can be done to a run stands in one row, and the list beside it shows all of its columns."""

import pytest

from benchmarks.sample_store import fill
from core.jobs import table
from core.runs import run_folder
from tests.e2e.conftest import settled

pytestmark = pytest.mark.e2e

BUTTONS = '[data-testid="stButton"] button, [data-testid="stPageLink"] a'
HIDDEN = """() => {
    const grid = document.querySelector('[data-testid="stDataFrame"] .dvn-scroller');
    return grid.scrollWidth - grid.clientWidth;
}"""


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080)])
def test_the_head_is_one_row_and_no_column_is_hidden(lab_home, server, page, width, height):
    for run_id in fill(12, points=40):  # a paused run with a checkpoint has the most buttons
        table.update(run_id, state="paused")
        checkpoint = run_folder(run_id).last
        checkpoint.parent.mkdir(exist_ok=True)
        checkpoint.touch()
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{server.url}/watch")
    page.wait_for_selector(".js-plotly-plot .trace")
    settled(page)
    main = page.get_by_test_id("stMain")
    boxes = {item.inner_text(): item.bounding_box() for item in main.locator(BUTTONS).all()}
    names = ("Stop", "Resume", "Replay", "Solution 3D")
    middles = [
        box["y"] + box["height"] / 2
        for text, box in boxes.items()
        if any(text.endswith(name) for name in names)  # an icon's name stands before the text
    ]
    assert len(middles) == len(names)
    assert max(middles) - min(middles) < 3
    title = main.get_by_role("heading", level=3).bounding_box()
    assert title["y"] < middles[0] < title["y"] + title["height"]
    assert page.evaluate(HIDDEN) == 0
