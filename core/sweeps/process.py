"""A sweep's own process: asks Optuna for trials, submits their runs to the queue, feeds their curves, tells their ends.

One a sweep, by its lock; `python -m core.sweeps.process ID`, detached. It may be killed at any moment: what it knows is
in Optuna's journal, the job table and the store, and the next one (`core.jobs.sweeping` starts it) goes on from there.
A trial's values are in the journal before its run is submitted, the run carries the trial's mark from its first moment
on, and a trial that has ended is told no more, so that none is lost and none is run twice.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING

from core.errors import ConfigError, LabError, RunNotFoundError, StoreError, sentence
from core.jobs import Job, actions, announced, events, table
from core.jobs.slot_lock import hold
from core.jobs.sweeping import lock_name, say_end
from core.plain_text import traceback_of
from core.runs.states import ENDED
from core.sweeps import study as studies
from core.sweeps.folder import Known, SweepFolder, Trial, sweep_folder
from core.sweeps.runs import Curve, config_of_trial, figure, find_run, iterations_of, submit_trial
from core.sweeps.seen import Seen
from core.tracking import store

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

LOOK_S = 1.0
AGAIN_S = 10.0
"""Seconds after which a run that could not be submitted is tried again."""
IN_VAIN = 5
"""So many trials fail, and none has not, since the sweep was last opened: no more are begun."""
IMPORTANCE_S = 15.0
"""Seconds between two looks at which fields mattered, while trials go on."""


class Running:
    """A sweep at work.

    Args:
        folder: the sweep's.
    """

    def __init__(self, folder: SweepFolder):
        self.folder, self.sweep, self.config = folder, folder.sweep(), folder.config()
        self.study = studies.open_study(folder, self.sweep)
        self.storage = self.study._storage
        self.pruner = studies.pruner()
        self.curves: dict[int, Curve] = {}
        self.reason = ""
        self.importance = folder.known().importance
        self._jobs: dict[str, Job] = {}
        self._opened = folder.opened
        self._not_before = 0.0
        self._weighed = (0, float("-inf"))
        self._written: Known | None = None

    def run(self) -> None:
        """Go on until all trials have ended, or the sweep is to stop."""
        store.client()
        self._recover()
        store.set_state(self.folder.sweep_id, "running")
        while (over := self.look()) is None:
            time.sleep(LOOK_S)
        state, self.reason = over
        self._weigh(last=True)
        self._write(state)
        store.set_state(self.folder.sweep_id, state, self.reason)
        say_end(self.folder.sweep_id, state, Seen.of(self.folder).in_full, self._opened)
        self.folder.close()

    def look(self) -> tuple[str, str] | None:
        """Look at all trials once and begin new ones; (state, reason) once the sweep is over. Raises StoreError."""
        actions.ensure()
        if time.monotonic() >= self._not_before:
            self.reason = ""
        self._jobs = {job.run_id: job for job in table.these(filter(None, map(self._run_id, self._trials())))}
        stopping = self.folder.is_to_stop
        for trial in self._open():
            self._follow(trial, stopping)
        if stopping:
            left = [trial for trial in self._open() if (job := self._job(trial)) and job.active]
            if not left:
                return "stopped", f"Stopped by {self.folder.stopped_by or 'somebody'}."
        else:
            if why := self._in_vain():
                if not self._open():
                    return "failed", why
            else:
                self._begin()
            if not self._open() and self._begun() >= self.sweep.trials:
                return "finished", ""
        self._weigh()
        self._write("stopping" if stopping else "running")
        return None

    # -- trials -------------------------------------------------------------------------------------------------------

    def _trials(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False)

    def _open(self) -> list[FrozenTrial]:
        return [trial for trial in self._trials() if trial.state.name == "RUNNING"]

    def _begun(self) -> int:
        return sum(trial.state.name != "WAITING" for trial in self._trials())

    def _run_id(self, trial: FrozenTrial) -> str | None:
        return trial.user_attrs.get(studies.RUN)

    def _job(self, trial: FrozenTrial) -> Job | None:
        return self._jobs.get(self._run_id(trial) or "")

    def _recover(self) -> None:
        """Find the runs that an earlier process had submitted and did not note. Raises StoreError."""
        for trial in self._open():
            if self._run_id(trial) is None:
                trial = studies.completed(self.study, self.sweep, trial)
                if (run_id := find_run(self.folder.sweep_id, trial.number)) is not None:
                    if table.get(run_id).reason == announced.KILLED:
                        actions.retry(run_id)
                    self._note_run(trial, run_id)

    def _note_run(self, trial: FrozenTrial, run_id: str) -> None:
        self.storage.set_trial_user_attr(trial._trial_id, studies.RUN, run_id)

    def _begin(self) -> None:
        """Submit runs until as many trials are at work as there are to be."""
        if time.monotonic() < self._not_before:
            return
        for trial in self._open():
            if self._run_id(trial) is None and not self._submit(trial):
                return
        while len(self._open()) < self.sweep.parallel and self._begun() < self.sweep.trials:
            if not self._submit(studies.next_trial(self.study, self.sweep)) or self._in_vain():
                return

    def _submit(self, trial: FrozenTrial) -> bool:
        """Submit a trial's run; False where that can't be done now. Values that don't go together end the trial."""
        try:
            config = config_of_trial(self.config, self.sweep, trial.number, self._values(trial))
        except ConfigError as error:
            studies.tell(self.study, trial, "failed", reason=f"Its values don't go together: {error}")
            return True
        try:
            run_id = submit_trial(self.folder.sweep_id, self.sweep, trial.number, config)
        except LabError as error:
            self.reason = f"Trial {trial.number + 1} waits: {sentence(error)}"
            self._not_before = time.monotonic() + AGAIN_S
            return False
        self._note_run(trial, run_id)
        return True

    def _values(self, trial: FrozenTrial) -> dict[str, str]:
        axes = {axis.path: axis for axis in self.sweep.axes}
        grid = self.sweep.sampler == "grid"
        return {
            path: str(trial.params[path]) if grid else axis.written(trial.params[path])
            for path, axis in axes.items()
            if path in trial.params
        }

    def _follow(self, trial: FrozenTrial, stopping: bool) -> None:
        """Feed what a trial's run has come to, prune it, stop it, or tell its end."""
        if self._run_id(trial) is None:
            return
        job = self._job(trial)
        if job is None or job.binned:
            studies.tell(self.study, trial, "failed", reason="Its run was deleted.")
            return
        self._feed(trial, job)
        if job.state == "finished":
            self._conclude(trial, job)
        elif job.state in ENDED and not (stopping and job.state == "stopped"):
            if job.state == "stopped" and trial.user_attrs.get(studies.PRUNED):
                studies.tell(self.study, trial, "pruned", reason=self._why_pruned(trial))
            else:
                studies.tell(self.study, trial, "failed", reason=f"Its run is {job.state}. {job.reason}".strip())
        elif stopping:
            self._stop(job)
        elif self.sweep.prune and job.state == "running" and trial.intermediate_values:
            trial = self._trials()[trial.number]
            if not trial.user_attrs.get(studies.PRUNED) and self.pruner.prune(self.study, trial):
                self.storage.set_trial_user_attr(trial._trial_id, studies.PRUNED, True)
                self._stop(job)

    def _stop(self, job: Job) -> None:
        if job.state in ("queued", "paused", "running"):
            try:
                actions.stop(job.run_id)
            except StoreError:
                raise
            except LabError:
                return  # it has ended meanwhile: the next look sees it

    def _feed(self, trial: FrozenTrial, job: Job) -> None:
        curve = self.curves.get(trial.number)
        if curve is None:
            config = config_of_trial(self.config, self.sweep, trial.number, self._values(trial))
            curve = self.curves[trial.number] = Curve(iterations_of(config), studies.STEPS)
        curve.read(job.folder.history)
        if job.state == "finished":
            curve.finish()
        for place, value in curve.passed.items():
            if place not in trial.intermediate_values:
                self.storage.set_trial_intermediate_value(trial._trial_id, place, value)

    def _why_pruned(self, trial: FrozenTrial) -> str:
        place = max(trial.intermediate_values, default=0)
        return f"Pruned at {place / studies.STEPS:.0%} of its iterations: above the median of the other trials there."

    def _conclude(self, trial: FrozenTrial, job: Job) -> None:
        try:
            value, why = figure(job, self.sweep.metric)
        except RunNotFoundError:
            value, why = None, "Its run is not in the store any more."
        if value is not None:
            studies.tell(self.study, trial, "finished", value)
        elif why:
            studies.tell(self.study, trial, "failed", reason=why)
        elif job.untold:
            self.reason = f"Trial {trial.number + 1} waits for the store: {job.untold}"

    def _in_vain(self) -> str:
        """Why no more trials are begun: all have failed since the sweep was last opened; empty where they have not."""
        ended = [trial for trial in self._trials() if trial.state.is_finished() and _ended(trial) >= self._opened]
        failed = [trial for trial in ended if trial.state.name == "FAIL"]
        if len(failed) < min(IN_VAIN, self.sweep.trials) or len(failed) < len(ended):
            return ""
        why = failed[-1].user_attrs.get(studies.REASON, "")
        return f"{len(failed)} trials have failed and none has not. {why}".strip()

    # -- what is known ------------------------------------------------------------------------------------------------

    def _weigh(self, last: bool = False) -> None:
        done = sum(trial.state.name == "COMPLETE" for trial in self._trials())
        count, at = self._weighed
        if done != count and (last or time.monotonic() - at > IMPORTANCE_S):
            self.importance = studies.importance(self.study, self.sweep)
            self._weighed = (done, time.monotonic())

    def _write(self, state: str) -> None:
        trials = tuple(map(self._seen, self._trials()))
        known = Known(state, self.reason, trials, self.importance, time.time())
        before = self._written
        if before is None or (before.state, before.reason, before.trials, before.importance) != (
            known.state,
            known.reason,
            known.trials,
            known.importance,
        ):
            self.folder.write_known(known)
            self._written = known

    def _seen(self, trial: FrozenTrial) -> Trial:
        states = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed", "WAITING": "waiting"}
        state, job, curve = states.get(trial.state.name), self._job(trial), self.curves.get(trial.number)
        if state is None:
            state = job.state if job is not None else "waiting"
            state = {"finished": "running", "pausing": "running", "stopping": "running"}.get(state, state)
        reached = trial.intermediate_values
        best = min(reached.values(), default=None)
        share = max(reached, default=0) / studies.STEPS
        if curve is not None and curve.cursor is not None and state == "running":
            best, share = (curve.best, min(1.0, curve.at / curve.iterations))
        return Trial(
            number=trial.number,
            state=state,
            values=self._values(trial) or dict(trial.system_attrs.get("fixed_params", {})),
            run_id=self._run_id(trial),
            value=trial.value if state == "finished" else None,
            best_residual=best if best is not None and best < float("inf") else None,
            share=1.0 if state == "finished" else share,
            reason=trial.user_attrs.get(studies.REASON, ""),
            ended=_ended(trial) if trial.datetime_complete else None,
        )


