"""Problems from files outside the package: found, refused with a reason, trained, and failing clearly."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core import jobs
from core.home import home
from core.names import history_column
from core.runs.history import read_history
from core.tracking import store
from core.tracking.search import search

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


def python(*arguments, problems):
    environment = os.environ | {"LAB_PROBLEMS": os.pathsep.join(map(str, problems))}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def core(*arguments, problems):
    return python("-m", "core", *arguments, problems=problems)


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


UNUSABLE = [
    ("def (", ["SyntaxError"]),
    ("raise RuntimeError('no licence')", ["RuntimeError: no licence"]),
    ("x = 1", ["defines no problem"]),
    (EXAMPLE.read_text().replace('cubic_poisson"', 'poisson2d"'), ["CubicPoisson", "'poisson2d'", "this package"]),
    (EXAMPLE.read_text().replace("    def domain(self)", "    def area(self)"), ["CubicPoisson lacks domain"]),
    (EXAMPLE.read_text().replace("    title: ClassVar", "    heading: ClassVar"), ["CubicPoisson lacks title"]),
    (EXAMPLE.read_text().replace('("u",)', '("u", "")'), ["CubicPoisson", "fields: '' is empty"]),
    (EXAMPLE.read_text().replace('("cubic",)', '("a\\nb",)'), ["residual_names", "control character"]),
    (EXAMPLE.read_text().replace('("x", "y")', '("x", "x")'), ["coordinates: 'x' stands there twice"]),
    (EXAMPLE.read_text().replace("    strength: float", "    outputs: float"), ["parameter outputs", "rename it"]),
    (EXAMPLE.read_text().replace("laplacian(2)", "((0, 0, 0, 0, 0, 1.0),)"), ["laplacian", "order 5", "order 2 to 4"]),
    (EXAMPLE.read_text().replace("laplacian(2)", "((0, 0),)"), ["laplacian", "order 1"]),
]


def test_what_can_not_be_loaded_is_named_and_the_rest_loads(tmp_path):
    bad = [written(tmp_path, text, f"bad_{k}.py") for k, (text, _) in enumerate(UNUSABLE)]
    done = core("problems", problems=[*bad, EXAMPLE, tmp_path / "missing.py"])
    assert done.returncode == 0, done.stderr
    assert any(line.startswith("cubic_poisson") for line in done.stdout.splitlines())
    *lines, last = done.stderr.splitlines()
    for line, path, (_, words) in zip(lines, bad, UNUSABLE, strict=True):
        assert line.startswith(f"problem not loaded: {path}")
        assert [word for word in words if word not in line] == []
    assert "missing.py" in last
    assert "Traceback" not in done.stderr


HOSTILE = """
from typing import ClassVar, Literal
from pydantic import Field
from core.problems.base import Problem

class Hostile(Problem):
    kind: Literal["hostile"] = "hostile"
    Re: float = 1.0
    viscosity: float = Field(2.0, alias="ν(x)")
    title: ClassVar[str] = "Taylor–Green <b>$x_$ & co"
    equation: ClassVar[str] = "u = 0"
    coordinates: ClassVar = ("lambda", "<y> &")
    fields: ClassVar = ("u v", "residual_loss", "u v_exact")
    residual_names: ClassVar = ("loss", "residual", "momentum(x)", "∇·u", "R", "r", "x" * 300)

    def domain(self):
        return ((0.0, 1.0), (0.0, 1.0))

    def ansatz(self, raw, x, lam):
        return dict(zip(self.fields, raw))

    def residuals(self, points, u, x, lam):
        first = u["u v"].value
        return {name: first - k for k, name in enumerate(self.residual_names)}
"""
EXPORT_EACH = """
import sys
from pathlib import Path
from core.runs import run_folder
from core.solution import reading
from core.solution.export import FORMATS, export
from core.solution.sample import sample
grid = sample(run_folder(sys.argv[1]), 5)
for suffix in FORMATS:
    path = Path(sys.argv[2]) / f"s.{suffix}"
    export(grid, path)
    found, table = reading.point_data(path)
    assert {table.get(name, name) for name in found} == set(grid.values), suffix
