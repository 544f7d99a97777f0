"""`/api/…`: what `python -m core remote` asks, with a token in place of a sign-in. JSON both ways.

| address | answer |
|---|---|
| `GET /api/whoami` | name and role of the token |
| `GET /api/runs`, `/api/runs/ID` | the board, or one run with its events and files |
| `GET /api/runs/ID/log?offset=N` | what it has printed from a byte on |
| `GET /api/runs/ID/file?name=N` | a file of it: config, history, certificate, a checkpoint |
| `POST /api/runs` | queue a run: `config`, `key`, options |
| `POST /api/runs/ID/ACTION` | stop, pause, resume, retry, hold, release, remove, delete, restore |

Cookies count for nothing here, so no page of another site can make a browser ask.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

from core.errors import LabError, RunNotFoundError
from core.jobs import from_afar
from core.people import NotAllowedError, Person, acting_as
from core.people.tokens import BadTokenError, bearer
from core.plain_text import traceback_of

PREFIX = "/api/"
RUN = re.compile(r"/api/runs/([0-9a-f]{1,32})(?:/([a-z]+))?")
LARGEST = 1_000_000
"""Bytes of a request."""
CHUNK = 256_000


class Api:
    """ASGI middleware that answers the command line from afar; everything else goes on."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        try:
            person = bearer(_token(scope))
            answer = await _answer(scope, receive, person)
        except Exception as error:
            status, sentence = _told(error)
            extra = [(b"www-authenticate", b"Bearer")] if status == 401 else []
            await _json(send, {"error": sentence}, status, extra)
            return
        if isinstance(answer, Path):
            await _file(send, answer)
        else:
            await _json(send, answer)


class _RefusedError(Exception):
    def __init__(self, status: int, sentence: str):
        super().__init__(sentence)
        self.status = status


def _token(scope: Scope) -> str:
    said = [value.decode("latin-1") for key, value in scope["headers"] if key == b"authorization"]
    kind, _, token = said[0].partition(" ") if len(said) == 1 else ("", "", "")
    if kind.lower() != "bearer":
        raise _RefusedError(401, "This takes a token: `python -m core token make NAME` on the lab's machine makes one.")
    return token.strip()


async def _answer(scope: Scope, receive: Receive, person: Person) -> dict[str, Any] | Path:
    path, method = scope["path"], scope["method"]
    asked = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
    found = RUN.fullmatch(path)
    run, part = found.groups() if found else ("", None)
    if method == "GET":
        offset = _number(asked.get("offset", "0"))
        questions: dict[tuple[bool, str | None], Callable[[], Any]] = {
            (True, None): lambda: from_afar.one(run),
            (True, "log"): lambda: from_afar.log(run, offset),
            (True, "file"): lambda: from_afar.file_of(run, asked.get("name", "")),
        }
        if path == "/api/whoami":
            return from_afar.whoami(person)
        if path == "/api/runs":
            return await _as(person, lambda: from_afar.listed(_number(asked.get("limit", "1000"))))
        if (question := questions.get((bool(found), part))) is not None:
            return await _as(person, question)
    elif method == "POST" and (path == "/api/runs" or (found and part)):
        told = await _body(receive)
        if path == "/api/runs":
            return await _as(person, lambda: from_afar.submitted(told))
        return await _as(person, lambda: from_afar.done(run, part, told))
    raise _RefusedError(404, "There is nothing at this address.")


async def _as(person: Person, do: Callable[[], Any]) -> Any:
    """What `do` gives on a thread, put down to the token."""

    def there() -> Any:
        with acting_as(person):
            return do()

    return await asyncio.to_thread(there)


async def _body(receive: Receive) -> dict[str, Any]:
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise _RefusedError(400, "The question was cut off.")
        body, more = body + message.get("body", b""), message.get("more_body", False)
        if len(body) > LARGEST:
            raise _RefusedError(413, f"A question has {LARGEST:,} bytes at most.")
    try:
        told = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise _RefusedError(400, "The question is no JSON.") from None
    if not isinstance(told, dict):
        raise _RefusedError(400, "The question is no JSON object.")
    return told


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise _RefusedError(400, "That is no whole number.")
    return int(text)


def _told(error: Exception) -> tuple[int, str]:
    """Status and sentence of an error; a traceback is the server's own."""
    if isinstance(error, _RefusedError):
        return error.status, str(error)
    for kind, status in ((BadTokenError, 401), (NotAllowedError, 403), (RunNotFoundError, 404), (LabError, 409)):
        if isinstance(error, kind):
            return status, str(error)
    if isinstance(error, OSError):
        return 503, f"It can't be read: {(error.strerror or str(error)).lower()}."
    print(traceback_of(error), file=sys.stderr, flush=True)
    return 500, "The server could not do this; its own log says why."


async def _json(
    send: Send, answer: dict[str, Any], status: int = 200, extra: list[tuple[bytes, bytes]] | None = None
) -> None:
    body = json.dumps(answer, allow_nan=False).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        *(extra or []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _file(send: Send, path: Path) -> None:
    """A file as it is now, piece by piece."""
    with path.open("rb") as file:  # one that is replaced meanwhile is sent as it was
        size = file.seek(0, 2)
        file.seek(0)
        headers = [
            (b"content-type", b"application/octet-stream"),
            (b"content-length", b"%d" % size),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        left = size
        while left:
            data = await asyncio.to_thread(file.read, min(CHUNK, left))
            if not data:
                raise ConnectionError("The file was cut while it was sent.")
            left -= len(data)
            await send({"type": "http.response.body", "body": data, "more_body": left > 0})
        if not size:
            await send({"type": "http.response.body", "body": b""})
