"""Replay: a run trained again."""

from __future__ import annotations

from dataclasses import dataclass

from core import jobs
from core.config import RunConfig, override
from core.errors import LabError
from core.people import RUNNER, needs
from core.runs import RunFolder
from core.runs.folder import parent_folder
from core.runs.states import ACTIVE
from core.tracking import store
from core.tracking.in_force import settled
from core.tracking.tags import PROCESSES_TAG, PROVENANCE, REPLAY_TAG, THREADS_TAG
from core.tracking.verify import history_of


def missing_parent(config: RunConfig) -> str | None:
    """Why a run can't start from its parent here, in one sentence; None when it can or has none."""
    parent = parent_folder(config)
    if parent is None or parent.has_checkpoint:
        return None
    return (
        f"It starts from the solution of run {parent}, whose checkpoint is not here (any more), "
        "so it can't be trained again."
    )


@dataclass(frozen=True)
class Rerun:
    """What is to be submitted to repeat a run."""

    config: RunConfig
    tags: dict[str, str]


def prepare_rerun(source: RunFolder, *, to_verify: bool = True) -> Rerun:
    """The source's config, on its device and with its threads where this machine has them.

    Of a run that has grown, what it grew is trained again without the search, in which a clock took part.

    Raises LabError before anything is started when it can't be repeated: no config, no parent any more, or, to be
    verified, no history or an end that has not come yet.
    """
    config = store.run_config(source)
    if missing := missing_parent(config):
        raise LabError(f"Run {source} can't be repeated. {missing}")
    record = store.get_run(source.run_id)
    if to_verify:
        if record.state in ("queued", *ACTIVE):
            raise LabError(f"Run {source} is {record.state}: it can be verified once it has ended.")
        history_of(source)
    config = settled(source) or config
    tags = {REPLAY_TAG: source.run_id}
    if threads := record.tags.get(PROVENANCE + "threads"):
        tags[THREADS_TAG] = threads
    if any(stage.processes for stage in config.stages) and (
        processes := record.tags.get(PROVENANCE + "processes", "").rpartition(" ")[2]
    ):
        tags[PROCESSES_TAG] = processes
    if config.device == "auto" and record.tags.get(PROVENANCE + "device") == "cpu" and _has_gpu():
        config = override(config, ["device=cpu"])
    return Rerun(config, tags)


def _has_gpu() -> bool:
    return any(slot.serves("cuda") for slot in jobs.capacity())


@needs(RUNNER)
def submit_rerun(source: RunFolder) -> str:
    """Queue a rerun of a run to verify it by; returns its id. Raises LabError like `prepare_rerun`."""
    rerun = prepare_rerun(source)
    return jobs.submit(rerun.config, tags=rerun.tags)
