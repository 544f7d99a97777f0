"""Solution 3D in a browser: seconds until a 64³ field is drawn, a slider's answer, bytes of a view.

Cold is the first look at a solution on a server that was just started, in a browser that was just started; warm is the
page opened again, by its link from another page of the app and by its address in another tab, the median of some each.
Beside the seconds stands what the server, its children and the browser spent of the processor: on a busy machine
that is what there is to compare.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

from benchmarks.browser import FLAGS, chromium, free_port, start_dashboard
from benchmarks.solution.trained import seconds_row, trained_run

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

POINTS = 64
QUICK, VTK = "Quick view", "VTK view"
COLD_S, WARM_S, MOST_MB = {QUICK: 2.5, VTK: 4.0}, {QUICK: 1.0, VTK: 1.0}, {QUICK: 3.0, VTK: 6.0}
SLIDER_S = 0.4
REPEATED = 3
"""Warm looks and moves of the slider; the median counts."""
SETTLED_S = 4.0
"""A server is there for so long before somebody has opened a browser on it."""
LONGEST_MS = 300_000
FRAME = "iframe#stpyvistaframe"
SCENE = "[...document.querySelectorAll('.lab-scene')].find(e => e.offsetWidth > 100 && e.dataset.triangles > 0)"
DRAWN = f"() => {SCENE} !== undefined"
SEEN = """() => { const [kept] = performance.getEntriesByName("kept same");
    return (performance.timeOrigin + (kept?.startTime ?? NaN) - window.parent.clicked) / 1000; }"""
"""Seconds until the VTK view showed what was to be seen last; not a number where it did not."""
SURFACES = f"{SCENE}.dataset.triangles"
CAMERA = f"() => JSON.stringify({SCENE}.view.cameras)"


def rows() -> Iterator[dict[str, object]]:
    """One row a measure: seconds or megabytes, the bar, and whether it holds."""
    with trained_run() as (run_id, _):
        for view in (QUICK, VTK):
            with _browser() as (context, port):
                address = f"http://127.0.0.1:{port}/solution?run={run_id}&n-profile={POINTS}&renderer={view}"
                address = address.replace(" ", "+")
                page = context.new_page()
                seconds, spent, size = _opened(page, address, view)
                yield seconds_row(f"{view}, cold", seconds, COLD_S[view], processor_s=spent)
                yield {"what": f"payload of the {view}", "mb": round(size / 1e6, 2), "bar": MOST_MB[view],
                       "holds": size <= 1e6 * MOST_MB[view]}  # fmt: skip
                page.close()
                found = []
                for _ in range(REPEATED):
                    page = context.new_page()
                    found.append(_opened(page, address, view)[:2])
                    if len(found) < REPEATED:
                        page.close()
                seconds, spent = (statistics.median(each) for each in zip(*found, strict=True))
                yield seconds_row(f"{view}, warm, in another tab", seconds, WARM_S[view], processor_s=spent)
                found = [_opened_by_link(page, view) for _ in range(REPEATED)]
                seen, seconds, spent = (statistics.median(each) for each in zip(*found, strict=True))
                yield seconds_row(
                    f"{view}, warm, by its link", seen, WARM_S[view], turned_s=round(seconds, 2), processor_s=spent
                )
                if view == QUICK:
                    yield _slider(page)


@contextmanager
def _browser() -> Iterator[tuple[BrowserContext, int]]:
    """A browser as a person has one, which keeps what it loaded, and the port of a server that was just started."""
    from playwright.sync_api import sync_playwright

    port = free_port()
    server, _ = start_dashboard(port)
    try:
        time.sleep(SETTLED_S)
        with tempfile.TemporaryDirectory(prefix="browser-") as kept, sync_playwright() as playwright:
            context = playwright.chromium.launch_persistent_context(
                kept, executable_path=chromium(), args=FLAGS, viewport={"width": 1400, "height": 1000}
            )
            yield context, port
            context.close()
    finally:
        server.kill()
        server.wait()


def _opened(page: Page, address: str, view: str) -> tuple[float, float, int]:
    """Seconds until an address shows its scene, those of the processor, and bytes that the view took."""
    came = [0]
    page.on(
        "websocket", lambda socket: socket.on("framereceived", lambda data: came.__setitem__(0, came[0] + len(data)))
    )
    began, spent = time.perf_counter(), _spent()
    page.goto(address, wait_until="commit", timeout=LONGEST_MS)
    _wait_for_scene(page, view)
    seconds, spent = time.perf_counter() - began, round(_spent() - spent, 2)
    return seconds, spent, came[0] if view == QUICK else page.locator(FRAME).evaluate("frame => frame.srcdoc.length")


def _wait_for_scene(page: Page, view: str) -> None:
    if view == QUICK:
        page.wait_for_function(DRAWN, timeout=LONGEST_MS)
        return
    frame = page.locator(FRAME)
    frame.wait_for(timeout=LONGEST_MS)
    frame.content_frame.locator("canvas").first.wait_for(timeout=LONGEST_MS)


def _opened_by_link(page: Page, view: str) -> tuple[float, float, float]:
    """Seconds from a click on the page's link, on another page of the app, to its picture; to what can be turned.

    The VTK view shows what was to be seen last, from the same place, until its viewer has drawn. Then the processor's.
    """
    time.sleep(1.5)  # somebody has looked at it
    page.get_by_role("link", name="Datasets").click()
    page.get_by_role("heading", name="Datasets").first.wait_for(timeout=LONGEST_MS)
    page.locator(f"{FRAME}, .lab-scene").first.wait_for(state="detached", timeout=LONGEST_MS)
    time.sleep(1.0)
    began, spent = time.perf_counter(), _spent()
    page.evaluate("() => { window.clicked = Date.now(); }")
    page.get_by_role("link", name="Solution 3D").click()
    _wait_for_scene(page, view)
    seconds, spent = time.perf_counter() - began, round(_spent() - spent, 2)
    seen = page.locator(FRAME).content_frame.locator("html").evaluate(SEEN) if view == VTK else seconds
    return seen, seconds, spent


def _spent() -> float:
    """Seconds of processor time of this process's children, of theirs too, as far as they still live."""
    total = 0.0
    for child in psutil.Process(os.getpid()).children(recursive=True):
        try:
            used = child.cpu_times()
        except psutil.Error:
            continue
        total += used.user + used.system
    return total


def _slider(page: Page) -> dict[str, object]:
    """An arrow key on the isosurfaces' slider until another surface is drawn, the camera where it was."""
    camera, found = page.evaluate(CAMERA), []
    page.get_by_role("slider", name="Isosurfaces").first.focus()
    for _ in range(REPEATED):
        surfaces, began, spent = page.evaluate(f"() => {SURFACES}"), time.perf_counter(), _spent()
        page.keyboard.press("ArrowRight")
        page.wait_for_function(f"before => {SURFACES} !== before", arg=surfaces, timeout=LONGEST_MS)
        found.append((time.perf_counter() - began, _spent() - spent))
        time.sleep(1.0)
    seconds, spent = (statistics.median(each) for each in zip(*found, strict=True))
    kept = page.evaluate(CAMERA) == camera
    row = seconds_row("slider to isosurface", seconds, SLIDER_S, processor_s=round(spent, 2), camera_kept=kept)
    return row | {"holds": row["holds"] and kept}
