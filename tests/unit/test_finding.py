"""What polynomials leave to be found: mirror images and steep layers, found by trying, kept, replayed and resumed."""

import numpy as np
import pytest
import torch

from core.config import parse_config
from core.errors import ConfigError
from core.presets import resolve
from core.presets.plan import plan
from tests.training import curve, trainer_of


def front(nu=0.02, **stage):
    """A steady front of Burgers' equation, −tanh(x/2ν), which 20 polynomials of x can't hold."""
    return one_of("u*u_x = nu*u_xx", "-tanh(x/(2*nu))", (-1, 1), {"nu": nu}, **stage)


def layer(distance, domain):
    """What decays by 1/R beside an end of a range, likewise."""
    exact = f"exp(-R*({distance}))"
    return one_of(f"u_xx/R^2 = u + u^3 - {exact}^3", exact, domain, {"R": 2000})


def one_of(equation, exact, domain, parameters, **stage):
    """An equation of x whose solution is known, and 20 polynomials for it."""
    return parse_config(
        {
            "problem": {
                "kind": "equation",
                "coordinates": {"x": list(domain)},
                "fields": ["u"],
                "parameters": parameters,
                "equations": [equation],
                "conditions": [{"on": "boundary", "that": f"u = {exact}"}],
                "exact": {"u": exact},
            },
            "stages": [
                {
                    "chebyshev": {"degrees": [20], "parity": "found", "layers": "found"},
                    "optimizer": {"kind": "gauss_newton", "damping": 1e-8, "minimum_damping": 1e-32},
                    "iterations": 30,
                    "collocation": {"points": 24, "sampler": "gauss"},
                }
                | stage
            ],
        }
    )


def error(outcome):
    x = np.linspace(*outcome.config.problem.domain()[0], 1001)[:, None]
    problem = outcome.config.problem
    found, exact = outcome.solution.evaluate(x)["u"], problem.exact(x)["u"]
    return np.linalg.norm(found - exact) / np.linalg.norm(exact)


def test_a_front_in_the_middle_is_found_by_odd_polynomials_of_its_layer(tmp_path):
    trainer, outcome, said = trainer_of(front(), tmp_path / "run")
    found = outcome.config.stages[0].chebyshev
    assert found.parity == ("odd",)
    assert 0.005 < found.layers[0] <= 0.1
    assert error(outcome) < 1e-4
    assert "polynomials odd in x: the equations are their own mirror images" in said
    assert trainer.effective_config()["stages"][0]["chebyshev"] == found.model_dump(mode="json")
    without = front(chebyshev={"degrees": [20], "parity": ["odd"]})
    assert error(trainer_of(without, tmp_path / "without")[1]) > 1e-2


@pytest.mark.parametrize(("distance", "domain", "end"), [("x - 1", (1, 2), 1), ("3 - x", (0, 3), -1)])
def test_one_beside_an_end_is_found_there(tmp_path, distance, domain, end):
    _, outcome, said = trainer_of(layer(distance, domain), tmp_path / "run")
    found = outcome.config.stages[0].chebyshev
    assert found.parity is None
    assert found.layers is not None, said
    assert found.layers[0] * end > 0
    assert error(outcome) < 1e-2


def test_what_is_smooth_is_tried_once_and_has_none(tmp_path):
    _, outcome, said = trainer_of(front(nu=0.5), tmp_path / "run")
    assert outcome.config.stages[0].chebyshev.layers is None
    assert sum("leave" in line for line in said) == 1
    assert error(outcome) < 1e-12


def test_what_was_found_trains_again_bit_by_bit_and_a_run_goes_on_from_its_middle(tmp_path):
    trainer, outcome, _ = trainer_of(front(), tmp_path / "whole")
    effective = trainer.effective_config()
    again, other, said = trainer_of(parse_config(effective), tmp_path / "again")
    assert not any("leave" in line for line in said)
    assert again.effective_config() == effective
    asked = 0

    def wanted():
        nonlocal asked
        asked += 1
        return "pause" if asked == ends else None

    counted = []
    trainer_of(front(), tmp_path / "count", lambda: counted.append(1))
    ends = len(counted) - 2
    assert trainer_of(front(), tmp_path / "run", wanted)[1].wanted == "pause"
    resumed, third, said = trainer_of(front(), tmp_path / "run", resume=True)
    assert not any("leave" in line for line in said), "nothing is looked for twice"
    assert resumed.effective_config() == effective
    for each in (other, third):
        for a, b in zip(outcome.solution.parameters(), each.solution.parameters(), strict=True):
            assert torch.equal(a, b)
    np.testing.assert_array_equal(curve(tmp_path / "run")["loss"], curve(tmp_path / "whole")["loss"])


def test_one_that_is_interrupted_while_it_looks_looks_again(tmp_path):
    asked = []

    def wanted():
        asked.append(1)
        return "pause" if len(asked) == 30 else None

    _, outcome, said = trainer_of(front(), tmp_path / "run", wanted)
    assert outcome.wanted == "pause"
    assert sum("leave" in line for line in said) == 1
    _, outcome, said = trainer_of(front(), tmp_path / "run", resume=True)
    assert sum("leave" in line for line in said) > 2
    assert error(outcome) < 1e-4


def test_burgers_as_text_is_planned_so():
    (stage,) = plan(resolve("typed-burgers").problem).stages
    assert stage.chebyshev.parity == stage.chebyshev.layers == "found"
    assert stage.collocation.sampler == "gauss"


def test_a_run_in_windows_has_nothing_found_in_each():
    data = resolve("typed-allen-cahn").model_dump(mode="json", by_alias=True)
    data["stages"][0]["chebyshev"] |= {"parity": "found", "layers": None}
    with pytest.raises(ConfigError, match=r"stages.0.chebyshev: `found` is for a run that is trained once.* windows"):
        parse_config(data)
