"""Runs whose trainer is a stand-in that counts steps, for tests of what is done with processes and the queue."""

import os
import time
from pathlib import Path

from core import jobs
from core.config import RunConfig

SOURCE = Path(__file__).parents[1]

STAND_IN = """
import json, os, signal, subprocess, sys, time
from pathlib import Path
from core.jobs import control
from core.runs import run_folder

# mlflow costs two seconds a process: whoever looks next tells the store instead
control.tell_store = lambda run_id: None
run_id, attempt, fresh = sys.argv[1], int(sys.argv[3]), "--fresh" in sys.argv
folder = Path(os.environ["LAB_RUN_DIR"])
words = dict(word.partition("=")[::2] for word in json.loads((folder / "config.json").read_text())["name"].split())
go = Path(os.environ["LAB_HOME"], "go")
checkpoint = folder / "checkpoints" / "last.pt"
checkpoint.parent.mkdir(exist_ok=True)

def note(event):
    with open(os.path.join(os.environ["LAB_HOME"], "events"), "a") as file:
        print(event, run_id, attempt, time.monotonic(), file=file)

note("begin")
with control.RunControl(run_folder(run_id), attempt) as job:
    if "stubborn" in words:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "rank" in words:
        rank = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
        (folder / "rank").write_text(str(rank.pid))
    if "raises" in words:
        raise ValueError("the loss is not finite")
    step = int(checkpoint.read_text()) if checkpoint.exists() and not fresh else 0
    print("starts at step", step, flush=True)
    asked = None
    wanted = int(words.get("steps", 1 if "waits" in words else 3))
    while asked is None and (step < wanted or "waits" in words and not go.exists()):
        step += 1
        time.sleep(0.02)
        checkpoint.with_suffix(".new").write_text(str(step))
        checkpoint.with_suffix(".new").replace(checkpoint)  # whoever kills it must not find half a step
        asked = None if "stubborn" in words else job.wanted()
    note("end")
    job.finish({"stop": "stopped", "pause": "paused", None: "finished"}[asked])
if "lingers" in words:
    time.sleep(300)
"""
WORKER = "import sys; from core.jobs import worker; worker.main([sys.executable, {program!r}])"


def submit(name: str = "", **options) -> str:
    return jobs.submit(RunConfig(problem={"kind": "poisson2d"}, name=name), **options)


def let_go() -> None:
    """Those that wait may end now."""
    Path(os.environ["LAB_HOME"], "go").touch()


def until(condition, seconds: float = 180.0):
    """Wait for a condition to hold and return its value; the limit is generous, since only a hang should reach it."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)
    return value


def until_state(run_id: str, *states: str, seconds: float = 180.0):
    """Wait for a run to be in one of these states; else say what it is in, why, and what it printed."""
    end = time.monotonic() + seconds
    while (job := jobs.status(run_id)).state not in states:
        if time.monotonic() >= end:
            raise AssertionError(f"{job.state}, not {states}: {job.reason}\n{jobs.tail(run_id, 30)}")
        time.sleep(0.05)
    return job
