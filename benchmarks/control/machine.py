"""What seeing the machine costs: sampling beside a run, and the page System with thousands of runs."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import uuid
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.browser import FLAGS, chromium, dashboard
from core.config import override
from core.home import home
from core.housekeeping import KINDS, plan, survey
from core.jobs import database
from core.presets import resolve
from core.runs import run_folder
from core.tracking import store

RUNS, QUICK_RUNS = 2000, 100
SAMPLED_S, QUICK_S = 60.0, 10.0
SAMPLE = """
import os, sys, time
from types import SimpleNamespace
from core.jobs.sampling import Sampler
from core.runs import run_folder
from core.tracking import store
folder = run_folder(sys.argv[1])
sampler = Sampler(SimpleNamespace(run_id=folder.run_id, attempt=1, folder=folder, started=0.0), os.getppid(), "")
before, memory = time.process_time(), 0
sampler.start()
time.sleep(float(sys.argv[2]))
sampler.end()
print(time.process_time() - before, len(folder.machine.read_text().splitlines()) - 1)
"""
"""A process that does nothing but sample its parent's tree."""


def measure(quick: bool = False) -> dict[str, Any]:
    """Percent of a core that sampling takes; seconds of the page System, and of what it counts behind the scenes."""
    home().ensure()
    store.client()  # a server that finds none makes one, which takes longer than all that is measured here
    runs = fill(QUICK_RUNS if quick else RUNS)
    seconds = QUICK_S if quick else SAMPLED_S
    done = subprocess.run(
        [sys.executable, "-c", SAMPLE, runs[0], str(seconds)], capture_output=True, text=True, check=True
    )
    used, rows = map(float, done.stdout.split())
    found = survey()
    began = time.perf_counter()
    for kind in KINDS:
        plan([kind])
    planned = time.perf_counter() - began
    return {
        "runs": len(runs),
        "sampling_percent_of_a_core": 100 * used / seconds,
        "bytes_per_reading": run_folder(runs[0]).machine.stat().st_size / max(1.0, rows),
        "survey_s": found.seconds,
        "plans_s": planned,
        **page(1 if quick else 5),
    }


def fill(count: int) -> list[str]:
    """Folders and rows of so many ended runs, with files of the usual number and none of the usual size."""
    config = override(resolve("poisson2d-quick"), [])
    text, ids = config.canonical_json(), [uuid.uuid4().hex for _ in range(count)]
    with database.transaction() as connection:
        for run_id in ids:
            connection.execute(
                "INSERT INTO jobs (run_id, name, problem, problem_parameters, config_hash, device, engine, state, "
                "submitted, queued) VALUES (?, ?, 'poisson2d', '{}', ?, 'auto', 'local', 'finished', ?, ?)",
                (run_id, f"run {run_id[:4]}", config.hash, time.time(), time.time()),
            )
    for run_id in ids:
        folder = run_folder(run_id)
        folder.checkpoints.mkdir(parents=True)
        for name in ("last", "stage-1", "stage-2"):
            (folder.checkpoints / f"{name}.pt").write_bytes(os.urandom(200))
        folder.file("config.json").write_text(text)
        for name in ("history.arrows", "log.txt", "provenance.json", "environment.txt", "progress.json", "exit.json"):
            folder.file(name).write_bytes(b"x" * 200)
    return ids


def page(visits: int) -> dict[str, float]:
    """Medians over visits to a server that has drawn the page once: slots seen, and sizes seen."""
    first, sizes = [], []
    with dashboard() as url, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=FLAGS)
        for visit in range(visits + 1):
            context = browser.new_context(viewport={"width": 1280, "height": 1000})
            tab = context.new_page()
            began = time.perf_counter()
            tab.goto(f"{url}/system")
            tab.get_by_text("Nothing waits.").wait_for(timeout=120_000)
            seen = time.perf_counter() - began
            tab.get_by_text("in the lab home").wait_for(timeout=120_000)
            whole = time.perf_counter() - began
            if visit == 0:
                cold = {"page_cold_s": seen, "page_cold_sizes_s": whole}
            else:
                first.append(seen)
                sizes.append(whole)
            context.close()
        browser.close()
    return {**cold, "page_s": statistics.median(first), "page_sizes_s": statistics.median(sizes)}
