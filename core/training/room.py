"""Whether a stage fits into memory, asked before it takes any: measured at a few points, carried on to all of them.

What grows with the points (jets of every layer, their gradients, what constant jets remember, the matrices of nonlocal
terms) is counted by doing the stage's own pass at a few points and at twice as many, on a network of the same shape:
whatever a problem's own code makes is counted with it. What grows with the parameters alone (curvature matrices, pairs
of L-BFGS) is known in closed form.
"""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch

from core.config import FIRST_ORDER, Stage
from core.errors import TrainingError
from core.jets import TensorSums
from core.networks.layers import Network, fourier_of, mlp, polynomials, splined
from core.networks.solution import Solution
from core.optimizers.rows import dense_bytes
from core.problems.base import Samples
from core.training.arithmetic import Arithmetic, arithmetic
from core.training.coarser import coarser, levelling_bytes, may_be_on_grid
from core.training.largest import fewer_points, in_words, largest, smaller_together
from core.training.meter import peak_bytes
from core.training.need import Need
from core.training.objective import SHARE, Objective, free_memory
from core.training.objective.slopes import Slopes
from core.training.objective.weighing import Weighing
from core.training.points import collocation
from core.training.sigma import HALF, smaller
from core.training.state import RunState

FEW = 256
"""Points at which a pass is measured, and at twice as many; fewer where the stage itself has few."""
SLACK = 1.25
"""What a process takes for tensors, over what they hold: measured 1.1 to 1.2 (the allocator's gaps, libraries)."""
SURELY = 2**28
"""Bytes that are not worth a question: a machine that has less can't import torch."""
COPIES = 16
"""Jets of a layer that a pass holds at most, about: for that question alone."""

Pass = Literal["gradient", "products", "linearise"]
"""What a method asks of the equations: a loss with its gradient, products with the Jacobian, or the Jacobian itself."""
PASSES: dict[str, Pass] = {
    **dict.fromkeys((*FIRST_ORDER, "lbfgs", "ssbroyden"), "gradient"),
    **dict.fromkeys(("conjugate_gradient", "rank_one_ema", "auto"), "products"),  # auto falls back on products
    **dict.fromkeys(("gauss_newton", "woodbury"), "linearise"),
}
LEVELS = ("conjugate_gradient", "auto")
"""Methods that have the blocks of waves made."""


def check_room(run: RunState) -> None:
    """Raise TrainingError where a stage would need more memory than the device has left.

    The present one, and before anything is trained all that follow: nobody waits an hour for the last one's refusal.
    """
    room, begins = free_memory(run.device), run.position.stage
    for k in range(begins, begins + 1 if run.position.total else len(run.config.stages)):
        at_stage = replace(run, position=replace(run.position, stage=k))
        for need in needs(at_stage, room):
            if need.total > SHARE * room:
                raise TrainingError(need.refusal(room, _fitting(at_stage, room) if need.dense else ()))


def _fitting(run: RunState, room: float) -> list[str]:
    """Systems like the present stage's that would fit, in words: a smaller one, and the same at fewer points."""

    def needed(tried: RunState) -> float:
        return max((need.total for need in needs(tried, room)), default=0.0)

    smaller = largest(run, smaller_together, needed, SHARE * room)
    found = [] if smaller is None else [in_words(smaller)]
    network = network_like(run)
    columns = sum(p.numel() for p in network.parameters()) + run.problem.has_lambda + len(run.problem.further_unknowns)
    if rows_of(run, network, run.stage.collocation.points) >= 2 * columns:  # else fewer points would not fix them all
        fewer = largest(run, fewer_points, needed, SHARE * room)
        if fewer is not None and rows_of(fewer, network, fewer.stage.collocation.points) >= columns:
            found.append(f"this network at {fewer.stage.collocation.points:,} points")
    return found


def needs(run: RunState, room: float = math.inf) -> list[Need]:
    """What the parts of the present stage take, in their order; those that are surely small are left out.

    A Jacobian that alone is larger than the room is not measured any further.
    """
    network, known, found = network_like(run), {}, []
    count = sum(p.numel() for p in network.parameters()) + run.problem.has_lambda + len(run.problem.further_unknowns)
    for part in _parts(run, network, count):
        of_parameters, advice = parameter_bytes(part.method, network, run.stage)
        of_points = part.jacobian
        if part.asked == "products" and (on_grids := _sums(run)) is not None:
            of_points += grid_bytes(run) + (SLACK * levelling_bytes(run, on_grids) if part.method in LEVELS else 0)
        elif part.jacobian <= SHARE * room and _worth_measuring(run, network, part.points):
            key = part.asked, part.points, part.how.name
            if key not in known:
                known[key] = point_bytes(run, network, *key[:2], part.how)
            of_points += known[key]
        need = Need(part.what, part.points, count, of_points, of_parameters, advice, part.jacobian > 0)
        if need.total > SURELY:
            found.append(need)
    return found


