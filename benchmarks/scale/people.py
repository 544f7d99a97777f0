"""People: sign-in in a real Chromium at a certified provider, what it costs, what a proxy lets through."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.scale.case import Case, Figure, NotHereError

CALLS = 20_000
SHUT = ("/", "/watch", "/live/board", "/media/x.png", "/app/static/plotly.min.js", "/static/js/x.js",
        "/_stcore/host-config", "/_stcore/upload_file/a/b", "/component/x/y")  # fmt: skip
"""What nobody gets who has not signed in."""
LIMIT_S = 60.0


@contextmanager
def _home() -> Iterator[Path]:
    """A lab home that is this process's."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "lab"
        home.mkdir()
        os.environ["LAB_HOME"] = str(home)
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        yield home


@contextmanager
def _browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    from benchmarks.browser import FLAGS, chromium

    try:
        path = chromium()
    except FileNotFoundError as error:
        raise NotHereError(str(error)) from None
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


def sign_in() -> Sequence[Figure]:
    """What the issue of a shared lab asks: login, role denied, expiry, deny list, foreign WebSocket refused."""
    from benchmarks.browser import READY
    from benchmarks.identity import POLICY, NoProviderError, lab
    from benchmarks.identity.browsing import fill_in
    from core.people.register import changing

    figures = []
    try:
        with _home() as home, lab(home) as address, _browser() as browser:

            def signed_in(account: str) -> tuple[Any, float]:
                page = browser.new_context().new_page()
                page.set_default_timeout(1000 * LIMIT_S)
                page.goto(f"{address}/watch")
                began = time.monotonic()
                page.get_by_role("link", name="Sign in").click()
                fill_in(page, account)
                page.wait_for_url(lambda url: url.startswith(address) and "callback" not in url)
                return page, time.monotonic() - began

            def out_after(page: Any, words: str) -> float:
                began = time.monotonic()
                page.get_by_text(words).wait_for()
                return round(time.monotonic() - began, 2)

            first, _ = signed_in("ada")  # the server imports what signing in takes
            first.context.close()
            page, seconds = signed_in("ada")
            page.wait_for_selector(READY)
            figures.append(Figure("login, from the click to the page's address", round(seconds, 2), "s"))
            cookie = _cookies(page)
            figures.append(
                Figure("WebSocket of one who signed in", _socket(address, cookie, address), "", "equal to", 101)
            )
            foreign = _socket(address, cookie, "http://127.0.0.1:1")
            figures.append(Figure("WebSocket of another origin", foreign, "", "equal to", 403))
            figures.append(Figure("WebSocket without a sign-in", _socket(address, "", address), "", "equal to", 403))
            denied, _ = signed_in("eve")
            denied.get_by_text("in no group that has a role").wait_for()
            status = _status(address, "/live/board", Cookie=_cookies(denied))
            figures.append(Figure("without a role: status", status, "", "equal to", 403))

            rosa, _ = signed_in("rosa")
            rosa.wait_for_selector(READY)
            with changing() as held:
                held["denied"]["rosa"] = {"at": 0.0, "by": "benchmark", "why": ""}
            after = out_after(rosa, "kept out of the lab")
            figures.append(Figure("kept out: seconds until an open tab is out", after, "s"))
            (home / "people.yaml").write_text(POLICY + "max_age_hours: 0.0001\n")
            after = out_after(page, "You signed in too long ago")
            figures.append(Figure("expired: seconds until an open tab is out", after, "s"))
    except NoProviderError as error:
        raise NotHereError(str(error)) from None
    return figures


def gate() -> Sequence[Figure]:
    """What it costs to look at who asks, at each request and at each message of a tab."""
    from streamlit import config
    from streamlit.web.server.starlette.starlette_app_utils import create_signed_value
    from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

    from benchmarks.identity import lay_out_sign_in
    from core.people.register import changing
    from pages.parts.people.session import session_of

    with _home() as home:
        origin = "http://127.0.0.1:8501"
        lay_out_sign_in(home, origin, "http://127.0.0.1:9")
        config.set_option("secrets.files", [str(home / "sign-in.toml")])
        with changing() as held:  # a lab that has kept out many, and signed out more
            held["denied"] = {f"account {k}": {"at": 0.0, "by": "b", "why": ""} for k in range(1000)}
            held["ended"] = {f"{k:064x}": 2e9 for k in range(10_000)}
        claims = {"sub": "a", "iat": time.time(), "groups": ["lab"], "origin": origin, "is_logged_in": True}
        secret = "0123456789abcdef" * 4
        cookies = {USER_COOKIE_NAME: create_signed_value(secret, USER_COOKIE_NAME, json.dumps(claims)).decode()}
        session = session_of(cookies)
        session.person()
        began = time.process_time()
        for _ in range(CALLS):
            session.person()
        message = (time.process_time() - began) / CALLS
        began = time.process_time()
        for _ in range(CALLS // 10):
            session_of(cookies).person()
        request = (time.process_time() - began) / (CALLS // 10)
    return [
        Figure("a message of an open tab", round(1e6 * message, 1), "µs", "at most", 1000),
        Figure("a request, its cookie's signature included", round(1e6 * request, 1), "µs", "at most", 1000),
    ]


def proxy() -> Sequence[Figure]:
    """The recipe for nginx before the lab: what comes through without a sign-in, and what with a token."""
    from benchmarks.browser import free_port
    from benchmarks.identity import NoProviderError, lab
    from benchmarks.identity.proxy import NoProxyError, proxied
    from core.people.tokens import make

    port = free_port()
    try:
        with _home() as home, lab(home, behind=port) as origin:
            upstream = urlsplit(origin).port
            with proxied(home.parent / "nginx", port, upstream):
                address = f"https://127.0.0.1:{port}"
                through = sum(_status(address, path) not in (401, 403) for path in SHUT)
                _, token = make("benchmark", "viewer", 1)
                with_token = _status(address, "/api/whoami", Authorization=f"Bearer {token}")
    except (NoProviderError, NoProxyError) as error:
        raise NotHereError(str(error)) from None
    return [
        Figure(f"of {len(SHUT)} addresses, open without a sign-in", through, "", "equal to", 0),
        Figure("a token's question", with_token, "", "equal to", 200),
    ]


def _status(address: str, path: str, **headers: str) -> int:
    parts = urlsplit(address)
    if parts.scheme == "https":  # the certificate is nobody's
        context = ssl._create_unverified_context()
        line = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=LIMIT_S, context=context)
    else:
        line = http.client.HTTPConnection(parts.hostname, parts.port, timeout=LIMIT_S)
    try:
        line.request("GET", path, headers=headers)
        return line.getresponse().status
    finally:
        line.close()


def _socket(address: str, cookie: str, origin: str) -> int:
    """The status with which a WebSocket is answered."""
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    try:
        with connect(
            f"{address.replace('http', 'ws', 1)}/_stcore/stream",
            subprotocols=["streamlit"],
            origin=origin,
            additional_headers={"Cookie": cookie} if cookie else {},
            open_timeout=LIMIT_S,
        ):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


def _cookies(page: Any) -> str:
    return "; ".join(f"{each['name']}={each['value']}" for each in page.context.cookies())


CASES = (
    Case("sign-in", "people sign in with a real Chromium at a certified provider", sign_in, ("a browser", "node")),
    Case("gate", "what it costs to ask of each request and message who it is", gate),
    Case("proxy", "what nginx with the recipe lets through", proxy, ("nginx", "node")),
)
