"""Thirty sessions on Watch at once: what they cost the server and the training, and how late each shows what is new.

A session is a `benchmarks.visitors.Visitor`: a session of Streamlit with the questions that its page's scripts ask, all
thirty in one process beside. Tabs of a real Chromium are held against them afterwards, one by one in front: a tab in
the background asks every ten seconds, as it should. Training has one thread; each span with sessions is held against
the spans without before and after it.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psutil
from playwright.sync_api import sync_playwright

from benchmarks.browser import FLAGS, READY, chromium, free_port, start_dashboard
from benchmarks.control import seen
from benchmarks.visitors import Visitor
from core import jobs
from core.config import override
from core.presets import resolve
from core.runs import RunFolder
from core.runs.curves import RunCurves

SESSIONS, TABS = 30, 3
ALONE_S, TOGETHER_S = 60.0, 180.0
"""Seconds of training alone, before and after, and with all sessions."""
DRAWN_S, SETTLE_S = 180.0, 5.0
"""Most seconds until all sessions have drawn page and curve, and seconds from then on that don't count."""
ASKED_BESIDE = ("/live/runs", "/live/board", "/live/notices")
LONG = [
    "stages.0.optimizer={kind: adam}",  # whose iterations cost the same, as Gauss-Newton's do not
    "stages.0.warmup.iterations=0",
    "stages.0.iterations=10000000",
    "stages.0.target_residual=1e-300",
    "stages.0.collocation.points=20000",  # some eighty iterations a second
    "name=watched",
]
NEWEST = """() => {
    const chart = document.querySelector('.lab-residual .js-plotly-plot');
    return chart?._fullData?.[0]?.x?.at(-1) ?? -1;
}"""


@dataclass
class Recorder:
    """When each iteration of a run was made, as far as its history tells: its file's time is that of its last row."""

    folder: RunFolder
    at: list[float] = field(default_factory=list)
    iteration: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._curves = RunCurves(self.folder.history)

    def look(self) -> None:
        """Note the newest row."""
        if self._curves.update():
            self.at.append(self.folder.history.stat().st_mtime)
            self.iteration.append(float(self._curves.column("iteration")[-1]))

    def made(self, iteration: float) -> float:
        """The Unix time at which an iteration was written; rows between two looks lie evenly between them."""
        return float(np.interp(iteration, self.iteration, self.at))

    def per_second(self, begin: float, end: float) -> float:
        """Iterations a second between two Unix times."""
        return float(np.diff(np.interp([begin, end], self.at, self.iteration))[0] / (end - begin))


def measure(quick: bool = False) -> dict[str, Any]:
    """CPU of the server, training with and without sessions, how late sessions are, and the server's memory."""
    os.environ["OMP_NUM_THREADS"] = "1"
    seen.home().mkdir(parents=True, exist_ok=True)
    with seen.ended():
        run_id = jobs.submit(override(resolve("poisson2d"), LONG))
        server, _ = start_dashboard(port := free_port())
        recorder = Recorder(jobs.status(run_id).folder)
        while not recorder.at:
            time.sleep(0.2)
            recorder.look()
        spans = (15.0, 15.0) if quick else (ALONE_S, TOGETHER_S)
        found = asyncio.run(_with_sessions(server.pid, port, recorder, *spans))
        print(found, file=sys.stderr, flush=True)
        return found | {"tabs": _tabs(server.pid, port, recorder, 15.0 if quick else 30.0)}


