"""What the first of two processes sees of rows that both hold: `python -m tests.spread_cases`, as each rank."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from core.config import MLP, RunConfig, Stage, parse_config
from core.networks.layers import mlp
from core.networks.solution import Solution, Term
from core.optimizers.gauss_newton import DampedSystem, GaussNewton
from core.optimizers.rows import read
from core.problems import CATALOGUE
from core.problems.base import Samples
from core.runs import RunFolder
from core.training.arithmetic import ARITHMETICS
from core.training.objective import Objective
from core.training.objective.weighing import ALIKE
from core.training.points import collocation
from core.training.spread import Ranks, SpreadObjective, help_out
from core.training.spread.part import Points
from core.training.spread.ranks import Place
from core.training.train import train

PROBLEMS = {problem.model_fields["kind"].default: problem for problem in CATALOGUE}
DAMPINGS = (1e-2, 1e-9, 0.0)


def solution_of(kind: str) -> tuple[RunConfig, Solution]:
    """A small network for a problem, λ free where it has one."""
    config = RunConfig(problem=PROBLEMS[kind](), stages=(Stage(collocation={"points": 203}),))
    problem = config.problem
    solution = Solution(problem, problem.lambda_start() if problem.has_lambda else None)
    network = mlp(MLP(hidden=(9, 7)), problem.inputs, problem.outputs, torch.Generator().manual_seed(1))
    solution.add(Term(network, 0.7))
    solution.free_unknowns()
    return config, solution


def samples_for(config: RunConfig) -> Samples | None:
    """Measured values for one problem."""
    if config.problem.kind != "poisson2d":
        return None
    points = np.random.default_rng(0).uniform(0.1, 0.9, (31, 2))
    return Samples(points, {"u": np.sin(points).sum(1)}, 0.5)


def off(a: torch.Tensor, b: torch.Tensor) -> float:
    """Largest difference over the largest value."""
    return float((a - b).abs().max() / b.abs().max())


def compared(ranks: Ranks, kind: str) -> dict[str, float]:
    """How far the spread objective is from that of one process, by what was asked; relative."""
    config, solution = solution_of(kind)
    samples = samples_for(config)
    points = collocation(config, config.stages[0], 0, 0)
    exact = ARITHMETICS["float64"]
    alone = Objective(solution, points, samples=samples)
    spread = SpreadObjective(
        ranks,
        ranks.world,
        solution,
        Points(points, samples, ALIKE),
        exact,
        lambda: {"config": config.canonical_json(), "window": None},
    )
    found: dict[str, float] = {}
    with torch.no_grad():
        a, b = spread.residuals(), alone.residuals()
    for name in ("loss", "maximum", "rms"):
        found[name] = off(getattr(a, name)(), getattr(b, name)())
    by_name = b.rms_by_name()
    found["names"] = float(list(a.rms_by_name()) != list(by_name))
    found["rms by name"] = max(off(value, by_name[name]) for name, value in a.rms_by_name().items())
    found["gradient of the loss"] = off(spread.gradient()[2], alone.gradient()[2])
    residuals = spread.residuals()
    residuals.loss().backward()
    by_tape = torch.cat([p.grad.reshape(-1) for p in spread.parameters()])
    found["gradient by backward"] = off(by_tape, alone.gradient()[2])

    (_, slopes), (_, whole) = spread.slopes(), alone.slopes()
    rows, own = read(slopes), read(whole)
    found["|r|²"] = off(torch.tensor(rows.loss()), torch.tensor(own.loss()))
    found["norms"] = off(rows.norms(), own.norms())
    found["gradient"] = off(rows.gradient(), own.gradient())
    found["gram"] = off(rows.gram(), own.gram())
    found["asymmetry"] = float((rows.gram() - rows.gram().mT).abs().max())
    step = 1e-3 * torch.randn(len(rows.norms()), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    found["decrease"] = off(torch.tensor(rows.decrease(step)), torch.tensor(own.decrease(step)))
    for damping in DAMPINGS[:2]:
        steps = [DampedSystem(each, each.norms()).step(damping) for each in (rows, own)]
        images = [torch.tensor(each.decrease(steps[0])) for each in (rows, own)]
        found[f"decrease promised at {damping:g}"] = off(*images)
    R, _ = rows.triangle()
    found["triangle"] = off(R.triu().T @ R.triu(), own.gram())
    found["norms after it"] = off(rows.norms(), own.norms())
    found["gradient after it"] = off(rows.gradient(), own.gradient())
    found["gram after it"] = off(rows.gram(), own.gram())
    found["decrease after it"] = off(torch.tensor(rows.decrease(step)), torch.tensor(own.decrease(step)))
    moved = []
    for objective in (spread, alone):
        move = objective.mover()
        moved.append(move(step))
        move(torch.zeros_like(step))
    found["loss after a step"] = off(*map(torch.tensor, moved))
    return found


def iterated(ranks: Ranks) -> dict[str, float]:
    """How far Gauss–Newton's losses of several iterations are apart, and the solution at the end."""
    losses, ends = [], []
    for spread in (True, False):
        config, solution = solution_of("poisson2d")
        points = collocation(config, config.stages[0], 0, 0)
        objective = Objective(solution, points)
        if spread:
            objective = SpreadObjective(
                ranks,
                ranks.world,
                solution,
                Points(points, None, ALIKE),
                ARITHMETICS["float64"],
                lambda config=config: {"config": config.canonical_json(), "window": None},
            )
        optimizer = GaussNewton(1e-2, 1e-20)
        losses.append([optimizer.iterate(objective)[1].loss for _ in range(4)])
        ends.append(torch.from_numpy(solution.fields_at(np.random.default_rng(1).uniform(0, 1, (50, 2)))["u"]))
    return {"losses": off(*map(torch.tensor, losses)), "solution": off(*ends)}


