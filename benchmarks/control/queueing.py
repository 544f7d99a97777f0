"""The queue under many hands: who submits, who looks and who reorders at once; and what a change costs in a long one.

Three processes submit short runs, two look all the time as dashboards do, and one reorders at random. The lab's events
stand in one order, so they are played again: each run must have begun when it was the first in the queue.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any
from uuid import uuid4

from benchmarks.browser import ROOT
from benchmarks.control import seen
from core import jobs
from core.config import RunConfig
from core.jobs import table
from core.runs import run_folder
from core.tracking import store

SHORT = RunConfig(
    name="short",
    problem={"kind": "poisson2d"},
    network={"hidden": [8]},
    stages=[{"iterations": 3, "collocation": {"points": 50}}],
    device="cpu",
)
SUBMITTER = """
import sys
from core import jobs
from core.config import RunConfig
config = RunConfig.model_validate_json(sys.argv[1])
for number in range(int(sys.argv[2])):
    jobs.submit(config)
"""
DASHBOARD = """
import time
from core import jobs
while True:
    jobs.queue()
    time.sleep(0.5)
"""
REORDERER = """
import random, sys, time
from core import jobs
from core.errors import LabError
from core.jobs import table
chance = random.Random(int(sys.argv[1]))
while True:
    waiting = [job.run_id for job in table.find(("queued",))]
    if len(waiting) > 1:
        try:
            jobs.move(chance.choice(waiting), chance.randint(1, len(waiting)))
        except LabError as error:
            if "does not wait" not in str(error):
                raise
    time.sleep(0.2)
"""
LONG = 2000
"""Waiting runs of the long queue."""


def measure(quick: bool = False, seed: int = 0) -> dict[str, Any]:
    """What became of the runs of many hands, and seconds that changes take among `LONG` waiting runs."""
    with seen.ended():
        hands = many_hands(3 if quick else 20, seed)
    return {"many_hands": hands, f"queue_of_{LONG}": long_queue(10 if quick else 100, seed)}


def many_hands(each: int, seed: int = 0, submitters: int = 3, dashboards: int = 2) -> dict[str, Any]:
    """Runs that several submit while one reorders: how often each began, and how many not in the order asked."""
    table.find()
    store.client()  # job table and store are there before all of them want to make them
    began = time.perf_counter()
    lookers = [_python(DASHBOARD) for _ in range(dashboards)] + [_python(REORDERER, str(seed))]
    makers = [_python(SUBMITTER, SHORT.canonical_json(), str(each)) for _ in range(submitters)]
    try:
        codes = [maker.wait(600) for maker in makers]
        total = len(seen.jobs())
        seen.wait(lambda: all(row["state"] == "finished" for row in seen.jobs().values()), 120 + 20 * total)
        alive = sum(looker.poll() is None for looker in lookers)
    finally:
        for process in (*makers, *lookers):
            process.kill()
            process.wait()
    rows = seen.jobs()
    return {
        "asked": submitters * each,
        "submitted": len(rows),
        "submitters_failed": sum(code != 0 for code in codes),
        "lookers_failed": len(lookers) - alive,
        "states": dict(Counter(row["state"] for row in rows.values())),
        "seconds": time.perf_counter() - began,
        **played_again([event for event in table.events_since(0, 1_000_000)]),
    }


def _python(code: str, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", code, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL)


def played_again(events: list[Any]) -> dict[str, Any]:
    """The queue as the events made it: moves, how often each run began, and how many began that were not the first."""
    queue: list[str] = []
    begun: Counter[str] = Counter()
    moves = misplaced = out_of_order = 0
    for event in events:
        if event.kind == "submitted":
            queue.append(event.run_id)
        elif event.kind == "moved":
            moves += 1
            misplaced += queue.index(event.run_id) != int(event.before) - 1
            queue.remove(event.run_id)
            queue.insert(int(event.after) - 1, event.run_id)
        elif event.before == "queued" and event.after == "running":
            begun[event.run_id] += 1
            out_of_order += queue[:1] != [event.run_id]
            queue.remove(event.run_id)
        elif event.before != "queued" and event.after == "queued":
            queue.append(event.run_id)
    return {
        "begun_once": sum(count == 1 for count in begun.values()),
        "begun_more_than_once": sum(count > 1 for count in begun.values()),
        "never_begun": len(queue),
        "moves": moves,
        "moved_from_elsewhere": misplaced,
        "out_of_order": out_of_order,
    }


def long_queue(times: int, seed: int = 0) -> dict[str, Any]:
    """Seconds that changes and a look take with `LONG` runs waiting, none of which may start."""
    chance = Random(seed)
    runs = []
    for _ in range(LONG):
        run_id = uuid4().hex
        run_folder(run_id).create(SHORT)
        table.insert(run_id, SHORT, "local", held=1)
        runs.append(run_id)
    one, other = runs[0], runs[1]

    def between_the_same_two() -> None:
        nonlocal one, other  # halves the gap between the first two each time, until places are spread anew
        jobs.move(one, 2)
        one, other = other, one

    return {
        "move_anywhere": _seconds(lambda: jobs.move(chance.choice(runs), chance.randint(1, LONG)), times),
        "move_between_two": _seconds(between_the_same_two, max(times, 60)),
        "move_first": _seconds(lambda: jobs.move(chance.choice(runs), 1), times),
        "set_priority": _seconds(lambda: jobs.set_priority(chance.choice(runs), chance.randint(-5, 5)), times),
        "look_at_the_queue": _seconds(lambda: table.find(("queued",), LONG), 10),
    }


def _seconds(do: Callable[[], Any], times: int) -> dict[str, float]:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        do()
        took.append(time.perf_counter() - began)
    took.sort()
    return {"median": took[len(took) // 2], "largest": took[-1]}
