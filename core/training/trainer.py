"""Training from a config: stages, each with a warm-up and a main phase, history, checkpoints, early stopping."""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from core import config as configs
from core import kernel
from core.config import FIRST_ORDER, RunConfig, Stage
from core.datasets import samples_of
from core.errors import NotFiniteError, TrainingError
from core.jets import coordinates
from core.networks.layers import Tape, fourier, mlp
from core.networks.solution import Solution, Term
from core.optimizers.adam import Adam
from core.optimizers.build import build
from core.optimizers.report import StepReport
from core.optimizers.soap import SOAP
from core.runs import RunFolder
from core.runs.history import MAIN, WARMUP, HistoryWriter
from core.training import checkpoint as checkpoints
from core.training.checkpoint import Checkpoint, Position, StageRecord
from core.training.choose import choose
from core.training.cuda_graph import StepFigures
from core.training.first_order import Arithmetic, arithmetic, cosine
from core.training.funnel_search import FunnelSearch
from core.training.objective import Objective, Residuals
from core.training.progress import ProgressFile
from core.training.sigma import after_one_step, as_text, best_sigma
from core.training.spectrum import residual_spectrum
from core.training.step import FirstOrderStep

Wanted = Literal["stop", "pause"] | None
HELD_OUT = 1_000_003
"""Draw of the points that choose σ; no stage resamples so often."""
FROM_CANDIDATES, CANDIDATES = 2_000_003, 10
"""Draw of the points that adaptive ones are chosen from, and how many times more they are."""
SAVE_INTERVAL = 2.0
"""Least seconds between two checkpoints of a first-order phase."""
FIT_PRECISION = 1e-12
"""Relative size of the singular values that a fit of one network to another leaves out."""
STALL = 0.99
"""A second-order stage has stalled when `patience` iterations did not bring the loss below this times its best."""


@dataclass(frozen=True)
class Outcome:
    """How training ended."""

    wanted: Wanted
    """None when it came to its own end, else what interrupted it."""
    solution: Solution
    records: list[StageRecord]
    position: Position
    failed: str = ""
    """Why a search for λ found none, in one sentence."""


