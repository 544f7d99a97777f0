"""Sweeps as real processes that are killed: every trial once, whatever dies. Runs are stand-ins that leave a curve."""

import math
import os
import signal
import sys
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from core import sweeps
from core.config import RunConfig
from core.errors import LabError
from core.jobs import actions, sweeping, table
from core.jobs.engines.local import LocalEngine
from core.jobs.slot_lock import busy
from core.sweeps import study as studies
from core.sweeps.folder import SweepFolder
from core.sweeps.sweep import plan
from core.tracking import store
from core.tracking.tags import PARENT, SWEEP, TRIAL
from tests.stand_in import WORKER, let_go, until

RUN = """
import json, os, sys, time
from pathlib import Path
from core.jobs import control
from core.runs import run_folder
from core.runs.history import HistoryWriter

control.tell_store = lambda run_id: None
run_id, attempt = sys.argv[1], int(sys.argv[3])
folder = run_folder(run_id)
config = json.loads((folder.path / "config.json").read_text())
damping, iterations = config["stages"][0]["optimizer"]["damping"], config["stages"][0]["iterations"]
with open(os.path.join(os.environ["LAB_HOME"], "begun"), "a") as file:
    print(run_id, attempt, file=file)
waits = Path(os.environ["LAB_HOME"], "waits")
go = Path(os.environ["LAB_HOME"], "go")
folder.checkpoints.mkdir(exist_ok=True)
folder.last.write_bytes(b"one")
with control.RunControl(folder, attempt) as job:
    asked, step = None, 0
    history = HistoryWriter(folder.history, ("poisson",))
    history.INTERVAL = 0.0
    while asked is None and step < iterations:
        step += 1
        history.append(iteration=step, stage=0, phase=1, max_residual=damping / step)
        while waits.exists() and step == iterations // 2 and not go.exists() and not (asked := job.wanted()):
            time.sleep(0.02)
        asked = asked or job.wanted()
    history.close()
    folder.outbox.put(metrics=[("dense_max_residual", damping, int(1000 * time.time()), step)])
    job.finish({"stop": "stopped", "pause": "paused", None: "finished"}[asked])
"""
PROCESS = """
import os, signal, sys
from core.jobs import actions
from core.jobs.engines.local import LocalEngine
engine = LocalEngine(worker=[sys.executable, "-c", {worker!r}])
for name in actions.ENGINES:
    actions.ENGINES[name] = engine
from core.jobs import sweeping
from core.sweeps import process
process.LOOK_S = 0.1
sweeping.PROCESS = (sys.executable, "-c", open({itself!r}).read())
{fault}
process.main()
"""
CONFIG = RunConfig(problem={"kind": "poisson2d"}, device="cpu", stages=[{"iterations": 40}])
DAMPING = "stages.0.optimizer.damping"


@pytest.fixture
def sweep_lab(lab, tmp_path, monkeypatch):
    """A lab with two slots whose runs and sweeps are stand-ins; what it gives takes a fault for sweeps to come."""
    lab.mkdir(exist_ok=True)
    (lab / "settings.yaml").write_text("slots: {cpu: 2, threads: 1}\n")
    program, itself = tmp_path / "run.py", tmp_path / "sweep.py"
    program.write_text(RUN)
    worker = WORKER.format(program=str(program))
    engine = LocalEngine(worker=[sys.executable, "-c", worker])
    for name in actions.ENGINES:
        monkeypatch.setitem(actions.ENGINES, name, engine)

    def with_fault(fault: str = "") -> None:
        itself.write_text(PROCESS.format(worker=worker, itself=str(itself), fault=fault))
        monkeypatch.setattr(sweeping, "PROCESS", (sys.executable, "-c", itself.read_text()))

    with_fault()
    yield with_fault
    for folder in (lab / "sweeps").glob("*"):
        (folder / "open").unlink(missing_ok=True)
        for pid in processes(folder.name):
            kill(pid)


def processes(sweep_id: str) -> list[int]:
    return [p.pid for p in psutil.process_iter(["cmdline"]) if sweep_id in (p.info["cmdline"] or [])]


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def over(sweep_id: str) -> bool:
    actions.ensure()
    return sweeps.read(sweep_id).known.over and not busy(sweeping.lock_name(sweep_id))


def children(sweep_id: str) -> list:
    return [record for record in store.runs() if record.tags.get(PARENT) == sweep_id]


def begun(lab: Path) -> list[str]:
    return [line.split()[0] for line in (lab / "begun").read_text().splitlines()]


