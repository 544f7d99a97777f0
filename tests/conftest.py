"""Every test gets a lab home of its own; nothing touches the developer's."""

import os

import pytest

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")


@pytest.fixture(autouse=True)
def lab_home(tmp_path, monkeypatch):
    """A fresh LAB_HOME."""
    folder = tmp_path / "lab"
    monkeypatch.setenv("LAB_HOME", str(folder))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return folder
