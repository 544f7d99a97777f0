"""Training from a config: stage after stage, from the beginning or from a checkpoint."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from core.config import RunConfig
from core.datasets import samples_of
from core.errors import LabError, NotFiniteError, TrainingError
from core.networks.marched import Marched
from core.networks.solution import Solution
from core.runs import RunFolder
from core.runs.history import PATH, HistoryWriter
from core.runs.windows import WindowStep
from core.training import checkpoint as checkpoints
from core.training.checkpoint import Checkpoint
from core.training.exponent import Exponent
from core.training.growth import Growth
from core.training.march import March
from core.training.progress import Progress
from core.training.recorder import Recorder
from core.training.sigma_search import Interrupted
from core.training.spread import Ranks
from core.training.stage import StageTraining
from core.training.state import Position, RunState, StageRecord, Wanted


@dataclass(frozen=True)
class Outcome:
    """How training ended."""

    wanted: Wanted
    """None when it came to its own end, else what interrupted it."""
    solution: Solution | Marched
    records: list[StageRecord]
    position: Position
    config: RunConfig
    """The run, with the stages that it has grown."""
    windows: list[WindowStep] = field(default_factory=list)
    """Of time, as they were trained."""
    failed: str = ""
    """Why a search for λ found none, in one sentence."""
    underway: str = ""
    """Where on its path, or in time, a run was interrupted, in one sentence; empty where it was not."""
    spreads: dict[str, float] | None = None
    """Standard errors of unknown numbers that were found window by window; None where there were no windows."""


class Trainer:
    """One run in this process.

    Args:
        config: the run.
        folder: its directory; checkpoints and progress are written there.
        wanted: asked after each iteration whether the run should stop or pause.
        history: where every iteration's numbers go.
        parent: solution to start from, frozen; for `config.parent`.
        say: receives one line for the log at each turn of events.
        ranks: the processes that rows are spread over; this is the first of them. None: it is alone.
    """

    def __init__(
        self,
        config: RunConfig,
        folder: RunFolder,
        *,
        wanted: Callable[[], Wanted],
        history: HistoryWriter,
        parent: Solution | None = None,
        say: Callable[[str], None] = print,
        ranks: Ranks | None = None,
    ):
        solution = parent if parent is not None else Solution(config.problem, _lambda_start(config))
        self.run = RunState(config, device_of(config.device), solution, samples_of(config.problem), wanted, say)
        if ranks is not None:
            self.run.ranks, self.run.wanted = ranks, lambda: ranks.agreed(wanted())
        if config.continuation is not None:
            self.run.position.phase = PATH
        self.progress = Progress(folder, config)
        self.config, self.folder = config, folder
        self.march = None if config.windows is None else March.begun(config, self.run.samples)
        self._recorder = Recorder(self.run, folder, history, self.progress, self.march)
        self._exponent = Exponent(self.run, folder)
        self._started_from = None if solution.lam is None else float(solution.lam.detach())
        self._settled = False

    def resume(self, saved: Checkpoint) -> None:
        """Continue from a checkpoint of this run; history after it is dropped and done again.

        Raises LabError where the checkpoint is another run's, or the history lacks what it counts.
        """
        run = self.run
        if run.config.growth is not None:
            for stage in saved.config.stages[len(run.config.stages) :]:
                run.grow(stage)
            self.progress.follow(run.config)
        run.config = _as_found(run.config, saved.config)
        _check_same_run(saved.config, run.config, saved.position.stage)
        run.position, run.records, run.solution = saved.position, saved.records, saved.solution
        run.optimizer, run.adapted = saved.optimizer, saved.points
        if saved.march is not None:
            self.march = self._recorder.march = saved.march
            self.march.config, self.march.samples = self.config, run.samples
            run.config = self.march.window_config(run.solution.problem)
            run.window = (self.config, self.march.ahead[-1]) if self.march.ahead else None
            if self.march.ahead:
                run.samples = self.march.samples_in(self.march.ahead[-1])
        self._recorder.resumed(saved.history_checksum)
        run.say(f"resuming stage {run.position.stage + 1} at iteration {run.position.total}")

    def train(self) -> Outcome:
        """Train all stages, of all windows, that are left. Raises TrainingError when training can't go on."""
        if self.march is None:
            return self._stages()
        march, run = self.march, self.run
        outcome = self._outcome(None)
        while march.ahead and not outcome.wanted:
            if run.position.windows < len(march.steps) or run.solution.problem is self.config.problem:
                march.enter(run)
            self.progress.span = march.share
            fault = ""
            try:
                outcome = self._stages()
            except TrainingError as error:
                if not isinstance(error.__cause__ or error, NotFiniteError):
                    raise
                fault = str(error)
            if not outcome.wanted:
                try:
                    march.leave(run, fault)
                finally:
                    self.folder.write_windows(march.steps)
        if not march.ahead and run.solution.problem is not self.config.problem:
            numbers = march.numbers  # what was trained is in the march
            run.solution = (
                Solution(self.config.problem, None) if numbers is None else numbers.solution(self.config.problem)
            )
            self._recorder.save()
            self._settled = True
        whole, underway = march.whole(run.solution), march.underway
        spreads = None if march.numbers is None else march.numbers.errors()
        return replace(
            outcome, config=self.config, solution=whole, windows=march.steps, underway=underway, spreads=spreads
        )

    def _stages(self) -> Outcome:
        run = self.run
        if run.position.phase == PATH and not len(run.solution.networks):
            raise LabError("A continuation starts from a parent's solution, and none was given.")
        run.solution.to(run.device)
        try:
            while not self._left_out() and (run.position.stage < len(run.config.stages) or self._grows()):
                stage = StageTraining(run, self._recorder, self._exponent)
                stage.begin()
                if wanted := stage.advance():
                    return self._interrupted(wanted)
                stage.end()
                if run.failed:
                    break  # a stage that releases λ now would only invent digits
                if left := self._left_out():
                    run.say(left)
        except Interrupted as interrupted:
            return self._interrupted(interrupted.wanted)
        self._settled = True
        return self._outcome(None)

    def _grows(self) -> bool:
        """Whether there is one more stage, which is in the config then; one that made it worse is taken back."""
        run = self.run
        if run.config.growth is None or run.position.grown_up:
            return False
        growth = Growth(run, self._recorder)
        before = self._before_it_grew() if run.has_grown else None
        if before is not None and growth.was_better(before.solution):
            self._take_back(before)
            return False
        stage = growth.next_stage()
        if stage is None:
            return False
        run.grow(stage)
        self.progress.follow(run.config)
        return True

    def _before_it_grew(self) -> Checkpoint | None:
        """The end of the stage before the last one, to be compared with; None where it is no longer there, in words."""
        run = self.run
        try:
            return checkpoints.load(self.folder.of_stage(run.position.stage - 1))
        except LabError as error:  # an old one may have been tidied away
            run.say(f"stage {run.position.stage} stays without being compared with the one before it: {error}")
            return None

    def _take_back(self, before: Checkpoint) -> None:
        """Go back to the end of the stage before the last one, which is left out of the config and the history."""
        run = self.run
        run.say(f"stage {run.position.stage} is taken back: it leaves more at points not trained on than there was")
        before.position.grown_up = True
        self._recorder.take_back(before)
        run.config = run.config.model_copy(update={"stages": before.config.stages})
        run.position, run.records, run.solution = before.position, before.records, before.solution.to(run.device)
        run.optimizer, run.adapted = before.optimizer, before.points
        self.progress.follow(run.config)

    def _interrupted(self, wanted: Wanted) -> Outcome:
        if self.run.records or self.run.position.phase != PATH:  # before its path a run is no more than its parent
            self._recorder.save()
        return self._outcome(wanted)

    def _outcome(self, wanted: Wanted) -> Outcome:
        run = self.run
        underway, failed = (self._underway(), "") if wanted else ("", run.failed)
        return Outcome(wanted, run.solution, run.records, run.position, run.config, failed=failed, underway=underway)

    def _left_out(self) -> str:
        """Why the stages that are left are not trained, in words; empty where they are, or there are none."""
        run = self.run
        done, of = run.position.stage, len(run.config.stages)
        if not 0 < done < of:
            return ""
        enough, reached = run.config.stages[done - 1].enough, run.records[done - 1].max_residual
        if enough is None or not reached <= enough:
            return ""
        rest = f"stage {of} is" if done + 1 == of else f"stages {done + 1} to {of} are"
        return f"the residual of stage {done} is at most {enough:g}: {rest} left out"

    def _underway(self) -> str:
        run = self.run
        if run.position.phase != PATH:
            return ""
        if not run.records:
            return "It was interrupted before its path began."
        name = run.config.continuation.path
        here, ends = run.solution.problem.along(name), run.problem.along(name)
        return f"It was interrupted on its path to {name} = {ends:g}, at {name} = {here:.6g}."

    def effective_config(self) -> dict[str, Any]:
        """The config in force as plain data: what this process really uses in the place of what it was asked for.

        A stage's precision and σ are known once it has begun, the stages of a run that grows once it has ended: then
        there is nothing left to grow.
        """
        config = self.run.config if self.march is None else self.config
        data = config.model_dump(mode="json", by_alias=True)
        data["problem"] = config.problem.model_dump(mode="json", by_alias=True)
        if config.device.partition(":")[0] != self.run.device.type:
            data["device"] = self.run.device.type
        if self._settled:
            data.pop("growth", None)
        if self._started_from is not None and config.continuation is None:
            data["lambda"]["start"] = self._started_from
        for stage, record in zip(data["stages"], self.run.records, strict=False):
            stage["precision"] = record.precision or stage["precision"]
            if stage["optimizer"]["kind"] == "auto" and record.optimizer:
                stage["optimizer"]["kind"] = record.optimizer
            stage["warmup"]["precision"] = record.warmup_precision or stage["warmup"]["precision"]
            if stage["fourier"]:
                stage["fourier"]["sigma"] = record.sigma
        return data


