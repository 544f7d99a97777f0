"""What the record of a lab costs to look at: `python -m benchmarks.dashboard [--json FILE] [--only PART …]`.

Needs a Chromium on the PATH. The stores have failed, crashed, running, NaN-valued and foreign runs in them, and are
made here (`benchmarks.bulk_store`). MLflow's own user interface is opened on the same store in the same run. Medians;
the largest in brackets.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from benchmarks.browser import FLAGS, READY, ROOT, chromium, dashboard, mlflow_ui
from benchmarks.bulk_store import bulk, long_history
from benchmarks.machine import machine
from core.home import home
from core.tracking import store

CELL = '[data-testid="stDataFrame"] td[role="gridcell"]'
CANVAS = '[data-testid="stDataFrame"] canvas'
MLFLOW_ROW = '[role="row"] a[href*="/runs/"]'
TRACE = ".js-plotly-plot .scatterlayer .trace"
VIEW = {"width": 1400, "height": 1000}
REPEATS = 7
DRAG = """async () => {
    const chart = [...document.querySelectorAll('.js-plotly-plot')].at(-1);
    const [x0, x1] = chart._fullLayout.xaxis.range;
    const began = performance.now();
    const range = [x0 + (x1 - x0) * 0.4, x0 + (x1 - x0) * (0.6 + Math.random() / 10)];
    await window.Plotly.relayout(chart, { 'xaxis.range': range });
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    return performance.now() - began;
}"""


def spread(seconds: list[float]) -> dict[str, float]:
    """Median and largest of a few timings."""
    return {"median_s": statistics.median(seconds), "largest_s": max(seconds), "n": len(seconds)}


def opened(context: BrowserContext, url: str, selector: str, largest: float = 60) -> float:
    """Seconds from navigation until `selector` is there, drawn."""
    page = context.new_page()
    began = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_selector(selector, state="attached", timeout=1000 * largest)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    seconds = time.perf_counter() - began
    page.close()
    return seconds


def compare_page(browser: Browser) -> dict[str, Any]:
    """The Compare page of 1,000 runs against MLflow's list of runs, by turns; a warm cache and a fresh profile."""
    bulk(1000)
    own = store.client().get_experiment_by_name(store.EXPERIMENT).experiment_id
    results: dict[str, list[float]] = {}
    with dashboard() as ours, mlflow_ui(home().tracking_uri) as theirs:
        pages = {"ours": (f"{ours}/compare", CANVAS), "mlflow": (f"{theirs}/#/experiments/{own}/runs", MLFLOW_ROW)}
        warm = browser.new_context(viewport=VIEW)
        for url, selector in pages.values():
            opened(warm, url, selector)
            opened(warm, url, selector)  # the server's own first time
        for _ in range(REPEATS):
            for name, (url, selector) in pages.items():
                results.setdefault(name, []).append(opened(warm, url, selector))
                fresh = browser.new_context(viewport=VIEW)
                results.setdefault(f"{name}, fresh profile", []).append(opened(fresh, url, selector))
                fresh.close()
        results["ours, from another page"] = [_click_through(warm, ours) for _ in range(REPEATS)]
        warm.close()
    found: dict[str, Any] = {name: spread(seconds) for name, seconds in results.items()}
    found["times faster than MLflow"] = found["mlflow"]["median_s"] / found["ours"]["median_s"]
    found["times faster than MLflow, fresh profile"] = (
        found["mlflow, fresh profile"]["median_s"] / found["ours, fresh profile"]["median_s"]
    )
    return found


def _click_through(context: BrowserContext, url: str) -> float:
    page = context.new_page()
    page.goto(f"{url}/best")
    page.wait_for_selector(CANVAS)
    page.wait_for_selector(READY)
    page.wait_for_timeout(500)
    began = time.perf_counter()
    page.get_by_role("link", name="Compare").first.click()
    page.get_by_role("heading", name="Compare").wait_for()
    page.wait_for_selector(CANVAS)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    seconds = time.perf_counter() - began
    page.close()
    return seconds


def overlay(browser: Browser) -> dict[str, Any]:
    """Twenty curves of 100,000 points each over each other, from the click on *Curves* while a scatter is shown.

    The first time the server reads the histories, later it has them; the zooms redraw in the browser.
    """
    ids = bulk(1000)
    twenty = [run for k, run in enumerate(ids) if k % 10 != 8][:20]
    for k, run_id in enumerate(twenty):
        long_history(run_id, 100_000, seed=k)
    chosen = ",".join(f"{run_id[:12]}.{k}" for k, run_id in enumerate(twenty))
    drawn, zooms = [], []
    with dashboard() as url:
        for _ in range(REPEATS):
            context = browser.new_context(viewport=VIEW)
            page = context.new_page()
            page.goto(f"{url}/compare?runs={chosen}&view=Scatter")
            page.wait_for_selector(".js-plotly-plot .scatterlayer .trace", timeout=60_000)
            page.wait_for_selector(READY)
            page.wait_for_timeout(1500)
            began = time.perf_counter()
            page.get_by_role("radio", name="Curves").or_(page.get_by_role("button", name="Curves")).first.click()
            page.wait_for_function(
                "() => [...document.querySelectorAll('.js-plotly-plot')]"
                ".some((chart) => chart.querySelectorAll('.scatterlayer .trace').length >= 20)",
                timeout=60_000,
            )
            page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            drawn.append(time.perf_counter() - began)
            zooms += [page.evaluate(DRAG) / 1000 for _ in range(3)]
            context.close()
    return {"drawn": spread(drawn), "zoom": spread(zooms)}


