"""Nobody who has not signed in reaches anything: pages, files, uploads, what moves, the WebSocket.

Streamlit opens its WebSocket and serves `/media/…` whoever asks, goes on with an open tab, and its cookie is good for
30 days; so each request and each message of a WebSocket is looked at here, before Streamlit sees it. A person who is
kept out, or signed in too long ago, is out with the next thing that a tab of theirs does or gets.
"""

from __future__ import annotations

import json
import re
import time
from urllib.parse import parse_qs, quote, unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.auth_util import get_origin_from_redirect_uri
from streamlit.user_info import generate_login_redirect_url
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from core.errors import LabError
from core.people import VIEWER, acting_as, require
from core.people.admission import NotSignedInError, end
from core.people.policy import CALLBACK
from pages.parts.people.page import sign_in_page
from pages.parts.people.session import Session, cookies_of, session_of

SIGN_IN = "/sign-in"
OPEN = frozenset({"/auth/login", CALLBACK, "/_stcore/health"})
"""What is answered to anybody: signing in, and whether there is a server."""
LOGOUT = "/auth/logout"
CHECK = "/auth/check"
"""For a proxy that protects something else beside the lab (`auth_request`, `forward_auth`): 204 to who has the role
`?role=` (a viewer's unless said), in headers `lab-user` and `lab-role` who that is."""
FAILED = "/?failed"
"""Where a sign-in leads that did not come to its end."""
TO = "lab_to"
"""Cookie: where a person wanted to go when they had to sign in."""
PLACE = re.compile(r"/[a-z0-9-]*(\?[\w=&.%+,:-]{0,1500})?")
SEND_EVERY_S = 1.0
"""Seconds between two looks at whether a tab that is only sent to may still be."""
CLOSED = 1008
"""WebSocket: policy violation."""


class Gate:
    """ASGI middleware that lets in who signed in and has a role, and shows the others where to sign in."""

    def __init__(self, app: ASGIApp):
        self._app = app
        self._https = (get_origin_from_redirect_uri() or "").startswith("https:")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or open one WebSocket."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http" and not scope["path"].startswith("/api/"):  # tokens are looked at there
            await self._request(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == SIGN_IN:
            await self._to_provider(scope, send)
            return
        if path in OPEN:
            await self._app(scope, receive, self._guarded(scope, send))
            return
        session = session_of(cookies_of(scope))
        if path == LOGOUT:
            if session.claims:
                end(session.name)  # a copy of the cookie is worth nothing from now on
            await self._app(scope, receive, self._guarded(scope, send))
            return
        try:
            person = session.person()
            if path == CHECK:
                with acting_as(person):
                    require(_asked(scope, "role") or VIEWER)
        except LabError as error:
            await _refused(scope, send, error, signed_in=bool(session.claims))
            return
        if path == CHECK:
            headers = [(b"lab-user", quote(person.sub).encode()), (b"lab-role", person.role.encode())]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        await self._app(scope, receive, self._guarded(scope, send))

    async def _to_provider(self, scope: Scope, send: Send) -> None:
        """On to the sign-in service by Streamlit's own route, whose token is good for two minutes: it is made now."""
        wanted = _asked(scope, "to")
        place = wanted if PLACE.fullmatch(wanted) else "/"
        headers = [
            (b"location", generate_login_redirect_url("default").encode()),
            (b"set-cookie", self._cookie(f"{TO}={quote(place)}; Path=/; HttpOnly; SameSite=Lax; Max-Age=600").encode()),
            (b"cache-control", b"no-store"),
            (b"content-length", b"0"),
        ]
        await send({"type": "http.response.start", "status": 302, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def _guarded(self, scope: Scope, send: Send) -> Send:
        """`send` whose cookies go over HTTPS alone where the lab is reached so, and which leads to where one wanted."""
        wanted = _place(cookies_of(scope).get(TO, "")) if scope["path"] == CALLBACK else None

        async def guarded(message: Message) -> None:
            nonlocal wanted
            if message["type"] == "http.response.start":
                headers = []
                if scope["path"] == CALLBACK and not any(_signs_in(*header) for header in message["headers"]):
                    wanted = FAILED
                for key, value in message.get("headers", []):
                    if key == b"set-cookie":
                        value = self._cookie(value.decode("latin-1")).encode("latin-1")
                    elif key == b"location" and value == b"/" and wanted:
                        value = wanted.encode()
                    headers.append((key, value))
                message = {**message, "headers": headers}
            await send(message)

        return guarded

    def _cookie(self, text: str) -> str:
        return f"{text}; Secure" if self._https and "; secure" not in text.lower() else text

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = session_of(cookies_of(scope))
        try:
            session.person()
        except LabError as error:
            await receive()
            await send(_close(error))
            return
        line = _Line(session, receive, send)
        await self._app(scope, line.receive, line.send)


class _Line:
    """One WebSocket of somebody, closed as soon as they are not let in any more."""

    def __init__(self, session: Session, receive: Receive, send: Send):
        self._session, self._receive, self._send = session, receive, send
        self._looked = time.monotonic()
        self._closed = False

    async def receive(self) -> Message:
        """The next message of the browser; its end where whoever sends it is out."""
        message = await self._receive()
        if message["type"] == "websocket.receive" and await self._out():
            return {"type": "websocket.disconnect", "code": CLOSED}
        return message

    async def send(self, message: Message) -> None:
        """Send something, unless they are out by now. Raises OSError then, as for a line that broke."""
        if self._closed:
            raise OSError("This session is over.")
        if time.monotonic() - self._looked > SEND_EVERY_S and await self._out():
            raise OSError("This session is over.")
        await self._send(message)

    async def _out(self) -> bool:
        if self._closed:
            return True
        self._looked = time.monotonic()
        try:
            self._session.person()
        except LabError as error:
            self._closed = True
            await self._send(_close(error))
        return self._closed


def _signs_in(name: bytes, value: bytes) -> bool:
    """Whether a header sets the cookie of somebody who signed in."""
    cookie, _, rest = value.decode("latin-1").partition("=")
    return name == b"set-cookie" and cookie == USER_COOKIE_NAME and rest.partition(";")[0].strip('"') != ""


def _close(error: LabError) -> Message:
    return {"type": "websocket.close", "code": CLOSED, "reason": str(error)[:100]}


def _asked(scope: Scope, name: str) -> str:
    return parse_qs(scope["query_string"].decode("latin-1")).get(name, [""])[-1]


def _place(text: str) -> str | None:
    place = unquote(text)
    return place if PLACE.fullmatch(place) and place != "/" else None


async def _refused(scope: Scope, send: Send, error: LabError, *, signed_in: bool) -> None:
    """Say so: as a page to somebody who looks at one, in a sentence to the scripts of a page."""
    status = 401 if isinstance(error, NotSignedInError) else 403
    accepts = b",".join(value for key, value in scope["headers"] if key == b"accept")
    if scope["method"] in ("GET", "HEAD") and b"text/html" in accepts:
        query = scope["query_string"].decode("latin-1")
        place = f"{scope['path']}?{query}" if query else scope["path"]
        why = str(error)
        if place == FAILED and not signed_in:
            why, place = (
                "The sign-in did not come to its end. Try again; if it stays so, the server's log says why.",
                "/",
            )
        body, kind = sign_in_page(why, place, again=status == 401, signed_in=signed_in), b"text/html"
    else:
        body, kind = json.dumps({"error": str(error), "signed_out": True}).encode(), b"application/json"
    headers = [
        (b"content-type", kind + b"; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