async def _with_sessions(pid: int, port: int, recorder: Recorder, alone_s: float, together_s: float) -> dict[str, Any]:
    server, me = psutil.Process(pid), psutil.Process()
    memory: list[tuple[float, float]] = []
    began = time.time()
    await _for(alone_s, recorder)
    alone = recorder.per_second(began, time.time() - 1)
    visitors = [Visitor(port, recorder.folder.run_id, ASKED_BESIDE) for _ in range(SESSIONS)]
    tasks, before = [], _cpu(server)
    for visitor in visitors:
        tasks.append(asyncio.create_task(visitor.stay()))
        await _for(0.1, recorder)
    opened = time.monotonic()
    while not all(visitor.seen and visitor.script_runs for visitor in visitors):
        if time.monotonic() - opened > DRAWN_S:
            raise TimeoutError(f"Not all sessions were drawn within {DRAWN_S:.0f} s.")
        await _for(0.5, recorder)
    opening = _cpu(server) - before
    await _for(SETTLE_S, recorder)
    received = sum(visitor.received for visitor in visitors)
    began, used, mine = time.time(), _cpu(server), _cpu(me)
    await _for(together_s, recorder, lambda: memory.append((time.time(), server.memory_info().rss / 2**20)))
    ended = time.time()
    took = ended - began
    used, mine = _cpu(server) - used, _cpu(me) - mine
    received = sum(visitor.received for visitor in visitors) - received
    together = recorder.per_second(began, ended - 1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await _for(SETTLE_S, recorder)  # the server puts the sessions away
    again = time.time()
    await _for(alone_s, recorder)
    after = recorder.per_second(again, time.time() - 1)
    late = [
        (shown - began, each) for visitor in visitors for shown, each in _late(visitor.seen, recorder, began, ended)
    ]
    times, megabytes = np.array(memory).T
    return {
        "bar": {"server_cores": 0.5, "slowed": 0.05, "late_s": 2.0},
        "sessions": SESSIONS,
        "seconds_together": took,
        "server_cores": used / took,
        "sessions_cores": mine / took,
        "iterations_per_s": {"alone": alone, "together": together, "alone_after": after},
        "slowed": 1 - together / statistics.mean((alone, after)),
        "late_s": _spread([each for _, each in late]),
        "latest_at_s": [round(shown, 1) for shown, each in sorted(late, key=lambda item: -item[1])[:5]],
        "points_of_time": len(late),
        "server_memory_mb": {"first": megabytes[0], "last": megabytes[-1], "most": megabytes.max()},
        "server_memory_mb_per_minute": float(np.polyfit(times - times[0], megabytes, 1)[0] * 60),
        "memory_mb_each_quarter": [float(part.mean()) for part in np.array_split(megabytes, 4)],
        "server_cpu_s_to_open_a_session": opening / SESSIONS,
        "kb_per_s_and_session": received / (1e3 * SESSIONS * took),
        "script_runs_of_a_session": max(visitor.script_runs for visitor in visitors),
        "errors": [error for visitor in visitors for error in visitor.errors][:5],
    }


async def _for(seconds: float, recorder: Recorder, each_second: Any = lambda: None) -> None:
    end, due = time.monotonic() + seconds, 0.0
    while time.monotonic() < end:
        recorder.look()
        if time.monotonic() >= due:
            each_second()
            due = time.monotonic() + 1
        await asyncio.sleep(0.1)


def _cpu(process: psutil.Process) -> float:
    used = process.cpu_times()
    return used.user + used.system


def _late(shown: list[tuple[float, float]], recorder: Recorder, begin: float, end: float) -> list[tuple[float, float]]:
    """Each update of a session in the span, and how old the oldest row was then that it shows for the first time."""
    found = []
    for (_, before), (moment, newest) in itertools.pairwise(shown):
        if begin <= moment <= end and newest > before:
            found.append((moment, moment - recorder.made(before + 1)))
    return found


def _spread(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    return {"median": statistics.median(values), "p99": float(np.quantile(values, 0.99)), "largest": max(values)}


def _tabs(pid: int, port: int, recorder: Recorder, seconds: float) -> dict[str, Any]:
    """Tabs of a real browser, one after the other in front."""
    server, late, used = psutil.Process(pid), [], 0.0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        pages = [browser.new_context(viewport={"width": 1280, "height": 900}).new_page() for _ in range(TABS)]
        for page in pages:
            page.goto(f"http://127.0.0.1:{port}/watch?run={recorder.folder.run_id}", wait_until="commit")
            page.wait_for_selector(READY, timeout=60_000)
            page.wait_for_selector(".lab-residual .trace", timeout=60_000)
        for page in pages:
            page.bring_to_front()
            page.wait_for_timeout(2000)
            shown: list[tuple[float, float]] = []
            began, before = time.time(), _cpu(server)
            while time.time() - began < seconds:
                newest = page.evaluate(NEWEST)
                if not shown or newest > shown[-1][1]:
                    shown.append((time.time(), newest))
                recorder.look()
                page.wait_for_timeout(50)
            used += _cpu(server) - before
            late.append(_spread([each for _, each in _late(shown, recorder, began, time.time())]))
        browser.close()
    return {"late_s": late, "server_cores": used / seconds / TABS}