def _ended(trial: FrozenTrial) -> float:
    """When a trial ended, in Unix seconds."""
    return trial.datetime_complete.timestamp()


def sweep_on(folder: SweepFolder) -> None:
    """Have a sweep go on until it is over; what keeps it from going on ends it, with the reason."""
    events.this_process_is(f"sweep {folder.sweep_id[:8]}")
    while folder.is_open:
        try:
            Running(folder).run()
        except StoreError as error:  # the store or the job table can't be used; they may be soon
            print(error, file=sys.stderr, flush=True)
            _waits(folder, str(error))
        except Exception as error:
            print(traceback_of(error), file=sys.stderr, flush=True)
            if studies.is_away(error):
                _waits(folder, "The lab's database does not answer.")
                continue
            known = folder.known()
            folder.write_known(Known("failed", sentence(error), known.trials, known.importance, time.time()))
            say_end(folder.sweep_id, "failed", sentence(error), folder.opened)
            folder.close()
            store.set_state(folder.sweep_id, "failed", sentence(error))


def _waits(folder: SweepFolder, why: str) -> None:
    """Say what the sweep waits for, and wait a while; a full disk takes no word of it."""
    with contextlib.suppress(OSError):
        known = folder.known()
        reason = f"{why} The sweep goes on once that is mended."
        folder.write_known(Known(known.state, reason, known.trials, known.importance, time.time()))
    time.sleep(AGAIN_S)


def main() -> None:
    """Go on with the sweep named on the command line, unless another process does.

    The second argument is the number of its open lock, where it was passed on.
    """
    folder = sweep_folder(sys.argv[1])
    lock = os.fdopen(int(sys.argv[2]), "a") if sys.argv[2:] else hold(lock_name(folder.sweep_id))
    if lock:
        with lock:
            sweep_on(folder)


if __name__ == "__main__":
    main()
