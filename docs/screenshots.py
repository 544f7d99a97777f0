"""The tutorial's pictures, made by doing what it says in a fresh lab: `python -m docs.screenshots`, a few minutes.

`python -m docs.screenshots sweep` makes the picture of docs/how-to/sweeps.md alone.

Needs a Chromium (`make browser`). It writes docs/tutorial/*.png, and ends with an error where a step of the tutorial
can't be done any more.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.browser import FLAGS, READY, chromium, dashboard

FOLDER = Path(__file__).with_name("tutorial")
SIZE = {"width": 1280, "height": 800}
LONGEST_MS = 300_000
"""For anything, a run to its end too, on a busy machine."""
LONGEST_SWEEP_MS = 8 * LONGEST_MS
TRIALS = 12


def settled(page: Page) -> None:
    """Wait until the page's script has run and its charts are drawn."""
    page.wait_for_selector(READY, timeout=LONGEST_MS)
    page.wait_for_timeout(2500)
    page.wait_for_selector(READY, timeout=LONGEST_MS)


def picture(page: Page, name: str) -> None:
    """What a visitor sees now."""
    settled(page)
    page.wait_for_function("!document.querySelector('.lab-toast')", timeout=LONGEST_MS)
    page.mouse.move(2, 790)
    page.screenshot(path=FOLDER / f"{name}.png")
    print(f"{name}.png", flush=True)


def finished(page: Page) -> None:
    """Wait for the run that Watch shows large."""
    page.get_by_role("heading", name="finished").wait_for(timeout=LONGEST_MS)


def walk(page: Page, url: str) -> None:
    """Every step of docs/tutorial.md in its order."""
    page.goto(url)
    picture(page, "1-launch")

    page.get_by_role("button", name="Start the tour").click()
    page.wait_for_url("**/watch?run=*")
    page.wait_for_selector(".lab-residual .js-plotly-plot .trace", timeout=LONGEST_MS)
    picture(page, "2-watch")
    finished(page)
    picture(page, "3-finished")

    page.get_by_role("link", name="Next: Solution 3D").click()
    page.wait_for_url("**/solution*")
    page.wait_for_selector(".lab-scene[data-drawn]", timeout=LONGEST_MS)
    picture(page, "4-solution")
    page.get_by_label("Value").first.click()
    page.get_by_role("option", name="u_error", exact=True).click()
    picture(page, "5-error")

    page.get_by_role("link", name="Next: Compare").click()
    page.wait_for_url("**/compare*")
    page.wait_for_selector(".js-plotly-plot .trace", timeout=LONGEST_MS)
    page.get_by_text("2 chosen").scroll_into_view_if_needed()
    page.get_by_test_id("stMain").evaluate("(element) => element.scrollBy(0, 430)")
    picture(page, "6-compare")

    page.get_by_role("button", name="End the tour").click()
    settled(page)
    page.get_by_role("link", name="Launch").first.click()
    settled(page)
    page.get_by_text("Burgers, self-similar blow-up profile").click()
    settled(page)
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url("**/watch?run=*")
    finished(page)
    page.get_by_role("link", name="Singularities").click()
    page.wait_for_selector(".js-plotly-plot .trace", timeout=LONGEST_MS)
    picture(page, "7-singularities")


def walk_sweep(page: Page, url: str) -> None:
    """The steps of docs/how-to/sweeps.md, on Launch and Sweeps."""
    page.goto(url, timeout=LONGEST_MS)
    settled(page)
    page.get_by_role("textbox", name="Target residual").fill("")
    page.get_by_role("textbox", name="Target residual").press("Enter")
    settled(page)
    page.get_by_test_id("stCheckbox").filter(has_text="Sweep").first.click()  # the switch
    settled(page)
    for field, what in (
        ("Activation", "tanh, sine"),
        ("Damping", "1e-8..1e-1 log"),
        ("Learning rate", "3e-4..3e-2 log"),
    ):
        column = page.get_by_test_id("stVerticalBlock").filter(has=page.get_by_text(field, exact=True)).last
        column.get_by_test_id("stCheckbox").filter(has_text="Sweep").first.click()
        settled(page)
        text = column.get_by_role("textbox", name="Values")
        text.fill(what)
        text.press("Enter")
        settled(page)
    trials = page.get_by_role("spinbutton", name="Trials")
    trials.fill(str(TRIALS))
    trials.press("Enter")
    settled(page)
    page.get_by_role("button", name=f"Start {TRIALS} trials").click()
    page.wait_for_url("**/sweeps?sweep=*", timeout=LONGEST_MS)
    page.get_by_text(f"{TRIALS} of {TRIALS} finished").first.wait_for(timeout=LONGEST_SWEEP_MS)
    page.get_by_role("heading", name="finished").wait_for(timeout=LONGEST_MS)
    page.wait_for_selector(".js-plotly-plot .trace", timeout=LONGEST_MS)
    picture(page, "8-sweep")


WALKS = {"tutorial": walk, "sweep": walk_sweep}


def main() -> None:
    """Make all pictures, or those of the walks that are named on the command line."""
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or WALKS:
        with tempfile.TemporaryDirectory(prefix="tutorial-") as home, sync_playwright() as playwright:
            os.environ["LAB_HOME"] = home
            if name == "sweep":
                (Path(home) / "settings.yaml").write_text("slots: {cpu: 2, threads: 1}\n")
            with dashboard() as url:
                browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
                WALKS[name](browser.new_page(viewport=SIZE, color_scheme="light", timezone_id="Europe/Berlin"), url)
                browser.close()


if __name__ == "__main__":
    main()
