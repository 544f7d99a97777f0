"""No browser paints here, so nothing has to wait for one."""

import pytest

from pages.parts.compare import first_paint


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    """Pages send everything at once."""
    monkeypatch.setattr(first_paint, "PAUSE_S", 0.0)