@dataclass(frozen=True)
class _Part:
    what: str
    asked: Pass
    points: int
    how: Arithmetic
    method: str
    jacobian: int = 0
    """Bytes that a dense Jacobian and its factorisation take, where there is one."""


def _parts(run: RunState, network: Network, parameters: int) -> list[_Part]:
    stage, name = run.stage, f"stage {run.position.stage + 1}"
    count, kind, exact = stage.collocation.points, stage.optimizer.kind, arithmetic("float64", run.device)
    together = 1 if run.ranks is None else run.ranks.size_of(stage.processes)
    own = together if run.device.type == "cuda" else 1  # on a CPU all of them are in the same memory
    each = math.ceil(count / own)
    parts = []
    if stage.fourier is not None and stage.fourier.sigma == "search":
        tried = count if smaller(stage.fourier, count) is None else count // HALF
        size = dense_bytes(rows_of(run, network, tried), parameters, "columns")
        parts.append(_Part(f"The search for σ of {name}", "linearise", tried, exact, "gauss_newton", size))
    if stage.warmup.iterations:
        how = arithmetic(stage.warmup.precision, run.device)
        parts.append(_Part(f"The warm-up of {name} (Adam)", "gradient", each, how, "adam"))
    if PASSES[kind] != "linearise":
        how = arithmetic(stage.precision, run.device) if kind in FIRST_ORDER else exact
        return [*parts, _Part(f"The main phase of {name} ({kind})", PASSES[kind], each, how, kind)]
    squared, whole = "rows" if kind == "woodbury" else "columns", getattr(stage.optimizer, "guard", None) == "geodesic"
    least = dense_bytes(count * len(run.problem.row_names), parameters, squared, whole)
    if least <= SURELY and not _worth_measuring(run, network, count):
        return parts
    rows = math.ceil(rows_of(run, network, count) / own)
    what = f"A {rows} × {parameters} Jacobian of {name}, with what it is made from and its factorisation,"
    parts_of_rows = together // own
    size = parts_of_rows * dense_bytes(math.ceil(rows / parts_of_rows), parameters, squared, whole)
    return [*parts, _Part(what, "linearise", each, exact, kind, size)]


def _worth_measuring(run: RunState, network: Network, points: int) -> bool:
    """Whether jets and nonlocal matrices at so many points could be large."""
    width = sum(layer.weight.shape[1] for layer in network.layers)
    samples = 0 if run.samples is None else len(run.samples.points)
    jets = 8 * COPIES * (points + samples) * width * run.solution.layout.components
    return jets + (8 * points**2 if run.problem.integral_names else 0) > SURELY