class Trainer:
    """One run in this process.

    Args:
        config: the run.
        folder: its directory; history, checkpoints and progress are written there.
        wanted: asked after each iteration whether the run should stop or pause.
        history: where every iteration's numbers go.
        parent: solution to start from, frozen; for `config.parent`.
        say: receives one line for the log at each turn of events.
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
    ):
        self.config = config
        self.problem = config.problem
        self.samples = samples_of(config.problem)
        self.folder = folder
        self.wanted = wanted
        self.history = history
        self.say = say
        self.device = _device(config.device)
        self.progress = ProgressFile(folder, [s.warmup.iterations + s.iterations for s in config.stages])
        self.position = Position()
        self.records: list[StageRecord] = []
        self.best = math.inf
        self._optimizer_state: dict = {}
        self._adapted: dict[str, np.ndarray] | None = None
        lam = None
        if self.problem.has_lambda:
            lam = config.lambda_.start if config.lambda_.start is not None else self.problem.lambda_start()
        self.solution = parent if parent is not None else Solution(self.problem, lam)
        self._lambda_start = None if self.solution.lam is None else float(self.solution.lam.detach())
        self._failed = ""
        self._started = time.perf_counter()
        self._saved = -math.inf
        self._funnel = FunnelSearch(config.lambda_, folder, say) if config.lambda_.mode == "funnel" else None
        self._said: set[str] = set()

    def resume(self, saved: Checkpoint) -> None:
        """Continue from a checkpoint of this run; history after it is dropped and done again."""
        self.position, self.records, self.solution = saved.position, saved.records, saved.solution
        self._optimizer_state, self._adapted = saved.optimizer, saved.points
        self.history.truncate(saved.position.history_rows)
        self._started = time.perf_counter() - saved.position.wall_time_s
        self.say(f"resuming stage {self.position.stage + 1} at iteration {self.position.total}")

    def train(self) -> Outcome:
        """Train all stages that are left. Raises TrainingError when training can't go on."""
        self.solution.to(self.device)
        for k in range(self.position.stage, len(self.config.stages)):
            stage = self.config.stages[k]
            if len(self.records) == k:
                self._begin(k, stage)
            wanted = self._warm_up(stage) or self._main(stage)
            if wanted:
                self._save()
                return Outcome(wanted, self.solution, self.records, self.position)
            record = self.records[k]
            self.say(
                f"stage {k + 1} ended after {record.iterations} iterations: {record.ended}; "
                f"max residual {record.max_residual:.2e}"
            )
            self.position = Position(
                stage=k + 1, total=self.position.total, resamples=0, best_loss=math.inf, wall_time_s=self._clock()
            )
            self._optimizer_state = {}
            self._adapted = None
            self._save()
            self.folder.keep_last(f"stage-{k + 1}")
            self._report_stage_end(k)
            if self._failed:
                break  # a stage that releases λ now would only invent digits
        return Outcome(None, self.solution, self.records, self.position, self._failed)

    def effective_config(self) -> dict[str, Any]:
        """The config in force as plain data: what this process really uses in the place of what it was asked for.

        A stage's precision and σ are known once it has begun.
        """
        data = self.config.model_dump(mode="json", by_alias=True)
        data["problem"] = self.solution.problem.model_dump(mode="json", by_alias=True)
        if self.config.device.partition(":")[0] != self.device.type:
            data["device"] = self.device.type
        if self._lambda_start is not None:
            data["lambda"]["start"] = self._lambda_start
        for stage, record in zip(data["stages"], self.records, strict=False):
            stage["precision"] = record.precision or stage["precision"]
            if stage["optimizer"]["kind"] == "auto" and record.optimizer:
                stage["optimizer"]["kind"] = record.optimizer
            stage["warmup"]["precision"] = record.warmup_precision or stage["warmup"]["precision"]
            if stage["fourier"]:
                stage["fourier"]["sigma"] = record.sigma
        return data

    # -- stages ---------------------------------------------------------------------------------------------------

    def _begin(self, k: int, stage: Stage) -> None:
        """Add the stage's network Φ_k, scaled by what the stages before it left."""
        generator = torch.Generator().manual_seed(self.config.seed * 1000 + k)
        inputs, outputs = self.problem.inputs, self.problem.outputs
        correction = len(self.solution.networks) > 0
        epsilon, sigma, frequency = 1.0, None, None
        if stage.fourier is None:
            if correction:
                epsilon = self._residual_rms(stage)
            network = mlp(self.config.network, inputs, outputs, generator)
            if correction:
                torch.nn.init.zeros_(network.layers[-1].weight)
                torch.nn.init.zeros_(network.layers[-1].bias)
        else:
            spectrum = residual_spectrum(self._on_cpu(), self.config.seed)
            frequency = spectrum.dominant
            if correction and not stage.begins:
                # arXiv 2509.14185, eq. 19: the correction of a residual of frequency f_d in an equation of order m
                epsilon = self._residual_rms(stage) / (2 * math.pi * frequency) ** self.problem.pde_order
            sigma = stage.fourier.sigma
            if sigma == "measured":
                sigma = 2 * math.pi * frequency
            elif sigma == "search":
                sigma = self._search_sigma(k, stage, 2 * math.pi * np.array(spectrum.by_input), epsilon)
            network = fourier(stage.fourier, sigma, inputs, outputs, generator)
        centre = None if self.problem.features_follow_lambda else float(self.solution.lam.detach())
        term = Term(network.to(self.device), epsilon, centre)
        if stage.begins == "fitted" or (stage.fourier and not stage.fourier.hidden and not correction):
            self._fit(term, collocation(self.config, stage, k, 0))
        self.solution.add(term)
        if stage.begins == "fitted":
            self.solution.keep_last()
        parameters = sum(p.numel() for p in network.parameters())
        self.records.append(StageRecord(k, parameters, epsilon, sigma, frequency))
        about = f", σ = {as_text(sigma)} (f_d = {frequency:.3g}), ε = {epsilon:.2e}" if sigma else ""
        self.say(f"stage {k + 1} of {len(self.config.stages)}: {parameters} parameters{about}")

    def _search_sigma(self, k: int, stage: Stage, start: np.ndarray, epsilon: float) -> tuple[float, ...]:
        """σ for each input: the one near `start` whose features leave least at points that are not trained on."""
        inputs, outputs = self.problem.inputs, self.problem.outputs
        self._release_lambda()
        training, held_out = (collocation(self.config, stage, k, draw) for draw in (0, HELD_OUT))

        def left_by(sigma: tuple[float, ...]) -> float:
            generator = torch.Generator().manual_seed(self.config.seed * 1000 + k)
            network = fourier(stage.fourier, sigma, inputs, outputs, generator).to(self.device)
            damping = stage.optimizer.damping if stage.optimizer.kind == "gauss_newton" else 1e-14
            left = after_one_step(self.solution, Term(network, epsilon), training, held_out, self.samples, damping)
            self.say(f"  σ = {as_text(sigma)}: one step leaves {left:.2e} at points not trained on")
            return left

        return best_sigma(left_by, start)

    @torch.no_grad()
    def _fit(self, term: Term, points: dict[str, np.ndarray]) -> None:
        """Give a term's last layer weights with which it nearly equals the solution so far, or the problem's guess."""
        solution, layer = self.solution, term.network.layers[-1]
        rows, values = [], []
        for block in points.values():
            x = coordinates(torch.as_tensor(block, device=self.device), solution.layout)
            lam = None if solution.lam is None else solution.lam.expand(len(block))
            if len(solution.networks):
                values.append(solution.raw(solution.features(x, lam))[0])
            elif (guess := self.problem.guess(block)) is not None:
                values.append(torch.as_tensor(guess, device=self.device))
            else:
                return
            tape: Tape = []
            at = lam if term.centre is None else torch.full_like(lam, term.centre)
            term.network(solution.features_at(x, at), tape)
            rows.append(tape[-1][1][0])
        design = torch.cat(rows)
        design = torch.cat([design, torch.ones_like(design[:, :1])], dim=1).cpu()
        weights = torch.linalg.lstsq(design, torch.cat(values).cpu(), rcond=FIT_PRECISION, driver="gelsd").solution
        layer.weight.copy_(weights[:-1].T)
        layer.bias.copy_(weights[-1])

    def _warm_up(self, stage: Stage) -> Wanted:
        if self.position.phase != WARMUP:
            return None
        wanted = None
        if stage.warmup.iterations:
            wanted = self._first_order(
                stage, stage.warmup.iterations, stage.warmup.learning_rate, 0.1, stage.warmup.precision, configs.Adam()
            )
        if wanted is None:
            self.position.phase, self.position.iteration = MAIN, 0
            self._optimizer_state = {}
        return wanted

    def _main(self, stage: Stage) -> Wanted:
        config = stage.optimizer
        if config.kind == "auto":
            choice = choose(self._objective(stage), stage.precision)
            config = choice.config
            self.say(f"auto: {choice.reason}")
        self.records[-1].optimizer = config.kind
        if config.kind not in FIRST_ORDER:
            return self._second_order(stage, config)
        rates = (config.learning_rate, config.final_learning_rate_ratio)
        return self._first_order(stage, stage.iterations, *rates, stage.precision, config)

    # -- phases ---------------------------------------------------------------------------------------------------

    def _first_order(
        self,
        stage: Stage,
        iterations: int,
        learning_rate: float,
        final_ratio: float,
        precision: str,
        config: configs.Adam | configs.SOAP,
    ) -> Wanted:
        """Adam or SOAP. Losses that are no longer finite in a reduced precision send the phase back to float64."""
        position = self.position
        how = arithmetic(precision, self.device)
        self._computes_in(how.name)
        if self.device.type == "cpu" and how.autocast is None:
            self._say_once(kernel.about(how.dtype))
        wanted = self._descend(stage, iterations, learning_rate, final_ratio, how, config)
        if wanted == "diverged" and how.name != "float64":
            self.say(f"the loss stopped being finite in {how.name}; going on in float64")
            self._computes_in("float64")
            how = arithmetic("float64", self.device)
            wanted = self._descend(stage, iterations, learning_rate, final_ratio, how, config)
        if wanted == "diverged":
            raise TrainingError(
                f"The loss became NaN or infinite in stage {position.stage + 1} at iteration {position.iteration}. "
                "Lower the learning rate, or look at the problem's residual."
            )
        return wanted

    def _descend(
        self,
        stage: Stage,
        iterations: int,
        learning_rate: float,
        final_ratio: float,
        how: Arithmetic,
        config: configs.Adam | configs.SOAP,
    ) -> Wanted | Literal["diverged"]:
        position, record = self.position, self.records[-1]
        self.solution.to(how.dtype)
        objective = self._objective(stage, how.dtype)
        network = self.solution.networks[-1]
        parameters = list(network.parameters()) + ([self.solution.lam] if self.solution.lam is not None else [])
        optimizer = Adam(parameters, learning_rate)
        if config.kind == "soap":
            optimizer = SOAP(parameters, learning_rate, config.precondition_every)
        if config.kind in self._optimizer_state:
            optimizer.restore(self._optimizer_state[config.kind])
        same_points = stage.collocation.resample_every or iterations
        step = FirstOrderStep(optimizer, how, self.device, same_points, self._say_once)
        good = [p.detach().clone() for p in parameters]
        wanted: Wanted | Literal["diverged"] = None
        main = position.phase == MAIN
        while position.iteration < iterations:
            began = time.perf_counter()
            objective = self._refresh(stage, objective, how.dtype)
            rate = cosine(learning_rate, final_ratio, position.iteration, iterations)
            residuals = step(objective, rate)
            position.iteration += 1
            position.total += 1
            record.iterations += 1
            record.seconds += time.perf_counter() - began
            loss, maximum = residuals.loss().detach(), residuals.maximum()
            self._log(residuals, loss, maximum, learning_rate=rate)
            if position.iteration % 25 == 0 or position.iteration == iterations:
                # the one place where the loop waits for the device
                if not math.isfinite(float(loss)):
                    with torch.no_grad():
                        for p, value in zip(parameters, good, strict=True):
                            p.copy_(value)
                    wanted = "diverged"
                    break
                good = [p.detach().clone() for p in parameters]
                self._report(residuals, maximum)
                if main and stage.target_residual and float(maximum) <= stage.target_residual:
                    record.ended = f"target residual {stage.target_residual:g} reached"
                    break
            if position.iteration % stage.checkpoint_every == 0 and self._save_is_due():
                self._optimizer_state = {config.kind: step.state()}
                self._save()
            if wanted := self.wanted():
                self._optimizer_state = {config.kind: step.state()}
                break
        else:
            record.ended = "all iterations done"
        self.solution.to(torch.float64)
        if wanted is None:
            self._final_residuals(self._objective(stage))
        return wanted

    def _second_order(self, stage: Stage, config: configs.Optimizer) -> Wanted:
        position, record = self.position, self.records[-1]
        objective = self._objective(stage)
        if config.kind in ("gauss_newton", "woodbury"):
            objective.check_memory("rows" if config.kind == "woodbury" else "columns")
        self._computes_in("float64")
        optimizer = build(config, self.config.seed)
        if config.kind in self._optimizer_state:
            optimizer.restore(self._optimizer_state[config.kind])
        while position.iteration < stage.iterations:
            began = time.perf_counter()
            objective = self._refresh(stage, objective)
            try:
                residuals, step = optimizer.iterate(objective)
            except NotFiniteError as error:
                raise TrainingError(
                    f"{error} It was in stage {position.stage + 1} at iteration {position.iteration}."
                ) from error
            if not step.accepted and not position.iteration and step.loss > 0:
                self._check_sensitive(objective)
            maximum = float(residuals.maximum())
            position.iteration += 1
            position.total += 1
            record.iterations += 1
            record.seconds += time.perf_counter() - began
            record.max_residual, record.rms_residual = maximum, float(residuals.rms())
            self._log(
                residuals,
                float(residuals.loss().detach()),
                maximum,
                damping=step.damping,
                trust_ratio=step.trust_ratio,
                step_norm=step.step_norm,
            )
            self._report(residuals, maximum)
            if step.loss < STALL * position.best_loss:
                position.best_loss, position.since_best = step.loss, 0
            else:
                position.since_best += 1
            if ended := self._ended(stage, objective, step, maximum):
                record.ended = ended
                break
            if position.iteration % stage.checkpoint_every == 0:
                self._optimizer_state = {config.kind: optimizer.state()}
                self._save()
            if wanted := self.wanted():
                self._optimizer_state = {config.kind: optimizer.state()}
                return wanted
        else:
            record.ended = "all iterations done"
            if self._in_funnel:
                self._failed = self._funnel.without_root()
        self._final_residuals(objective)
        return None

    def _ended(self, stage: Stage, objective: Objective, step: StepReport, maximum: float) -> str | None:
        """Why a second-order stage ends now, in words, or None."""
        if self._in_funnel:
            ended = self._funnel.after(objective, self.position, step)
            self._failed = self._funnel.failed
            return ended
        if self._lambda_waits():
            return None
        if stage.target_residual and maximum <= stage.target_residual:
            return f"target residual {stage.target_residual:g} reached"
        if not step.accepted and objective.rejected_lambda is not None:
            low, high = self.problem.lambda_range
            self._failed = (
                f"every step that lowers the residual takes {self.problem.unknown} to {objective.rejected_lambda:.4g}, "
                f"and only values from {low:g} to {high:g} mean something"
            )
            return "no step is left that keeps λ in its range"
        if not step.accepted:
            return "no damping decreases the loss any more: the limit of float64 for this network"
        if self.position.since_best >= stage.patience:
            return f"stalled: less than 1 % gained in {stage.patience} iterations"
        return None

    @property
    def _in_funnel(self) -> bool:
        """Whether this stage looks for λ by the funnel: the first one does; later ones release λ."""
        return self._funnel is not None and self.problem.has_lambda and self.position.stage == 0

    # -- parts ----------------------------------------------------------------------------------------------------

    def _objective(self, stage: Stage, dtype: torch.dtype = torch.float64) -> Objective:
        self._release_lambda()
        index, draw, share = self.position.stage, self.position.resamples, stage.collocation.adaptive
        if share and self._adapted is None and (draw or len(self.solution.networks) > 1):
            self._adapted = adapted(self.config, stage, index, draw, self._on_cpu())
        points = collocation(self.config, stage, index, draw) if self._adapted is None else self._adapted
        analytic = self.problem.has_lambda and self.config.lambda_.mode == "analytic"
        return Objective(self.solution, points, dtype, self.samples, stage.gradient_scale, analytic)

    def _refresh(self, stage: Stage, objective: Objective, dtype: torch.dtype = torch.float64) -> Objective:
        """The objective for the next iteration: new points when they are due, λ released when its time has come."""
        every, iteration = stage.collocation.resample_every, self.position.iteration
        if every and iteration and iteration % every == 0 and self.position.resamples < iteration // every:
            self.position.resamples += 1
            self.position.best_loss = math.inf
            self._adapted = None
            return self._objective(stage, dtype)
        if self._release_lambda():
            objective.forget_frozen()
        return objective

    def _say_once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self.say(line)

    def _computes_in(self, precision: str) -> None:
        """Note what this phase computes in."""
        name = "precision" if self.position.phase == MAIN else "warmup_precision"
        setattr(self.records[-1], name, precision)

    def _lambda_waits(self) -> bool:
        """Whether λ is still to be released in this stage."""
        lam = self.config.lambda_
        return self.problem.has_lambda and lam.mode == "trainable" and self.position.total < lam.release_after

    def _release_lambda(self) -> bool:
        """Make λ trainable when it is meant to be; True if that changed now."""
        lam, mode = self.solution.lam, self.config.lambda_.mode
        if lam is None or lam.requires_grad or mode == "fixed" or self._in_funnel or self._lambda_waits():
            return False
        lam.requires_grad_(True)
        self.position.best_loss, self.position.since_best = math.inf, 0
        return True

    def _check_sensitive(self, objective: Objective) -> None:
        """Raise TrainingError when the whole Jacobian is zero, and not only no step better than none."""
        if not bool(objective.gradient()[2].any()):
            raise TrainingError(
                f"No trained parameter changes the residuals of {self.problem.title} in stage "
                f"{self.position.stage + 1}: their Jacobian is zero. Look at the problem's ansatz and residuals."
            )

    @torch.no_grad()
    def _final_residuals(self, objective: Objective) -> None:
        final = objective.residuals()
        self.records[-1].max_residual = float(final.maximum())
        self.records[-1].rms_residual = float(final.rms())

    def _residual_rms(self, stage: Stage) -> float:
        with torch.no_grad():
            return float(self._objective(stage).residuals().rms())

    def _on_cpu(self) -> Solution:
        """The solution on the CPU, to be looked at: a copy where it is trained elsewhere, which must stay there."""
        return self.solution if self.device.type == "cpu" else copy.deepcopy(self.solution).cpu()

    def _clock(self) -> float:
        return time.perf_counter() - self._started

    def _log(self, residuals: Residuals | StepFigures, loss, maximum, **numbers) -> None:
        position = self.position
        extra = {f"rms_{name}": value for name, value in residuals.rms_by_name().items()}
        if self.solution.lam is not None:
            extra["lambda"] = self.solution.lam.detach().clone()
        if self.device.type == "cuda":
            extra["device_memory_mb"] = torch.cuda.memory_allocated(self.device) / 2**20
        self.history.append(
            iteration=position.total,
            stage=position.stage,
            phase=position.phase,
            wall_time_s=self._clock(),
            loss=loss,
            max_residual=maximum,
            rms_residual=residuals.rms(),
            **extra,
            **numbers,
        )

    def _report(self, residuals: Residuals | StepFigures, maximum) -> None:
        if not self.progress.due():
            return
        lam = self.solution.lam
        self.progress.write(
            stage=self.position.stage,
            done=self.position.iteration + (self._warmup_length() if self.position.phase == MAIN else 0),
            total=self.position.total,
            wall_time_s=self._clock(),
            max_residual=float(maximum),
            rms_residual=float(residuals.rms()),
            lam=None if lam is None else float(lam.detach()),
        )

    def _report_stage_end(self, k: int) -> None:
        record, lam = self.records[k], self.solution.lam
        self.progress.write(
            stage=k,
            done=self.config.stages[k].warmup.iterations + self.config.stages[k].iterations,
            total=self.position.total,
            wall_time_s=self._clock(),
            max_residual=record.max_residual,
            rms_residual=record.rms_residual,
            lam=None if lam is None else float(lam.detach()),
        )

    def _warmup_length(self) -> int:
        return self.config.stages[self.position.stage].warmup.iterations

    def _save_is_due(self) -> bool:
        """Whether the last checkpoint is old enough: first-order steps are so short that saving would slow them."""
        return time.monotonic() - self._saved >= SAVE_INTERVAL

    def _save(self) -> None:
        self._saved = time.monotonic()
        self.history.flush()
        self.position.history_rows = self.history.rows
        self.position.wall_time_s = self._clock()
        maximum = self.records[-1].max_residual if self.records else math.nan
        checkpoints.save(
            Checkpoint(
                self.config,
                self.position,
                self.solution,
                self._optimizer_state,
                self.records,
                maximum,
                self._adapted,
            ),
            self.folder.last,
        )
        if maximum < self.best:
            self.best = maximum
            self.folder.keep_last("best")


