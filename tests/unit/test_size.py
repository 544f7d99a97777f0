"""How much work a run is."""

from core.config import RunConfig, size

POISSON = {"kind": "poisson2d"}


def test_iterations_times_points_times_parameters_summed_over_stages():
    config = RunConfig(
        problem=POISSON,
        network={"hidden": (8, 4)},
        stages=[
            {"iterations": 10, "collocation": {"points": 100}},
            {"iterations": 5, "collocation": {"points": 50}, "fourier": {"features": 20}},
        ],
    )
    mlp, linear = 2 * 8 + 8 + 8 * 4 + 4 + 4 + 1, 2 * 20 + 1
    assert size(config) == 10 * 100 * mlp + 5 * 50 * linear


def test_first_order_iterations_weigh_a_tenth():
    adam = RunConfig(problem=POISSON, stages=[{"optimizer": {"kind": "adam"}, "iterations": 1000}])
    warm = RunConfig(problem=POISSON, stages=[{"iterations": 100, "warmup": {"iterations": 1000}}])
    second = RunConfig(problem=POISSON, stages=[{"iterations": 100}])
    assert size(adam) == size(second) == size(warm) / 2
