"""How long a visitor waits: `python -m benchmarks.startup`. Needs a Chromium on the PATH.

Server: from starting the process to its health check. On the fresh server, from navigation to the page's title, and
to the whole form with the script at rest. Then each page on the warm server, in a store of 200 runs, to its content.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time

from playwright.sync_api import sync_playwright

from benchmarks.browser import FLAGS, READY, chromium, free_port, start_dashboard
from benchmarks.machine import machine
from benchmarks.sample_store import fill

PAGES = {
    "": '[data-testid="stBaseButton-primary"]',
    "watch": ".js-plotly-plot .scatterlayer .trace",
    "compare": ".js-plotly-plot .scatterlayer .trace",
    "solution": '[data-testid="stAlert"]',
}


def main() -> None:
    answers, paints, completes, pages = [], [], [], {name: [] for name in PAGES}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as lab_home, sync_playwright() as playwright:
        os.environ["LAB_HOME"] = lab_home
        fill(200)
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        for _ in range(5):
            port = free_port()
            server, seconds = start_dashboard(port)
            answers.append(seconds)
            page = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
            began = time.perf_counter()
            page.goto(f"http://127.0.0.1:{port}/")
            page.wait_for_selector("h1")
            paints.append(time.perf_counter() - began)
            page.wait_for_selector(PAGES[""])
            page.wait_for_selector(READY)
            completes.append(time.perf_counter() - began)
            page.wait_for_timeout(8000)  # the warm-up imports mlflow meanwhile
            for name, content in PAGES.items():
                began = time.perf_counter()
                page.goto(f"http://127.0.0.1:{port}/{name}")
                page.wait_for_selector(content, timeout=60_000)
                pages[name].append(time.perf_counter() - began)
            page.context.close()
            server.kill()
            server.wait()
        browser.close()
    print(f"{machine()}; medians of 5 (largest)\n\n| what | seconds |\n|---|---|")
    rows = {
        "server answers": answers,
        "first paint of Launch (its title), fresh server": paints,
        "Launch complete and at rest, fresh server": completes,
    }
    rows |= {f"full load of /{name}, 200 runs, warm server": seconds for name, seconds in pages.items()}
    for what, seconds in rows.items():
        print(f"| {what} | {statistics.median(seconds):.2f} ({max(seconds):.2f}) |")


if __name__ == "__main__":
    main()