def collocation(
    config: RunConfig, stage: Stage, index: int, draw: int, points: int | None = None
) -> dict[str, np.ndarray]:
    """Points of a stage, by default as many as it has; the same for a config, stage and draw on every machine."""
    return _points(config, stage, index, draw, points or stage.collocation.points)


def adapted(config: RunConfig, stage: Stage, index: int, draw: int, solution: Solution) -> dict[str, np.ndarray]:
    """As many points as `collocation` gives, `stage.collocation.adaptive` of them drawn by the residual.

    Out of ten times as many, with a probability that goes as 1 + |r|/mean|r| (RAD with k = c = 1: Wu et al., arXiv
    2207.10289). They depend on the solution, so a checkpoint keeps them.
    """
    plain = collocation(config, stage, index, draw)
    candidates = _points(config, stage, index, draw + FROM_CANDIDATES, CANDIDATES * stage.collocation.points)
    rng = np.random.default_rng([config.seed, index, draw])
    dtype = next(solution.parameters()).dtype
    chosen = {}
    for name, block in plain.items():
        several = candidates[name]
        wanted = min(round(stage.collocation.adaptive * len(block)), len(several))
        if len(several) <= len(block):  # a set of fixed points, such as a gauge
            chosen[name] = block
            continue
        sizes = np.concatenate(
            [
                Objective(solution, {name: part}, dtype, None, stage.gradient_scale).sizes()[name].double().numpy()
                for part in np.array_split(several, max(1, len(several) // 4096))
            ]
        )
        weight = 1 + sizes / max(sizes.mean(), np.finfo(float).tiny)
        picked = rng.choice(len(several), wanted, replace=False, p=weight / weight.sum())
        chosen[name] = np.concatenate([block[: len(block) - wanted], several[np.sort(picked)]])
    return chosen


def _points(config: RunConfig, stage: Stage, index: int, draw: int, n: int) -> dict[str, np.ndarray]:
    d = len(config.problem.coordinates)
    seed = (config.seed * 1_000_003 + index * 1_009 + draw) % 2**31
    sampler = stage.collocation.sampler
    if sampler in ("sobol", "chebyshev"):
        unit = torch.quasirandom.SobolEngine(d, scramble=True, seed=seed).draw(n, dtype=torch.float64).numpy()
    elif sampler == "uniform":
        unit = np.random.default_rng(seed).random((n, d))
    else:
        side = max(2, round(n ** (1 / d)))
        axis = (np.arange(side) + 0.5) / side
        unit = np.stack(np.meshgrid(*[axis] * d, indexing="ij"), axis=-1).reshape(-1, d)
    if sampler == "chebyshev":
        # the arcsine law, under which least squares by polynomials is stable (Cohen and Migliorati, SMAI JCM 3, 2017)
        unit = (1 - np.cos(np.pi * unit)) / 2
    return config.problem.collocation(unit)


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise TrainingError(f"The run asks for {name} and this machine has no usable CUDA device. Set device to auto.")
    if name.startswith("cuda") and "LAB_RUN_DIR" in os.environ:
        return torch.device("cuda")  # the slot shows a queued run its own GPU alone, whatever its number outside
    return torch.device(name)
