"""Training stands alone: in an environment with torch and numbers, and no store, browser or command line."""

import json
import os
import subprocess
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest
import torch
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
ALLOWED = (
    "torch", "numpy", "scipy", "pydantic", "pyarrow", "PyYAML", "psutil", "pytorch_optimizer", "pytest",
)  # fmt: skip
"""What a machine for training needs; all else in it is what these need."""
UNWANTED = (
    "mlflow", "streamlit", "vtk", "vtkmodules", "pyvista", "sqlalchemy", "typer", "matplotlib", "pandas", "plotly",
    "trame", "hypothesis",
)  # fmt: skip

no_device = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")


def needed(names):
    """Distributions by these names and all that they require here, extras left out."""
    found, waiting = {}, list(names)
    while waiting:
        name = waiting.pop()
        one = distribution(name)
        if one.name in found:
            continue
        found[one.name] = one
        for line in one.requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found.values()


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """Runs Python in an environment of `ALLOWED` alone, in the root of this program."""
    folder = tmp_path_factory.mktemp("bare")
    builder = venv.EnvBuilder(symlinks=True)
    builder.create(folder)
    context = builder.ensure_directories(folder)
    site = next(folder.glob("lib/python3*/site-packages"))
    for one in needed(ALLOWED):
        for top in {path.parts[0] for path in one.files} - {"..", "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(one.locate_file(top)).resolve())

    def run(*arguments):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return subprocess.run(
            [context.env_exe, "-B", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
        )

    return run


IMPORTS = f"""
import importlib.util, sys
import core.training.train, core.training.measure, core.optimizers.build, core.presets, core.singularity.certificate
print([name for name in {UNWANTED} if importlib.util.find_spec(name) or name in sys.modules])
"""


def test_training_is_imported_without_a_store_a_browser_or_a_command_line(bare):
    done = bare("-c", IMPORTS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


TRAINS = """
import json, sys
from pathlib import Path
from core.config import override
from core.presets import resolve
from core.runs import RunFolder
from core.training.measure import measure
from core.training.train import train

broken, straight = (RunFolder(Path(sys.argv[1]) / name) for name in ("broken", "straight"))
config = override(resolve("poisson2d-quick"), ["stages.0.iterations=12", "stages.0.warmup.iterations=20"])
seen, said = iter(range(1000)), []
first = train(config, broken, wanted=lambda: "pause" if next(seen) == 25 else None, say=said.append)
rows = len(broken.history_columns()["loss"])
second = train(config, broken, say=said.append)
train(config, straight, say=said.append)
loss = [folder.history_columns()["loss"].tolist() for folder in (broken, straight)]
error = measure(second.solution).relative_l2_error
wanted = [first.wanted, second.wanted]
print(json.dumps({"wanted": wanted, "rows": rows, "loss": loss, "error": error, "said": said}))
"""


def test_a_run_trains_and_is_resumed_there(bare, tmp_path):
    done = bare("-c", TRAINS, str(tmp_path))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    broken, straight = found["loss"]
    assert found["wanted"] == ["pause", None]
    assert found["rows"] == 26
    assert broken == straight
    assert straight[-1] < straight[0]
    assert found["error"] < 1
    assert "resuming stage 1 at iteration 26" in found["said"]
    assert (tmp_path / "broken" / "checkpoints" / "last.pt").exists()


@no_device
def test_the_tests_for_a_gpu_are_found_there_and_skipped_without_one(bare):
    done = bare("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/gpu")
    assert done.returncode == 0, done.stdout + done.stderr
    *_, last = done.stdout.strip().splitlines()
    assert "skipped" in last
    assert not {"passed", "failed", "error", "errors"} & set(last.replace(",", "").split())


@no_device
def test_the_benchmark_for_a_gpu_says_there_what_it_would_measure(bare):
    done = bare("-m", "benchmarks.gpu")
    assert done.returncode == 2, done.stdout + done.stderr
    assert not done.stdout
    first, *parts = done.stderr.splitlines()
    assert "needs a CUDA device" in first
    assert [line.split(":")[0].strip() for line in parts] == ["amp", "graph", "second-order", "accuracy", "walls"]
