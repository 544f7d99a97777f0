"""Compare in Chromium: ticks go to the URL, a permalink restores the view, nothing moves that was not touched."""

from urllib.parse import parse_qs, urlparse

import pytest

from benchmarks.bulk_store import bulk, long_history
from tests.e2e.conftest import settled

pytestmark = pytest.mark.e2e

TRACES = "() => document.querySelector('.js-plotly-plot')?._fullData?.filter((t) => t.mode === 'lines').length"
COLOURS = """() => Object.fromEntries(
    document.querySelector('.js-plotly-plot')._fullData.map((t) => [t.name, t.line?.color])
)"""


def tick(page, row):
    """Click the box of a row of the table, counted from 1, and wait for the choice to be in the URL."""
    before = page.url
    box = page.locator('[data-testid="stDataFrame"]').first.bounding_box()
    page.mouse.click(box["x"] + 16, box["y"] + 36 * row + 18)
    page.wait_for_url(lambda url: url != before)
    settled(page)


def chosen(page):
    return [
        item.partition(".")[0] for item in parse_qs(urlparse(page.url).query).get("runs", [""])[0].split(",") if item
    ]


def test_ticks_colours_and_zoom_survive_and_a_permalink_restores_them(lab_home, server, page):
    ids = bulk(60, running=0)
    for k, run_id in enumerate(ids[-8:]):
        long_history(run_id, 3000, seed=k)
    page.goto(f"{server.url}/compare")
    page.wait_for_selector(".js-plotly-plot .trace")
    settled(page)
    tick(page, 1)
    tick(page, 3)
    first = chosen(page)
    assert len(first) == 2
    page.wait_for_function(f"({TRACES})() === 2")
    before = page.evaluate(COLOURS)
    page.evaluate("() => Plotly.relayout(document.querySelector('.js-plotly-plot'), {'xaxis.range': [500, 900]})")
    page.get_by_test_id("stTextInputField").first.fill("sample-0005")
    page.get_by_test_id("stTextInputField").first.press("Enter")
    page.get_by_text("10 of 60 runs").first.wait_for()
    settled(page)
    page.wait_for_timeout(800)  # the table is a canvas, and nothing in the page says when it was painted
    assert chosen(page) == first, "what a search hides stays chosen"
    after = page.evaluate(COLOURS)
    assert {name: after[name] for name in before} == before
    tick(page, 5)
    assert chosen(page)[:2] == first
    assert len(chosen(page)) == 3

    link = page.url
    other = page.context.new_page()
    other.goto(link)
    other.wait_for_selector(".js-plotly-plot .trace")
    settled(other)
    other.wait_for_function(f"({TRACES})() === 3")
    assert other.get_by_test_id("stTextInputField").first.input_value() == "sample-0005"
    assert other.evaluate(COLOURS).items() >= before.items()
    assert "3 chosen" in other.inner_text("body")


def test_a_table_and_curves_can_be_downloaded(lab_home, server, page):
    ids = bulk(12, running=0)
    long_history(ids[0], 2000)
    page.goto(f"{server.url}/compare?runs={ids[0][:12]}.0")
    page.wait_for_selector(".js-plotly-plot .trace")
    settled(page)
    with page.expect_download(timeout=180_000) as table:
        page.get_by_test_id("stDownloadButton").get_by_text("CSV", exact=True).click()
    text = table.value.path().read_text()
    assert text.startswith("run_id,name,")
    assert len(text.splitlines()) == 13
    page.get_by_role("button", name="Export").click()
    for label, start in (("PNG", b"\x89PNG"), ("PDF", b"%PDF"), ("SVG", b"<?xml"), ("Every point", b'"run_id"')):
        with page.expect_download(timeout=180_000) as download:
            page.get_by_test_id("stDownloadButton").get_by_text(label).click()
        content = download.value.path().read_bytes()
        assert content.startswith(start), content[:20]
        if label == "Every point":
            assert len(content.splitlines()) == 2001
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Report").click()
    page.get_by_role("button", name="Make it").click()
    with page.expect_download(timeout=180_000) as download:  # made in a child, and said how far it is
        page.get_by_test_id("stDownloadButton").get_by_text("Save").click(timeout=180_000)
    assert download.value.suggested_filename == f"report-{ids[0][:8]}.html"
    assert b"Content-Security-Policy" in download.value.path().read_bytes()[:400]