print(len(grid.names.residuals), round(grid.accuracy().max_residual))
"""


def test_no_name_of_a_problem_or_a_run_decides_its_fate(tmp_path):
    """In one process each: training, where a name used to end a trained run, and exports."""
    problem = written(tmp_path, HOSTILE, "hostile.py")
    stage = {"optimizer": {"kind": "gauss_newton"}, "iterations": 3, "collocation": {"points": 40}}
    config = {"name": "$\\foo$ $x_$ a/b", "problem": {"kind": "hostile"}, "network": {"hidden": [4]}, "stages": [stage]}
    out = tmp_path / "out.json"
    done = core("train", str(written(tmp_path, json.dumps(config), "c.json")), "--json", str(out), problems=[problem])
    assert done.returncode == 0, done.stderr
    run_id = json.loads(out.read_text())["run_id"]
    record = store.get_run(run_id)
    assert record.state == "finished"
    assert record.name == config["name"]

    equations = ("loss", "residual", "momentum(x)", "∇·u", "R", "r", "x" * 300)
    columns = [history_column(name) for name in equations]
    assert set(columns) <= {*record.metrics}
    assert record.params["problem.ν(x)"] == "2.0"
    assert record.params["problem.Re"] == "1.0"
    history = read_history(home().run_dir(run_id) / "history.arrows").columns
    curves = store.metric_history(run_id)
    for name in columns:
        assert curves[name][2][-1] == history[name][-1] == store.values(name, "last")[run_id][0]
        assert store.values(name, "min")[run_id][0] == history[name].min()
    assert set(columns) <= set(store.metric_names())
    assert history["rms_R"][-1] != history["rms_r"][-1]
    raw = store.client().get_run(run_id).data
    assert len({key.casefold() for key in raw.metrics}) == len(raw.metrics) == len(record.metrics)
    assert [found.run_id for found in search(store.runs(), "metrics.`rms_momentum(x)` < 9")] == [run_id]

    done = python("-c", EXPORT_EACH, run_id, str(tmp_path), problems=[problem])
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == str(len(equations))


FAILURES = [
    ('"cubic": (-v', '"cubic": 1 / 0 * (-v', ["residuals of the problem cubic_0", "ZeroDivisionError"]),
    ('{"u": walls * raw[0]}', '{"w": walls * raw[0]}', ["ansatz of the problem", "it gives no u"]),
    ("- forcing) / scale}", "- forcing)[:, None]}", ["residuals of the problem", "shape", "should have"]),
    ('return {"cubic": (', 'return {"quartic": (', ["quartic is not in residual_names"]),
    ("** 3 - forcing", "** 3 - forcing / 0", ["NaN or infinite"]),
    ("walls = 16", "walls = x[7]", ["ansatz of the problem", "IndexError"]),
    ("walls * raw[0]}", "walls * (raw[0] * 0)}", ["No trained parameter changes the residuals", "Jacobian is zero"]),
]
TRAIN_EACH = """
import contextlib, io, json, sys
from core.cli import main
ends = []
for config in sys.argv[1:]:
    sys.argv = ["core", "train", config]
    with contextlib.redirect_stderr(io.StringIO()) as said:
        try:
            main()
        except SystemExit as ended:
            ends.append([ended.code, said.getvalue()])
print(json.dumps(ends))
"""


def test_a_problem_that_fails_ends_its_run_with_one_sentence(tmp_path):
    text = EXAMPLE.read_text().replace("**3 - forcing", "** 3 - forcing")
    problems, configs = [], []
    for k, (old, new, _) in enumerate(FAILURES):
        assert old in text
        mine = text.replace(old, new).replace('cubic_poisson"', f'cubic_{k}"')
        problems.append(written(tmp_path, mine, f"cubic_{k}.py"))
        configs.append(str(written(tmp_path, json.dumps(CONFIG | {"problem": {"kind": f"cubic_{k}"}}), f"{k}.json")))
    done = python("-c", TRAIN_EACH, *configs, problems=problems)
    assert done.returncode == 0, done.stderr
    ends = json.loads(done.stdout.splitlines()[-1])
    found = {job.problem: job for job in jobs.queue()}
    assert len(ends) == len(found) == len(FAILURES)
    for k, ((code, said), (_, _, words)) in enumerate(zip(ends, FAILURES, strict=True)):
        last = said.strip().splitlines()[-1]
        assert code == 1
        assert last.startswith("error: ")
        assert [word for word in words if word not in last] == []
        job = found[f"cubic_{k}"]
        assert job.state == store.get_run(job.run_id).state == "failed"
        assert job.reason == last.removeprefix("error: ")
        assert "Traceback" in said


LAUNCH = """
import json
from core.config import override
from core.presets import resolve
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("app.py", default_timeout=120).run()
problem = next(item for item in app.selectbox if item.label == "Problem")
offered = [option for option in problem.options if "cubic" in option]
problem.set_value("cubic_poisson").run()
field = next(item for item in app.text_input if item.label == "Strength c")
field.set_value("2.5").run()
expected = override(resolve("poisson2d-quick"), ["problem={kind: cubic_poisson, strength: 2.5}"])
print(json.dumps({
    "offered": offered,
    "failed": [str(item.value) for item in [*app.exception, *app.error]],
    "in the config": expected.hash.startswith(app.code[0].value),
    "ready": not next(item for item in app.button if item.label == "Launch").disabled,
}))
"""


@pytest.mark.parametrize("how", ["file", "entry point"])
def test_the_launch_page_offers_it_with_its_parameters(tmp_path, how):
    """In a process of its own: problems join the catalogue when the program starts."""
    if how == "file":
        environment = os.environ | {"LAB_PROBLEMS": str(EXAMPLE)}
    else:  # what pip makes of a package with  [project.entry-points."singularity_lab.problems"]
        package = tmp_path / "site"
        installed = package / "cubic-1.0.dist-info"
        installed.mkdir(parents=True)
        (package / "cubic.py").write_bytes(EXAMPLE.read_bytes())
        (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: cubic\nVersion: 1.0\n")
        (installed / "entry_points.txt").write_text(
            "[singularity_lab.problems]\ncubic = cubic:CubicPoisson\nbroken = cubic:Absent\n"
        )
        environment = os.environ | {"PYTHONPATH": str(package), "LAB_PROBLEMS": ""}
        listed = subprocess.run(
            [sys.executable, "-m", "core", "problems"], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        assert any(line.startswith("cubic_poisson") and "strength" in line for line in listed.stdout.splitlines())
        assert listed.stderr.startswith("problem not loaded: entry point broken: AttributeError")
    command = [sys.executable, "-c", LAUNCH]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout.splitlines()[-1])
    assert shown.pop("offered") == ["Poisson with a cubic term"]
    assert shown == {"failed": [], "in the config": True, "ready": True}


def test_a_run_whose_problem_is_gone_is_named(tmp_path, config):
    done = core("train", str(config), problems=[])
    assert done.returncode == 2
    assert "cubic_poisson" in done.stderr
    assert "LAB_PROBLEMS" in done.stderr
