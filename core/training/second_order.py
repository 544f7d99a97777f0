"""The second-order phase: an optimizer that sees all points at once, until it reaches its target or gains nothing."""

from __future__ import annotations

import time

from core import config as configs
from core.errors import NotFiniteError, TrainingError
from core.optimizers.build import build
from core.optimizers.report import StepReport
from core.training import equations
from core.training.exponent import Exponent
from core.training.objective import Objective
from core.training.recorder import Recorder
from core.training.state import RunState, Wanted

STALL = 0.99
"""A stage has stalled when `patience` iterations did not bring the loss below this times its best."""


def check_memory(objective: Objective, optimizer: configs.Optimizer) -> None:
    """Raise TrainingError where what an optimizer factorises would not fit."""
    if optimizer.kind in ("gauss_newton", "woodbury"):
        whole = getattr(optimizer, "guard", None) == "geodesic"
        objective.check_memory("rows" if optimizer.kind == "woodbury" else "columns", whole)


class SecondOrderPhase:
    """One optimizer in float64 for at most the stage's iterations.

    Args:
        run: its state.
        recorder: of its numbers.
        exponent: what is done about λ.
        optimizer: description of it.
    """

    def __init__(self, run: RunState, recorder: Recorder, exponent: Exponent, optimizer: configs.Optimizer):
        self.run, self.recorder, self.exponent, self.optimizer = run, recorder, exponent, optimizer

    def advance(self) -> Wanted:
        """Iterate. Raises TrainingError for residuals that are not finite, or that no parameter changes."""
        run, recorder, stage, kind = self.run, self.recorder, self.run.stage, self.optimizer.kind
        objective = equations.trained(run, self.exponent)
        check_memory(objective, self.optimizer)
        recorder.computes_in("float64")
        if kind == "conjugate_gradient" and not run.position.windows and (words := objective.how_multiplied()):
            run.say(f"  {words}")
        optimizer = build(self.optimizer, run.config.seed)
        if kind in run.optimizer:
            optimizer.restore(run.optimizer[kind])
        while run.position.iteration < stage.iterations:
            began = time.perf_counter()
            objective = equations.refreshed(run, self.exponent, objective)
            residuals, step = self._iterate(optimizer, objective)
            maximum = float(residuals.maximum())
            run.one_more(time.perf_counter() - began)
            run.record.max_residual, run.record.rms_residual = maximum, float(residuals.rms())
            recorder.row(
                residuals,
                float(residuals.loss().detach()),
                maximum,
                damping=step.damping,
                trust_ratio=step.trust_ratio,
                step_norm=step.step_norm,
            )
            recorder.report(residuals, maximum)
            self._count_gain(step)
            if ended := self._ended(objective, step, maximum):
                run.record.ended = ended
                break
            if run.position.iteration % stage.checkpoint_every == 0:
                run.optimizer = {kind: optimizer.state()}
                recorder.save_in_turn()
            if wanted := run.wanted():
                run.optimizer = {kind: optimizer.state()}
                return wanted
        else:
            run.record.ended = "all iterations done"
            self.exponent.iterations_used_up()
        recorder.final_residuals(objective)
        return None

    def _iterate(self, optimizer, objective: Objective):
        position = self.run.position
        try:
            residuals, step = optimizer.iterate(objective)
        except NotFiniteError as error:
            raise TrainingError(
                f"{error} It was in stage {position.stage + 1} at iteration {position.iteration}."
            ) from error
        if not step.accepted and not position.iteration and step.loss > 0 and not bool(objective.gradient()[2].any()):
            raise TrainingError(
                f"No trained parameter changes the residuals of {self.run.problem.title} in stage "
                f"{position.stage + 1}: their Jacobian is zero. Look at the problem's ansatz and residuals."
            )
        return residuals, step

    def _count_gain(self, step: StepReport) -> None:
        position = self.run.position
        if step.loss < STALL * position.best_loss:
            position.best_loss, position.since_best = step.loss, 0
        else:
            position.since_best += 1

    def _ended(self, objective: Objective, step: StepReport, maximum: float) -> str | None:
        """Why the phase ends now, in words, or None."""
        run, stage = self.run, self.run.stage
        if self.exponent.in_funnel:
            return self.exponent.after(objective, step)
        if self.exponent.pending:
            run.position.relaxed = not step.accepted
            return None
        if stage.target_residual and maximum <= stage.target_residual:
            return f"target residual {stage.target_residual:g} reached"
        if not step.accepted and objective.rejected_lambda is not None:
            low, high = run.problem.lambda_range
            run.failed = (
                f"every step that lowers the residual takes {run.problem.unknown} to {objective.rejected_lambda:.4g}, "
                f"and only values from {low:g} to {high:g} mean something"
            )
            return "no step is left that keeps λ in its range"
        if not step.accepted and objective.rejected_further:
            run.failed = f"every step that lowers the residual takes {objective.rejected_further}"
            return "no step is left that keeps all unknown numbers in their ranges"
        if not step.accepted:
            return "no damping decreases the loss any more: the limit of float64 for this network"
        if run.position.since_best >= stage.patience:
            return f"stalled: less than 1 % gained in {stage.patience} iterations"
        return None
