"""Sweeps deleted and restored: one goes to the bin (`core.jobs.sweep_bin`), its trials with it where that is wished."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import LabError, RunNotFoundError, StoreError
from core.jobs import many, sweep_bin, table
from core.jobs.job import AT_END
from core.people import RUNNER, needs
from core.sweeps.folder import binned_folder, sweep_folder
from core.sweeps.seen import Seen
from core.tracking import store


@dataclass(frozen=True)
class Going:
    """What goes to the bin with a sweep."""

    sweep_id: str
    name: str
    runs: tuple[str, ...]
    """Of its trials that are not in the bin yet."""
    checkpoints: int
    """How many of these runs have one."""

    def sentence(self, *, trials: bool) -> str:
        """What is deleted and what stays, for people."""
        count, runs = len(self.runs), "run" if len(self.runs) == 1 else "runs"
        sweep = f"The sweep {self.name!r} goes to the bin: what was asked for, its trials' figures, its row in MLflow."
        if not count:
            return f"{sweep} No run of its trials is left."
        if trials:
            kept = f", {self.checkpoints} of them with a checkpoint" if self.checkpoints else ""
            return f"{sweep} {count} {runs} of its trials go with it{kept}."
        return f"{sweep} {count} {runs} of its trials stay."


def going_with(sweep_id: str) -> Going:
    """What goes to the bin with a sweep, to be said before. Raises LabError where it can't be deleted now."""
    folder = sweep_folder(sweep_id)
    seen = Seen.of(folder)
    if folder.is_open:
        raise LabError(f"The sweep {sweep_id[:8]} is {seen.known.state}. {sweep_bin.how_to_stop(sweep_id)}")
    jobs = table.these(trial.run_id for trial in seen.known.trials if trial.run_id)
    left = [job for job in jobs if not job.binned and job.bin_step != AT_END]
    return Going(sweep_id, seen.sweep.name, tuple(job.run_id for job in left), sum(j.has_checkpoint for j in left))


@needs(RUNNER)
def delete(sweep_id: str, *, trials: bool = False) -> str:
    """Put a sweep into the bin; returns what became of it, in a sentence.

    Args:
        sweep_id: the sweep.
        trials: the runs of its trials go there, too. One that is at work again, or that others start from, stays.

    Raises LabError for a sweep that goes on, or is in the bin; StoreError where it can't be: nothing is deleted then.
    """
    with sweep_bin.at_rest(sweep_id):
        going = going_with(sweep_id)
        folder, runs = sweep_folder(sweep_id), going.runs if trials else ()
        _mark_deleted(sweep_id)
        try:
            sweep_bin.put(folder.path, runs)
            if folder.is_open:  # somebody had it go on meanwhile
                sweep_bin.take_out(folder.path)
                _mark_deleted(sweep_id, deleted=False)
                raise LabError(f"The sweep {sweep_id[:8]} was resumed meanwhile.")
        except OSError as error:
            raise StoreError(f"The sweep could not be put into the bin: {error}.") from error
    said = f"The sweep {going.name!r} is in the bin."
    return f"{said} Runs: {many.summary('delete', many.many('delete', runs))}" if runs else said


@needs(RUNNER)
def restore(sweep_id: str) -> str:
    """Bring a sweep back from the bin, and the runs that went with it; returns what became of it, in a sentence.

    Raises LabError for one that is not in the bin; StoreError where it can't be: it stays there then.
    """
    folder = binned_folder(sweep_id)
    (one,) = sweep_bin.content({sweep_id})
    _mark_deleted(sweep_id, deleted=False)
    try:
        sweep_bin.take_out(folder.path)
    except OSError as error:
        raise StoreError(f"The sweep could not be restored: {error}.") from error
    runs = [job.run_id for job in table.these(one.trials) if job.binned or job.bin_step == AT_END]
    said = f"The sweep {one.name!r} is back."
    return f"{said} Runs: {many.summary('restore', many.many('restore', runs))}" if runs else said


def _mark_deleted(sweep_id: str, *, deleted: bool = True) -> None:
    """Have the store call a sweep's own run deleted, or not; one that is gone from there is called nothing."""
    try:
        if store.get_run(sweep_id).deleted != deleted:
            (store.delete_run if deleted else store.restore_run)(sweep_id)
    except RunNotFoundError:
        return
