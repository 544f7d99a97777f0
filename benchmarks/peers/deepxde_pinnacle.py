"""A row of PINNacle by DeepXDE in so many seconds: Adam, then L-BFGS for the other half. Prints one JSON line."""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

BEGAN = time.perf_counter()
os.environ["DDE_BACKEND"] = "pytorch"

import deepxde as dde  # noqa: E402
import numpy as np  # noqa: E402

dde.config.set_default_float("float64")
PI = np.pi
POINTS = {"num_domain": 8192, "num_boundary": 2048}
"""PINNacle's."""


def burgers():
    def pde(x, u):
        u_x, u_t = dde.grad.jacobian(u, x, j=0), dde.grad.jacobian(u, x, j=1)
        return u_t + u * u_x - 0.01 / PI * dde.grad.hessian(u, x, i=0, j=0)

    space, when = dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, 1)
    both = dde.geometry.GeometryXTime(space, when)
    walls = dde.icbc.DirichletBC(both, lambda x: 0, lambda x, on: on)
    start = dde.icbc.IC(both, lambda x: -np.sin(PI * x[:, :1]), lambda x, on: on)
    return dde.data.TimePDE(both, pde, [walls, start], num_initial=2048, **POINTS), 1


def poisson():
    def pde(x, u):
        return dde.grad.hessian(u, x, i=0, j=0) + dde.grad.hessian(u, x, i=1, j=1)

    square = dde.geometry.Rectangle([-0.5, -0.5], [0.5, 0.5])
    place = square
    for x in (-0.3, 0.3):
        for y in (-0.3, 0.3):
            place = dde.geometry.CSGDifference(place, dde.geometry.Disk([x, y], 0.1))
    outer = dde.icbc.DirichletBC(place, lambda x: 1, lambda x, on: on and square.on_boundary(x))
    holes = dde.icbc.DirichletBC(place, lambda x: 0, lambda x, on: on and not square.on_boundary(x))
    return dde.data.PDE(place, pde, [outer, holes], **POINTS), 1


def cavity():
    def pde(x, f):
        u, v = f[:, :1], f[:, 1:2]
        slope = [[dde.grad.jacobian(f, x, i=i, j=j) for j in range(2)] for i in range(3)]
        bent = [sum(dde.grad.hessian(f, x, component=i, i=j, j=j) for j in range(2)) for i in range(2)]
        return [
            *(u * slope[i][0] + v * slope[i][1] + slope[2][i] - 0.01 * bent[i] for i in range(2)),
            slope[0][0] + slope[1][1],
        ]

    square = dde.geometry.Rectangle([0, 0], [1, 1])

    def lid(x):
        return 4 * x[:, :1] * (1 - x[:, :1]) * np.isclose(x[:, 1:], 1)

    conditions = [
        dde.icbc.DirichletBC(square, lid, lambda x, on: on, component=0),
        dde.icbc.DirichletBC(square, lambda x: 0, lambda x, on: on, component=1),
        dde.icbc.PointSetBC(np.zeros((1, 2)), np.zeros((1, 1)), component=2),
    ]
    return dde.data.PDE(square, pde, conditions, **POINTS), 3


ROWS = {"burgers1d-c": burgers, "poisson2d-c": poisson, "ns2d-c": cavity}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("row", choices=ROWS)
    parser.add_argument("reference", type=Path, help=".npz: points (n, d), values (n, fields)")
    parser.add_argument("--seconds", type=float, default=900)
    options = parser.parse_args()
    dde.config.set_random_seed(0)
    data, fields = ROWS[options.row]()
    model = dde.Model(data, dde.nn.FNN([2, *5 * [100], fields], "tanh", "Glorot normal"))
    model.compile("adam", lr=1e-3)
    _train_until(model, options.seconds / 2, iterations=20_000)
    steps = model.train_state.step
    dde.optimizers.config.set_LBFGS_options(maxcor=100, ftol=0, gtol=0, maxiter=1_000_000, maxfun=1_500_000)
    dde.optimizers.config.LBFGS_options["iter_per_step"] = 10
    dde.optimizers.config.LBFGS_options["fun_per_step"] = 15
    model.compile("L-BFGS")
    _train_until(model, options.seconds)
    held = np.load(options.reference)
    found = model.predict(held["points"])[:, : held["values"].shape[1]]
    error = float(np.linalg.norm(found - held["values"]) / np.linalg.norm(held["values"]))
    said = {"relative_l2": error, "adam_steps": steps, "steps": model.train_state.step}
    print(json.dumps(said | {"seconds": time.perf_counter() - BEGAN}))


def _train_until(model: dde.Model, end: float, **options) -> None:
    timer = dde.callbacks.Timer(max(end - (time.perf_counter() - BEGAN), 1) / 60)
    model.train(display_every=10**9, callbacks=[timer], verbose=0, **options)


if __name__ == "__main__":
    main()
