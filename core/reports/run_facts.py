"""All that is known of a run when a report is written, and what is not known and why.

A run may be queued, at work, damaged, or another program's. Each part is asked for by itself: one that can't be had is
a sentence in the report, and the rest is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from core import jobs
from core.config import RunConfig
from core.errors import LabError, RunNotFoundError
from core.problems.base import Problem
from core.reports.stage_table import StageRow, stage_rows
from core.runs import RunFolder
from core.runs.curves import Curves
from core.runs.folder import WINDOWS
from core.runs.states import ENDED
from core.runs.windows import WindowStep
from core.singularity import certificate as certificates
from core.singularity.certificate import Certificate
from core.tracking import store
from core.tracking.curves import run_curves
from core.tracking.in_force import InForce, in_force, settled
from core.tracking.lineage import Node, lineage
from core.tracking.origin import Origin, origin
from core.tracking.store import RunRecord
from core.tracking.tags import NOTE, REASON, people_tags
from core.tracking.tags import WINDOWS as WINDOWS_TAG

Had = TypeVar("Had")


@dataclass(frozen=True)
class RunFacts:
    """A run, as far as it is known."""

    record: RunRecord
    state: str
    reason: str
    """Why it ended, or what is to be known of it, in one sentence; mostly nothing."""
    config: RunConfig | None
    """What it was asked for; as it grew where it has grown. None of another program's run."""
    curves: Curves | None
    certificate: Certificate | None
    origin: Origin | None
    in_force: InForce | None
    stages: Sequence[StageRow]
    windows: Sequence[WindowStep]
    lineage: Sequence[Node]
    missing: tuple[str, ...]
    """What could not be had, each in one sentence."""

    @property
    def run_id(self) -> str:
        """Id of the run."""
        return self.record.run_id

    @property
    def name(self) -> str:
        """What people call it."""
        return self.record.name

    @property
    def label(self) -> str:
        """Its name and the beginning of its id, where several runs stand together: names may be alike."""
        return f"{self.record.name} · {self.record.run_id[:6]}"

    def without_curves(self) -> RunFacts:
        """The same without what takes most of the memory."""
        return replace(self, curves=None)

    @property
    def problem(self) -> Problem | None:
        """What it solves; None of another program's run."""
        return None if self.config is None else self.config.problem

    @property
    def foreign(self) -> bool:
        """Whether another program made it."""
        return not self.record.problem

    @property
    def folder(self) -> RunFolder:
        """Its folder."""
        return self.record.folder

    @property
    def ended(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.state in ENDED

    @property
    def note(self) -> str:
        """People's note."""
        return self.record.tags.get(NOTE, "")

    @property
    def tags(self) -> list[str]:
        """People's tags, as key=value."""
        return people_tags(self.record.tags)


class _Asked:
    """Asks for parts one by one, and keeps what is wrong with those that can't be had."""

    def __init__(self) -> None:
        self.missing: list[str] = []

    def __call__(self, part: Callable[[], Had]) -> Had | None:
        try:
            return part()
        except LabError as error:
            self.missing.append(str(error))
            return None


def run_facts(folder: RunFolder, stages: bool = True) -> RunFacts:
    """What is known of a run. Raises RunNotFoundError for one that neither the store nor this machine has.

    Args:
        folder: the run's.
        stages: what each stage did, for which a checkpoint is read by torch.
    """
    asked = _Asked()
    record = _record(folder.run_id)
    state, reason = _state(record)
    mine = bool(record.problem)
    config = asked(lambda: _config(folder)) if mine else None
    curves = asked(lambda: _read(folder))
    if mine and curves is not None:
        asked.missing += curves.warnings(state == "finished") or _lost(curves, state, record)
    windows = (asked(lambda: _windows(folder, record)) or []) if mine else []
    return RunFacts(
        record=record,
        state=state,
        reason=reason,
        config=config,
        curves=curves,
        certificate=asked(lambda: certificates.read(folder)) if certificates.TAG in record.tags else None,
        origin=asked(lambda: origin(folder)) if mine else None,
        in_force=asked(lambda: in_force(folder)) if mine else None,
        stages=(asked(lambda: stage_rows(folder, curves)) or []) if stages and mine and curves is not None else [],
        windows=windows,
        lineage=asked(lambda: lineage(folder.run_id)) or [],
        missing=tuple(dict.fromkeys(asked.missing)),
    )


def _record(run_id: str) -> RunRecord:
    """A run of the store; the list of them needs no mlflow, which takes longer to import than a report to make."""
    listed = next((record for record in store.runs() if record.run_id == run_id), None)
    return store.get_run(run_id) if listed is None else listed


def _state(record: RunRecord) -> tuple[str, str]:
    """State and reason: the job table knows them first of runs on this machine."""
    try:
        job = jobs.status(record.run_id)
    except RunNotFoundError:
        return record.state, record.tags.get(REASON, "")
    return job.state, job.reason


def _config(folder: RunFolder) -> RunConfig:
    return settled(folder) or store.run_config(folder)


def _windows(folder: RunFolder, record: RunRecord) -> list[WindowStep]:
    if WINDOWS_TAG in record.tags and not folder.exists:
        store.fetch_artifact(folder, WINDOWS)
    return folder.windows()


def _lost(curves: Curves, state: str, record: RunRecord) -> list[str]:
    """That a history without a row is what is left of a run that has done iterations."""
    trained = state == "finished" or (state in ENDED and "max_residual" in record.metrics)
    if not trained or curves.source != "history" or len(curves.column("iteration")):
        return []
    return ["Its history is empty though it was trained: curves and stages are lost."]


def _read(folder: RunFolder) -> Curves:
    curves = run_curves(folder)
    curves.update()
    return curves
