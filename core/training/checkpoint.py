"""Checkpoints: everything a run needs to continue or to be looked at, in one file without pickled code."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch

from core.config import Chebyshev, Parity, RunConfig
from core.errors import LabError
from core.jets import SplineProducts
from core.migrations import read_config
from core.networks.layers import JetLinear, Network, lifted_width
from core.networks.marched import Marched
from core.networks.solution import Solution, Term
from core.problems import Problem
from core.problems.boundary_profile import BoundaryProfile
from core.runs import checkpoint_file
from core.runs.checkpoint_file import CheckpointError
from core.runs.windows import WindowStep
from core.training.march import March, Window
from core.training.state import Position, StageRecord
from core.training.windowed_numbers import Numbers, put, values_of


@dataclass
class Checkpoint:
    """A moment of a run."""

    config: RunConfig
    position: Position
    solution: Solution
    optimizer: dict[str, Any] = field(default_factory=dict)
    records: list[StageRecord] = field(default_factory=list)
    max_residual: float = float("nan")
    points: dict[str, np.ndarray] | None = None
    """Collocation points that were drawn by the residual: point set → (n, d). None: the config alone says them."""
    march: March | None = None
    """Where a run in time windows stands; `solution` is the present window's then."""
    history_checksum: int | None = None
    """Of the rows of history that the position counts; None of an older program."""

    @property
    def whole(self) -> Solution | Marched:
        """The solution over all of the problem's domain, as far as it is trained."""
        return self.solution if self.march is None else self.march.whole(self.solution)

    @property
    def terms(self) -> int:
        """Stages in the sum that is the solution; in windows of time the most that one has."""
        done = [] if self.march is None else [solution for _, solution in self.march.done]
        return max(len(solution.networks) for solution in (self.solution, *done))


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write to a temporary name, fsync, rename: a reader sees the old file or the new one, never half of one.

    The folder is not synced: after a power cut the old name may stand again, whose history is still there too.
    Raises OSError where the disk does not take it; the old one stays then.
    """
    solution = checkpoint.solution
    config, position = checkpoint.config, checkpoint.position
    data = {
        "format": 1,
        "config": config.canonical_json(),
        "position": asdict(position),
        "records": [asdict(record) for record in checkpoint.records],
        "max_residual": checkpoint.max_residual,
        "optimizer": checkpoint.optimizer,
        "points": {name: torch.from_numpy(block) for name, block in (checkpoint.points or {}).items()},
        "torch_rng": torch.get_rng_state(),
        "probe": _probe(solution),
        **carried(solution),
    }
    if checkpoint.march is not None:
        data["march"] = _march_data(checkpoint.march)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    try:
        with temporary.open("wb") as file, _disk_errors():
            torch.save(data, file)
        checkpoint_file.note(
            temporary,
            problem=config.problem.kind,
            config_hash=config.hash,
            iteration=position.total,
            history_rows=position.history_rows,
            history_checksum=checkpoint.history_checksum,
            stages=checkpoint.terms,
        )
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)  # the room it takes is needed for the run's last word
        raise


def carried(solution: Solution) -> dict[str, Any]:
    """A solution as numbers, texts and tensors alone, for another process; without its problem."""
    exact = solution.exact
    return {
        "lambda": None if solution.lam is None else float(exact(solution.lam)),
        "further": None if solution.further is None else exact(solution.further).cpu(),
        "stages": _networks(solution),
    }


def arrived(problem: Problem, data: dict[str, Any]) -> Solution:
    """The solution that was `carried`, in float64 on the CPU."""
    solution = _solution(problem, data["lambda"], data["stages"])
    if solution.further is not None:
        solution.further.data.copy_(data["further"])
    return solution


def _networks(solution: Solution) -> list[dict[str, Any]]:
    """Of each stage, what it takes to make its network again."""
    exact = solution.exact
    return [
        {
            "epsilon": epsilon,
            "centre": centre,
            "activation": network.activation,
            "basis": None if network.basis is None else exact(network.basis).cpu(),
            "degrees": network.degrees,
            "total": network.total,
            "kinds": network.kinds,
            "reads": network.reads,
            "alone": network.alone,
            "smooth": None if network.smooth is None else exact(network.smooth).cpu(),
            "fields": network.fields,
            "splines": None if network.splines is None else network.splines.plain(),
            "layers": [
                (exact(layer.weight).cpu(), None if layer.bias is None else exact(layer.bias).cpu())
                for layer in network.layers
            ],
        }
        for network, epsilon, centre in zip(solution.networks, solution.epsilons, solution.centres, strict=True)
    ]


def _march_data(march: March) -> dict[str, Any]:
    def window(each: Window) -> dict[str, Any]:
        return {**vars(each), "start": None if each.start is None else each.start.plain()}

    return {
        "ahead": [window(each) for each in march.ahead],
        "done": [(window(each), _networks(solution)) for each, solution in march.done],
        "steps": [asdict(step) for step in march.steps],
        "sigmas": march.sigmas,
        "numbers": None if march.numbers is None else march.numbers.plain(),
        "unknowns": [values_of(solution) for _, solution in march.done],
    }


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    """Around torch's writing, which hides what the disk said behind an error of its own."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise


