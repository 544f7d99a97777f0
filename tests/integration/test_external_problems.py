"""Problems from files outside the package: found, refused with a reason, trained, and failing clearly."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.home import home

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "cubic_poisson.py"
CONFIG = {
    "problem": {"kind": "cubic_poisson"},
    "stages": [
        {
            "fourier": {"features": 150, "sigma": [6.0, 9.0]},
            "optimizer": {"kind": "gauss_newton", "damping": 1e-8, "minimum_damping": 1e-32},
            "iterations": 15,
            "collocation": {"points": 700, "sampler": "chebyshev"},
        }
    ],
}


def core(*arguments, problems):
    environment = os.environ | {"LAB_PROBLEMS": os.pathsep.join(map(str, problems))}
    command = [sys.executable, "-m", "core", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def written(folder, text, name="mine.py"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))
    return path


def test_the_worked_example_trains_and_keeps_its_source(tmp_path, config):
    out = tmp_path / "out.json"
    done = core("train", str(config), "--json", str(out), problems=[EXAMPLE])
    assert done.returncode == 0, done.stderr
    result = json.loads(out.read_text())
    assert result["relative_l2_error"] < 1e-6
    folder = home().run_dir(result["run_id"])
    assert (folder / "problem.py").read_bytes() == EXAMPLE.read_bytes()
    assert "problem.sha256" in (folder / "summary.md").read_text()


def test_problems_are_listed_with_their_parameters(tmp_path):
    done = core("problems", problems=[EXAMPLE.parent])
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("cubic_poisson"))
    assert "Poisson with a cubic term" in line
    assert "strength" in line
    assert str(EXAMPLE) in line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def (", ["SyntaxError"]),
        ("raise RuntimeError('no licence')", ["RuntimeError: no licence"]),
        ("x = 1", ["defines no problem"]),
        (EXAMPLE.read_text().replace('cubic_poisson"', 'poisson2d"'), ["CubicPoisson", "'poisson2d'", "this package"]),
        (EXAMPLE.read_text().replace("    def domain(self)", "    def area(self)"), ["CubicPoisson lacks domain"]),
        (EXAMPLE.read_text().replace("    title: ClassVar", "    heading: ClassVar"), ["CubicPoisson lacks title"]),
    ],
)
def test_what_can_not_be_loaded_is_named_and_the_rest_loads(tmp_path, text, words):
    bad = written(tmp_path, text)
    done = core("problems", problems=[bad, EXAMPLE, tmp_path / "missing.py"])
    assert done.returncode == 0, done.stderr
    assert any(line.startswith("cubic_poisson") for line in done.stdout.splitlines())
    first, second = done.stderr.splitlines()
    assert first.startswith(f"problem not loaded: {bad}")
    for word in words:
        assert word in first
    assert "missing.py" in second
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"cubic": (-v', '"cubic": 1 / 0 * (-v', ["residuals of the problem cubic_poisson", "ZeroDivisionError"]),
        ('{"u": walls * raw[0]}', '{"w": walls * raw[0]}', ["ansatz of the problem", "it gives no u"]),
        ("- forcing) / scale}", "- forcing)[:, None]}", ["residuals of the problem", "shape", "should have"]),
        ('return {"cubic": (', 'return {"quartic": (', ["quartic is not in residual_names"]),
        ("** 3 - forcing", "** 3 - forcing / 0", ["NaN or infinite"]),
        ("walls = 16", "walls = x[7]", ["ansatz of the problem", "IndexError"]),
    ],
)
def test_a_problem_that_fails_ends_its_run_with_one_sentence(tmp_path, config, old, new, words):
    text = EXAMPLE.read_text().replace("**3 - forcing", "** 3 - forcing")
    assert old in text
    mine = written(tmp_path, text.replace(old, new))
    done = core("train", str(config), problems=[mine])
    assert done.returncode == 1, done.stdout + done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ")
    for word in words:
        assert word in last
    listed = core("status", problems=[mine])
    assert "failed" in listed.stdout


def test_a_run_whose_problem_is_gone_is_named(tmp_path, config):
    done = core("train", str(config), problems=[])
    assert done.returncode == 2
    assert "cubic_poisson" in done.stderr
    assert "LAB_PROBLEMS" in done.stderr
