"""How long from the click on Launch to the first drawn residual, with and without a prepared process."""

from __future__ import annotations

import os
import statistics
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from benchmarks.browser import FLAGS, READY, chromium, free_port, start_dashboard
from core import jobs
from core.errors import LabError
from core.jobs import table
from core.jobs.detached import COURIER
from core.jobs.hand_over import WARM
from core.jobs.process import started_at
from core.jobs.slot_lock import busy
from core.presets import presets

PRESET = "poisson2d-quick"
QUIET_S = 12.0
"""Seconds after the page is at rest: the server imports mlflow, and prepares a process where it may."""
DRAWN = """() => [...document.querySelectorAll('.js-plotly-plot')].some(chart => chart.offsetWidth > 100
    && (chart._fullData || []).some(trace => trace.y && trace.y.length > 0)
    && chart.querySelector('.scatterlayer path, .gl-canvas'))"""
"""Whether a residual's trace with at least one point is on the screen."""
LIMIT_S = 300.0


def measure(quick: bool = False) -> dict[str, Any]:
    """Seconds of every launch, and their medians: of the whole, and until the run's process had begun its work."""
    found: dict[str, Any] = {}
    root = Path(os.environ["LAB_HOME"])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        for name, warm in (("warm", True), ("cold", False)):
            home = root / name
            home.mkdir(parents=True)
            os.environ["LAB_HOME"] = str(home)
            (home / "settings.yaml").write_text(f"slots: {{warm: {str(warm).lower()}}}\n", encoding="utf-8")
            launches = _launches(browser, 1 if quick else 5, warm)
            found[name] = {
                "first_residual_s": [launch["first_residual_s"] for launch in launches],
                "median_s": statistics.median(launch["first_residual_s"] for launch in launches),
                "launches": launches,
            }
        browser.close()
    os.environ["LAB_HOME"] = str(root)
    return found


def _launches(browser: Any, count: int, warm: bool) -> list[dict[str, Any]]:
    port = free_port()
    server, _ = start_dashboard(port)
    page = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
    try:
        return [_launch(page, f"http://127.0.0.1:{port}/", warm) for _ in range(count)]
    finally:
        page.context.close()
        server.kill()
        server.wait()
        _until(lambda: not any(map(busy, ("cpu0", COURIER, WARM))))  # nobody writes into this home any more


def _launch(page: Page, address: str, warm: bool) -> dict[str, Any]:
    page.goto(address)
    page.wait_for_selector(READY)
    page.get_by_text(presets()[PRESET].title).first.click()
    page.wait_for_timeout(QUIET_S * 1000)
    if warm:
        _until(lambda: busy(WARM))
        page.wait_for_timeout(QUIET_S * 1000)  # it imports torch
    clicked, began = time.time(), time.perf_counter()
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url("**/watch?run=*")
    shown = time.perf_counter() - began
    folder, written = table.find(limit=1)[0].folder, None
    while not page.evaluate(DRAWN):
        if written is None and len(folder.history_columns().get("iteration", ())):
            written = time.perf_counter() - began
        if time.perf_counter() - began > LIMIT_S:
            raise TimeoutError("No residual was drawn.")
        page.wait_for_timeout(30)
    drawn = time.perf_counter() - began
    job = table.get(folder.run_id)
    launch = {
        "first_residual_s": drawn,
        "watch_shown_s": shown,
        "claimed_s": job.started - clicked,
        "first_row_written_s": written,
        "prepared": _prepared(job.pid, job.pid_started),
    }
    with suppress(LabError):  # it may have finished
        jobs.stop(job.run_id)
    _until(lambda: table.get(job.run_id).ended_for_good)
    return launch


def _prepared(pid: int, started: float | None) -> bool | None:
    """Whether a run's process had been prepared; None once it is gone."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
        return "core.cli.standby" in words if started_at(pid) == started else None
    except OSError:
        return None


def _until(condition: Any) -> None:
    end = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("A launch did not come as far as it should have.")
        time.sleep(0.2)
