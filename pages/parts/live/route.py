"""What moves on Watch, fetched by the page's own scripts: `GET /live/…`, past Streamlit.

A rerun of a page costs Streamlit tens of milliseconds a session. Here all sessions share what is read and built once a
second (`pages.parts.live.shared_state`), each gets what is new since the version that it names, and a page is run again
only when what Streamlit draws of a run has changed. docs/architecture.md has the whole of it.

| address | answer |
|---|---|
| `/live/runs?since=V` | runs at work, with a small curve of each; what waits |
| `/live/board?since=V&after=EVENT` | all runs as the board lists them, with that event |
| `/live/notices?since=V` | what people should know at once, the newest first |
| `/live/run/ID?since=V&axis=A&log=OFFSET` | what moves of one run, and what its log has after a byte offset |
| `/live/run/ID/log?find=TEXT&before=OFFSET` | lines of the log, searched backwards piece by piece |
| `/live/run/ID/log.txt` | the whole log, as a file |
| `/live/run/ID/ahead?view=V&n-V=N` | nothing; its solution is sampled for a page that is being loaded |

Answers are JSON; an error is `{"error": sentence}`. 204 means that nothing is new; `lab-next` says in how many seconds
there may be.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import threading
import time
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import LabError, RunNotFoundError
from core.plain_text import traceback_of
from core.runs import RunFolder, log_file, run_folder
from pages.parts.live import board_state, list_state, notices_state, run_state
from pages.parts.live.shared_state import SharedState
from pages.parts.shared.figures import X_TITLES

PREFIX = "/live/"
RUN = re.compile(r"/live/run/([0-9a-f]{32})(|/log|/log\.txt|/ahead)")
MOST_RUNS = 32
"""Runs that are kept ready; of more, those that nobody has asked for longest are forgotten."""
FORGOTTEN_S = 120.0
"""A run that nobody has asked for so long is forgotten with the next new one."""
LONGEST_TEXT = 200
"""Characters to look for in a log."""
CHUNK = 256_000
"""Bytes of a log that are sent at once."""


class Live:
    """ASGI middleware that answers what moves; everything else goes on."""

    def __init__(self, app: ASGIApp):
        self._app = app
        self._list: SharedState[dict[str, Any]] = SharedState(
            list_state.build, lambda before, after: before != after, lambda state: list_state.EVERY_S
        )
        self._board = SharedState(board_state.build, board_state.differs, lambda state: board_state.EVERY_S)
        self._notices: SharedState[dict[str, Any]] = SharedState(
            notices_state.build, lambda before, after: before != after, lambda state: notices_state.EVERY_S
        )
        self._runs: dict[tuple[str, str], SharedState[run_state.RunState]] = {}
        self._searching = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._answer(scope, sending)
        except Exception as error:
            if begun:  # a log that could not be sent to its end: the browser sees that it is not whole
                raise
            await _refuse(send, error)

    async def _answer(self, scope: Scope, send: Send) -> None:
        if scope["method"] != "GET":
            raise _BadRequestError("Only GET is answered here.", 405)
        try:
            asked = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=8)
        except ValueError:
            raise _BadRequestError("That asks for too much at once.") from None
        if scope["path"] == "/live/runs":
            await self._whole(self._list, asked, send)
            return
        if scope["path"] == "/live/notices":
            await self._whole(self._notices, asked, send)
            return
        if scope["path"] == "/live/board":
            await self._whole_board(asked, send)
            return
        found = RUN.fullmatch(scope["path"])
        if found is None:
            raise _BadRequestError("There is nothing at this address.", 404)
        run_id, part = found.groups()
        if part == "/log":
            await self._searched(run_id, asked, send)
        elif part == "/log.txt":
            await _whole_log(run_id, send)
        elif part == "/ahead":
            self._ahead(_folder(run_id), {name: values[-1] for name, values in asked.items()})
            await _nothing_new(send, 0.0)
        else:
            await self._run(run_id, asked, send)

    async def _whole(self, shared: SharedState[dict[str, Any]], asked: dict[str, list[str]], send: Send) -> None:
        """All of a state, where it is another than the browser has."""
        state = await shared.now()
        version, since = shared.version, _one(asked, "since")
        if since == version:
            await _nothing_new(send, shared.next_s)
            return
        body = await shared.answer((version,), lambda: {"version": version} | state)
        await _json(send, body, shared.next_s)

    async def _whole_board(self, asked: dict[str, list[str]], send: Send) -> None:
        state = await self._board.now()
        if state.head["event"] < (_number(asked, "after") or 0):  # who asks has changed it since
            state = await self._board.now(fresh=True)
        version, since = self._board.version, _one(asked, "since")
        if since == version:
            await _nothing_new(send, self._board.next_s)
            return
        before = self._board.since(since)
        known = since if before is not None else ""
        body = await self._board.answer(
            (version, known), lambda: {"version": version} | board_state.news(before, state)
        )
        await _json(send, body, self._board.next_s)

    async def _run(self, run_id: str, asked: dict[str, list[str]], send: Send) -> None:
        axis = _one(asked, "axis") or "iteration"
        if axis not in X_TITLES:
            raise _BadRequestError(f"axis is one of {', '.join(X_TITLES)}.")
        offset, since = _number(asked, "log"), _one(asked, "since")
        shared = self._shared(run_id, axis)
        try:
            state = await shared.now()
        except RunNotFoundError:
            self._runs.pop((run_id, axis), None)
            raise
        version = shared.version
        if since == version and offset is not None and offset >= state.log_size:
            await _nothing_new(send, shared.next_s)
            return
        before = shared.since(since)

        def make() -> dict[str, Any]:
            part = log_file.news(run_folder(run_id), offset)
            return {"version": version, "log": asdict(part)} | run_state.news(before, state)

        known = since if before is not None else ""
        await _json(send, await shared.answer((version, known, offset), make), shared.next_s)

    def _shared(self, run_id: str, axis: str) -> SharedState[run_state.RunState]:
        key = run_id, axis
        if key not in self._runs:
            last = {known: shared.asked for known, shared in self._runs.items()}
            spare = sorted(last, key=last.get)[: max(0, len(last) - MOST_RUNS + 1)]
            for known in {*spare, *(known for known in last if time.monotonic() - last[known] > FORGOTTEN_S)}:
                del self._runs[known]
            self._runs[key] = SharedState(
                lambda: run_state.build(run_id, axis), run_state.differ, lambda state: state.every_s
            )
        return self._runs[key]

    def _ahead(self, folder: RunFolder, asked: dict[str, str]) -> None:
        from pages.parts.live.ahead import sample_ahead

        threading.Thread(target=sample_ahead, args=(folder, asked), name="ahead", daemon=True).start()

    async def _searched(self, run_id: str, asked: dict[str, list[str]], send: Send) -> None:
        text, before = _one(asked, "find"), _number(asked, "before")
        if not text or len(text) > LONGEST_TEXT:
            raise _BadRequestError(f"find is a text of 1 to {LONGEST_TEXT} characters.")
        async with self._searching:  # one reads and searches 16 MB: others wait for their turn
            found = await asyncio.to_thread(log_file.search, _folder(run_id), text, before)
        await _json(send, json.dumps(asdict(found)).encode(), 0.0)


class _BadRequestError(Exception):
    def __init__(self, sentence: str, status: int = 400):
        super().__init__(sentence)
        self.status = status


def _folder(run_id: str) -> RunFolder:
    folder = run_folder(run_id)
    if not folder.exists:
        raise RunNotFoundError(run_id)
    return folder


def _one(asked: dict[str, list[str]], name: str) -> str:
    """The last value of a parameter; empty where it is not given."""
    return asked.get(name, [""])[-1]


def _number(asked: dict[str, list[str]], name: str) -> int | None:
    text = _one(asked, name)
    if text and not re.fullmatch(r"[0-9]{1,15}", text):
        raise _BadRequestError(f"{name} is a whole number.")
    return int(text) if text else None


async def _refuse(send: Send, error: Exception) -> None:
    """Say what went wrong, in one sentence; a traceback is the server's own."""
    if isinstance(error, _BadRequestError):
        await _say(send, error.status, str(error))
    elif isinstance(error, RunNotFoundError):
        await _say(send, 404, str(error))
    elif isinstance(error, LabError):
        await _say(send, 503, str(error))
    elif isinstance(error, OSError):
        await _say(send, 503, f"It can't be read: {(error.strerror or str(error)).lower()}.")
    else:
        print(traceback_of(error), file=sys.stderr, flush=True)
        await _say(send, 500, "The server could not put this together; its own log says why.")


