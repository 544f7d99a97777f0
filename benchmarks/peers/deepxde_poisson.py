"""2D Poisson by DeepXDE: Adam steps a second, or the seconds to an error by Adam and L-BFGS. Prints one JSON line."""

from __future__ import annotations

import argparse
import json
import os
import time

BEGAN = time.perf_counter()
os.environ["DDE_BACKEND"] = "pytorch"

import deepxde as dde  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

dde.config.set_default_float("float64")
PI = np.pi


def pde(x, u):
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    u_yy = dde.grad.hessian(u, x, i=1, j=1)
    return (u_xx + u_yy) / (2 * PI**2) + torch.sin(PI * x[:, :1]) * torch.sin(PI * x[:, 1:])


def walls(x, u):
    return 16 * x[:, :1] * (1 - x[:, :1]) * x[:, 1:] * (1 - x[:, 1:]) * u


class Watch(dde.callbacks.Callback):
    """Stops once the relative L2 error on 101² points is small enough; a look costs one forward pass."""

    def __init__(self, target: float, every: int):
        super().__init__()
        axis = np.linspace(0, 1, 101)
        self.points = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
        self.exact = np.prod(np.sin(PI * self.points), axis=1)
        self.target, self.every, self.calls, self.reached = target, every, 0, None
        self.error = float("nan")

    def on_epoch_end(self):
        self.calls += 1
        if self.calls % self.every:
            return
        u = self.model.predict(self.points)[:, 0]
        self.error = float(np.linalg.norm(u - self.exact) / np.linalg.norm(self.exact))
        if self.error <= self.target and self.reached is None:
            self.reached = time.perf_counter() - BEGAN
            self.model.stop_training = True


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--target", type=float)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--adam", type=int, default=3000)
    parser.add_argument("--most-seconds", type=float, default=280)
    options = parser.parse_args()
    dde.config.set_random_seed(0)
    data = dde.data.PDE(dde.geometry.Rectangle([0, 0], [1, 1]), pde, [], num_domain=1000, train_distribution="Sobol")
    net = dde.nn.FNN([2, 32, 32, 1], "tanh", "Glorot normal")
    net.apply_output_transform(walls)
    model = dde.Model(data, net)
    model.compile("adam", lr=options.learning_rate)
    if not options.target:
        model.train(iterations=50, display_every=10**9, verbose=0)
        began = time.perf_counter()
        model.train(iterations=options.steps, display_every=10**9, verbose=0)
        print(json.dumps({"steps_per_second": options.steps / (time.perf_counter() - began)}))
        return
    watch = Watch(options.target, 100)
    model.train(iterations=options.adam, display_every=10**9, callbacks=[watch], verbose=0)
    if watch.reached is None:
        dde.optimizers.config.set_LBFGS_options(maxcor=100, ftol=0, gtol=0, maxiter=100_000, maxfun=150_000)
        dde.optimizers.config.LBFGS_options["iter_per_step"] = 50
        dde.optimizers.config.LBFGS_options["fun_per_step"] = 75
        model.compile("L-BFGS")
        watch.every = 1
        stop = dde.callbacks.Timer((options.most_seconds - (time.perf_counter() - BEGAN)) / 60)
        model.train(display_every=10**9, callbacks=[watch, stop], verbose=0)
    seconds = watch.reached or time.perf_counter() - BEGAN
    print(json.dumps({"reached": watch.reached is not None, "seconds": seconds, "relative_l2_error": watch.error}))


if __name__ == "__main__":
    main()
