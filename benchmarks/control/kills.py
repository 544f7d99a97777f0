"""SIGKILL at random moments: of the run, its worker, the server, a `core submit`, each alone and all together.

One run after the other is submitted and killed a few times on its way. After each kill nobody looks: the job table and
MLflow's database are read past the program until they say what is so; then what crashed is resumed. At the end every
run has the history of a run that nobody touched, bit for bit, and every submit that was killed left one run or none.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import numpy as np

from benchmarks.browser import ROOT, free_port
from benchmarks.control import seen
from core import jobs
from core.config import RunConfig
from core.runs import run_folder
from core.tracking.verify import NOT_COMPARED

KILLS = 200
AT_ONE_RUN = 5
"""Kills on one run's way, after which it is left to finish."""
LIMIT_S = 30.0
TARGETS = ("run", "worker", "server", "submit", "courier", "run+worker", "run+worker+server", "all")
CONFIG = RunConfig(
    name="killed",
    problem={"kind": "burgers_profile"},
    network={"hidden": [10]},
    stages=[
        {
            "warmup": {"iterations": 200},
            "iterations": 20,
            "collocation": {"points": 300},
            "checkpoint_every": 5,
            "patience": 1000,
        },
        {
            "fourier": {"features": 30, "sigma": "search"},
            "optimizer": {"kind": "gauss_newton", "damping": 1e-10},
            "iterations": 6,
            "collocation": {"points": 400},
            "checkpoint_every": 2,
            "patience": 1000,
        },
    ],
    device="cpu",
)


class Lab:
    """A server, and runs on their way.

    Args:
        config: file of the config that is submitted.
    """

    def __init__(self, config: str):
        self.config = config
        self.server: subprocess.Popen | None = None
        self.lost: list[str] = []

    def serve(self) -> None:
        """Start the server where there is none."""
        if self.server is None or self.server.poll() is not None:
            self.server = _start("serve", "--port", str(free_port()))

    def kill(self, target: str, run_id: str) -> None:
        """SIGKILL what the target names."""
        row = seen.jobs().get(run_id, {})
        names = ("run", "worker", "server", "courier") if target == "all" else target.split("+")
        pids = {"run": row.get("pid"), "worker": row.get("worker_pid")}
        pids["server"] = self.server.pid if self.server else None
        couriers = seen.processes("core.jobs.courier") if "courier" in names else []
        for pid in [pids[name] for name in names if pids.get(name)] + [process.pid for process in couriers]:
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                continue
        if "server" in names and self.server:
            self.server.wait()

    def killed_submit(self, delay: float) -> None:
        """Submit, and kill the command after so many seconds."""
        before = set(seen.jobs()) | set(seen.told())
        process = _start("submit", self.config, capture=True)
        time.sleep(delay)
        process.kill()
        process.communicate()
        new = (set(seen.jobs()) | set(seen.told())) - before
        if len(new) > 1:
            self.lost.append(f"one submit made {len(new)} runs")


def _start(*arguments: str, capture: bool = False) -> subprocess.Popen:
    out = subprocess.PIPE if capture else subprocess.DEVNULL
    command = [sys.executable, "-m", "core", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, text=True)


def _phase(run_id: str) -> str:
    state = seen.jobs().get(run_id, {}).get("state", "not there")
    progress = run_folder(run_id).progress() if state in seen.ACTIVE else None
    return str(progress["phase"]) if progress else "starting" if state in seen.ACTIVE else state


def _orphans() -> list[str]:
    rows = seen.jobs()
    return [
        f"{run_id[:8]} is {record['state']} in MLflow and nowhere else"
        for run_id, record in seen.told().items()
        if run_id not in rows and record["state"] not in ("failed", "stopped")
    ]


def differs(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> str:
    """In which column two histories differ; empty where they are the same, bit for bit."""
    for name in first:
        if name not in NOT_COMPARED and not np.array_equal(first[name], second[name], equal_nan=True):
            return name
    return ""


def measure(quick: bool = False, seed: int = 0) -> dict[str, Any]:
    """Kills survived, by target and by phase, and what was wrong."""
    draw = random.Random(seed)
    os.environ["OMP_NUM_THREADS"] = "1"
    kills, wrong = 20 if quick else KILLS, []
    by_target, by_phase, late = Counter(), Counter(), []
    home = seen.home()
    home.mkdir(parents=True, exist_ok=True)
    config = home.parent / "killed.json"
    config.write_text(CONFIG.canonical_json(), encoding="utf-8")
    lab = Lab(str(config))
    with seen.ended():
        lab.serve()
        began = time.monotonic()
        reference = jobs.submit(CONFIG)
        if seen.wait(lambda: seen.jobs()[reference]["state"] == "finished", 600) is None:
            raise RuntimeError(f"The run that nobody touches did not finish: {seen.jobs()[reference]}")
        length = time.monotonic() - began
        expected = run_folder(reference).history_columns()
        submitted = {reference}
        while sum(by_target.values()) < kills:
            run_id = jobs.submit(CONFIG)
            submitted.add(run_id)
            for _ in range(AT_ONE_RUN):
                target, phase = draw.choice(TARGETS), "any phase"
                if target == "submit":
                    lab.killed_submit(draw.uniform(0, 4))
                else:
                    time.sleep(draw.uniform(0, length))
                    phase = _phase(run_id)
                    by_phase[phase] += 1
                    lab.kill(target, run_id)
                    if target == "all":
                        lab.serve()  # nobody is left to look: the truth is told once somebody is
                by_target[target] += 1
                waited = seen.wait(lambda: not seen.lies() and not _orphans(), LIMIT_S)
                if waited is None:
                    wrong += [f"after {target} in {phase}: {lie}" for lie in seen.lies() + _orphans()]
                    print(*wrong, sep="\n", file=sys.stderr, flush=True)
                else:
                    late.append(waited)
                lab.serve()
                for each, row in seen.jobs().items():
                    if row["state"] == "crashed":
                        jobs.resume(each)
                if seen.jobs()[run_id]["state"] == "finished":
                    break
            print(f"{sum(by_target.values())} kills, {len(wrong)} wrong", file=sys.stderr, flush=True)
        wrong += _end_all()
        wrong += [f"{run_id[:8]} is lost" for run_id in submitted - set(seen.jobs())]
        for run_id, row in seen.jobs().items():
            history = run_folder(run_id).history_columns()
            if row["state"] == "finished" and (column := differs(expected, history)):
                wrong.append(f"{run_id[:8]} differs in {column}, attempt {row['attempt']}")
    return {
        "kills": sum(by_target.values()),
        "by_target": dict(by_target),
        "by_phase": dict(by_phase),
        "runs": len(seen.jobs()),
        "attempts": sum(row["attempt"] for row in seen.jobs().values()),
        "said_truly_after_s": {"median": float(np.median(late)), "largest": max(late)} if late else None,
        "wrong": wrong + lab.lost,
    }


def _end_all(limit_s: float = 1800) -> list[str]:
    """Let everything finish; what did not."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        rows = seen.jobs()
        for run_id in [run_id for run_id, row in rows.items() if row["state"] == "crashed"]:
            jobs.resume(run_id)
        if all(row["state"] == "finished" for row in rows.values()):
            return []
        time.sleep(1)
    return [
        f"{run_id[:8]} is still {row['state']}" for run_id, row in seen.jobs().items() if row["state"] != "finished"
    ]
