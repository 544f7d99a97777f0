"""What each stage of a run did: from its history, and from the checkpoint where that is here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.config import RunConfig, Stage
from core.errors import LabError
from core.runs import RunFolder
from core.runs.curves import Curves
from core.runs.folder import STAGES
from core.runs.stages import StageDone
from core.tracking import store
from core.training.sigma import as_text
from core.training.stages_done import stages_done


@dataclass(frozen=True)
class StageRow:
    """One stage."""

    number: int
    """From 1."""
    iterations: int
    seconds: float
    before: float
    """Largest residual at its first iteration."""
    after: float
    """Largest residual that it left at its points, in its last iteration where no checkpoint says so."""
    rms_after: float
    parameters: int | None = None
    """None, and empty texts: only a checkpoint or the run's list of stages says that, and there is neither here."""
    sigma: str = ""
    epsilon: float | None = None
    optimizer: str = ""
    precision: str = ""
    ended: str = ""
    """Why it ended, in words."""


def stage_rows(folder: RunFolder, curves: Curves) -> list[StageRow]:
    """A run's stages in order; of a run in windows of time those of all windows. Raises LabError for damage.

    Seconds and residuals are the history's; why a stage ended, its σ and its method are the last checkpoint's, which
    may be behind the history and in windows has the stages of one window only. Of a run that was trained elsewhere the
    list says it that it left in the store at its end.
    """
    rows = _of_history(curves)
    records = {stage.number: stage for stage in (_saved(folder) if folder.has_checkpoint else _left(folder))}
    found = []
    for row in rows:
        record = records.get(row.number)
        if record is None:
            found.append(row)
            continue
        found.append(
            StageRow(
                number=row.number,
                iterations=row.iterations,
                seconds=row.seconds,
                before=row.before,
                after=row.after if record.max_residual is None else record.max_residual,
                rms_after=row.rms_after if record.rms_residual is None else record.rms_residual,
                parameters=record.parameters,
                sigma="" if record.sigma is None else as_text(record.sigma),
                epsilon=record.epsilon,
                optimizer=record.optimizer,
                precision=record.precision,
                ended=record.ended,
            )
        )
    return found


def network_words(stage: Stage, config: RunConfig) -> str:
    """What a stage is made of, in a few words."""
    if stage.chebyshev:
        return stage.chebyshev.words
    if stage.splines:
        return stage.splines.words
    return f"Fourier, {stage.fourier.features}" if stage.fourier else f"MLP {list(config.network.hidden)}"


def _saved(folder: RunFolder) -> list[StageDone]:
    """What the last checkpoint says of stages."""
    from core.training.checkpoint import load  # torch

    try:
        saved = load(folder.last)
    except LabError as error:
        raise LabError(f"Why its stages ended is not known: {error}") from None
    return stages_done(saved.config, saved.position, saved.records)


def _left(folder: RunFolder) -> list[StageDone]:
    """What the run left in the store of its stages; nothing where it ended before there was such a list."""
    if not folder.exists:
        store.fetch_artifact(folder, STAGES)
    return folder.stages()


def _of_history(curves: Curves) -> list[StageRow]:
    stage, seconds = curves.column("stage"), curves.column("wall_time_s")
    largest, rms = curves.column("max_residual"), curves.column("rms_residual")
    if not min(map(len, (stage, seconds, largest, rms))):
        return []
    starts = np.flatnonzero(np.diff(stage, prepend=-1))
    ends = np.append(starts[1:], len(stage)) - 1
    began = np.concatenate([[0.0], seconds[ends[:-1]]])
    return [
        StageRow(
            number=int(stage[start]) + 1,
            iterations=int(end - start + 1),
            seconds=float(seconds[end] - before),
            before=float(largest[start]),
            after=float(largest[end]),
            rms_after=float(rms[end]),
        )
        for start, end, before in zip(starts, ends, began, strict=True)
    ]