@pytest.mark.proof
def test_trials_come_out_once_each_though_sweep_and_workers_are_killed_twice(lab, sweep_lab):
    count = 10  # benchmarks.scale has 24
    varied = {DAMPING: "1e-6..1e-2 log", "stages.0.iterations": "20..60"}
    sweep_id = sweeps.start(CONFIG, varied, sampler="tpe", trials=count, parallel=3, seed=5)
    for finished in (2, 6):
        until(lambda finished=finished: sweeps.read(sweep_id).known.count("finished") >= finished)
        workers = {job.worker_pid for job in table.find(("running",)) if job.worker_pid}
        for pid in [*processes(sweep_id), *filter(psutil.pid_exists, workers)]:
            kill(pid)
    until(lambda: over(sweep_id))
    seen = sweeps.read(sweep_id)
    assert (seen.known.state, seen.known.reason) == ("finished", "")
    assert [trial.state for trial in seen.known.trials] == ["finished"] * count
    runs = [trial.run_id for trial in seen.known.trials]
    assert len(set(runs)) == count and sorted(begun(lab)) == sorted(runs)
    assert {record.run_id for record in children(sweep_id)} == set(runs)
    assert all(trial.value == float(trial.values[DAMPING]) for trial in seen.known.trials)
    assert seen.known.best.value == min(trial.value for trial in seen.known.trials)
    assert seen.known.importance[DAMPING] > 0.5
    assert (store.get_run(sweep_id).state, store.get_run(sweep_id).tags[SWEEP]) == ("finished", "sweep")


KILL = "os.kill(os.getpid(), signal.SIGKILL)"
FAULTS = {
    "half drawn": f"""
from core.sweeps import study
def half(asked, sweep):
    path = sweep.axes[0].path
    asked.ask({{path: study.distributions(sweep)[path]}})
    {KILL}
study.next_trial = half""",
    "asked, nothing submitted": f"process.submit_trial = lambda *a: {KILL}",
    "in the store, not in the queue": f"from core.jobs import table; table.insert = lambda *a, **k: {KILL}",
    "queued, not noted": f"process.Running._note_run = lambda *a: {KILL}",
    "ended, not told": f"from core.sweeps import study; study.tell = lambda *a, **k: {KILL}",
}


@pytest.mark.proof
def test_a_process_that_is_killed_anywhere_leaves_no_trial_lost_or_doubled(lab, sweep_lab):
    sweep_id, varied = "", {DAMPING: "1e-6..1e-2 log", "stages.0.iterations": "20..60"}
    for fault in FAULTS.values():
        sweep_lab(fault)
        if not sweep_id:
            sweep_id = sweeps.start(CONFIG, varied, sampler="random", trials=5, parallel=1)
        pid = until(lambda sweep_id=sweep_id: actions.ensure() or processes(sweep_id))[0]
        until(lambda pid=pid: not psutil.pid_exists(pid))
    sweep_lab()
    until(lambda: over(sweep_id))
    known = sweeps.read(sweep_id).known
    assert [trial.state for trial in known.trials] == ["finished"] * 5, known
    runs = [trial.run_id for trial in known.trials]
    assert sorted(begun(lab)) == sorted(runs) and len(set(runs)) == 5
    assert {record.run_id for record in children(sweep_id)} == set(runs)
    assert [store.get_run(run_id).tags[TRIAL] for run_id in runs] == [f"{sweep_id}:{k}" for k in range(5)]


def test_what_is_stopped_leaves_checkpoints_and_goes_on_from_them(lab, sweep_lab):
    (lab / "waits").touch()
    sweep_id = sweeps.start(CONFIG, {DAMPING: "1e-4..1e-2 log 4"}, sampler="grid", parallel=2)
    until(lambda: sweeps.read(sweep_id).known.count("running") == 2)
    sweeps.stop(sweep_id)
    until(lambda: over(sweep_id))
    known = sweeps.read(sweep_id).known
    assert known.state == "stopped" and known.reason.startswith("Stopped by ")
    assert [trial.state for trial in known.trials] == ["stopped", "stopped", "waiting", "waiting"]
    with pytest.raises(LabError, match="nothing to stop"):
        sweeps.stop(sweep_id)
    first = [trial.run_id for trial in known.trials[:2]]
    let_go()
    sweeps.resume(sweep_id)
    until(lambda: over(sweep_id))
    known = sweeps.read(sweep_id).known
    assert known.state == "finished" and [trial.state for trial in known.trials] == ["finished"] * 4
    assert [trial.run_id for trial in known.trials[:2]] == first
    assert [table.get(run_id).attempt for run_id in first] == [2, 2]
    with pytest.raises(LabError, match="nothing to resume"):
        sweeps.resume(sweep_id)