async def _say(send: Send, status: int, sentence: str) -> None:
    await _json(send, json.dumps({"error": sentence}).encode(), 5.0, status)


async def _nothing_new(send: Send, next_s: float) -> None:
    await _send(send, 204, [], b"", next_s)


async def _json(send: Send, body: bytes, next_s: float, status: int = 200) -> None:
    await _send(send, status, [(b"content-type", b"application/json"), _length(len(body))], body, next_s)


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes, next_s: float) -> None:
    own = [(b"cache-control", b"no-store"), (b"lab-next", f"{next_s:.3f}".encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *own]})
    await send({"type": "http.response.body", "body": body})


def _length(size: int) -> tuple[bytes, bytes]:
    return b"content-length", str(size).encode()


async def _whole_log(run_id: str, send: Send) -> None:
    """The log as it is now, piece by piece: it may be longer than what fits in memory."""
    folder = _folder(run_id)
    size, at = folder.log_size(), 0
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-disposition", f'attachment; filename="log-{run_id[:8]}.txt"'.encode()),
        (b"cache-control", b"no-store"),
        _length(size),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    while at < size:
        data, at = await asyncio.to_thread(folder.log, at, min(CHUNK, size - at))
        if not data:
            raise ConnectionError("The log was cut while it was sent.")
        await send({"type": "http.response.body", "body": data, "more_body": at < size})
    if not size:
        await send({"type": "http.response.body", "body": b""})
