"""Watch in Chromium: what can be done to a run stands in one row, and the list beside it is steered with the mouse."""

import contextlib
import os
import re
import time

import pytest
from playwright.sync_api import expect

from benchmarks.control.queue_store import fill_queue
from benchmarks.sample_store import fill
from core import jobs
from core.jobs import table
from core.jobs.process import boot_id, started_at
from core.jobs.slot_lock import hold
from core.runs import run_folder
from core.runs.history import HistoryWriter
from tests.e2e.conftest import settled

pytestmark = pytest.mark.e2e

BUTTONS = '[data-testid="stButton"] button, [data-testid="stPageLink"] a'
HIDDEN = """() => {
    const list = document.querySelector('.board-list .scroller');
    return list.scrollWidth - list.clientWidth;
}"""
SHOWN = """() => [...document.querySelectorAll('.board-list .row.waiting')]
    .map((row) => [new DOMMatrix(getComputedStyle(row).transform).f, row.dataset.run])
    .sort((one, other) => one[0] - other[0]).map(([_, run]) => run)"""


def test_the_head_is_one_row_and_no_column_is_hidden(lab_home, server, page):
    for run_id in fill(12, points=40):  # a paused run with a checkpoint has the most buttons
        table.update(run_id, state="paused")
        checkpoint = run_folder(run_id).last
        checkpoint.parent.mkdir(exist_ok=True)
        checkpoint.touch()
    for width, height in ((1280, 800), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        page.goto(f"{server.url}/watch")
        page.wait_for_selector(".js-plotly-plot .trace")
        settled(page)
        assert_one_row(page)


def assert_one_row(page):
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


def until(true, seconds: float = 30.0) -> None:
    """Wait for what the page's server is about to write."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def queue() -> list[str]:
    return [job.run_id for job in table.find(("queued",))]


def test_the_queue_is_steered_with_mouse_and_keys_and_ticks_survive(lab_home, server, page):
    first, second, third, *_ = waiting = fill_queue(6, ended=3)
    with contextlib.ExitStack() as slots:  # nothing is trained
        for slot in jobs.capacity():
            slots.enter_context(hold(slot.name))
        page.goto(f"{server.url}/watch")

        def row(run_id):
            return page.locator(f'.board-list [data-run="{run_id}"]')

        def shown(order):
            page.wait_for_function(f"(order) => JSON.stringify(({SHOWN})()) === JSON.stringify(order)", arg=order)

        shown(waiting)
        settled(page)
        row(second).get_by_role("checkbox").check()
        grip, target = row(third).locator(".grip").bounding_box(), row(first).bounding_box()
        page.mouse.move(grip["x"] + 3, grip["y"] + 5)
        page.mouse.down()
        page.mouse.move(grip["x"] + 3, target["y"] + 3, steps=3)
        page.mouse.up()
        order = [third, first, second, *waiting[3:]]
        shown(order)
        expect(page.locator(".board-list .said")).to_contain_text("place 1 of 6")
        row(second).focus()
        page.keyboard.press("Alt+ArrowUp")
        order = [third, second, first, *waiting[3:]]
        shown(order)
        until(lambda: queue() == order)
        for run_id in waiting[3:]:  # faster than the server draws, and none is lost
            row(run_id).focus()
            page.keyboard.press("Alt+Home")
        order = [*reversed(waiting[3:]), third, second, first]
        shown(order)
        until(lambda: queue() == order)
        new = fill_queue(1, seed=1)  # somebody else queues one, and takes one out
        jobs.remove(first)
        order = [*reversed(waiting[3:]), third, second, *new]
        shown(order)
        assert queue() == order
        expect(row(second).get_by_role("checkbox")).to_be_checked()
        for name in ("Stop 1", "Hold 1"):
            expect(page.get_by_role("button", name=name)).to_be_visible()
        row(third).get_by_role("button", name="Actions").click()
        page.get_by_role("menuitem", name="Hold").click()
        expect(row(third)).to_contain_text("held")
        until(lambda: table.get(third).held)


def test_what_moves_is_shown_without_a_reload(lab_home, server, page):
    first, second = fill(2, points=300)
    me = {"pid": os.getpid(), "pid_started": started_at(os.getpid()), "boot": boot_id(), "engine": "inline"}
    for run_id in (first, second):
        table.update(run_id, state="running", ended=None, **me)
    log = run_folder(first).file("log.txt")
    log.write_text("".join(f"line {k} {'<b>odd</b>' if k % 2 else 'even'}\n" for k in range(40_000)))

    # the runs at work side by side; a click shows one large
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{server.url}/watch?run={second}")
    cards = page.locator(".lab-card")
    expect(cards).to_have_count(2)
    expect(page.locator(".board-list .row")).to_have_count(2)
    assert asked.count(f"{server.url}/live/board") == 1  # by the page's head: the list takes that answer
    assert asked.index(f"{server.url}/live/board") < asked.index(f"{server.url}/_stcore/health")
    expect(cards.locator("polyline").first).to_have_attribute("points", re.compile(r"\d+,\d+ \d+,\d+"))
    name = table.get(first).name
    cards.filter(has_text=name).click()
    expect(page.get_by_role("heading", level=3, name=name)).to_be_visible()
    page.wait_for_url(f"**/watch?run={first}")

    # the log: its end, what comes new, and lines found in all of it
    text = page.locator(".lab-log pre")
    expect(text).to_contain_text("line 39999 <b>odd</b>")
    with log.open("a") as file:
        file.write("one more line\n")
    expect(text).to_contain_text("one more line")
    assert text.evaluate("(pre) => pre.scrollHeight - pre.clientHeight - pre.scrollTop") < 8
    page.get_by_label("Filter the log").fill("LINE 123")
    expect(page.locator(".lab-about")).to_have_text("111 lines of the whole log")
    expect(text).to_have_text(re.compile(r"^line 123 <b>odd</b>\nline 1230 even"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.path().read_bytes() == log.read_bytes()

    # a new point; then the server is gone and comes back
    newest = "() => document.querySelector('.lab-residual .js-plotly-plot')?._fullData?.[0]?.x?.at(-1)"
    writer = HistoryWriter(run_folder(first).history, ("poisson",))
    writer.append(iteration=301, stage=0, phase=1, wall_time_s=9.0, loss=1e-9, max_residual=1e-4, rms_residual=1e-5)
    writer.close()
    page.wait_for_function(f"({newest})() === 301")
    server.kill()
    expect(page.locator(".lab-trouble")).to_have_text("Connection lost, trying again.")
    server.start()
    expect(page.locator(".lab-trouble")).to_be_hidden()

    # another state: Streamlit draws what it draws, and the curves stay
    table.update(first, state="paused")
    expect(page.get_by_role("heading", name="paused")).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    expect(cards).to_have_count(0)  # one alone at work is no crowd
    assert page.evaluate(newest) == 301