def best_of_many() -> dict[str, Any]:
    """The ranking of 10,000 runs, with nothing remembered: in a process that has just opened the store, and again."""
    bulk(10_000)
    code = (
        "import json, time\nfrom core.tracking.best import Rule, ranking\nseconds = {}\n"
        "for how in ('last', 'min', 'at-checkpoint'):\n"
        "    began = time.perf_counter()\n    ranked = ranking(Rule('max_residual', how=how))\n"
        "    seconds[how] = time.perf_counter() - began\n"
        "print(json.dumps([len(ranked), seconds]))"
    )
    timings: dict[str, list[float]] = {}
    for _ in range(5):
        out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        eligible, seconds = json.loads(out.stdout)
        for how, value in seconds.items():
            timings.setdefault(how, []).append(value)
    return {"eligible": eligible} | {how: spread(values) for how, values in timings.items()}


WRITER = """
import json, os, sys, time
import numpy as np
from core.home import home
from core.config import override
from core.jobs import table
from core.jobs.process import boot_id, started_at
from core.presets import resolve
from core.tracking import store
from core.runs import run_folder
from core.runs.history import HistoryWriter
from core.training.progress import Progress
points, seconds = int(sys.argv[1]), int(sys.argv[2])
config = override(resolve("poisson2d-quick"), ["name=live"])
run_id = store.create_run(config)
folder = run_folder(run_id)
folder.create(config)
writer = HistoryWriter(folder.history, ("pde",))
whole = np.arange(points)
residual = 10.0 ** (-6 * whole / points) * np.exp(np.random.default_rng(0).normal(0, 0.2, points))
columns = dict(iteration=whole + 1, stage=0 * whole, phase=0 * whole + 1, wall_time_s=0.01 * whole, loss=residual**2,
               max_residual=3 * residual, rms_residual=residual)
writer.extend(columns)
progress = Progress(folder, config)
progress.enter("main", 0)
me = os.getpid()
table.insert(run_id, config, "local", state="running", attempt=1, started=time.time(), pid=me,
             pid_started=started_at(me), boot=boot_id(), slot="none")
store.set_state(run_id, "running")
print(run_id, flush=True)
for k in range(seconds):
    time.sleep(1)
    i = points + k + 1
    value = 10.0 ** -(6 + 0.01 * k)
    moment = time.time()
    writer.append(iteration=i, stage=0, phase=1, wall_time_s=0.01 * i, loss=value**2, max_residual=3 * value,
                  rms_residual=value)
    if progress.due():
        progress.figures = {"total_iterations": i, "max_residual": 3 * value, "rms_residual": value, "lambda": None}
        progress.write(i, 0.01 * i)
    print(json.dumps([i, moment]), flush=True)
"""


def live_curve(browser: Browser) -> dict[str, Any]:
    """From the trainer's step to the pixel, at one step a second, after histories of growing length.

    A process of its own writes through the program's history writer; the browser notes when its chart has the step.
    """
    found = {}
    bulk(200)
    with dashboard() as url:
        for points in (1_000, 100_000, 1_000_000):
            writer = subprocess.Popen(
                [sys.executable, "-c", WRITER, str(points), "45"], cwd=ROOT, stdout=subprocess.PIPE, text=True
            )
            run_id = writer.stdout.readline().strip()
            page = browser.new_context(viewport=VIEW).new_page()
            page.goto(f"{url}/watch?run={run_id}")
            page.wait_for_selector(TRACE, timeout=60_000)
            page.evaluate(
                """() => {
                    window.seen = {};
                    const look = () => {
                        const chart = document.querySelector('.js-plotly-plot');
                        const x = chart?._fullData?.[0]?.x;
                        if (x && x.length) {
                            const last = Math.round(x[x.length - 1]);
                            if (!(last in window.seen)) window.seen[last] = Date.now() / 1000;
                        }
                        requestAnimationFrame(look);
                    };
                    look();
                }"""
            )
            page.wait_for_timeout(32_000)
            seen = {int(k): v for k, v in page.evaluate("() => window.seen").items()}
            page.context.close()
            writer.kill()
            steps = dict(json.loads(line) for line in writer.stdout.read().splitlines())
            writer.wait()
            first = min(seen)
            delays = []
            for step, moment in steps.items():
                shown = [at for k, at in seen.items() if k >= step and k > first]
                if shown and step > first + 2:
                    delays.append(min(shown) - moment)
            found[f"{points:,} points"] = spread(delays)
    return found


