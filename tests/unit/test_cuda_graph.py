"""The step that is recorded on a GPU, run here kernel by kernel: it is Adam's, and says what a history asks."""

import pytest
import torch

from core.optimizers.adam import Adam
from core.problems.beltrami import Beltrami
from core.problems.burgers_profile import BurgersProfile
from core.problems.poisson2d import Poisson2D
from core.training import step
from core.training.arithmetic import ARITHMETICS
from core.training.cuda_graph import AdamStep
from tests.training import objective


@pytest.mark.parametrize("problem", [Poisson2D(), Beltrami()], ids=lambda problem: problem.kind)
def test_the_step_is_adams_and_hands_its_state_back(problem):
    ours, theirs = objective(problem, points=40), objective(problem, points=40)
    taken, adam = Adam(ours.parameters(), 1e-2), Adam(theirs.parameters(), 1e-2)
    rates = [1e-2 * 0.9**k for k in range(18)]

    def by_adam(system, optimizer, rate):
        optimizer.learning_rate = rate
        optimizer.forget_gradients()
        residuals = system.residuals()
        residuals.loss().backward()
        optimizer.step()
        return residuals

    for rate in rates[:6]:  # begun by Adam, gone on with by the step, ended by Adam again
        by_adam(ours, taken, rate)
        by_adam(theirs, adam, rate)
    graphed = AdamStep(ours, ARITHMETICS["float64"], taken)
    for rate in rates[6:12]:
        seen, residuals = graphed(rate), by_adam(theirs, adam, rate)
        torch.testing.assert_close(seen.loss(), residuals.loss().detach(), rtol=1e-11, atol=0)
        torch.testing.assert_close(seen.maximum(), residuals.maximum(), rtol=1e-11, atol=0)
        torch.testing.assert_close(seen.rms(), residuals.rms(), rtol=1e-11, atol=0)
        assert seen.rms_by_name().keys() == residuals.rms_by_name().keys()
    assert graphed.state()["steps"] == 12
    taken.restore(graphed.state())
    for rate in rates[12:]:
        by_adam(ours, taken, rate)
        by_adam(theirs, adam, rate)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-9, atol=1e-12)


def test_figures_of_a_step_stay_when_the_next_overwrites_its_buffers():
    system = objective(points=40)
    taken = AdamStep(system, ARITHMETICS["float64"], Adam(system.parameters(), 1e-2))
    first = taken(1e-2)
    before = float(first.loss())
    assert float(taken(1e-2).loss()) != before
    assert float(first.loss()) == before


def test_a_frozen_lambda_rests():
    system = objective(BurgersProfile(), points=40)
    lam = system.solution.lam.requires_grad_(False)
    taken = AdamStep(system, ARITHMETICS["float64"], Adam([*system.parameters(), lam], 1e-2))
    losses = [float(taken(1e-2).loss()) for _ in range(20)]
    assert losses[-1] < losses[0]
    assert float(lam) == system.solution.problem.lambda_start()


def test_what_needs_a_scaler_is_refused_and_never_tried(monkeypatch):
    system = objective(points=10, dtype=torch.float32)
    with pytest.raises(ValueError, match="amp-fp16 needs a GradScaler"):
        AdamStep(system, ARITHMETICS["amp-fp16"], Adam(system.parameters(), 1e-2))
    monkeypatch.setattr(step, "RECORDS_ON", "cpu")
    taken = step.FirstOrderStep(
        Adam(system.parameters(), 1e-2), ARITHMETICS["amp-fp16"], torch.device("cpu"), 1000, pytest.fail
    )
    losses = [float(taken(system, 1e-2).loss().detach()) for _ in range(10)]
    assert losses[-1] < losses[0]