HEAT = {
    "kind": "equation",
    "coordinates": {"x": [0, 1], "t": [0, 1]},
    "time": "t",
    "parameters": {"k": 0.1},
    "equations": ["u_t = k*u_xx"],
    "conditions": [{"on": "t = 0", "that": "u = sin(pi*x)"}, {"on": "boundary", "that": "u = 0"}],
    "exact": {"u": "sin(pi*x)*exp(-k*pi^2*t)"},
}
NODES = {"chebyshev": {"degrees": [9, 9]}, "collocation": {"sampler": "gauss", "shape": [12, 12], "points": 144}}
DESCENTS = {
    "adam": {"precision": "float64"},
    "adam in float32, new points": {"precision": "float32"},
    "soap": {"optimizer": {"kind": "soap"}},
    "lbfgs": {"optimizer": {"kind": "lbfgs"}},
    "ssbroyden": {"optimizer": {"kind": "ssbroyden"}},
}


def runs() -> dict[str, RunConfig]:
    """Whole runs: windows of time, an unknown number that is released, each method that may be spread."""
    found = {
        "windows": {
            "problem": HEAT,
            "windows": {"count": 2},
            "stages": [{"optimizer": {"kind": "gauss_newton", "damping": 1e-26, "minimum_damping": 1e-32}, **NODES}],
        },
        "unknown number": {
            "problem": {"kind": "burgers_profile"},
            "network": {"hidden": [8]},
            "lambda": {"release_after": 7},
            "stages": [{"collocation": {"points": 101}, "warmup": {"iterations": 5}, "iterations": 5}],
        },
    }
    for name, changes in DESCENTS.items():
        stage = {"optimizer": {"kind": "adam"}, "iterations": 12, "collocation": {"points": 101}, **changes}
        if "new points" in name:
            stage["collocation"] |= {"resample_every": 5, "adaptive": 0.3}
        found[name] = {"problem": {"kind": "poisson2d"}, "network": {"hidden": [6]}, "stages": [stage]}
    return {name: parse_config(data) for name, data in found.items()}


def trained(ranks: Ranks) -> dict[str, float]:
    """How far the losses of whole runs are from those of one process, relatively; of windows what is left at the end.

    SOAP's first eigenbases are of matrices of rank one, whose other directions are rounding's.
    """
    found = {}
    for name, config in runs().items():
        seen = []
        for processes in (ranks.world, None):
            stages = tuple(stage.model_copy(update={"processes": processes}) for stage in config.stages)
            with TemporaryDirectory() as path:
                folder = RunFolder(Path(path, "0" * 32))
                asked = config.model_copy(update={"stages": stages, "device": "cpu"})
                outcome = train(asked, folder, say=lambda line: None, ranks=ranks if processes else None)
                seen.append((folder.history_columns()["loss"], outcome.records[-1].rms_residual))
        (losses, left), (others, alone) = seen
        if name == "windows":
            found[name] = abs(left - alone)
            continue
        first = 3 if name == "soap" else len(losses)
        found[name] = float((np.abs(losses - others) / others)[:first].max())
        found[f"{name}, iterations"] = float(len(losses) != len(others))
    return found


def main() -> None:
    """Do all of it, as JSON in the file that is named; the other rank helps out, and says what it heard."""
    torch.set_num_threads(1)
    place = Place.told()
    ranks = Ranks(place, False, {"version": "1"})
    heard = hashlib.sha256()
    told = ranks.told

    def kept(tensor, size):
        result = told(tensor, size)
        if result.dtype == torch.float64:
            heard.update(result.numpy().tobytes())
        return result

    ranks.told = kept
    if not ranks.first:
        help_out(ranks)
        found = {}
    else:
        found = {kind: compared(ranks, kind) for kind in sys.argv[2:]} | {
            "iterations": iterated(ranks),
            "trained": trained(ranks),
        }
        ranks.leave()
    told = json.dumps({"found": found, "parameters": heard.hexdigest()})
    Path(f"{sys.argv[1]}.{place.rank}").write_text(told, encoding="utf-8")


if __name__ == "__main__":
    main()