def replay_verify() -> dict[str, Any]:
    """Three problems trained and trained again from their record, by the command line."""
    found = {}
    bulk(200)
    settings = ["--set", "stages.0.iterations=40", "--set", "stages.0.warmup.iterations=60"]
    with tempfile.TemporaryDirectory() as folder:
        for preset in ("poisson2d-quick", "burgers-profile", "poisson3d"):
            out = Path(folder) / f"{preset}.json"
            command = [sys.executable, "-m", "core"]
            quiet = {"cwd": ROOT, "check": True, "capture_output": True, "text": True}
            subprocess.run([*command, "train", preset, *settings, "--json", str(out)], **quiet)
            run_id = json.loads(out.read_text())["run_id"]
            answer = subprocess.run([*command, "replay", run_id, "--verify"], **quiet)
            found[preset] = answer.stdout.strip().splitlines()[-1]
    return found


class _NoHistory:
    """What the trainer writes to when nothing is tracked."""

    rows = 0

    def append(self, **row: object) -> None:
        self.rows += 1

    def flush(self) -> None:
        pass

    def truncate(self, rows: int) -> None:
        self.rows = rows


def tracking_overhead() -> dict[str, Any]:
    """Training with history, progress and the mirror in MLflow, against the same training with none of them."""
    from core.config import override
    from core.execution.mirror import MetricsMirror
    from core.presets import resolve
    from core.runs import run_folder
    from core.runs.history import HistoryWriter
    from core.training.trainer import Trainer

    cases = {
        "Levenberg–Marquardt": ["stages.0.iterations=150", "stages.0.target_residual=1e-30", "stages.0.patience=1000"],
        "Adam": [
            "stages.0.optimizer={kind: adam}",
            "stages.0.iterations=1500",
            "stages.0.warmup.iterations=0",
            "stages.0.target_residual=1e-30",
        ],
    }

    def train(config, tracked: bool) -> tuple[float, float]:
        run_id = store.create_run(config)
        folder = run_folder(run_id)
        folder.create(config)
        mirror = MetricsMirror(folder)
        history = HistoryWriter(folder.history, config.problem.residual_names, mirror) if tracked else _NoHistory()
        trainer = Trainer(config, folder, wanted=lambda: None, history=history, say=lambda line: None)
        if not tracked:
            trainer.progress.due = lambda: False
        wall, cpu = time.perf_counter(), time.process_time()
        trainer.train()
        if tracked:
            history.close()
        return time.perf_counter() - wall, time.process_time() - cpu

    found = {}
    bulk(200)
    for name, settings in cases.items():
        config = override(resolve("poisson2d-quick"), settings)
        train(config, True)
        walls, cpus = [], []
        for k in range(REPEATS):
            pair = {tracked: train(config, tracked) for tracked in ((True, False) if k % 2 else (False, True))}
            walls.append(pair[True][0] / pair[False][0] - 1)
            cpus.append(pair[True][1] / pair[False][1] - 1)
        found[name] = {
            "wall": statistics.median(walls),
            "cpu": statistics.median(cpus),
            "wall of each pair": sorted(walls),
            "seconds": pair[False][0],
        }
    return found


PARTS: dict[str, tuple[Callable[..., dict[str, Any]], bool]] = {
    "compare": (compare_page, True),
    "overlay": (overlay, True),
    "best": (best_of_many, False),
    "live": (live_curve, True),
    "replay": (replay_verify, False),
    "overhead": (tracking_overhead, False),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    found: dict[str, Any] = {"machine": machine(), "load": os.getloadavg()}
    print(found["machine"], flush=True)
    for name in options.only:
        measure, needs_browser = PARTS[name]
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as lab_home:
            os.environ["LAB_HOME"] = lab_home
            if needs_browser:
                with sync_playwright() as playwright:
                    browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
                    found[name] = measure(browser)
                    browser.close()
            else:
                found[name] = measure()
        print(f"\n{name}")
        _print(found[name])
    if options.json:
        options.json.write_text(json.dumps(found, indent=1, ensure_ascii=False))


def _print(values: dict[str, Any], indent: str = "  ") -> None:
    for key, value in values.items():
        if isinstance(value, dict) and "median_s" in value:
            print(f"{indent}{key}: {value['median_s']:.3f} s ({value['largest_s']:.3f} s of {value['n']})", flush=True)
        elif isinstance(value, dict):
            print(f"{indent}{key}:")
            _print(value, indent + "  ")
        elif isinstance(value, float) and math.isfinite(value):
            print(f"{indent}{key}: {value:.4g}", flush=True)
        else:
            print(f"{indent}{key}: {value}", flush=True)


if __name__ == "__main__":
    main()
