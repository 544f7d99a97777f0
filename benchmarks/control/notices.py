"""From an event to its webhook: how long it takes, and how often it comes, with a courier that is killed meanwhile.

Short runs that finish and endless ones that a rule stops, with three channels: one that takes what it gets, one that
answers 500 twice before, and one that hangs. While the second half of the runs are at work, the courier is killed again
and again.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

from benchmarks.browser import ROOT
from benchmarks.control import seen
from core import jobs
from core.config import RunConfig, override
from core.rules import Diverged, Finished
from core.settings import Settings, Webhook, save

SHORT = RunConfig(
    name="short",
    problem={"kind": "poisson2d"},
    network={"hidden": [8]},
    stages=[{"iterations": 5, "collocation": {"points": 50}}],
    device="cpu",
)
ENDLESS = override(
    SHORT,
    ["stages.0.optimizer={kind: adam, learning_rate: 1}", "stages.0.iterations=10000000", "name=endless"],
).model_copy(update={"watch": (Diverged(factor=1.5, stop=True),)})


class _Hook(BaseHTTPRequestHandler):
    """`/takes`, `/fails` twice each, `/hangs`."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = self.path.strip("/")
        with self.server.lock:
            self.server.tries[name, body["id"]] += 1
            tries = self.server.tries[name, body["id"]]
        if name == "hangs":
            self.server.closing.wait(600)
            return
        taken = name == "takes" or tries > 2
        if taken:
            with self.server.lock:
                self.server.taken.append((name, time.time(), body))
        self.send_response(200 if taken else 500)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        pass


def measure(quick: bool = False, seed: int = 0) -> dict[str, Any]:
    """Seconds from events to the channel that takes them, and how often each came."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hook)
    server.lock, server.closing = threading.Lock(), threading.Event()
    server.tries, server.taken = Counter(), []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    channels = tuple(Webhook(name=name, url=f"{address}/{name}") for name in ("takes", "fails", "hangs"))
    save(Settings(watch=(Finished(),), channels=channels))
    runs = 2 if quick else 10
    try:
        with seen.ended():
            quiet = _round(server, runs, None)
            killed = _round(server, runs, Random(seed))
    finally:
        server.closing.set()
        server.shutdown()
    return {"quiet": quiet, "courier_killed": killed}


def _round(server: ThreadingHTTPServer, runs: int, random: Random | None) -> dict[str, Any]:
    """Short and endless runs by turns, until both channels have all that is due."""
    with server.lock:
        server.taken.clear()
    submitted = [_submit(config) for _ in range(runs) for config in (SHORT, ENDLESS)]
    kills = 0

    def all_told() -> bool:
        nonlocal kills
        if random and random.random() < 0.007:  # each 14 s on average
            for courier in seen.processes("core.jobs.courier"):
                seen.kill(courier)
                kills += 1
        with server.lock:
            return len({(name, body["run"]["id"]) for name, _, body in server.taken}) == 2 * len(submitted)

    complete = seen.wait(all_told, 120 + 30 * len(submitted)) is not None
    with server.lock:
        taken = list(server.taken)
    events = {event.run_id: event for event in _events() if event.kind == "watcher" or event.after == "finished"}
    delays = sorted(at - events[body["run"]["id"]].time for name, at, body in taken if name == "takes")
    times = Counter((name, body["id"]) for name, _, body in taken)
    return {
        "runs": len(submitted),
        "kills": kills,
        "complete": complete,
        "delay_s": {"median": delays[len(delays) // 2], "largest": delays[-1]} if delays else None,
        "told_twice": sum(count > 1 for count in times.values()),
        "stopped_by_rule": sum(jobs.status(run_id).state in ("stopping", "stopped") for run_id in submitted[1::2]),
    }


def _submit(config: RunConfig) -> str:
    file = seen.home().parent / f"{config.name}.json"
    file.write_text(config.canonical_json(), encoding="utf-8")
    command = [sys.executable, "-m", "core", "submit", str(file)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def _events() -> list[Any]:
    from core.jobs import table

    return table.events_since(0, 10_000)