def load(path: Path) -> Checkpoint:
    """Read a checkpoint on the CPU in float64. Raises LabError when the file is missing or is not one."""
    facts = checkpoint_file.look(path)
    try:
        data = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a stranger's pickle sets off
        raise CheckpointError(path, f"it is no checkpoint of this program: {_first_line(error)}") from error
    if not isinstance(data, dict) or data.get("format") != 1:
        raise CheckpointError(path, "it is not a checkpoint of this version")
    try:
        return replace(_checkpoint(data), history_checksum=facts.history_checksum)
    except LabError as error:
        raise CheckpointError(path, str(error).rstrip(".")) from error
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, IndexError) as error:
        raise CheckpointError(path, f"its content is not what this program writes ({_first_line(error)})") from error


PROBES = 5
"""Points at which a checkpoint says what its solution is."""
CHANGED = 1e-3
"""Part of a field's largest value by which it may be off when it is read: large weights leave 1e-9 of rounding."""


def _probe(solution: Solution) -> dict[str, torch.Tensor] | None:
    """Fields at a few points of the domain, (n, d) and (n, fields): weights mean nothing without a problem's formulas.

    None where there is no network yet, or where it does not compute in float64 just now.
    """
    first = next(solution.networks.parameters(), None)
    if first is None or first.dtype != torch.float64:
        return None
    if set(solution.problem.fields) <= set(solution.problem.integral_names):
        return None
    low, high = np.array(solution.problem.domain()).T
    golden = np.outer(np.arange(1, PROBES + 1), 0.6180339887498949 ** np.arange(1, len(low) + 1)) % 1
    points = low + (high - low) * golden
    return {"points": torch.from_numpy(points), "values": _fields(solution, points)}


def _fields(solution: Solution, points: np.ndarray) -> torch.Tensor:
    found = solution.fields_at(points)
    return torch.stack([torch.from_numpy(values) for values in found.values()], dim=1)


def _check_meaning(solution: Solution, probe: dict[str, torch.Tensor] | None) -> None:
    """Raise ValueError where the problem's formulas make other fields of the weights than they did when saved."""
    if probe is None:
        return
    then, now = probe["values"], _fields(solution, probe["points"].numpy())
    size = then.abs().amax(0)  # a field that is nothing but rounding beside the others tells nothing
    off = (now - then).abs().amax(0) / torch.maximum(size, 1e-6 * size.max()).clamp_min(torch.finfo(torch.float64).tiny)
    if bool((off > CHANGED).any()):
        raise ValueError(
            f"the problem {solution.problem.kind} has other formulas than when it was written: its fields are off by "
            f"{float(off.max()):.1g} of their size at the points it noted; train it again, or use the program of then"
        )


def _checkpoint(data: dict[str, Any]) -> Checkpoint:
    config = read_config(json.loads(data["config"]), complete=True).config
    march = _march(config, data["march"]) if "march" in data else None
    problem = config.problem
    if march is not None and march.ahead:
        problem = march.ahead[-1].of(problem)
    solution = arrived(problem, data)
    if "probe" not in data and data["stages"] and isinstance(config.problem, BoundaryProfile):
        raise ValueError("it is of a version whose maps were others: its weights would be another profile")
    _check_meaning(solution, data.get("probe"))
    return Checkpoint(
        config=config,
        position=Position(**data["position"]),
        solution=solution,
        optimizer=data["optimizer"],
        records=[StageRecord(**record) for record in data["records"]],
        max_residual=data["max_residual"],
        points={name: block.numpy() for name, block in data.get("points", {}).items()} or None,
        march=march,
    )


