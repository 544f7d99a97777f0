"""What a stage's polynomials leave to be found as it begins: mirror images, and steep layers, by trying.

A front that few polynomials can't hold is found by no step of Newton's: what least squares of its equations leaves is
another function. Of polynomials that are stretched where it is, as many find it (Burgers, ν = 0.01/π, 32 × 32: 0.30 of
x, 5e-3 of asinh(x/0.01)).
"""

from __future__ import annotations

import math

import torch

from core.config import Chebyshev, Stage
from core.errors import NotFiniteError
from core.networks.layers import polynomials
from core.networks.solution import Term
from core.optimizers.build import build
from core.training.mirrors import found_parity, read_evenly
from core.training.objective import Objective
from core.training.points import HELD_OUT, collocation, on_cpu
from core.training.progress import LAYERS, Progress
from core.training.second_order import STALL
from core.training.sigma_search import Interrupted
from core.training.sizes import in_words
from core.training.state import RunState

RESOLVED = 1e-2
"""What is left, as RMS of the equations, where no layer is looked for."""
WIDTH = 0.01
"""Tried at each place first: asinh of it serves layers from ten times wider to ten times narrower."""
OTHERS = (10.0, 0.1)
"""Times that width, at the best place."""
BETTER = 2.0
"""So many times less must a layer leave than none."""


def find_polynomials(run: RunState, progress: Progress) -> None:
    """Have the config in force say what the present stage left to be found. Raises Interrupted."""
    stage, wanted = run.stage, run.stage.chebyshev
    if wanted.parity == "found":
        so_far = on_cpu(run) if len(run.solution.networks) and not run.problem.linear else None
        parity = found_parity(run.problem, so_far)
        pairs = zip(parity or (), run.problem.coordinates, strict=False)
        if mirrored := [f"{each} in {name}" for each, name in pairs if each != "all"]:
            run.say(f"polynomials {', '.join(mirrored)}: the equations are their own mirror images")
        wanted = wanted.model_copy(update={"parity": parity})
    if wanted.layers == "found":
        wanted = wanted.model_copy(update={"layers": None})
        if wanted.total is None and run.problem.is_box:
            wanted = LayerSearch(run, progress, wanted).search()
    run.settle(stage.model_copy(update={"chebyshev": wanted}))


class LayerSearch:
    """Tries polynomials of the present stage's kind, each trained as the stage would, in one layer after another.

    Args:
        run: its state.
        progress: counts the tries.
        plain: the polynomials without a layer.
    """

    def __init__(self, run: RunState, progress: Progress, plain: Chebyshev):
        self._run, self._progress, self._plain, self._tries = run, progress, plain, 0

    def search(self) -> Chebyshev:
        """The polynomials in the layer with which they leave the least; the plain ones where these leave hardly more.

        Raises Interrupted.
        """
        self._progress.enter(LAYERS, self._run.position.stage)
        without = self._left(self._plain)
        if without <= RESOLVED:
            return self._plain
        found = {place: self._left(self._in_layer(*place)) for place in self._places()}
        if not found:
            return self._plain
        k, width = min(found, key=found.get)
        for times in OTHERS:
            found[k, times * width] = self._left(self._in_layer(k, times * width))
        best = min(found, key=found.get)
        return self._in_layer(*best) if found[best] * BETTER < without else self._plain

    def _in_layer(self, k: int, width: float) -> Chebyshev:
        layers = tuple(width if axis == k else None for axis in range(len(self._plain.degrees)))
        return self._plain.model_copy(update={"layers": layers})

    def _places(self) -> list[tuple[int, float]]:
        """(coordinate, width) of a layer at each place where one may be; time has none at its end."""
        found, problem, plain = [], self._run.problem, self._plain
        evenly = read_evenly(problem)
        for k, (parity, _) in enumerate(plain.kinds or (("all", None),) * len(plain.degrees)):
            if evenly[k] and k not in problem.periodic:
                one_end = parity != "all" or problem.coordinates[k] == problem.time
                found += [(k, WIDTH)] if one_end else [(k, WIDTH), (k, -WIDTH)]
        return found

    def _left(self, tried: Chebyshev) -> float:
        """RMS of what such polynomials leave at points not trained on, once the stage's own steps have trained them."""
        run, stage = self._run, self._run.stage.model_copy(update={"chebyshev": tried})
        training, held_out = (collocation(run.config, stage, run.position.stage, draw) for draw in (0, HELD_OUT))
        trained = [parameter.requires_grad for parameter in run.solution.parameters()]
        unknowns = [part.detach().clone() for part in run.solution.unknowns()]
        network = polynomials(tried, run.problem.outputs, run.problem.circles).to(run.device)
        run.solution.add(Term(network, 1.0))
        try:
            _train(run, stage, Objective(run.solution, training, torch.float64, run.samples))
            with torch.no_grad():
                left = float(Objective(run.solution, held_out, torch.float64, run.samples).residuals().loss().sqrt())
        except NotFiniteError:
            left = math.inf
        finally:
            run.solution.remove_last()
            for parameter, wanted in zip(run.solution.parameters(), trained, strict=True):
                parameter.requires_grad_(wanted)
            for part, before in zip(run.solution.unknowns(), unknowns, strict=True):
                part.data.copy_(before)
        self._tries += 1
        self._progress.write(self._tries)
        run.say(f"  {in_words(stage)} leave {left:.2e} at points not trained on")
        return left


def _train(run: RunState, stage: Stage, objective: Objective) -> None:
    """As many steps as gain something. Raises Interrupted."""
    optimizer, best, idle = build(stage.optimizer, run.config.seed), math.inf, 0
    for _ in range(stage.iterations):
        if wanted := run.wanted():
            raise Interrupted(wanted)
        _, step = optimizer.iterate(objective)
        best, idle = (step.loss, 0) if step.loss < STALL * best else (best, idle + 1)
        if not step.accepted or idle >= stage.patience:
            return
