"""A real Streamlit server and a real Chromium without internet."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.browser import FLAGS, READY, ROOT, chromium, free_port
from tests.conftest import lay_out

LONGEST_MS = 180_000
"""Until a page has answered, where tests share two cores with others: a tenth of one is left of them at times."""

expect.set_options(timeout=30_000)  # a click that starts a page's script is answered late there


class Server:
    """`make app` without make: started, killed and started again on one port."""

    def __init__(self, home: Path):
        self.home = home
        self.port = free_port()
        self.process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "core", "serve", "--port", str(self.port)],
            cwd=ROOT,
            env=os.environ | {"LAB_HOME": str(self.home)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(1200):
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1)
                return
            except OSError:
                assert self.process.poll() is None, "the server ended at once"
                time.sleep(0.05)
        raise AssertionError("the server did not answer")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def running(home: Path) -> Iterator[Server]:
    """A server over a lab home."""
    started = Server(home)
    started.start()
    yield started
    started.kill()


@pytest.fixture
def server(lab_home):
    """A running server over this test's lab home, to be killed or to show what an empty lab shows."""
    with running(lab_home) as started:
        yield started


@pytest.fixture(scope="session")
def common_server(fresh_store, tmp_path_factory):
    """One for `common`: a server takes seconds to start, and its first pages some more."""
    folder = tmp_path_factory.mktemp("common") / "lab"
    lay_out(folder, fresh_store)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        with running(folder) as started:
            yield started


@pytest.fixture
def common(common_server, monkeypatch):
    """The running server of all tests that mind nobody else's runs; its lab home is the test's."""
    monkeypatch.setenv("LAB_HOME", str(common_server.home))
    return common_server


@pytest.fixture(scope="session")
def browser():
    """Chromium with software WebGL."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def page(browser) -> Page:
    """A page that reaches this machine alone."""
    context = browser.new_context(viewport={"width": 1400, "height": 1100}, accept_downloads=True)
    context.route("**/*", lambda route: route.continue_() if "//127.0.0.1" in route.request.url else route.abort())
    opened = context.new_page()
    opened.set_default_timeout(LONGEST_MS)
    yield opened
    context.close()


def settled(page: Page) -> None:
    """Wait until the script has run."""
    page.wait_for_selector(READY, timeout=LONGEST_MS)


def choose(page: Page, label: str, option: str) -> None:
    """Choose an option of a select box; a rerun that comes between may close its list, so it is opened until it is."""
    offered = page.get_by_role("option", name=option, exact=True)
    for _ in range(5):
        settled(page)
        page.get_by_role("combobox", name=label).click()
        try:
            offered.click(timeout=5_000)
        except BrowserError:
            continue
        return
    offered.click()