def test_a_trial_above_the_median_is_stopped_halfway_and_told_so(lab, sweep_lab):
    axis = {DAMPING: "1e-6,2e-6,3e-6,4e-6,1.0"}
    (lab / "waits").touch()
    sweep_id = sweeps.start(CONFIG, axis, sampler="grid", parallel=1, prune=True)
    until(lambda: sweeps.read(sweep_id).known.count("running"))
    let_go()
    until(lambda: sweeps.read(sweep_id).known.count("finished") == 4 or over(sweep_id))
    (lab / "go").unlink()  # the last one waits halfway until it is stopped
    until(lambda: over(sweep_id))
    known = sweeps.read(sweep_id).known
    assert [trial.state for trial in known.trials] == ["finished"] * 4 + ["pruned"]
    assert "above the median" in known.trials[-1].reason and known.trials[-1].value is None
    assert table.get(known.trials[-1].run_id).state == "stopped"


@pytest.mark.proof
def test_trials_that_all_fail_end_the_sweep_with_the_reason(lab, sweep_lab):
    sweep_id = sweeps.start(CONFIG, {"seed": "0..9"}, trials=8, metric="relative_l2_error", parallel=1)
    until(lambda: over(sweep_id))
    known = sweeps.read(sweep_id).known
    assert known.state == "failed" and known.count("failed") == len(known.trials) == 5
    assert "5 trials have failed and none has not. It has no relative L² error" in known.reason


@pytest.mark.sqlite_file
def test_a_half_written_line_of_the_journal_is_cut_off(lab_home, tmp_path):
    folder = sweep_folder_of(tmp_path, "grid", "1e-6..1e-2 log 4")
    studies.open_study(folder, folder.sweep())
    whole = folder.journal.read_bytes()
    for half in (b'{"op_code": 4, "wor', b'{"op_code": 4, "wor\n'):
        folder.journal.write_bytes(whole + half)
        study = studies.open_study(folder, folder.sweep())
        now = folder.journal.read_bytes()
        assert len(study.trials) == 4 and now.startswith(whole) and half not in now


def test_what_a_trial_tries_depends_on_the_seed_and_its_number_alone(lab_home, tmp_path):
    found = []
    for often in (1, 4):
        folder = sweep_folder_of(tmp_path / f"{often}", "random", "1e-6..1e-2 log")
        drawn = []
        for _ in range(4):
            if often == 4 or not drawn:
                study = studies.open_study(folder, folder.sweep())  # a new process each time
            trial = studies.next_trial(study, folder.sweep())
            studies.tell(study, trial, "finished", trial.params[DAMPING])
            studies.tell(study, trial, "failed", reason="told twice")
            drawn.append(trial.params[DAMPING])
        assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 4
        found.append(drawn)
    assert found[0] == found[1] and len(set(found[0])) == 4


@pytest.mark.parametrize("where", [pytest.param("sqlite", marks=pytest.mark.sqlite_file), "postgres"])
def test_cma_es_comes_nearer_from_generation_to_generation_though_each_trial_has_a_process_of_its_own(
    lab_home, tmp_path, where, request
):
    if where == "postgres":
        request.getfixturevalue("empty_database")
    folder = SweepFolder(tmp_path / ("0" * 32))
    varied = {DAMPING: "1e-6..1e-2 log", "stages.0.iterations": "20..60"}
    folder.create(plan(CONFIG, varied, sampler="cmaes", trials=42), CONFIG)
    away = []
    for _ in range(42):
        study = studies.open_study(folder, folder.sweep())
        trial = studies.next_trial(study, folder.sweep())
        damping, iterations = trial.params[DAMPING], trial.params["stages.0.iterations"]
        away.append(abs(math.log10(damping / 1e-3)) + abs(iterations - 33) / 40)
        studies.tell(study, trial, "finished", away[-1])
    generations = [trial.system_attrs.get("cma:generation") for trial in study.trials]
    assert generations[0] is None and generations[1:] == sorted(generations[1:]) and generations[-1] >= 5
    assert sum(away[-12:]) < 0.5 * sum(away[:12])
    assert folder.journal.exists() == (where == "sqlite")


def sweep_folder_of(path: Path, sampler: str, text: str):
    folder = SweepFolder(path / uuid4().hex)
    folder.create(plan(CONFIG, {DAMPING: text}, sampler=sampler, trials=4), CONFIG)
    return folder
