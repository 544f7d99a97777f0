"""What a lab deletes for good, by its settings: the bin's old content, and old checkpoints of single stages.

Everything here may be cut off anywhere; the next call finishes what was begun. Nothing outside of the lab home is
touched, and nothing that a run outside of the bin still needs.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import LabError, RunNotFoundError, StoreError, sentence
from core.home import home
from core.jobs import bin, sweep_bin, table
from core.jobs.events import LAB, acting_as
from core.jobs.job import EMPTYING, Job
from core.jobs.process import alive
from core.jobs.sweep_bin import Binned
from core.locks import one_at_a_time
from core.people import ADMIN, needs
from core.runs import RunFolder
from core.runs.folder import CHECKPOINTS
from core.runs.states import ENDED
from core.settings import settings

DAY_S = 86_400.0
EVERY_S = 3600.0
"""Seconds between two looks of a process that lives for long."""
LOCK_S = 2.0
GONE = ".gone"
"""Ends the name of a folder that is being deleted; no run is called so."""
KEPT_CHECKPOINTS = ("last", "best")

_looked = float("-inf")


@dataclass
class Emptied:
    """What became of runs that were to be deleted for good."""

    deleted: list[str] = field(default_factory=list)
    """Run ids."""
    sweeps: list[str] = field(default_factory=list)
    """Ids of sweeps that were deleted."""
    kept: dict[str, str] = field(default_factory=dict)
    """Id of a run or a sweep → why it is still in the bin, or not in it any more."""
    left: dict[str, str] = field(default_factory=dict)
    """Likewise → what MLflow keeps of one that is deleted here."""

    def sentence(self) -> str:
        """All of it, in one text for people."""
        gone = [f"{len(self.deleted)}"] if self.deleted or not self.sweeps else []
        if self.sweeps:
            gone.append(f"{len(self.sweeps)} {'sweep' if len(self.sweeps) == 1 else 'sweeps'}")
        words = [f"{' runs and '.join(gone)} deleted for good"]
        for what, found in (("kept", self.kept), ("not gone from MLflow", self.left)):
            if found:
                said = [why.rstrip(".") for why in list(found.values())[:3]]
                more = [f"and {len(found) - 3} more likewise"] if len(found) > 3 else []
                words.append(f"{len(found)} {what}: {'; '.join(said + more)}")
        return f"{'; '.join(words)}."


@needs(ADMIN)
def empty(now: float | None = None) -> Emptied:
    """Delete for good what has been in the bin for longer than the settings say, and what a crash left half deleted.

    Args:
        now: Unix time; the present unless said.

    Raises LabError while another process does so, StoreError when the job table can't be used.
    """
    before = (time.time() if now is None else now) - DAY_S * settings().retention.bin_days
    with _alone():
        _sweep()
        emptied = _delete([job for job in bin.content(-1) if job.binned <= before or job.bin_step == EMPTYING])
        return _delete_sweeps([one for one in sweep_bin.content() if one.binned <= before], emptied)


@needs(ADMIN)
def delete_for_good(run_ids: Iterable[str]) -> Emptied:
    """Delete runs of the bin for good, whenever they came there. Raises LabError and StoreError as `empty` does.

    Args:
        run_ids: of the runs, and of sweeps that are in the bin.
    """
    run_ids = list(run_ids)
    with _alone():
        chosen = table.these(run_ids)
        emptied = _delete([job for job in chosen if job.binned])
        emptied.kept |= {job.run_id: f"Run {job.run_id[:8]} is not in the bin" for job in chosen if not job.binned}
        return _delete_sweeps(sweep_bin.content(set(run_ids)), emptied)


def goes_at(one: Job | Binned) -> float:
    """When a run or a sweep of the bin is deleted for good: Unix time in seconds."""
    return (one.binned or 0.0) + DAY_S * settings().retention.bin_days


@contextmanager
def _alone() -> Iterator[None]:
    try:
        with one_at_a_time(home().ensure().root / "bin.lock", LOCK_S):
            yield
    except TimeoutError:
        raise LabError("Another process is emptying the bin just now.") from None


def _sweep() -> None:
    """Take away folders whose row is gone already."""
    for folder in (home().runs, home().sweeps):
        for path in folder.glob(f"*{GONE}"):
            _remove(path)


def _delete(jobs: list[Job]) -> Emptied:
    emptied, needed_by = Emptied(), bin.needing(job.run_id for job in jobs)
    for job in jobs:
        try:
            left = _delete_one(job, needed_by)
        except (LabError, OSError) as error:
            emptied.kept[job.run_id] = _why(job, error)
            continue
        emptied.deleted.append(job.run_id)
        if left:
            emptied.left[job.run_id] = left
    return emptied


def _why(job: Job, error: LabError | OSError) -> str:
    if isinstance(error, StoreError):
        return f"Run {job.run_id[:8]} stays until MLflow can be told: {error}"
    return str(error) if isinstance(error, LabError) else f"Run {job.run_id[:8]} can't be deleted: {error}"


def _delete_one(job: Job, needed_by: dict[str, list[Job]]) -> str:
    """Delete a run: what MLflow has, its folder, its row, in this order; returns what MLflow keeps.

    From the mark on the row to its end there is no way back, and every step can be done again.
    """
    from core.tracking import store

    run_id, folder = job.run_id, job.folder
    _refuse_links(folder)
    if job.bin_step != EMPTYING:
        bin.refuse_while_needed(run_id, needed_by)
        if alive(job.pid, job.pid_started, job.boot):
            raise LabError(f"Run {run_id[:8]} stays until its process has ended.")
        if not job.synced:
            raise StoreError("it does not know yet that the run is in the bin.")
        if not _deleted_there(run_id):
            still = {"binned": job.binned, "bin_step": job.bin_step}
            back = ("restored", "It was restored in MLflow's own pages.")
            table.update(run_id, only_if=still, event=back, binned=None, bin_step=None)
            raise LabError(f"Run {run_id[:8]} was restored in MLflow's own pages, and is back here, too.")
        if not table.update(run_id, only_if={"binned": job.binned, "bin_step": job.bin_step}, bin_step=EMPTYING):
            raise LabError(f"Run {run_id[:8]} is not in the bin any more.")
    left = store.purge_run(run_id)
    _remove(home().fetched / run_id)
    if folder.exists:
        folder.path.rename(folder.path.with_name(run_id + GONE))  # from now on no list of folders has it
    _remove(folder.path.with_name(run_id + GONE))
    table.forget(run_id)
    return left


def _delete_sweeps(sweeps: list[Binned], emptied: Emptied) -> Emptied:
    for one in sweeps:
        try:
            left = _delete_sweep(one)
        except (LabError, OSError) as error:
            emptied.kept[one.sweep_id] = sentence(error)
            continue
        emptied.sweeps.append(one.sweep_id)
        if left:
            emptied.left[one.sweep_id] = left
    return emptied


def _delete_sweep(one: Binned) -> str:
    """Delete a sweep: its study, what MLflow has, what the job table has, its folder; returns what MLflow keeps.

    The folder goes last, so that what was cut off is begun again.
    """
    from core.tracking import store

    if one.path.is_symlink():
        raise LabError(f"{one.path} is a link, which is not deleted from here. Take the link away.")
    with sweep_bin.at_rest(one.sweep_id):
        if not _deleted_there(one.sweep_id):
            sweep_bin.take_out(one.path)
            raise LabError(f"The sweep {one.sweep_id[:8]} was restored in MLflow's own pages, and is back here, too.")
        sweep_bin.forget_study(one.sweep_id)
        left = store.purge_run(one.sweep_id)
        sweep_bin.forget(one)
        one.path.rename(one.path.with_name(one.sweep_id + GONE))
        _remove(one.path.with_name(one.sweep_id + GONE))
        sweep_bin.remove_traces(one.sweep_id)
    return left


def _deleted_there(run_id: str) -> bool:
    """Whether MLflow still calls a run deleted, or has it no more. Raises StoreError."""
    from core.tracking import store

    try:
        return store.get_run(run_id).deleted
    except RunNotFoundError:
        return True


def _refuse_links(folder: RunFolder) -> None:
    for path in (folder.path, home().fetched / folder.run_id):
        if path.is_symlink():
            raise LabError(f"{path} is a link to {path.resolve()}, which is not deleted from here. Take the link away.")


def _remove(path: Path) -> None:
    """Delete a folder; links in it are taken away and not followed. Raises OSError."""
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return


def thin_checkpoints(now: float | None = None) -> dict[str, list[str]]:
    """Delete the stages' checkpoints of runs that ended longer ago than the settings say; last and best are kept.

    MLflow's copies go with them where they are in the lab home; a server's stay.

    Returns run id → names of what was deleted. Raises StoreError when the job table can't be used.
    """
    days = settings().retention.checkpoint_days
    if days is None:
        return {}
    before, thinned = (time.time() if now is None else now) - DAY_S * days, {}
    for job in table.find(ENDED, -1):
        if job.ended is not None and job.ended <= before and (names := _of_stages(job.folder)):
            try:
                _thin(job, names)
            except (LabError, OSError) as error:
                print(f"{job.run_id}: old checkpoints stay: {error}", file=sys.stderr, flush=True)
            else:
                thinned[job.run_id] = names
    return thinned


def _of_stages(folder: RunFolder) -> list[str]:
    return sorted(path.name for path in folder.checkpoints.glob("*.pt") if path.stem not in KEPT_CHECKPOINTS)


def _thin(job: Job, names: list[str]) -> None:
    from core.tracking import store

    with suppress(RunNotFoundError):  # deleted there, for good
        store.delete_files(job.run_id, [f"{CHECKPOINTS}/{name}" for name in names])  # first: it is not found again
    for name in names:
        (job.folder.checkpoints / name).unlink(missing_ok=True)
    still = {"state": job.state, "attempt": job.attempt}
    table.update(job.run_id, only_if=still, event=("thinned", f"{', '.join(names)}: older than kept"), synced=0)


def tidy(now: float | None = None) -> None:
    """Empty the bin and thin checkpoints, once an hour at most in each process; what can't be is said on stderr."""
    global _looked
    if time.monotonic() - _looked < EVERY_S:
        return
    _looked = time.monotonic()
    with acting_as(LAB):
        try:
            emptied = empty(now)
            if emptied.deleted or emptied.sweeps or emptied.kept:
                print(f"The bin: {emptied.sentence()}", file=sys.stderr, flush=True)
            thin_checkpoints(now)
        except (LabError, OSError) as error:  # tried again in an hour
            print(f"The bin was not emptied: {error}", file=sys.stderr, flush=True)
