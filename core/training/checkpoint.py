"""Checkpoints: everything a run needs to continue or to be looked at, in one file without pickled code."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.config import RunConfig
from core.errors import LabError
from core.migrations import read_config
from core.networks.layers import JetLinear, Network
from core.networks.solution import Solution, Term
from core.training.state import Position, StageRecord


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


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write to a temporary name, fsync, rename: a reader sees the old file or the new one, never half of one."""
    solution = checkpoint.solution
    data = {
        "format": 1,
        "config": checkpoint.config.canonical_json(),
        "position": asdict(checkpoint.position),
        "records": [asdict(record) for record in checkpoint.records],
        "max_residual": checkpoint.max_residual,
        "optimizer": checkpoint.optimizer,
        "points": {name: torch.from_numpy(block) for name, block in (checkpoint.points or {}).items()},
        "lambda": None if solution.lam is None else float(solution.lam.detach()),
        "torch_rng": torch.get_rng_state(),
        "stages": [
            {
                "epsilon": epsilon,
                "centre": centre,
                "activation": network.activation,
                "basis": None if network.basis is None else network.basis.detach().cpu(),
                "layers": [
                    (layer.weight.detach().cpu(), None if layer.bias is None else layer.bias.detach().cpu())
                    for layer in network.layers
                ],
            }
            for network, epsilon, centre in zip(solution.networks, solution.epsilons, solution.centres, strict=True)
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        torch.save(data, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load(path: Path) -> Checkpoint:
    """Read a checkpoint on the CPU in float64. Raises LabError when the file is missing or is not one."""
    import json

    try:
        data = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise LabError(f"There is no checkpoint {path.name} in {path.parent.parent.name} yet.") from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, AttributeError) as error:
        raise LabError(f"The checkpoint {path} can't be read: {error}") from error
    if not isinstance(data, dict) or data.get("format") != 1:
        raise LabError(f"{path} is not a checkpoint of this version.")
    config = read_config(json.loads(data["config"]), complete=True).config
    solution = Solution(config.problem, data["lambda"])
    for stage in data["stages"]:
        layers = [
            JetLinear(weight.double(), None if bias is None else bias.double()) for weight, bias in stage["layers"]
        ]
        basis = None if stage["basis"] is None else stage["basis"].double()
        solution.add(Term(Network(layers, stage["activation"], basis), stage["epsilon"], stage.get("centre")))
    return Checkpoint(
        config=config,
        position=Position(**data["position"]),
        solution=solution,
        optimizer=data["optimizer"],
        records=[StageRecord(**record) for record in data["records"]],
        max_residual=data["max_residual"],
        points={name: block.numpy() for name, block in data.get("points", {}).items()} or None,
    )
