"""The command line's way in: light, and one line for what a person can put right."""

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.cli.output import check_writable, write_json
from core.errors import LabError, RunNotFoundError
from core.plain_text import LONGEST, has_control
from core.presets import presets

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


ODD = ("\x1b[31mred", "a\nb", "\u202eevil", "\udcff", "x" * 5000, "-", " ", "../..", "/", "~", "*", "%s", "{}")
COMMANDS = (
    "events",
    "delete",
    "restore",
    "status",
    "stop",
    "pause",
    "resume",
    "retry",
    "logs",
    "certificate",
    "replay",
    "train",
    "submit",
    "dataset",
    "hold",
    "release",
    "remove",
    "duplicate",
    "engines",
)


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_whatever_is_typed_is_answered_in_a_line(command_line, odd, monkeypatch):
    monkeypatch.setattr("core.tracking.store.heads", list)
    monkeypatch.setattr("core.tracking.store.stored_config", missing)
    monkeypatch.setattr("core.jobs.queue", list)
    tried = [(command, odd) for command in COMMANDS]
    tried += [("train", "poisson2d-quick", "--set", odd), ("train", "poisson2d-quick", "--set", f"name.x={odd}")]
    tried += [
        ("submit", "poisson2d-quick", "--vary", odd),
        ("submit", "poisson2d-quick", "--vary", f"name={odd},{odd}"),
    ]
    tried += [("submit", "poisson2d-quick", "--after", odd), ("move", odd, "1"), ("move", odd, "--before", odd)]
    tried += [("priority", odd, "1"), ("edit", odd, "--set", odd), ("edit", odd, "--after", odd)]
    tried += [("submit", "poisson2d-quick", "--engine", odd), ("send", odd, "local"), ("send", "0" * 32, odd)]
    tried += [("export", odd, "-o", odd), ("report", odd, "-o", "/nowhere/x.md")]
    for arguments in tried:
        done = command_line(*arguments)
        assert done.returncode == 2, (arguments, done)
        assert "Traceback" not in done.stderr and "defect" not in done.stderr
        said = done.stdout + done.stderr
        assert not has_control(said.replace("\n", "")), arguments
        assert len(said) < 3 * LONGEST, arguments
        assert sum(line.startswith(("error:", "Error:")) for line in said.splitlines()) == 1, arguments


def test_what_is_looked_for_in_the_store_is_a_text(command_line):
    done = command_line("best", "--metric", "\udcff")
    assert (done.returncode, done.stderr) == (
        2,
        "error: The rule's '\\udcff' holds characters that are none to read.\n",
    )


def test_a_negative_priority_is_a_number_and_no_option(command_line):
    run = "0" * 32
    for tried in (("priority", run, "-5"), ("move", run, "first")):
        assert "There is no run" in command_line(*tried).stderr
    assert "'-1' is no place in the queue" in command_line("move", run, "-1").stderr


def test_an_edit_ignores_nothing_that_was_typed(command_line):
    for option in ("--after-any", "--from-after"):
        done = command_line("edit", "0" * 32, "--set", "seed=1", option)
        assert (done.returncode, done.stderr) == (2, "error: --after-any and --from-after go with --after RUN.\n")


def missing(folder):
    raise RunNotFoundError(folder.run_id)


@pytest.mark.parametrize("place", ["folder", "nowhere/x.json", "folder/file/x.json", "x" * 300])
def test_where_nothing_can_be_written_is_said_before_anything_is_trained(command_line, tmp_path, monkeypatch, place):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()
    monkeypatch.setattr("core.jobs.begin_here", lambda *_, **__: pytest.fail("trained"))
    done = command_line("train", "poisson2d-quick", "--json", str(tmp_path / place))
    assert done.returncode == 2
    assert "can't be written" in done.stderr and len(done.stderr.splitlines()) == 1
    done = command_line("export", "0" * 32, "-o", str(tmp_path / place))
    assert "can't be written" in done.stderr


