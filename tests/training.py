"""Small trainings and objectives that several tests share; needs nothing but what training itself needs."""

import numpy as np
import torch

from core.config import MLP, override, parse_config
from core.networks.layers import mlp
from core.networks.solution import Solution, Term
from core.optimizers.triangle import column_major
from core.presets import resolve
from core.problems.poisson2d import Poisson2D
from core.runs import RunFolder
from core.runs.history import HistoryWriter, read_history
from core.training import checkpoint as checkpoints
from core.training.objective import Objective
from core.training.trainer import Trainer

TWO_STAGES = [
    "network.hidden=[10, 10]",
    "stages.0.warmup.iterations=40",
    "stages.0.iterations=25",
    "stages.0.collocation.points=150",
    "stages.1.fourier.features=30",
    "stages.1.iterations=4",
    "stages.1.collocation.points=300",
    "stages.0.checkpoint_every=7",
    "stages.0.patience=1000",
]


def small(*settings, preset="poisson2d"):
    """A preset of two stages, so short that it trains in a second."""
    return override(resolve(preset), [*TWO_STAGES, *settings])


def features_alone(sigma, features=200, points=1000):
    """Helmholtz by Fourier features that are linear in their weights."""
    stage = {
        "fourier": {"features": features, "sigma": sigma},
        "optimizer": {"kind": "gauss_newton", "damping": 1e-26, "minimum_damping": 1e-32},
        "iterations": 2,
        "collocation": {"points": points, "sampler": "chebyshev"},
    }
    return parse_config({"problem": {"kind": "helmholtz"}, "stages": [stage]})


def overflowing(device="cpu"):
    """Second derivatives of such features are beyond 65,504, the largest number of fp16."""
    stage = {
        "fourier": {"features": 50, "sigma": 400.0},
        "optimizer": {"kind": "adam", "learning_rate": 1e-3},
        "precision": "amp-fp16",
        "iterations": 60,
        "collocation": {"points": 200},
    }
    return parse_config({"problem": {"kind": "poisson2d"}, "device": device, "stages": [stage]})


def trainer_of(config, folder, wanted=lambda: None, resume=False):
    """A trainer that has trained in a folder, how it ended, and what it said."""
    folder.mkdir(exist_ok=True)
    said, history = [], HistoryWriter(folder / "history.arrows", config.problem.row_names)
    trainer = Trainer(config, RunFolder(folder), wanted=wanted, history=history, say=said.append)
    if resume:
        trainer.resume(checkpoints.load(folder / "checkpoints" / "last.pt"))
    try:
        return trainer, trainer.train(), said
    finally:
        history.close()


def train(config, folder, wanted=lambda: None, resume=False, parent=None, say=lambda line: None):
    """How training in a folder ended."""
    folder.mkdir(exist_ok=True)
    history = HistoryWriter(folder / "history.arrows", config.problem.row_names)
    trainer = Trainer(config, RunFolder(folder), wanted=wanted, history=history, parent=parent, say=say)
    if resume:
        trainer.resume(checkpoints.load(folder / "checkpoints" / "last.pt"))
    try:
        return trainer.train()
    finally:
        history.close()


def trained(config, folder):
    """The trainer after training, and what it said."""
    folder.mkdir()
    said = []
    history = HistoryWriter(folder / "history.arrows", config.problem.row_names)
    trainer = Trainer(config, RunFolder(folder), wanted=lambda: None, history=history, say=said.append)
    try:
        trainer.train()
    finally:
        history.close()
    return trainer, said


def curve(folder, names=("iteration", "stage", "phase", "loss", "max_residual", "damping", "lambda")):
    """Columns of a folder's history."""
    columns = read_history(folder / "history.arrows").columns
    return {name: columns[name] for name in names}


def objective(problem=None, hidden=(8, 8), points=100, activation="tanh", device="cpu", dtype=torch.float64):
    """A problem's residuals for one small network, λ free where there is one."""
    problem = problem or Poisson2D()
    solution = Solution(problem, problem.lambda_start())
    generator = torch.Generator().manual_seed(0)
    network = mlp(MLP(hidden=hidden, activation=activation), problem.inputs, problem.outputs, generator)
    solution.add(Term(network, 1.0))
    if solution.lam is not None:
        solution.lam.requires_grad_(True)
    unit = np.random.default_rng(0).random((points, len(problem.coordinates)))
    return Objective(solution.to(device, dtype), problem.collocation(unit), dtype)


class Given:
    """Slopes that are there."""

    def __init__(self, r, J):
        self.r, self.J, self.shape, self.asked = r, J, tuple(J.shape), []

    def write(self, out, start):
        self.asked.append(len(out))
        out[:, :-1], out[:, -1] = self.J[start : start + len(out)], self.r[start : start + len(out)]

    def whole(self):
        joined = column_major(len(self.J), self.J.shape[1] + 1, self.J)
        self.write(joined, 0)
        return joined
