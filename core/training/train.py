"""A run trained in a folder: all of it but the store, the queue and the browser."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from typing import Any

from core.config import RunConfig
from core.errors import LabError, TrainingError
from core.networks.solution import Solution
from core.runs import RunFolder, checkpoint_file
from core.runs.going_on import check_history
from core.runs.history import HistoryWriter
from core.training import checkpoint as checkpoints
from core.training.spread import Ranks
from core.training.state import Wanted
from core.training.trainer import Outcome, Trainer

DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
"""What a disk says that is full, over its quota, broken or read-only."""


def train(
    config: RunConfig,
    folder: RunFolder,
    *,
    wanted: Callable[[], Wanted] = lambda: None,
    say: Callable[[str], None] = print,
    on_flush: Callable[[dict[str, list[float]]], None] | None = None,
    in_force: Callable[[dict[str, Any]], None] = lambda effective: None,
    parent: Solution | None = None,
    ranks: Ranks | None = None,
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
        ranks: the processes that rows are spread over; this is the first of them. None: it is alone.

    Raises:
        RankLostError: another of its processes is gone.
        TrainingError: training can't go on, or the disk does not take what it writes.
        LabError: a dataset or checkpoint can't be read, or the history lacks rows that the checkpoint counts.
    """
    try:
        return _train(config, folder, wanted, say, on_flush, in_force, parent, ranks)
    except OSError as error:
        if error.errno not in DISK:
            raise
        raise TrainingError(_disk_words(error, folder)) from error


def _train(
    config: RunConfig,
    folder: RunFolder,
    wanted: Callable[[], Wanted],
    say: Callable[[str], None],
    on_flush: Callable[[dict[str, list[float]]], None] | None,
    in_force: Callable[[dict[str, Any]], None],
    parent: Solution | None,
    ranks: Ranks | None,
) -> Outcome:
    folder.path.mkdir(parents=True, exist_ok=True)
    saved = checkpoints.load(folder.last) if folder.has_checkpoint else None
    if saved:  # before the writer drops what it can't read
        check_history(folder, saved.position.history_rows, saved.history_checksum)
    history = HistoryWriter(
        folder.history, config.problem.row_names, on_flush, unknowns=config.problem.further_unknowns
    )
    try:
        trainer = Trainer(config, folder, wanted=wanted, history=history, parent=parent, say=say, ranks=ranks)
        if saved:
            trainer.resume(saved)
        else:
            history.truncate(0)
        in_force(trainer.effective_config())
        outcome = trainer.train()
    finally:
        history.close()
    in_force(trainer.effective_config())  # now with what was measured on the way
    return outcome


def _disk_words(error: OSError, folder: RunFolder) -> str:
    free = shutil.disk_usage(folder.path).free
    try:
        kept = f"its last whole checkpoint is kept: {checkpoint_file.look(folder.last)}"
    except LabError:
        kept = "it has no checkpoint yet"
    return (
        f"The disk did not take what the run writes: {(error.strerror or str(error)).lower()}, "
        f"{free / 2**20:,.0f} MB free in {folder.path}; {kept}. Free some space, then resume the run."
    )
