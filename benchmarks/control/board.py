"""A queue of 2,000 runs on Watch: until its list is there, from a click to the new order, and what the board costs."""

from __future__ import annotations

import contextlib
import json
import statistics
import time
from typing import Any

from playwright.sync_api import Page, sync_playwright

from benchmarks.browser import FLAGS, READY, chromium, dashboard
from benchmarks.control import seen
from benchmarks.control.queue_store import fill_queue
from core import jobs
from core.jobs import table
from core.jobs.board import BoardReader
from core.jobs.slot_lock import hold
from pages.parts.live import board_state

WAITING, ENDED = 2000, 500
REPEATS = 9
ROW = ".board-list .row.waiting"
ROWS_DRAWN = """
new MutationObserver((_, observer) => {
  if (!document.querySelector(".board-list .row.waiting")) return;
  observer.disconnect();
  requestAnimationFrame(() => requestAnimationFrame(() => { window.rowsDrawn = performance.now() / 1000; }));
}).observe(document, { childList: true, subtree: true });
"""
"""Notes, in a page's own time, when the first rows are on the screen: nothing else that the page does then is in it."""
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def measure(quick: bool = False) -> dict[str, Any]:
    """Fill the home, open Watch and reorder; slots are held, so nothing is trained meanwhile."""
    waiting = fill_queue(WAITING, ENDED, ("cpu0",))
    repeats = 3 if quick else REPEATS
    with seen.ended(), contextlib.ExitStack() as stack:
        for slot in jobs.capacity():
            stack.enter_context(hold(slot.name))
        found = {"waiting": WAITING, "ended": ENDED, "server": server_side(waiting, repeats)}
        url = stack.enter_context(dashboard())
        browser = stack.enter_context(sync_playwright()).chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
        page.add_init_script(ROWS_DRAWN)
        opened(page, url)  # the server's own first time, and the browser's cache
        found["Watch from an address"] = spread([opened(page, url) for _ in range(repeats)])
        found["Watch from another page"] = spread([from_another_page(page) for _ in range(repeats)])
        page.locator(".board-list [data-group=waiting]").click()
        page.wait_for_timeout(1000)
        moves = [reordered(page) for _ in range(repeats)]
        found["reorder: shown"], found["reorder: stored"] = (spread([move[k] for move in moves]) for k in (0, 1))
        browser.close()
    return found


def server_side(waiting: list[str], repeats: int) -> dict[str, Any]:
    """What one process spends for all who look: a first look, one after an event, one while nothing happens."""
    reader = BoardReader()
    first = timed(reader.read)
    idle = spread([timed(reader.read) for _ in range(repeats)])
    after = []
    for run_id in waiting[1 : repeats + 1]:
        jobs.move(run_id, 1)
        after.append(timed(reader.read))
    board = reader.read()
    drawing = timed(lambda: board_state.drawn(board))
    whole = json.dumps(board_state.news(None, board_state.drawn(board)), separators=(",", ":"))
    return {
        "first look": first,
        "look after an event": spread(after),
        "look while nothing happens": idle,
        "drawn": drawing,
        "whole board, bytes": len(whole),
    }


def timed(do: Any) -> dict[str, float]:
    """Seconds on the clock, and of this process's own work: other programs count towards the former alone."""
    wall, own = time.perf_counter(), time.process_time()
    do()
    return {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - own}


def spread(times: list[float] | list[dict[str, float]]) -> dict[str, Any]:
    """Median and largest of timings, for each of their kinds."""
    if isinstance(times[0], dict):
        return {kind: spread([each[kind] for each in times]) for kind in times[0]}
    return {"median_s": statistics.median(times), "largest_s": max(times), "n": len(times)}


def opened(page: Page, url: str) -> float:
    """Seconds from navigation until the rows are drawn."""
    page.goto(f"{url}/watch", wait_until="commit")
    page.wait_for_selector(ROW)
    seconds = page.wait_for_function("() => window.rowsDrawn").json_value()
    page.wait_for_selector(READY)
    page.wait_for_timeout(500)
    return seconds


def from_another_page(page: Page) -> float:
    """Seconds from a click on Watch, on another page of the app, until the rows are drawn."""
    page.get_by_role("link", name="Datasets").first.click()
    page.get_by_role("heading", name="Datasets").wait_for()
    page.wait_for_selector(READY)
    page.wait_for_timeout(500)
    began = time.perf_counter()
    page.get_by_role("link", name="Watch").first.click()
    page.wait_for_selector(ROW)
    page.evaluate(DRAWN)
    seconds = time.perf_counter() - began
    page.wait_for_selector(READY)
    return seconds


def reordered(page: Page) -> tuple[float, float]:
    """Seconds from a key that takes the sixth run to the top until it is shown there, and until it is stored."""
    run_id = table.find(("queued",), 6)[5].run_id
    page.locator(f'.board-list [data-run="{run_id}"]').focus()
    began = time.perf_counter()
    page.keyboard.press("Alt+Home")
    page.wait_for_function(
        "(run) => { const row = document.querySelector(`.board-list [data-run='${run}']`);"
        " return row && new DOMMatrix(getComputedStyle(row).transform).f === 0; }",
        arg=run_id,
        polling="raf",
    )
    shown = time.perf_counter() - began
    while table.find(("queued",), 1)[0].run_id != run_id:
        time.sleep(0.002)
    stored = time.perf_counter() - began
    page.wait_for_timeout(1200)
    return shown, stored
