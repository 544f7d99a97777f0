"""The continuation before the first stage: from the problem that a parent solved to the run's own, step by step."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core import config as configs
from core.config import FIRST_ORDER
from core.errors import NotFiniteError, TrainingError
from core.networks.solution import Term
from core.optimizers.build import build
from core.runs.history import MAIN
from core.runs.path import PathStep, along, travelled
from core.training.exponent import Exponent
from core.training.objective import Objective
from core.training.objective.weighing import Weighing
from core.training.points import collocation
from core.training.recorder import Recorder
from core.training.second_order import check_memory
from core.training.stage_network import fit
from core.training.state import RunState, Wanted
from core.training.walk import Walk, member

JUMP = 0.1
"""λ has jumped, to another profile, when it ends a step farther from what was expected than this times 1 + |λ|."""
EASY = 0.5
"""A step was easy that took at most this part of the iterations it may take."""


class PathPhase:
    """Solves the problems along the path with the first stage's network, until it is the run's own.

    Args:
        run: its state; the network that took the parent's solution over is there.
        recorder: of its numbers.
        exponent: what is done about λ.
    """

    def __init__(self, run: RunState, recorder: Recorder, exponent: Exponent):
        self.run, self.recorder, self.exponent = run, recorder, exponent
        self.config, self.name = run.config.continuation, run.config.continuation.path
        self.whole = run.problem.is_whole(self.name)
        self.optimizer = run.stage.optimizer
        if self.optimizer.kind in (*FIRST_ORDER, "auto"):
            self.optimizer = configs.GaussNewton()
        kept = run.optimizer.get("path")
        self.walk = self._begun() if kept is None else self._resumed(kept)

    def advance(self) -> Wanted:
        """Go on along the path; what interrupted it, if anything did.

        Raises TrainingError where a step would have to be smaller than the smallest.
        """
        walk = self.walk
        self.recorder.progress.enter("path", 0, 100 * walk.share)
        wanted = None
        while walk.share < 1:
            wanted = self._step()
            if wanted and walk.share < 1:
                return wanted
        self._arrive()
        return wanted

    # -- one step -----------------------------------------------------------------------------------------------------

    def _step(self) -> Wanted:
        run, walk, solution = self.run, self.walk, self.run.solution
        if not walk.iterations:
            self._set_out()
        optimizer, kind = build(self.optimizer, run.config.seed), self.optimizer.kind
        if kind in run.optimizer:
            optimizer.restore(run.optimizer[kind])
        if solution.lam is not None:
            solution.free_unknowns(not self.whole)  # what the run does about λ it does at its own problem
        objective = Objective(
            solution, self._points(), samples=run.samples, weighing=Weighing.of(run.stage, run.problem),
            analytic=self.exponent.analytic and not self.whole,
        )  # fmt: skip
        check_memory(objective, self.optimizer)
        if objective.analytic and not walk.iterations and not objective.settle_lambda():
            self._take_back(math.inf, f"the condition at the origin has no root in {run.problem.unknown}")
            return run.wanted()
        while True:
            began = time.perf_counter()
            try:
                residuals, step = optimizer.iterate(objective)
            except NotFiniteError:
                self._take_back(math.inf, "its residual is no number")
                return run.wanted()
            rms, maximum = float(residuals.rms()), float(residuals.maximum())
            run.one_more(time.perf_counter() - began)
            walk.iterations += 1
            self.recorder.row(
                residuals,
                float(residuals.loss().detach()),
                maximum,
                damping=step.damping,
                trust_ratio=step.trust_ratio,
                step_norm=step.step_norm,
            )
            self.recorder.report(residuals, maximum, 100 * walk.share)
            reached = rms <= self.config.target_residual
            if reached or not step.accepted or walk.iterations >= self.config.iterations:
                fault = self._jumped() if reached else f"its residual is still {rms:.1e}"
                if fault:
                    self._take_back(rms, fault)
                else:
                    self._take(rms, {kind: optimizer.state()})
                return run.wanted()
            wanted = run.wanted()
            if wanted or walk.iterations % run.stage.checkpoint_every == 0:
                self._keep({kind: optimizer.state()})
                if wanted:
                    return wanted
                self.recorder.save()

    def _set_out(self) -> None:
        """Pose the problem of the next step; λ begins where it is expected, and features with it."""
        walk, solution = self.walk, self.run.solution
        walk.tried = min(1.0, walk.share + walk.step)
        if walk.tried > 1 - 1e-9:
            walk.tried = 1.0
        problem = member(self.run.config, walk.begins, walk.tried)
        if walk.lambda_ is not None:
            (low, high), lam = problem.lambda_range, self._expected()
            lam = lam if low < lam < high else walk.lambda_
            if self.run.stage.is_linear and solution.centres[-1] is not None:
                self._move_features(lam)
            solution.lam.data.fill_(lam)
        solution.problem = problem

    def _move_features(self, lam: float) -> None:
        """Have features that do not follow λ be those of another one, and say what they said.

        Where they were, their power of the far field would be off by more and more.
        """
        solution = self.run.solution
        term = Term(copy.deepcopy(solution.networks[-1]), solution.epsilons[-1], lam)
        fit(term, solution, self._points())
        solution.replace_last(term.network)
        solution.centres[-1] = lam

    def _expected(self) -> float:
        """λ at the end of the present step: by the secant through the last two, or as the problem's law changes.

        Between whole numbers there is none that leads from one to the other: each has its own.
        """
        walk, start = self.walk, self.exponent.config.start
        here, there = (member(self.run.config, walk.begins, at).lambda_start() for at in (walk.share, walk.tried))
        if self.whole:
            return start if walk.tried == 1 and start is not None else there
        if walk.before is not None:
            share, lam = walk.before
            return walk.lambda_ + (walk.lambda_ - lam) * (walk.tried - walk.share) / (walk.share - share)
        return walk.lambda_ + (0.0 if here is None or there is None else there - here)

    def _jumped(self) -> str:
        """In which way λ left the path; empty where it did not."""
        lam = self._lambda()
        if lam is None or self.whole:
            return ""
        expected = self._expected()
        if abs(lam - expected) <= JUMP * (1 + abs(expected)):
            return ""
        return f"{self.run.problem.unknown} jumped to {lam:.5g}, and {expected:.5g} was expected"

    def _take(self, rms: float, optimizer: dict[str, Any]) -> None:
        """Keep a step that succeeded; after an easy one the next is twice as long."""
        walk, lam = self.walk, self._lambda()
        before = walk.steps[-1].fault if walk.steps else ""
        self._note(rms, "")
        if not (self.whole or before) and walk.iterations <= EASY * self.config.iterations:
            walk.step = min(1.0, 2 * walk.step)
        walk.before = None if lam is None else (walk.share, walk.lambda_)
        walk.share, walk.lambda_, walk.iterations = walk.tried, lam, 0
        walk.weights, walk.centres = self._weights(), list(self.run.solution.centres)
        self._keep(optimizer)
        self.recorder.save()

    def _take_back(self, rms: float, fault: str) -> None:
        """Go back to where the step began, and make it half as long.

        Raises TrainingError where it would be too short.
        """
        walk, solution, tried = self.walk, self.run.solution, self._value(self.walk.tried)
        self._note(rms, fault)
        with torch.no_grad():
            for part, kept in zip(solution.networks[-1].parameters(), walk.weights, strict=True):
                part.copy_(kept)
        solution.problem = member(self.run.config, walk.begins, walk.share)
        if walk.lambda_ is not None:
            solution.lam.data.fill_(walk.lambda_)
            solution.centres = list(walk.centres)
        walk.iterations = 0
        shorter = min(walk.step, walk.tried - walk.share) / 2
        ends = self.whole or shorter < self.config.smallest_step
        walk.step = walk.step if ends else shorter
        self._keep({})
        self.recorder.save()
        if not ends:
            return
        shortest = "orders and other whole numbers go by ones" if self.whole else (
            f"a step of half of that would be less than {self.config.smallest_step:g} of the way"
        )  # fmt: skip
        raise TrainingError(
            f"The path along {self.name} ends at {self._value(walk.share):.6g}, before {self._value(1.0):g}: at "
            f"{tried:.6g} {fault}, and {shortest}. Give its steps more iterations, its first stage more polynomials "
            "or features, or a larger continuation.target_residual."
        )

    def _note(self, rms: float, fault: str) -> None:
        """Keep what the step did, in the run's folder and in its log."""
        walk, lam = self.walk, self._lambda()
        value = self._value(walk.tried)
        walk.steps.append(
            PathStep(
                self.name, float(walk.begins), float(value), lam, rms, walk.iterations, self.run.position.total, fault
            )
        )
        self.recorder.folder.write_path(walk.steps)
        found = "" if lam is None else f", {self.run.problem.unknown} = {lam:.10g}"
        went = f"taken back, {fault}" if fault else f"residual {rms:.1e}{found}"
        self.run.say(f"  path: {self.name} = {value:.6g}: {went} ({walk.iterations} iterations)")

    def _points(self) -> dict[str, np.ndarray]:
        """Those of the first stage, for the problem of the moment."""
        config = self.run.config.model_copy(update={"problem": self.run.solution.problem})
        return collocation(config, self.run.stage, 0, 0)

    # -- what it knows ------------------------------------------------------------------------------------------------

    def _begun(self) -> Walk:
        solution, problem = self.run.solution, self.run.problem
        begins, step = solution.problem.along(self.name), self.config.first_step
        if self.whole:
            step = 1 / abs(problem.along(self.name) - begins)
        self.run.say(f"path along {self.name}, from {begins:g} to {problem.along(self.name):g}")
        return Walk(begins, step, self._weights(), self._lambda(), list(solution.centres))

    def _resumed(self, kept: dict[str, Any]) -> Walk:
        steps = [PathStep(**step) for step in kept["steps"]]
        weights = [part.to(self.run.device) for part in kept["weights"]]
        self.recorder.folder.write_path(steps)
        return Walk(**{**kept, "steps": steps, "weights": weights})

    def _keep(self, optimizer: dict[str, Any]) -> None:
        """Have all of it in the next checkpoint."""
        walk = self.walk
        kept = {name: getattr(walk, name) for name in Walk.__dataclass_fields__}
        kept |= {"weights": [part.cpu() for part in walk.weights], "steps": [asdict(step) for step in walk.steps]}
        self.run.optimizer = {"path": kept, **optimizer}

    def _arrive(self) -> None:
        """The run's own problem is reached: its first stage begins."""
        run, start = self.run, self.exponent.config.start
        if start is None and self.exponent.config.mode == "fixed":
            start = run.problem.lambda_start()
        run.solution.problem = run.problem
        if run.solution.lam is not None:
            run.solution.free_unknowns(False)  # the stage says when it is released
            if start is not None:
                run.solution.lam.data.fill_(start)
        # a warm-up is for networks that know nothing yet
        run.position.phase, run.position.iteration, run.optimizer = MAIN, 0, {}
        run.position.best_loss, run.position.since_best = math.inf, 0
        run.adapted = None  # drawn by the residual of the parent's problem
        run.say(f"arrived: {travelled(self.walk.steps)}")

    def _value(self, share: float) -> float:
        return along(self.walk.begins, self.run.problem.along(self.name), share, self.whole)

    def _lambda(self) -> float | None:
        lam = self.run.solution.lam
        return None if lam is None else float(lam.detach())

    def _weights(self) -> list[Tensor]:
        return [part.detach().clone() for part in self.run.solution.networks[-1].parameters()]