def test_trying_whether_a_file_can_be_written_leaves_it_as_it_was(tmp_path):
    check_writable(tmp_path / "new")
    assert not (tmp_path / "new").exists()
    (tmp_path / "old").write_text("kept")
    check_writable(tmp_path / "old")
    assert (tmp_path / "old").read_text() == "kept"


def test_what_is_not_finite_is_null_in_json_with_a_reason(tmp_path):
    write_json(tmp_path / "out.json", {"a": math.nan, "b": [1.0, {"c": math.inf}], "d": -math.inf, "e": 2.0})
    text = (tmp_path / "out.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == {
        "a": None,
        "b": [1.0, {"c": None}],
        "d": None,
        "e": 2.0,
        "not_finite": {"a": "not a number", "b.1.c": "infinite", "d": "minus infinite"},
    }


def test_a_defect_is_one_line_and_a_file(command_line, monkeypatch, lab_home):
    def broken(name):
        raise ZeroDivisionError("http://lab:hunter22@h \x1b[2J")

    monkeypatch.setattr("core.presets.resolve", broken)
    done = command_line("train", "x")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ZeroDivisionError: http://***@h \\x1b[2J. This is a defect")
    (kept,) = (lab_home / "tracebacks").iterdir()
    assert str(kept) in line
    assert "Traceback (most recent call last)" in kept.read_text() and "hunter22" not in kept.read_text()


def shell(command, **environment):
    done = subprocess.run(
        ["bash", "-c", command.replace("CORE", f"{sys.executable} -m core")],
        capture_output=True,
        cwd=Path(__file__).parents[2],
        env=os.environ | environment,
    )
    return done.returncode, done.stdout, done.stderr


def test_readers_that_leave_and_narrow_terminals_end_nothing():
    code, out, err = shell("set -o pipefail; CORE presets | head -1; CORE problems >&-; CORE presets > /dev/full")
    assert (code, err) == (0, b"")
    assert out.startswith(next(iter(presets())).encode())
    code, out, err = shell("CORE presets", PYTHONIOENCODING="ascii")
    assert (code, err) == (0, b"")
    assert b"\\u03bb" in out
    assert shell("CORE train --help", COLUMNS="20", TERM="dumb")[0] == 0


EVIL = {
    "exits": "raise SystemExit(3)",
    "interrupts": "raise KeyboardInterrupt",
    "raises_its_own": "class E(BaseException): pass\nraise E('x')",
    "recurses": "def f(): f()\nf()",
    "prints": "print('x' * 3_000_000)\nraise ValueError('\\x1b[31m' + 'y' * 3_000_000)",
    "raises_without_words": "class E(Exception):\n    def __str__(self): raise SystemExit\nraise E",
    "hides": "class Meta(type):\n def __getattribute__(cls, name): raise SystemExit\nclass X(metaclass=Meta): pass",
    "is_no_python": "\\x00\\x01 this is (",
}


def test_a_problems_file_can_do_no_more_than_be_refused(tmp_path):
    for name, text in EVIL.items():
        (tmp_path / f"{name}.py").write_text(text)
    others = [str(tmp_path / "none.py"), "~nobody-there/x.py", str(tmp_path / "no-python.txt")]
    (tmp_path / "no-python.txt").write_text("x")
    code, out, err = shell("CORE problems", LAB_PROBLEMS=os.pathsep.join([str(tmp_path), *others]))
    assert code == 0
    assert out.decode().splitlines()[0].startswith("poisson2d")
    told = [line for line in err.decode().splitlines() if line.startswith("problem not loaded:")]
    assert len(told) == len(EVIL) + len(others)
    assert all(any(name in line for line in told) for name in EVIL)
    assert len(err) < 15_000 and b"\x1b" not in err and b"Traceback" not in err


def test_commands_print_through_one_function():
    folder = Path(__file__).parents[2] / "core" / "cli"
    bare = [
        f"{path.name}: {line.strip()}"
        for path in folder.glob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if re.search(r"(?<![\w.])print\(", line) and path.name != "output.py"
    ]
    assert bare == []
