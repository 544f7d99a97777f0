"""Training on a CUDA device: as exact as on the CPU, in every precision, watched, and readable without the device."""

import math

import numpy as np
import pytest
import torch

from core import config as configs
from core.config import override
from core.optimizers.adam import Adam
from core.optimizers.gauss_newton import DampedSystem
from core.optimizers.rows import Reduced, Whole
from core.runs.history import HistoryWriter, read_history
from core.training import checkpoint as checkpoints
from core.training import step
from core.training.arithmetic import ARITHMETICS
from core.training.cuda_graph import AdamStep
from core.training.measure import measure
from tests.training import Given, curve, features_alone, objective, overflowing, small, train, trained

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device on this machine"),
]
SECOND_ORDER = [
    c.model_fields["kind"].default
    for c in configs.OPTIMIZERS
    if c.model_fields["kind"].default not in (*configs.FIRST_ORDER, "auto")
]


def on(device, config):
    return override(config, [f"device={device}"])


def first_order(precision, *settings):
    adam = "stages.0.optimizer={kind: adam, learning_rate: 0.003}"
    return on("cuda", small(adam, "stages.0.iterations=150", f"stages.0.precision={precision}", *settings))


def test_gauss_newton_is_as_exact_as_on_the_cpu(tmp_path):
    config = features_alone([9.0, 18.0], features=300, points=1500)
    errors = {
        device: measure(train(on(device, config), tmp_path / device).solution.cpu()).relative_l2_error
        for device in ("cpu", "cuda")
    }
    assert errors["cuda"] < max(10 * errors["cpu"], 1e-12)


