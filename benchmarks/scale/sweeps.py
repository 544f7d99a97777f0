"""A sweep of real runs whose own process and the lab's workers and courier are killed twice: each trial once."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from benchmarks.scale.case import Case, Figure

TRIALS, AT_ONCE = 24, 2
KILLED_AT = (5, 14)
"""Finished trials at which all that supervises is killed."""
LONGEST_S = 3600.0
FIELDS = {"network.hidden.0": "4..24", "stages.0.optimizer.damping": "1e-8..1e-1 log"}
SETTINGS = ["stages.0.iterations=10", "stages.0.collocation.points=200", "stages.0.warmup.iterations=20"]


def killed_twice() -> Sequence[Figure]:
    """A sweep of 24 trials, with SIGKILL to all that supervises it at 5 and at 14 finished ones."""
    with tempfile.TemporaryDirectory(prefix="sweep-") as home:
        os.environ["LAB_HOME"] = home
        (Path(home) / "settings.yaml").write_text(f"slots: {{cpu: {AT_ONCE}, threads: 1}}\n")
        return _killed_twice(home)


def _killed_twice(home: str) -> Sequence[Figure]:
    from core import sweeps
    from core.config import override
    from core.presets import resolve
    from core.tracking import store
    from core.tracking.tags import PARENT

    config = override(resolve("poisson2d-quick"), SETTINGS)
    began = time.monotonic()
    sweep_id = sweeps.start(config, FIELDS, trials=TRIALS, parallel=AT_ONCE)
    killed = []
    try:
        for finished in KILLED_AT:
            _until(lambda finished=finished: sweeps.read(sweep_id).known.count("finished") >= finished)
            killed.append(_kill_supervisors(home))
        _until(lambda: sweeps.read(sweep_id).known.over)
    finally:
        _end_all(home)
    known = sweeps.read(sweep_id).known
    results = [trial for trial in known.trials if trial.state == "finished"]
    filed = [run.run_id for run in store.runs() if run.tags.get(PARENT) == sweep_id]
    doubled = sum(count - 1 for count in Counter(trial.run_id for trial in known.trials).values())
    return [
        Figure("trials with a result", len(results), holds="equal to", bar=TRIALS),
        Figure("trials doubled, or runs filed under the sweep that are no trial's", doubled + len(
            set(filed) - {trial.run_id for trial in known.trials}
        ), holds="equal to", bar=0),
        Figure("processes killed, first and second time", "+".join(str(len(names)) for names in killed)),
        Figure("seconds in all", round(time.monotonic() - began, 1), "s"),
    ]  # fmt: skip


def _supervisors(home: str) -> list[int]:
    """Processes of this lab that supervise: a sweep's own, workers, the courier."""
    import psutil

    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = " ".join(process.cmdline())
            mine = process.environ().get("LAB_HOME") == home
            if mine and any(name in words for name in ("core.sweeps.process", "core.jobs.worker", "core.jobs.courier")):
                found.append(process.pid)
    return found


def _kill_supervisors(home: str) -> list[int]:
    pids = _supervisors(home)
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return pids


def _end_all(home: str) -> None:
    """Leave nothing running: the courier and workers end by themselves, which would take too long."""
    import psutil

    _kill_supervisors(home)
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get("LAB_HOME") == home:
                process.kill()


def _until(condition) -> None:
    end = time.monotonic() + LONGEST_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the sweep did not come so far within an hour")
        time.sleep(0.5)


CASES = (Case("sweep-killed-twice", "a sweep of 24 trials, all that supervises it killed twice", killed_twice),)