def _as_found(config: RunConfig, saved: RunConfig) -> RunConfig:
    """The config with what its stages left to be found as a checkpoint's config has it."""
    stages = [
        found if stage.chebyshev and found.chebyshev and stage.chebyshev.is_to_be_found else stage
        for stage, found in zip(config.stages, saved.stages, strict=False)
    ]
    return config.model_copy(update={"stages": (*stages, *config.stages[len(stages) :])})


def _check_same_run(saved: RunConfig, config: RunConfig, stage: int) -> None:
    """Raise LabError where a checkpoint of config `saved` is no state of a run of `config`."""
    solved = saved.problem
    if config.continuation is not None and solved.kind == config.problem.kind:  # it may stand anywhere on the path
        name = config.continuation.path
        solved = solved.model_copy(update={name: getattr(config.problem, name)})
    if solved != config.problem:
        found, wanted = (f"{c.problem.kind} {c.problem.model_dump(exclude={'kind'})}" for c in (saved, config))
        raise LabError(f"The checkpoint is of another problem ({found}) than the run's config ({wanted}).")
    if stage > len(config.stages):
        raise LabError(f"The checkpoint is in stage {stage + 1}, and the run's config has {len(config.stages)}.")
    if saved.windows != config.windows:
        raise LabError("The checkpoint is of a run that cuts time otherwise than the run's config says.")
    before, now = (
        [c.network, *((part.fourier, part.chebyshev, part.splines) for part in c.stages[: stage + 1])]
        for c in (saved, config)
    )
    if before != now:
        raise LabError("The checkpoint is of a run whose networks have other shapes than the run's config says.")


def _lambda_start(config: RunConfig) -> float | None:
    if not config.problem.has_lambda:
        return None
    return config.lambda_.start if config.lambda_.start is not None else config.problem.lambda_start()


def device_of(name: str) -> torch.device:
    """The device that a config's text asks for, in this process. Raises TrainingError where there is none."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise TrainingError(f"The run asks for {name} and this machine has no usable CUDA device. Set device to auto.")
    if name.startswith("cuda") and "LAB_RUN_DIR" in os.environ:
        return torch.device("cuda")  # the slot shows a queued run its own GPU alone, whatever its number outside
    return torch.device(name)
