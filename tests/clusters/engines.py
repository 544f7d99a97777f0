"""Engines as tests have them: this machine, and clusters looked after in the test's own process; runs are stand-ins."""

import os
import signal
import sys
from collections import Counter
from pathlib import Path

import psutil
import yaml

from core import jobs
from core.jobs import table
from core.jobs.engines import kept_view, tending
from tests.stand_in import SOURCE, until


def processes_of(lab: Path, run_id: str) -> list[psutil.Process]:
    """The processes of a run on whatever node: this machine sees into all of them."""
    found = []
    for process in psutil.process_iter():
        try:
            variables = process.environ()
        except psutil.Error:
            continue
        if variables.get("LAB_RUN_DIR") == str(lab / "runs" / run_id) and "stand_in.py" in " ".join(process.cmdline()):
            found.append(process)
    return found


class Local:
    """This machine as an engine."""

    name, slots, node_died = "local", 1, "vanished without a word"

    def __init__(self, lab):
        self.lab = lab

    def kill_node(self, job):
        os.kill(job.worker_pid, signal.SIGKILL)
        for process in processes_of(self.lab, job.run_id):
            process.kill()

    def end(self):
        pass


class Clustered:
    """An engine of a cluster, looked after in this process as the courier does it."""

    slots = 4

    def __init__(self, lab, settings, cluster, node_died):
        self.lab, self.name, self.settings, self.cluster = lab, settings.name, settings, cluster
        self.node_died = node_died
        self.program = ("env", f"PYTHONPATH={SOURCE}", sys.executable, str(lab.parent / "stand_in.py"))
        lab.mkdir(exist_ok=True)
        (lab / "settings.yaml").write_text(yaml.safe_dump({"engines": [settings.model_dump(mode="json")]}))
        self.begin()

    def begin(self):
        self.thread = tending.EngineThread(self.settings, program=self.program)
        self.thread.start()
        until(lambda: (view := kept_view.kept_view(self.name)) and view.nodes)

    def kill_node(self, job):
        self.cluster.kill_node(job.slot.split("/")[1])

    def end(self):
        self.thread.end()
        self.thread.join(60)


def begins(lab: Path) -> Counter:
    """(run, attempt) → how often its process began."""
    lines = (lab / "events").read_text().splitlines() if (lab / "events").exists() else []
    return Counter(tuple(line.split()[1:3]) for line in lines if line.startswith("begin "))


def at_work(engine, run_id: str):
    """The job once its process has written a checkpoint."""
    checkpoint = engine.lab / "runs" / run_id / "checkpoints" / "last.pt"
    until(lambda: checkpoint.exists() and checkpoint.read_text() and table.get(run_id).slot)
    return until(lambda: (job := jobs.status(run_id)).slot and not job.engine_word and job)
