"""A run's process: the trainer, watched over by the job's control; what the store gets goes into the run's outbox."""

from __future__ import annotations

import os
import time
import traceback

import torch

from core import exchange
from core.config import NO_PARENT, RunConfig
from core.errors import LabError, TrainingError
from core.execution import several
from core.execution.mirror import MetricsMirror
from core.execution.origin import record_path, record_provenance, record_windows, start_of
from core.execution.report import RunReport
from core.execution.results import conclude
from core.jobs.control import RunControl
from core.jobs.sharing import THREADS
from core.jobs.sync import told
from core.networks.solution import Solution
from core.runs import RunFolder
from core.tracking import in_force, store
from core.tracking.tags import THREADS_TAG
from core.tracking.written_numbers import number_of
from core.training import checkpoint as checkpoints
from core.training.parent import start_from
from core.training.spread import Ranks
from core.training.train import train
from core.training.trainer import Outcome

DELIVERY_S = {"finished": 30.0, "stopped": 5.0, "paused": 5.0}
"""Seconds that a run in its caller's own process waits for the store at its end; what is left is delivered later."""
STATES = {None: "finished", "stop": "stopped", "pause": "paused"}


def execute(folder: RunFolder, attempt: int, *, fresh: bool = False) -> RunReport:
    """Train a run that is in the store and the job table, in this process, and leave everything in its place.

    Continues from the last checkpoint unless `fresh`. Raises LabError for what the user can put right; the state is set
    in either case.
    """
    with exchange.pushing(folder, attempt), RunControl(folder, attempt) as control:
        reading = store.stored_config(folder)
        config = reading.config
        for note in reading.notes:
            say(f"config: {note}")
        if caution := config.problem.caution():
            say(caution)
        for line in config.problem.how_conditions_are_met:
            say(line)
        _set_threads(folder)
        if fresh:
            folder.start_over()
        several.end_with_launcher()
        ranks = several.joined(config)
        if ranks is not None:
            say(f"rows are spread over {ranks.world} processes of {torch.get_num_threads()} threads each")
        facts = record_provenance(folder, config, 1 if ranks is None else ranks.world)
        try:
            outcome = _train(folder, config, control, ranks)
            if ranks is not None:
                ranks.leave()
        finally:
            facts = facts | record_path(folder) | record_windows(folder)
        state = STATES[outcome.wanted]
        control.trained(state)
        report = conclude(folder, state, config, outcome, facts, say)
        if report.remark:
            say(report.remark)
        control.finish(state, " ".join(filter(None, (report.remark, *report.missing))))
        measures = report.measures
        say(state if measures is None else f"{state}: max residual {measures.max_residual:.2e} on the dense grid")
    if not told(folder.run_id, DELIVERY_S[state]):
        why = folder.outbox.trouble or "it is still being delivered"
        say(f"not yet in MLflow: {why} Whatever looks next delivers it: a run, a page, or `python -m core doctor`.")
    return report


def _train(folder: RunFolder, config: RunConfig, control: RunControl, ranks: Ranks | None) -> Outcome:
    try:
        return train(
            config,
            folder,
            wanted=control.wanted,
            say=say,
            on_flush=MetricsMirror(folder),
            in_force=lambda effective: in_force.record(folder, effective),
            parent=parent_solution(config),
            ranks=ranks,
        )
    except TrainingError as error:
        if error.__cause__ is None or isinstance(error.__cause__, LabError):  # else a problem's own code printed it
            traceback.print_exception(error)
        raise


def parent_solution(config: RunConfig) -> Solution | None:
    """The sum of stages that the run starts from, or None. Raises LabError when the parent can't serve."""
    path = start_of(config)
    if path is None:
        return None
    stored = checkpoints.load(path)
    if stored.march is not None:
        raise LabError(NO_PARENT)
    if config.parent_checkpoint:
        say(f"it starts from the checkpoint {path.stem} of run {config.parent[:8]}")
    return start_from(config, stored.config.problem, stored.solution, say)


def _set_threads(folder: RunFolder) -> None:
    """As many threads as the run that this one repeats, where the machine has them: sums depend on how they are cut.

    Else as many as the run's slot has.
    """
    wanted = number_of(folder.asked_tags().get(THREADS_TAG))
    if wanted in range(1, (os.cpu_count() or 1) + 1):
        torch.set_num_threads(int(wanted))
    elif (slots := os.environ.get(THREADS, "")).isdigit():
        torch.set_num_threads(int(slots))


def say(line: str) -> None:
    """A line for the run's log, with the time in UTC: who reads it may be anywhere."""
    print(time.strftime("%H:%M:%SZ", time.gmtime()), line, flush=True)
