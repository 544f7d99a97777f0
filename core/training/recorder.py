"""What a run writes down while it trains: a row of history an iteration, its progress, its checkpoints."""

from __future__ import annotations

import math
import time

import torch

from core.names import history_column, unknown_column
from core.runs import RunFolder
from core.runs.checkpoint_file import CheckpointError, look
from core.runs.going_on import check_history
from core.runs.history import MAIN, HistoryWriter
from core.training import checkpoint as checkpoints
from core.training.checkpoint import Checkpoint
from core.training.cuda_graph import StepFigures
from core.training.march import March
from core.training.objective import Objective, Residuals
from core.training.progress import Progress
from core.training.state import Position, RunState

WRITING = 20.0
"""In windows, so many times as long as writing a checkpoint takes passes before the next: each has all so far."""


class Recorder:
    """Keeps a run's numbers.

    Args:
        run: its state.
        folder: where checkpoints go.
        history: where every iteration's numbers go.
        progress: where it is said how far the run is.
        march: where it stands in time, if it goes through it in windows.
    """

    def __init__(
        self, run: RunState, folder: RunFolder, history: HistoryWriter, progress: Progress, march: March | None = None
    ):
        self.run, self.folder, self.history, self.progress = run, folder, history, progress
        self.march = march
        self._best = math.inf
        self._started = time.perf_counter()
        self._saved, self._took = -math.inf, 0.0
        progress.clock = self.clock

    def resumed(self, checksum: int | None) -> None:
        """Go on from the run's position: history after it is dropped, and its clock goes on.

        Raises DamagedHistoryError where the rows are not there that the checkpoint counts, `checksum` being theirs.
        """
        position = self.run.position
        self.history.flush()
        check_history(self.folder, position.history_rows, checksum)
        self.history.truncate(position.history_rows)
        self._started = time.perf_counter() - position.wall_time_s
        if position.grown_up:
            self._drop_stage_taken_back(position)
        elif position.stage and len(self.run.records) == position.stage and self.march is None:
            self.keep_stage()  # a kill may have come between the end of a stage and this
        self._best = self._best_so_far()

    def take_back(self, before: Checkpoint) -> None:
        """Have an earlier checkpoint be the last one; history and checkpoints after it are dropped, the clock goes on.

        The checkpoint comes first, in one step: wherever this is cut off, `resumed` does the rest.
        """
        before.position.wall_time_s = self.clock()
        checkpoints.save(before, self.folder.last)
        self.history.flush()
        self.history.truncate(before.position.history_rows)
        self._drop_stage_taken_back(before.position)
        self._best = self._best_so_far()

    def keep_stage(self) -> None:
        """Keep the last checkpoint as that of the end of the last stage."""
        self.folder.keep(self.folder.last, self.folder.of_stage(self.run.position.stage))

    def _drop_stage_taken_back(self, position: Position) -> None:
        """The stage after a position has no checkpoint any more, and the best one is of a stage that is left."""
        folder = self.folder
        folder.of_stage(position.stage + 1).unlink(missing_ok=True)
        try:
            stays = not folder.best.exists() or (look(folder.best).history_rows or 0) <= position.history_rows
        except CheckpointError:  # damaged: another takes its place
            stays = False
        if stays:
            return
        ends = [path for k in range(1, position.stage + 1) if (path := folder.of_stage(k)).exists()]
        folder.keep(min(ends, key=lambda path: checkpoints.load(path).max_residual, default=folder.last), folder.best)

    def _best_so_far(self) -> float:
        """The largest residual of the best checkpoint; infinite where there is none that can be read."""
        if not self.folder.best.exists():
            return math.inf
        try:
            found = checkpoints.load(self.folder.best).max_residual
        except CheckpointError as error:
            self.run.say(f"{error} The next best one takes its place.")
            return math.inf
        return found if math.isfinite(found) else math.inf

    def clock(self) -> float:
        """Seconds that the run has trained."""
        return time.perf_counter() - self._started

    def row(self, residuals: Residuals | StepFigures, loss, maximum, **numbers) -> None:
        """One iteration's numbers."""
        run, position = self.run, self.run.position
        extra = {history_column(name): value for name, value in residuals.rms_by_name().items()}
        if run.solution.lam is not None:
            extra["lambda"] = run.solution.lam.detach().clone()
        if run.solution.further is not None:
            values = run.solution.further.detach().clone()
            extra |= dict(zip(map(unknown_column, run.problem.further_unknowns), values, strict=True))
        if run.device.type == "cuda":
            extra["device_memory_mb"] = torch.cuda.memory_allocated(run.device) / 2**20
        self.history.append(
            iteration=position.total,
            stage=position.windows * len(run.config.stages) + position.stage,
            phase=position.phase,
            wall_time_s=self.clock(),
            loss=loss,
            max_residual=maximum,
            rms_residual=residuals.rms(),
            **extra,
            **numbers,
        )

    def report(self, residuals: Residuals | StepFigures, maximum, done: float | None = None) -> None:
        """Say how far the run is, when that is due; `done` units of its phase are, where those are no iterations."""
        if self.progress.due():
            self._say(float(maximum), float(residuals.rms()), done)

    def report_stage_end(self) -> None:
        """Say that the newest stage is done."""
        self._say(self.run.record.max_residual, self.run.record.rms_residual)

    def _say(self, maximum: float, rms: float, done: float | None = None) -> None:
        lam = self.run.solution.lam
        self.progress.figures = {
            "total_iterations": self.run.position.total,
            "max_residual": maximum,
            "rms_residual": rms,
            "lambda": None if lam is None else float(lam.detach()),
        }
        if self.run.solution.further is not None:
            self.progress.figures["unknowns"] = self.run.solution.values_of_unknowns()
        self.progress.write(self.run.position.iteration if done is None else done)

    def computes_in(self, precision: str) -> None:
        """Note what the present phase computes in."""
        name = "precision" if self.run.position.phase == MAIN else "warmup_precision"
        setattr(self.run.record, name, precision)

    @torch.no_grad()
    def final_residuals(self, objective: Objective) -> None:
        """Note what the stage leaves at its points."""
        final = objective.residuals()
        self.run.record.max_residual = float(final.maximum())
        self.run.record.rms_residual = float(final.rms())

    def seconds_since_saved(self) -> float:
        """Since the last checkpoint of this process."""
        return time.monotonic() - self._saved

    def save_in_turn(self) -> None:
        """Write a checkpoint; in windows only where writing stays a small part of the run's time."""
        if self.march is None or self.seconds_since_saved() >= WRITING * self._took:
            self.save()

    def save(self) -> None:
        """Write a checkpoint; the best one by the largest residual is kept beside the last."""
        run, began = self.run, time.monotonic()
        self.history.sync()  # before the checkpoint that counts its rows
        run.position.history_rows = self.history.rows
        run.position.wall_time_s = self.clock()
        maximum = run.record.max_residual if run.records else math.nan
        march = self.march
        kept = Checkpoint(
            # on a path the problem is another than the run's
            run.config.model_copy(update={"problem": run.solution.problem}) if march is None else march.config,
            run.position,
            run.solution,
            run.optimizer,
            run.records,
            maximum,
            run.adapted,
            march,
            self.history.checksum,
        )
        checkpoints.save(kept, self.folder.last)
        self._saved = time.monotonic()
        self._took = self._saved - began
        if march is None and maximum < self._best:
            self._best = maximum
            self.folder.keep(self.folder.last, self.folder.best)
