"""Resuming with open eyes: what a run would go on from is looked at before it is queued again.

Where that is damaged, nothing is chosen silently: the refusal names what can be done instead, and a person says which.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import LabError
from core.files import write_whole
from core.jobs import actions
from core.jobs.job import Job
from core.jobs.stored import kept_config
from core.people import RUNNER, needs
from core.runs import RunFolder, checkpoint_file, going_on
from core.runs.checkpoint_file import CheckpointFacts
from core.runs.folder import CONFIG, config_of
from core.runs.going_on import DamagedHistoryError
from core.runs.states import REPEATABLE


@dataclass(frozen=True)
class Way:
    """Something that can be done where a run can't simply be resumed."""

    label: str
    option: str
    """Of the command `resume`."""
    checkpoint: str | None = None
    accept_hole: bool = False
    restore_config: bool = False


class CannotResumeError(LabError):
    """A run can't go on from what is there. `ways` are what a person may choose."""

    def __init__(self, folder: RunFolder, why: str, ways: list[Way]):
        self.ways = ways
        commands = [f"{way.label}: `python -m core resume {folder} {way.option}`" for way in ways]
        commands.append(f"begin again: `python -m core retry {folder}`")
        super().__init__(f"{why} What can be done: {'; '.join(commands)}.")


@needs(RUNNER)
def resume(
    run_id: str, checkpoint: str | None = None, *, accept_hole: bool = False, restore_config: bool = False
) -> None:
    """Queue a run again, from its last checkpoint or another one, once that was looked at.

    Args:
        run_id: the run.
        checkpoint: `best` or `stage-1`, to go on from in the place of the last one.
        accept_hole: go on without the rows that are missing in the history; that is noted there.
        restore_config: put back the config that the store has.

    Raises:
        CannotResumeError: what is there is damaged; it says what can be done.
        LabError: the run waits, runs or is finished, or has no such checkpoint.
    """
    job = actions.status(run_id)
    if job.state in REPEATABLE:  # else there is nothing to look at, and it is refused below
        folder = job.folder
        _check_config(job, restore_config)
        if checkpoint is not None and checkpoint != "last":
            going_on.put_back(folder, checkpoint)
        _check_history(folder, _facts(folder), accept_hole)
    actions.resume(run_id)


@needs(RUNNER)
def retry(run_id: str, *, restore_config: bool = False) -> None:
    """Queue an ended run again, from the beginning. Raises LabError as `resume` does."""
    job = actions.status(run_id)
    if job.state in REPEATABLE:
        _check_config(job, restore_config)
    actions.retry(run_id)


def _check_config(job: Job, restore: bool) -> None:
    """Raise CannotResumeError where the config is not the run's own; put that back if asked to."""
    fault = config_fault(job)
    if fault is None:
        return
    folder, kept = job.folder, None
    if (raw := kept_config(job.run_id)) is not None:
        try:
            kept = raw if config_of(raw, str(folder)).config.hash == job.config_hash else None
        except LabError:
            kept = None
    if kept is None or not restore:
        ways = [Way("put back the config that the store has", "--restore-config", restore_config=True)] if kept else []
        raise CannotResumeError(folder, fault, ways)
    going_on.keep_aside(folder.file(CONFIG))
    write_whole(folder.file(CONFIG), kept)


def config_fault(job: Job) -> str | None:
    """Why a run's config is not the one that it was made from, in one sentence; None where it is."""
    try:
        reading = job.folder.config()
    except LabError as error:
        return f"The config of run {job.folder} can't be used: {str(error).rstrip('.')}."
    if reading is None:
        return None  # the store's copy is read then
    if reading.config.problem.kind != job.problem:
        return f"{CONFIG} of run {job.folder} is of another problem: {reading.config.problem.kind}, not {job.problem}."
    if not reading.notes and reading.config.hash != job.config_hash:
        return f"{CONFIG} of run {job.folder} is not the one that the run was made from: it was changed since."
    return None


def _facts(folder: RunFolder) -> CheckpointFacts | None:
    """What the last checkpoint says of itself; None where the run never had one."""
    if not folder.has_checkpoint:
        others = going_on.others(folder)
        if not others:
            return None
        raise CannotResumeError(folder, f"Run {folder} has lost its last checkpoint.", _ways(others))
    try:
        return checkpoint_file.look(folder.last)
    except LabError as error:
        raise CannotResumeError(folder, str(error), _ways(going_on.others(folder))) from error


def _check_history(folder: RunFolder, facts: CheckpointFacts | None, accept_hole: bool) -> None:
    if facts is None or facts.history_rows is None:
        return
    try:
        going_on.check_history(folder, facts.history_rows, facts.history_checksum)
    except DamagedHistoryError as error:
        if accept_hole:
            going_on.accept_hole(folder, facts)
            return
        ways = _ways(going_on.others(folder))
        ways.append(Way("go on with the hole, which is noted", "--accept-hole", accept_hole=True))
        raise CannotResumeError(folder, str(error), ways) from error


def _ways(others: list[CheckpointFacts]) -> list[Way]:
    return [Way(f"go on from {facts}", f"--from {facts.name}", facts.name) for facts in others]
