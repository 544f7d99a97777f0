"""A run trained in a folder: all of it but the store, the queue and the browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.config import RunConfig
from core.networks.solution import Solution
from core.runs import RunFolder
from core.runs.history import HistoryWriter
from core.training import checkpoint as checkpoints
from core.training.state import Wanted
from core.training.trainer import Outcome, Trainer


def train(
    config: RunConfig,
    folder: RunFolder,
    *,
    wanted: Callable[[], Wanted] = lambda: None,
    say: Callable[[str], None] = print,
    on_flush: Callable[[dict[str, list[float]]], None] | None = None,
    in_force: Callable[[dict[str, Any]], None] = lambda effective: None,
    parent: Solution | None = None,
) -> Outcome:
    """Train a config; history, checkpoints and progress go into its folder, from whose last checkpoint it goes on.

    Args:
        config: the run.
        folder: its directory, made where it is not there.
        wanted: asked after each iteration whether the run should stop or pause.
        say: receives one line for the log at each turn of events.
        on_flush: called with each flushed batch of history as column → list of values.
        in_force: called with plain data of the config in force, before training and once all of it is known.
        parent: solution to start from, frozen.

    Raises:
        TrainingError: training can't go on.
        LabError: a dataset or checkpoint can't be read.
    """
    folder.path.mkdir(parents=True, exist_ok=True)
    history = HistoryWriter(folder.history, config.problem.row_names, on_flush)
    try:
        trainer = Trainer(config, folder, wanted=wanted, history=history, parent=parent, say=say)
        if folder.has_checkpoint:
            trainer.resume(checkpoints.load(folder.last))
        else:
            history.truncate(0)
        in_force(trainer.effective_config())
        outcome = trainer.train()
    finally:
        history.close()
    in_force(trainer.effective_config())  # now with what was measured on the way
    return outcome
