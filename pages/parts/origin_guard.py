"""Who may talk to the server, and where its pages may be shown.

Streamlit checks `Host` for its WebSocket alone and takes every `Origin` on this machine for its own: a page that some
other program serves on another port could drive the app, and a name that is rebound to 127.0.0.1 could read its files.
Here both are asked of every request before Streamlit sees it, and every answer carries the headers that keep the pages
out of other sites' frames and other sites' files out of the pages. docs/safety.md says what that promises.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

COMMON = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
}
PAGE = b"; ".join(
    [
        b"default-src 'self' data: blob:",
        # Streamlit's page has scripts in it, Vega compiles its expressions, and the VTK view is one inline page
        b"script-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:",
        b"style-src 'self' 'unsafe-inline'",
        b"connect-src 'self' ws://%(host)s wss://%(host)s data: blob:",
        b"object-src 'none'",
        b"base-uri 'self'",
        b"form-action 'self'",
    ]
)
"""Content-Security-Policy of everything but stored files: nothing is fetched from elsewhere, whatever a text says."""
FILE = b"default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""Content-Security-Policy of stored files (`/media/`): opened in a tab of their own, they run nothing."""


class OriginGuard:
    """ASGI middleware that refuses foreign hosts and origins, and says where answers may be shown."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or open one WebSocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = _refusal(scope)
        if refusal is None:
            await self._app(scope, receive, _adding(_headers(scope), send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": refusal})
        else:
            body = f"{refusal} docs/safety.md says which are served, and how to serve others.\n".encode()
            await send(
                {
                    "type": "http.response.start",
                    "status": 403,
                    "headers": [
                        (b"content-type", b"text/plain; charset=utf-8"),
                        (b"content-length", b"%d" % len(body)),
                        *_framed(FILE, b"'none'").items(),
                    ],
                }
            )
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _refusal(scope: Scope) -> str | None:
    """Why a request is not answered, in one sentence; None where it is."""
    hosts = _values(scope, b"host")
    if len(hosts) != 1 or not is_host_allowed(hosts[0]):
        return "This server does not answer to the name that it was called by."
    origins = _values(scope, b"origin")
    if any(origin.partition("://")[2].lower() != hosts[0].lower() for origin in origins):
        return "This server does not answer to pages of another origin."
    # a link from elsewhere may be followed; what another page loads or frames by itself may not
    site, mode, target = (_values(scope, name) for name in (b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest"))
    elsewhere = any(value in ("cross-site", "same-site") for value in site)
    if elsewhere and not (scope.get("method") == "GET" and mode == ["navigate"] and target in ([], ["document"])):
        return "This server does not answer to pages of another origin."
    return None


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _adding(own: dict[bytes, bytes], send: Send) -> Send:
    """`send` that puts headers on each answer, in place of what Streamlit says there."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(key, value) for key, value in message.get("headers", []) if key.lower() not in own]
            message = {**message, "headers": [*kept, *own.items()]}
        await send(message)

    return guarded


def _headers(scope: Scope) -> dict[bytes, bytes]:
    """The headers of an answer to a request that was not refused."""
    if scope["path"].startswith("/media/"):
        return _framed(FILE, b"'none'")
    policy = PAGE % {b"host": _values(scope, b"host")[0].encode("latin-1")}
    # a component of the older kind is a page of ours in a frame of ours
    return _framed(policy, b"'self'" if scope["path"].startswith("/component/") else b"'none'")


def _framed(policy: bytes, ancestors: bytes) -> dict[bytes, bytes]:
    return COMMON | {
        b"content-security-policy": policy + b"; frame-ancestors " + ancestors,
        b"x-frame-options": b"DENY" if ancestors == b"'none'" else b"SAMEORIGIN",
    }