def point_bytes(run: RunState, network: Network, asked: Pass, points: int, how: Arithmetic) -> float:
    """What grows with the points in one pass, carried on from few: linearly, with nonlocal terms quadratically."""

    def at(count: int, samples: Samples | None = None) -> int:
        return _measured(run, network, asked, count, how, samples)

    nonlocal_too = bool(run.problem.integral_names)
    n = max(4, min(FEW, points // 4))
    one, two = at(n), at(2 * n)
    total = (two - one) / n * points
    if nonlocal_too:
        one, four = at(n), at(4 * n)  # the first time, libraries were loaded as well
        square = ((four - two) / 2 - (two - one)) / (3 * n**2)
        total = square * points**2 + ((two - one) / n - 3 * n * square) * points
    if run.samples is not None:
        measured = len(run.samples.points)
        shown = min(2 * n, measured)
        total += max(0, at(2 * n, _first(run.samples, shown)) - two) / shown * measured
    # what is mixed is counted as it is: a part of it is smaller than float64 already
    return SLACK * total * (how.dtype.itemsize / 8 if how.autocast is None else 1)


def grid_bytes(run: RunState) -> float:
    """What products on a grid take, carried on from a coarser one, where they are made all the same."""
    tried, share = coarser(run)
    points = tried.stage.collocation.points
    exact = arithmetic("float64", run.device)
    plain, whole = (
        _measured(tried, network_like(tried), "products", points, exact, samples) for samples in (None, run.samples)
    )
    return SLACK * (plain / share + max(0, whole - plain))


def _sums(run: RunState) -> list[TensorSums] | None:
    """What sums the present stage's network axis by axis, on a coarser grid; None where nothing does."""
    if not may_be_on_grid(run.stage):
        return None
    tried, _ = coarser(run)
    points = collocation(tried.config, tried.stage, tried.position.stage, 0)
    return Objective(_stand_in(tried, network_like(tried)), points, samples=run.samples).on_grids()


def rows_of(run: RunState, network: Network, points: int) -> int:
    """Rows of the Jacobian, from those at a few points."""
    stage = run.stage
    n = max(4, min(FEW, points // 4))
    solution = _stand_in(run, network)
    one, two = (Objective(solution, collocation(run.config, stage, run.position.stage, 0, k)) for k in (n, 2 * n))
    measured = 0 if run.samples is None else sum(len(values) for values in run.samples.values.values())
    slope = (two.shape()[0] - one.shape()[0]) / n
    return round(one.shape()[0] + slope * (points - n)) + measured


def parameter_bytes(kind: str, network: Network, stage: Stage) -> tuple[float, str]:
    """What a method keeps for its parameters alone, and what else to take where that is too much.

    What `gauss_newton` and `woodbury` factorise is asked about by `Objective.check_memory`.
    """
    count = sum(p.numel() for p in network.parameters()) + 1
    dense = "Use a smaller network, or lbfgs or adam, which keep no matrix of parameters × parameters."
    match kind:
        case "ssbroyden":
            return 8.0 * 6 * count**2, dense
        case "rank_one_ema":
            return 8.0 * 5 * count**2, dense
        case "lbfgs":
            return 8.0 * (2 * stage.optimizer.history + 10) * count, "Use a smaller network or a shorter history."
        case "soap":
            sides = sum(side**2 for layer in network.layers for side in layer.weight.shape)
            return 8.0 * (6 * sides + 10 * count), "Use a smaller network, or adam, which keeps no matrix of a layer."
    return 8.0 * 10 * count, "Use a smaller network."


def network_like(run: RunState) -> Network:
    """A network of the shape that the present stage's has or will have."""
    stage, problem, generator = run.stage, run.problem, torch.Generator().manual_seed(0)
    if stage.chebyshev is not None:
        return polynomials(stage.chebyshev, problem.outputs, problem.circles).to(run.device)
    if stage.splines is not None:
        return splined(problem, stage.splines, generator).to(run.device)
    if stage.fourier is None:
        return mlp(run.config.network, problem.inputs, problem.outputs, generator).to(run.device)
    return fourier_of(problem, stage.fourier, 1.0, generator).to(run.device)


def _measured(
    run: RunState, network: Network, asked: Pass, count: int, how: Arithmetic, samples: Samples | None
) -> int:
    """Peak of one pass at `count` points, in bytes of float64; nothing of the run is changed."""
    solution = _stand_in(run, network)
    points = collocation(run.config, run.stage, run.position.stage, 0, count)

    def work() -> object:
        objective = Objective(solution, points, torch.float64, samples, Weighing.of(run.stage, run.problem))
        with how.context(run.device):
            return PASS[asked](objective)

    if not run.problem.integral_names:
        return peak_bytes(work)
    tracemalloc.start()  # numpy tells it what its matrices take
    try:
        tensors = peak_bytes(work)
        return max(tensors, tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def _stand_in(run: RunState, network: Network) -> Solution:
    """The present stage's sum of networks with another in the place of the one that is trained."""
    solution = Solution(run.problem, None if run.solution.lam is None else float(run.solution.lam.detach()))
    solution.to(run.device)
    begun = len(run.records) > run.position.stage
    replaced = run.replaces and (begun or run.stage.begins != "solved")  # one step is with them yet
    frozen = [] if replaced else list(run.solution.networks)[: -1 if begun else None]
    for frozen_network, epsilon, centre in zip(frozen, run.solution.epsilons, run.solution.centres, strict=False):
        solution.networks.append(frozen_network)
        solution.epsilons.append(epsilon)
        solution.centres.append(centre)
    follows = run.problem.features_follow_lambda
    solution.networks.append(network)
    solution.epsilons.append(1.0)
    solution.centres.append(None if follows or solution.lam is None else float(solution.lam.detach()))
    solution.free_unknowns()
    return solution


def _gradient(objective: Objective) -> object:
    residuals = objective.residuals()
    return residuals, torch.autograd.grad(residuals.loss(), objective.parameters(), materialize_grads=True)


def _products(objective: Objective) -> object:
    residuals, system = objective.products()
    step = system.transposed(system.r)
    change = system.times(step)
    with torch.no_grad():
        tried = objective.residuals()
    return residuals, system, change, tried


def _linearise(objective: Objective) -> object:
    """What a Jacobian is made from: jets on a tape, and cotangents of one equation after another."""
    slopes = Slopes(list(objective.points.values()), sum(p.numel() for p in objective.parameters()))
    row, start = slopes.r.new_empty(1, slopes.shape[1] + 1), 0
    for r in slopes.residuals.values():
        slopes.write(row, start)
        start += len(r)
    return slopes


PASS: dict[Pass, Callable[[Objective], object]] = {
    "gradient": _gradient,
    "products": _products,
    "linearise": _linearise,
}


def _first(samples: Samples, count: int) -> Samples:
    values = {name: column[:count] for name, column in samples.values.items()}
    return Samples(samples.points[:count], values, samples.weight)
