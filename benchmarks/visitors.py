"""Visitors of Watch without a browser: what a page of ours sends to the server, from one light process.

A visitor is one real session of Streamlit (its WebSocket, a script run of the page, each repetition that the page asks
for by itself, a rerun when the run's structure changes) and the questions that the page's scripts ask over one kept
connection, at the moments that the server names. What is left out is drawing. `benchmarks.control.sessions` holds them
against tabs of a real Chromium.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from dataclasses import dataclass, field
from typing import Any

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

LARGEST = 2**24


@dataclass
class Visitor:
    """One session that looks at a run, and what it saw."""

    port: int
    run_id: str
    asks: tuple[str, ...]
    """Addresses that the page's scripts ask beside the run's own."""
    seen: list[tuple[float, float]] = field(default_factory=list)
    """(Unix time, newest x of the residual that the page has) at each change."""
    script_runs: int = 0
    answers: int = 0
    received: int = 0
    """Bytes of answers."""
    errors: list[str] = field(default_factory=list)
    _since: dict[str, str] = field(default_factory=dict)
    """Address → what it is asked with."""

    async def stay(self) -> None:
        """Look until it is cancelled."""
        origin = f"http://127.0.0.1:{self.port}"
        async with websockets.connect(
            f"ws://127.0.0.1:{self.port}/_stcore/stream", subprotocols=["streamlit"], origin=origin, max_size=LARGEST
        ) as socket:
            self._socket, self._repeating = socket, set()
            await self._rerun()
            async with asyncio.TaskGroup() as group:
                self._group = group
                group.create_task(self._listen())
                group.create_task(self._ask_of_run())
                for path in self.asks:
                    group.create_task(self._ask(path))

    async def _rerun(self, fragment: str = "") -> None:
        message = BackMsg()
        message.rerun_script.query_string = f"run={self.run_id}"
        message.rerun_script.page_name = "watch"
        if fragment:
            message.rerun_script.fragment_id = fragment
            message.rerun_script.is_auto_rerun = True
        await self._socket.send(message.SerializeToString())

    async def _listen(self) -> None:
        async for data in self._socket:
            message = ForwardMsg.FromString(data)
            kind = message.WhichOneof("type")
            if kind == "script_finished":
                self.script_runs += 1
            elif kind == "auto_rerun":
                fragment = message.auto_rerun.fragment_id
                if fragment not in self._repeating:
                    self._repeating.add(fragment)
                    self._group.create_task(self._repeat(message.auto_rerun.interval, fragment))

    async def _repeat(self, interval: float, fragment: str) -> None:
        while True:
            await asyncio.sleep(interval)
            with contextlib.suppress(websockets.ConnectionClosed):
                await self._rerun(fragment)

    async def _ask_of_run(self) -> None:
        """What the run's component does: news since its version, the log from its offset, a rerun where one is due."""
        structure, newest = None, -1.0
        own = f"/live/run/{self.run_id}"
        async for news in _answers(self, own):
            self._since[own] = f"since={news['version']}&axis=iteration&log={news['log']['end']}"
            if structure not in (None, news["structure"]):
                await self._rerun()
            structure = news["structure"]
            residual = (news["charts"] or {}).get("residual")
            x = None
            if residual and "data" in residual:
                x = residual["data"][0]["x"]
            elif residual and "traces" in residual:
                _, x, _ = residual["traces"][0]
            if x and x[-1] > newest:
                newest = x[-1]
                self.seen.append((time.time(), newest))

    async def _ask(self, path: str) -> None:
        async for news in _answers(self, path):
            self._since[path] = f"since={news['version']}"


async def _answers(visitor: Visitor, path: str) -> Any:
    """Answers that have something new, asked for whenever the server says."""
    reader = writer = None
    while True:
        try:
            if writer is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", visitor.port, limit=LARGEST)
            request = f"GET {path}?{visitor._since.get(path, '')} HTTP/1.1\r\nHost: 127.0.0.1:{visitor.port}\r\n\r\n"
            writer.write(request.encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            body = await reader.readexactly(int(fields.get("content-length", 0)))
            status = int(head.split()[1])
            visitor.answers += 1
            visitor.received += len(head) + len(body)
            if status == 200:
                yield json.loads(body)
            elif status != 204:
                visitor.errors.append(f"{path}: {status} {body[:200]!r}")
            await asyncio.sleep(float(fields.get("lab-next", 1)) + 0.05 * random.random())
        except (OSError, asyncio.IncompleteReadError) as error:
            if writer is None:
                visitor.errors.append(f"{path}: {error}")
                await asyncio.sleep(1)
            writer = None  # a connection that was kept for too long is made again, as a browser does