def _solution(problem: Problem, lam: float | None, stages: list[dict[str, Any]]) -> Solution:
    """A solution from what `_networks` said of it."""
    solution = Solution(problem, lam)
    for number, stage in enumerate(stages, start=1):
        layers = [
            JetLinear(weight.double(), None if bias is None else bias.double()) for weight, bias in stage["layers"]
        ]
        basis = None if stage["basis"] is None else stage["basis"].double()
        degrees = None if stage.get("degrees") is None else tuple(stage["degrees"])
        reads = None if stage.get("reads") is None else tuple(stage["reads"])
        smooth = None if stage.get("smooth") is None else stage["smooth"].double()
        circles = () if degrees is None else problem.circles
        splines = None if stage.get("splines") is None else SplineProducts.of_plain(stage["splines"])
        kinds = None if stage.get("kinds") is None else tuple(map(tuple, stage["kinds"]))
        own = splines, tuple(stage.get("fields", ()))
        beside = (reads, smooth, circles, stage.get("alone", 0), stage.get("total"), kinds, *own)
        network = Network(layers, stage["activation"], basis, degrees, *beside)
        _check_shapes(number, problem, network)
        solution.add(Term(network, stage["epsilon"], stage.get("centre")))
    return solution


def _march(config: RunConfig, data: dict[str, Any]) -> March:
    def window(kept: dict[str, Any]) -> Window:
        start = kept["start"]
        return Window(**{**kept, "start": None if start is None else config.problem.state_of(start)})

    def solution(each: Window, stages: list[dict[str, Any]], numbers: list[float]) -> Solution:
        found = _solution(each.of(config.problem), numbers[0] if numbers else None, stages)
        if numbers:
            put(found, numbers)
        return found

    done = [(window(each), stages) for each, stages in data["done"]]
    unknowns = data.get("unknowns", [[] for _ in done])
    return March(
        config,
        [window(each) for each in data["ahead"]],
        [(each, solution(each, stages, numbers)) for (each, stages), numbers in zip(done, unknowns, strict=True)],
        [WindowStep(**step) for step in data["steps"]],
        data["sigmas"],
        Numbers.of_plain(data.get("numbers")),
    )


def _check_shapes(number: int, problem: Problem, network: Network) -> None:
    """Raise ValueError where a stage's network does not lead from the problem's inputs to its outputs."""
    inputs, outputs, layers = problem.inputs, problem.outputs, network.layers
    basis, degrees, reads, smooth = network.basis, network.degrees, network.reads, network.smooth
    widths = [inputs if basis is None else lifted_width(basis, reads, smooth, network.alone)]
    if reads is None:
        fits = basis is None or tuple(basis.shape[1:]) == (inputs,)
    else:
        there = inputs + len({place for block in problem.blocks for place in block.places if place >= inputs})
        fits = basis is not None and basis.shape[1] <= there and max(reads) < there + len(problem.functions)
        fits = fits and (smooth is None or smooth.shape[1] == inputs)
    if degrees is not None:
        whole = all(isinstance(count, int) and count > 1 for count in degrees)
        fits = whole and basis is None and len(degrees) == inputs - len(problem.circles)
        limit = network.total is None or (isinstance(network.total, int) and network.total > 0)
        fits = fits and limit
        parity, steep = zip(*(network.kinds or (("all", None),) * len(degrees)), strict=True)
        fits = fits and len(parity) == len(degrees) and all(each in get_args(Parity) for each in parity)
        fits = fits and all(each is None or (isinstance(each, float) and 0 < abs(each) <= 1) for each in steep)
        of = Chebyshev.model_construct(degrees=degrees, total=network.total, parity=parity)
        widths = [of.products(problem.circles) if fits else 0]
    if network.splines is not None:
        fits = basis is None and degrees is None and network.splines.is_sound(inputs)
        fits = fits and len(reads or ()) == inputs + len(network.fields) and 0 <= network.alone <= len(network.fields)
        fits = fits and max(reads) < inputs + len(problem.functions) + len(problem.blocks) * inputs
        fits = fits and (smooth is None or smooth.shape[1] == inputs)
        shapes = [tuple(layer.weight.shape) for layer in layers]
        if not fits or shapes != network.shapes(outputs) or any(layer.bias is not None for layer in layers):
            raise _other_shapes(number, inputs, outputs)
        return
    for layer in layers:
        fits = fits and layer.weight.ndim == 2 and layer.weight.shape[1] == widths[-1]
        fits = fits and (layer.bias is None or tuple(layer.bias.shape) == (layer.weight.shape[0],))
        widths.append(layer.weight.shape[0])
    if not layers or not fits or widths[-1] != outputs:
        raise _other_shapes(number, inputs, outputs)


def _other_shapes(number: int, inputs: int, outputs: int) -> ValueError:
    said = f"the network of stage {number} has other shapes than the problem's {inputs} inputs and {outputs} outputs"
    return ValueError(said)


def _first_line(error: BaseException) -> str:
    if isinstance(error, pickle.UnpicklingError):
        return "it holds something else than numbers"  # torch's own text tells how to run a stranger's code
    text = next(iter(str(error).strip().splitlines()), "").strip().rstrip(".")
    return text[:200] or type(error).__name__
