"""Typed equations on a CUDA device: every kind of layer, domain and solver ends as low as on the CPU."""

import math

import pytest
import torch

from core.config import override, parse_config
from core.presets import resolve
from core.runs import RunFolder
from core.training.train import train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device on this machine"),
]
HEAT = {
    "problem": {
        "kind": "equation",
        "domain": {"kind": "ball", "centre": [0, 0, 0], "radius": 1},
        "coordinates": {"x": None, "y": None, "z": None, "t": [0, 1]},
        "time": "t",
        "fields": ["u"],
        "equations": ["u_t = laplacian(u)/5 - (x^2 + y^2 + z^2 - 2)/5*exp((x^2 + y^2 + z^2)/2 + t)"],
        "conditions": [
            {"on": "t = 0", "that": "u = exp((x^2 + y^2 + z^2)/2)"},
            {"on": "boundary", "that": "dn(u) = exp(1/2 + t)"},
            {"on": "everywhere", "that": "u even in x; u even in y; u even in z"},
        ],
    },
    "stages": [
        {
            "chebyshev": {"degrees": [6, 6, 6, 6], "total": 5},
            "optimizer": {"kind": "gauss_newton", "damping": 1e-26, "minimum_damping": 1e-32},
            "iterations": 2,
            "collocation": {"points": 900, "sampler": "sobol"},
        }
    ],
}
UNKNOWN = {
    "problem": {
        "kind": "equation",
        "coordinates": {"x": [0, 1]},
        "fields": ["u"],
        "unknowns": {"a": {"start": 1.5, "low": 0.5, "high": 3}},
        "equations": ["u_xx + a^2*u = 0"],
        "conditions": [{"on": "x = 0", "that": "u = 0; dn(u) = -2"}, {"on": "x = 1", "that": "u = sin(2)"}],
    },
    "stages": [
        {
            "chebyshev": {"degrees": [16]},
            "optimizer": {"kind": "gauss_newton", "damping": 1e-6, "minimum_damping": 1e-32},
            "iterations": 30,
            "collocation": {"points": 30, "sampler": "gauss"},
        }
    ],
}
CASES = {
    "windows, axis by axis, without a Jacobian": (
        "typed-gray-scott",
        "problem.coordinates.t=[0, 4]",
        "windows={count: 2, target_residual: null}",
        "stages.0.chebyshev.degrees=[15, 15, 4]",
        "stages.0.collocation={points: 1280, sampler: gauss, shape: [16, 16, 5]}",
    ),
    "windows, harmonics, fourth order": (
        "typed-kuramoto-sivashinsky",
        "problem.coordinates.t=[0, 0.02]",
        "windows.count=2",
        "stages.0.chebyshev.degrees=[41, 8]",
        "stages.0.collocation={points: 600, sampler: gauss, shape: [60, 10]}",
    ),
    "a corner": ("typed-lshape", "stages.0.fourier.features=80", "stages.0.collocation.points=500"),
    "a corner, and a layer beside a side": (
        "typed-lshape",
        "problem.domain.sides=[a, b, c, d, e, f]",
        "problem.layers={a: 0.2}",
        "stages.0.fourier.features=80",
        "stages.0.collocation.points=500",
    ),
    "holes": ("typed-holes", "stages.0.fourier.features=120", "stages.0.collocation.points=900"),
    "several fields that grow": ("typed-stokes", "growth.seconds=4"),
    "a total degree, even": (HEAT,),
    "an unknown number": (UNKNOWN,),
}


def config_of(what):
    base, *settings = CASES[what]
    return override(resolve(base) if isinstance(base, str) else parse_config(base), settings)


@pytest.mark.parametrize("what", CASES)
def test_a_typed_equation_ends_as_low_as_on_the_cpu(tmp_path, what):
    ends = {}
    for device in ("cpu", "cuda"):
        folder = RunFolder(tmp_path / device)
        folder.path.mkdir()
        outcome = train(override(config_of(what), [f"device={device}"]), folder, say=lambda line: None)
        assert not outcome.failed
        ends[device] = float(folder.history_columns()["loss"][-1])
    assert math.isfinite(ends["cuda"])
    assert ends["cuda"] < 10 * ends["cpu"] + 1e-26
