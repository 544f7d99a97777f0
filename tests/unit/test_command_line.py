"""The command line's way in: light, and one line for what a person can put right."""

import subprocess
import sys

from core.errors import LabError

HEAVY = {"numpy", "pydantic", "torch", "mlflow", "sqlalchemy"}


def test_what_lists_commands_is_light():
    code = "import sys, core.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "core.cli.training" in loaded
    assert not HEAVY & set(loaded)


def test_an_error_is_one_line_and_exit_code_2(command_line, monkeypatch):
    def refuse(name):
        raise LabError(f"{name} can't be\nread.")

    monkeypatch.setattr("core.presets.resolve", refuse)
    done = command_line("train", "x.yaml")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "error: x.yaml can't be read.\n")


def test_an_unknown_command_is_named(command_line):
    done = command_line("fly")
    assert done.returncode == 2
    assert "fly" in done.stderr
