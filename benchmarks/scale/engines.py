"""Engines: the contract's tests with the real programs, and many short runs from two places at once."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.scale.case import Case, Figure, NotHereError

ROOT = Path(__file__).parents[2]
RUNS, DASHBOARDS = 200, 2
LIMIT_S = 3600.0
SUBMIT = """
import sys
from core import jobs
from core.config import RunConfig

config = {"problem": {"kind": "burgers_profile"}, "network": {"hidden": [8]}, "device": "cpu", "stages": [
    {"warmup": {"iterations": 20}, "iterations": 5, "collocation": {"points": 200}}]}
for k in range(int(sys.argv[2])):
    run = RunConfig(**config | {"seed": k, "name": f"{sys.argv[1]} {k}"})
    print(jobs.submit(run, engine=sys.argv[3]), flush=True)
"""
"""What a dashboard's Launch does, from a process of its own."""


def contract(engine: str) -> Sequence[Figure]:
    """The contract's tests for one engine: 20 jobs, 3 killed and a node killed among them."""
    began = time.monotonic()
    test = "tests/integration/test_engine_contract.py"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", test, "-k", engine],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    counts = {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|skipped|error)", done.stdout)}
    if not counts.get("passed") and not counts.get("failed") and not counts.get("error"):
        why = re.findall(r"SKIPPED .*?: (.+)", done.stdout)
        raise NotHereError(why[0] if why else f"pytest says: {done.stdout[-300:]}")
    return [
        Figure("tests that passed", counts.get("passed", 0)),
        Figure("tests that failed", counts.get("failed", 0) + counts.get("error", 0), "", "equal to", 0),
        Figure("seconds", round(time.monotonic() - began, 1), "s"),
    ]


def many(kind: str) -> Sequence[Figure]:
    """Short real runs through two nodes of a cluster, submitted by two processes at once."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "lab"
        home.mkdir(mode=0o700)
        os.environ |= {"LAB_HOME": str(home), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        cluster, settings = _cluster(kind, Path(folder))
        try:
            cluster.start()
            (home / "settings.yaml").write_text(f"engines:\n- {settings}\n")
            return _many(kind, home)
        finally:
            cluster.end()


def _cluster(kind: str, folder: Path) -> tuple[Any, str]:
    """A cluster that is not started yet, and its entry in the settings as YAML."""
    from tests.clusters import ray, slurm

    if why := (ray if kind == "ray" else slurm).missing():
        raise NotHereError(why)
    place = folder / kind
    place.mkdir()
    if kind == "ray":
        made = ray.Ray(place)
        return made, f"{{kind: ray, name: ray, address: '{made.address}', token_file: {made.token_file}}}"
    made = slurm.Slurm(place)
    return made, f"{{kind: slurm, name: slurm, conf: {made.conf}}}"


def _many(kind: str, home: Path) -> Sequence[Figure]:
    from core import jobs
    from core.jobs import table
    from core.runs import run_folder

    began = time.monotonic()
    share = RUNS // DASHBOARDS
    dashboards = [
        subprocess.Popen([sys.executable, "-c", SUBMIT, f"dashboard {k}", str(share), kind], cwd=ROOT)
        for k in range(DASHBOARDS)
    ]
    ended: Counter[str] = Counter()
    while time.monotonic() - began < LIMIT_S:
        jobs.queue(limit=1)
        ended = Counter(job.state for job in table.find(limit=2 * RUNS) if job.ended_for_good)
        if sum(ended.values()) == RUNS and all(each.poll() is not None for each in dashboards):
            break
        time.sleep(1.0)
    seconds = time.monotonic() - began
    runs = table.find(limit=2 * RUNS)
    folders = [run_folder(job.run_id) for job in runs]
    waits = [
        (folder.begun(1) or {}).get("time", 0.0) - job.submitted for job, folder in zip(runs, folders, strict=True)
    ]
    nodes = Counter((job.slot or "/none").split("/")[1] for job in runs)
    return [
        Figure("runs that finished", ended["finished"], "", "equal to", RUNS),
        Figure(
            "attempts that began", sum(len(list(each.path.glob("begun.*"))) for each in folders), "", "equal to", RUNS
        ),
        Figure("with history", sum(bool(len(each.history_columns())) for each in folders), "", "equal to", RUNS),
        Figure("with checkpoint", sum(each.has_checkpoint for each in folders), "", "equal to", RUNS),
        Figure("nodes that ran some", len(nodes), "", "equal to", 2),
        Figure("seconds in all", round(seconds, 1), "s"),
        Figure(
            "seconds of a run in its process, median",
            round(statistics.median(job.ended - job.started for job in runs), 2),
            "s",
        ),
        Figure("longest wait for a place", round(max(waits), 1), "s"),
    ]


CASES = (
    Case("contract-local", "the engines' contract on this machine", lambda: contract("local")),
    Case("contract-slurm", "the same with SLURM, two nodes", lambda: contract("slurm"), ("slurm",)),
    Case("contract-ray", "the same with Ray, two nodes", lambda: contract("ray"), ("ray",)),
    Case("many-slurm", "200 short runs, two dashboards, two nodes of SLURM", lambda: many("slurm"), ("slurm",)),
    Case("many-ray", "200 short runs, two dashboards, two nodes of Ray", lambda: many("ray"), ("ray",)),
)
