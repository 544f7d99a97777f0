"""2D Poisson by PINA: Adam steps a second. Prints one JSON line."""

from __future__ import annotations

import argparse
import json
import logging
import time
import warnings

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

import torch  # noqa: E402
from lightning.pytorch.callbacks import Callback  # noqa: E402
from pina import Condition, Trainer  # noqa: E402
from pina.domain import CartesianDomain  # noqa: E402
from pina.equation import Equation  # noqa: E402
from pina.model import FeedForward  # noqa: E402
from pina.operator import laplacian  # noqa: E402
from pina.optim import TorchOptimizer  # noqa: E402
from pina.problem import SpatialProblem  # noqa: E402
from pina.solver import PINN  # noqa: E402

torch.set_default_dtype(torch.float64)
PI = torch.pi


def residual(points, output):
    forcing = torch.sin(PI * points.extract(["x"])) * torch.sin(PI * points.extract(["y"]))
    return laplacian(output, points, components=["u"], d=["x", "y"]) / (2 * PI**2) + forcing


class Poisson(SpatialProblem):
    output_variables = ["u"]  # noqa: RUF012
    spatial_domain = CartesianDomain({"x": [0, 1], "y": [0, 1]})
    domains = {"D": spatial_domain}  # noqa: RUF012
    conditions = {"D": Condition(domain="D", equation=Equation(residual))}  # noqa: RUF012


class Walls(torch.nn.Module):
    """The network times a factor that vanishes on the boundary."""

    def __init__(self):
        super().__init__()
        self.network = FeedForward(input_dimensions=2, output_dimensions=1, layers=[32, 32], func=torch.nn.Tanh)

    def forward(self, points):
        x, y = points.extract(["x"]), points.extract(["y"])
        return 16 * x * (1 - x) * y * (1 - y) * self.network(points)


class Clock(Callback):
    """Times the epochs after the first fifty."""

    def __init__(self):
        self.epochs, self.began, self.ended = 0, 0.0, 0.0

    def on_train_epoch_end(self, trainer, module):
        self.epochs += 1
        if self.epochs == 50:
            self.began = time.perf_counter()
        self.ended = time.perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1000)
    options = parser.parse_args()
    torch.manual_seed(0)
    problem = Poisson()
    problem.discretise_domain(1000, "random", domains="D")
    solver = PINN(problem, Walls(), optimizer=TorchOptimizer(torch.optim.Adam, lr=1e-3))
    clock = Clock()
    quiet = {
        "logger": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
    }
    trainer = Trainer(solver, max_epochs=options.steps + 50, accelerator="cpu", callbacks=[clock], **quiet)
    trainer.train()
    print(json.dumps({"steps_per_second": options.steps / (clock.ended - clock.began)}))


if __name__ == "__main__":
    main()
