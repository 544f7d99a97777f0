"""What accuracy tests share: `python -m core train`, in this process."""

import json

import pytest


@pytest.fixture
def train(command_line, tmp_path):
    """Train a preset with settings as a user does; returns what `--json` says of the run."""

    def run(name, *settings):
        out = tmp_path / "out.json"
        done = command_line("train", name, "--json", str(out), *(f"--set={setting}" for setting in settings))
        assert done.returncode == 0, done.stderr
        return json.loads(out.read_text())

    return run
