"""A front that nobody pointed at: Burgers' equation as plain text, by the automatic plan."""

import numpy as np
import pytest

from core.presets import resolve
from core.problems.burgers_viscous import BurgersViscous
from tests.training import train

pytestmark = pytest.mark.accuracy

TEXT = """
name: burgers
growth: {target: 1.0e-3}
problem:
  kind: equation
  coordinates: {x: [-1, 1], t: [0, 1]}
  time: t
  fields: [u]
  parameters: {nu: 0.01/pi}
  equations: [u_t + u*u_x = nu*u_xx]
  conditions:
    - {"on": t = 0, that: u = -sin(pi*x)}
    - {"on": boundary, that: u = 0}
"""


@pytest.mark.proof
def test_a_steep_front_is_found_by_the_plan(tmp_path):
    (tmp_path / "burgers.yaml").write_text(TEXT)
    config = resolve(str(tmp_path / "burgers.yaml"))
    outcome = train(config, tmp_path / "run")
    assert outcome.config.stages[0].chebyshev.parity == ("odd", "all")
    assert outcome.config.stages[0].chebyshev.layers[0] <= 0.1
    x, t = np.meshgrid(np.linspace(-1, 1, 401), np.linspace(0, 1, 21), indexing="ij")
    points = np.column_stack([x.ravel(), t.ravel()])
    exact = BurgersViscous().exact(points)["u"]
    off = outcome.solution.evaluate(points)["u"] - exact
    assert np.linalg.norm(off) < 1e-4 * np.linalg.norm(exact)