@pytest.mark.parametrize("damping", [1e-32, 1e-14, 1e-3])
def test_a_step_is_that_of_the_cpu_from_one_piece_or_from_blocks(damping):
    """Factorised in place on the device; what is asked of rows afterwards, too."""
    generator = torch.Generator().manual_seed(0)
    J, r = (torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((900, 250), (900,)))
    wanted = DampedSystem(Whole.of(r, J)).step(damping)
    whole = Whole.of(r.cuda(), J.cuda())
    step = DampedSystem(whole).step(damping)
    torch.testing.assert_close(step.cpu(), wanted, rtol=1e-9, atol=1e-12)
    whole.triangle()
    torch.testing.assert_close(whole.times(step).cpu(), J @ wanted, rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(whole.transposed(r.cuda()).cpu(), J.T @ r, rtol=1e-9, atol=1e-11)
    blocks = Reduced(Given(r.cuda(), J.cuda()), 400)
    torch.testing.assert_close(DampedSystem(blocks).step(damping).cpu(), wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("preset", ["poisson2d", "burgers-profile"])
def test_a_second_stage_finds_its_scale_on_the_device_too(tmp_path, preset):
    config = small("stages.1.fourier.features=120", "stages.1.collocation.points=600", preset=preset)
    outcome = train(on("cuda", config), tmp_path / "run")
    first, second = outcome.records
    assert second.sigma
    assert second.max_residual < 0.1 * first.max_residual


@pytest.mark.parametrize("kind", SECOND_ORDER)
def test_every_optimizer_runs_and_is_resumed(tmp_path, kind):
    config = on("cuda", small(f"stages.0.optimizer={{kind: {kind}}}", "stages.0.collocation.adaptive=0.5"))
    seen = iter(range(10_000))
    train(config, tmp_path / "run", wanted=lambda: "pause" if next(seen) == 50 else None)
    outcome = train(config, tmp_path / "run", resume=True)
    loss = curve(tmp_path / "run")["loss"]
    assert outcome.wanted is None
    assert np.isfinite(loss).all()
    assert loss[-1] < loss[0]


@pytest.mark.parametrize("precision", ["float32", "tf32", "amp-bf16", "amp-fp16"])
def test_reduced_precision_trains(tmp_path, precision):
    trainer, _ = trained(first_order(precision), tmp_path / "run")
    loss = curve(tmp_path / "run")["loss"]
    assert loss[150] < 0.5 * loss[0]
    assert trainer.effective_config()["stages"][0]["precision"] == precision


def test_amp_is_on_by_itself(tmp_path):
    trainer, _ = trained(first_order("auto"), tmp_path / "run")
    assert trainer.effective_config()["stages"][0]["precision"].startswith("amp-")
    assert trainer.effective_config()["stages"][0]["warmup"]["precision"].startswith("amp-")


def test_fp16_that_overflows_goes_on_in_float64_and_says_so(tmp_path):
    trainer, said = trained(overflowing("cuda"), tmp_path / "run")
    assert "the loss stopped being finite in amp-fp16; going on in float64" in said
    assert trainer.effective_config()["stages"][0]["precision"] == "float64"
    assert math.isfinite(curve(tmp_path / "run")["loss"][-1])


def test_the_memory_of_the_device_is_in_the_history(tmp_path):
    train(first_order("amp-bf16"), tmp_path / "run")
    memory = curve(tmp_path / "run", names=("device_memory_mb",))["device_memory_mb"]
    assert np.isfinite(memory).all()
    assert (memory > 0).all()


def rounding(solution):
    """Most that a field may differ between two machines: a few units in the last place of what the last layers sum.

    Features that are nearly dependent get weights of 1e7 and more, whose terms cancel: each order of adding them errs.
    """
    summed = sum(
        epsilon * float(network.layers[-1].weight.detach().abs().sum(1).max())
        for network, epsilon in zip(solution.networks, solution.epsilons, strict=True)
    )
    return 4 * torch.finfo(torch.float64).eps * summed


def test_a_checkpoint_from_the_device_is_read_without_it(tmp_path):
    outcome = train(on("cuda", small()), tmp_path / "run")
    there = outcome.solution.to("cuda")
    here = checkpoints.load(tmp_path / "run" / "checkpoints" / "last.pt").solution
    assert all(p.device.type == "cpu" and p.dtype == torch.float64 for p in here.parameters())
    points = np.random.default_rng(0).random((500, 2))
    # the boundary's factor of the ansatz is at most 1
    np.testing.assert_allclose(here.evaluate(points)["u"], there.evaluate(points)["u"], rtol=0, atol=rounding(here))


@pytest.mark.parametrize("precision", ["float64", "float32", "amp-bf16"])
def test_a_recorded_step_repeats_the_step(precision):
    how = ARITHMETICS[precision]

    def losses(recorded):
        system = objective(points=100, device="cuda", dtype=how.dtype)
        taken = AdamStep(system, how, Adam(system.parameters(), 1e-2))
        if recorded:
            taken.record()
        return torch.stack([taken(1e-2 * 0.99**k).loss() for k in range(50)])

    singly, replayed = losses(False), losses(True)
    assert replayed[-1] < 0.5 * replayed[0]
    torch.testing.assert_close(replayed, singly, rtol=1e-10 if precision == "float64" else 5e-2, atol=0)


@pytest.mark.parametrize("preset", ["poisson2d", "burgers-profile"])
def test_the_trainer_replays_recorded_steps_and_resumes_them(tmp_path, monkeypatch, preset):
    adam = ("stages.0.optimizer={kind: adam}", "stages.0.iterations=150", "stages.0.precision=float64")
    config = on("cuda", small(*adam, preset=preset))
    config = config.model_copy(update={"stages": config.stages[:1]})
    _, said = trained(config, tmp_path / "recorded")
    assert not [line for line in said if "recording them failed" in line]
    seen = iter(range(10_000))
    train(config, tmp_path / "broken", wanted=lambda: "pause" if next(seen) == 120 else None)
    train(config, tmp_path / "broken", resume=True)
    monkeypatch.setattr(step, "RECORDS_ON", "")
    train(config, tmp_path / "singly")
    singly = curve(tmp_path / "singly")["loss"]
    for name in ("recorded", "broken"):
        np.testing.assert_allclose(curve(tmp_path / name)["loss"], singly, rtol=1e-4)


def test_recorded_steps_and_their_history_wait_for_the_device_once_a_flush(tmp_path):
    system = objective(points=100, device="cuda")
    recorded = AdamStep(system, ARITHMETICS["float64"], Adam(system.parameters(), 1e-2))
    recorded.record()
    history = HistoryWriter(tmp_path / "history.arrows", ("poisson",))
    history.flush()  # the first row is not kept back
    history.INTERVAL = math.inf
    torch.cuda.set_sync_debug_mode("error")  # from here on torch raises where the host would wait
    try:
        for k in range(100):
            seen = recorded(1e-2)
            history.append(iteration=k + 1, stage=0, phase=1, loss=seen.loss(), max_residual=seen.maximum())
    finally:
        torch.cuda.set_sync_debug_mode("default")
    history.close()
    loss = read_history(tmp_path / "history.arrows").columns["loss"]
    assert len(loss) == 100
    assert loss[-1] < loss[0]
