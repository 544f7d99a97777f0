"""Hosts and origins: what reaches the app, what is refused before, and the headers of every answer."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from pages.parts.origin_guard import OriginGuard

HERE = "127.0.0.1:8501"


def asked(path="/", method="GET", kind="http", **headers):
    """(status, headers, whether the app was reached) of one request; a WebSocket's status is 101 or 403."""
    reached, sent = [], []

    async def app(scope, receive, send):
        reached.append(scope["path"])
        if kind == "websocket":
            await send({"type": "websocket.accept"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"X-Frame-Options", b"ALLOWALL")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "path": path, "headers": named} | ({"method": method} if kind == "http" else {})
    # a thread of its own: a worker that has driven a browser before has an event loop running
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, OriginGuard(app)(scope, receive, send)).result()
    if kind == "websocket":
        return {"websocket.accept": 101, "websocket.close": 403}[sent[0]["type"]], {}, bool(reached)
    return sent[0]["status"], dict(sent[0]["headers"]), bool(reached)


ROUTES = (
    "/", "/watch", "/_stcore/health", "/_stcore/host-config", "/_stcore/metrics", "/_stcore/upload_file/a/b",
    "/media/a.csv", "/static/js/index.js", "/app/static/plotly.min.js", "/component/x/index.html", "/none",
)  # fmt: skip


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("host", ["evil.example", "evil.example:8501", "127.0.0.1.evil.example", "", "x@127.0.0.1"])
def test_a_foreign_host_reaches_nothing(path, host):
    status, headers, reached = asked(path, host=host)
    assert (status, reached) == (403, False)
    assert b"frame-ancestors 'none'" in headers[b"content-security-policy"]
    assert asked(path)[2] is False
    assert asked("/_stcore/stream", kind="websocket", host=host)[0] == 403


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost:8501", "LOCALHOST:8501", "127.0.0.1"])
def test_its_own_names_are_answered(host):
    assert asked(host=host)[::2] == (200, True)
    assert asked("/_stcore/stream", kind="websocket", host=host, origin=f"http://{host}")[::2] == (101, True)
    assert asked("/_stcore/upload_file/a/b", "PUT", host=host, origin=f"http://{host}")[2]


@pytest.mark.parametrize(
    "origin",
    [
        "http://127.0.0.1:9999",
        "http://localhost:8501",
        "http://127.0.0.1",
        "null",
        "http://evil.example",
        "",
        "file://",
    ],
)
def test_pages_of_another_origin_reach_nothing(origin):
    for kind in ("websocket", "http"):
        assert asked("/_stcore/stream", kind=kind, host=HERE, origin=origin)[::2] == (403, False)
    assert asked("/_stcore/upload_file/a/b", "PUT", host=HERE, origin=origin)[::2] == (403, False)


def test_a_link_from_elsewhere_is_followed_and_nothing_else_is_loaded_by_it():
    browser = {"host": HERE, "sec_fetch_site": "cross-site"}
    assert asked(**browser, sec_fetch_mode="navigate", sec_fetch_dest="document")[2]
    assert not asked(**browser, sec_fetch_mode="navigate", sec_fetch_dest="iframe")[2]
    assert not asked(**browser, sec_fetch_mode="no-cors", sec_fetch_dest="image")[2]
    assert not asked("/static/js/index.js", **browser, sec_fetch_mode="no-cors", sec_fetch_dest="script")[2]
    assert not asked(method="POST", **browser, sec_fetch_mode="navigate", sec_fetch_dest="document")[2]
    assert asked(host=HERE, sec_fetch_site="same-origin", sec_fetch_mode="cors", sec_fetch_dest="empty")[2]
    assert asked(host=HERE, sec_fetch_site="none", sec_fetch_mode="navigate", sec_fetch_dest="document")[2]


def test_a_program_without_a_page_may_open_the_websocket():
    assert asked("/_stcore/stream", kind="websocket", host=HERE)[0] == 101


def test_every_answer_says_where_it_may_be_shown():
    for path in ROUTES:
        headers = asked(path, host=HERE)[1]
        policy = headers[b"content-security-policy"]
        component = path.startswith("/component/")
        assert headers[b"x-frame-options"] == (b"SAMEORIGIN" if component else b"DENY")
        assert b"X-Frame-Options" not in headers
        assert (b"frame-ancestors 'self'" if component else b"frame-ancestors 'none'") in policy
        assert headers[b"x-content-type-options"] == b"nosniff"
        assert headers[b"referrer-policy"] == b"same-origin"
        assert (b"sandbox" in policy) == path.startswith("/media/")
        assert b"http:" not in policy and b"https:" not in policy and b"*" not in policy


def test_a_proxys_names_are_told_by_the_one_who_starts_the_server(monkeypatch):
    from pages.parts.serve import names_of_a_proxy

    monkeypatch.delenv("LAB_HOSTS", raising=False)
    assert names_of_a_proxy() == []
    monkeypatch.setenv("LAB_HOSTS", "lab.example.org, other.example,")
    assert names_of_a_proxy() == ["lab.example.org", "other.example"]
