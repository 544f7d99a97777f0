"""What the stages of a run did, as its folder and the store keep it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.config import RunConfig
from core.runs.stages import StageDone

if TYPE_CHECKING:
    from core.training.state import Position, StageRecord


def stages_done(config: RunConfig, position: Position, records: Sequence[StageRecord]) -> list[StageDone]:
    """Stages by their number over all windows, from what a trainer or a checkpoint knows of them."""
    first = 1 + position.windows * len(config.stages)
    return [
        StageDone(
            number=first + record.index,
            parameters=record.parameters,
            epsilon=record.epsilon,
            sigma=list(record.sigma) if isinstance(record.sigma, tuple) else record.sigma,
            optimizer=record.optimizer,
            precision=record.precision,
            ended=record.ended,
            max_residual=record.max_residual if math.isfinite(record.max_residual) else None,
            rms_residual=record.rms_residual if math.isfinite(record.rms_residual) else None,
        )
        for record in records
    ]
