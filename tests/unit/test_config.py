"""RunConfig: one hash for one meaning, and errors that name the field, the value and what is allowed."""

import json
import random
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from core.config import RunConfig, override, parse_config
from core.errors import ConfigError
from core.frozen import Frozen
from core.presets import presets, resolve
from core.problems import CATALOGUE
from core.rules import Stalled

MINIMAL = {"problem": {"kind": "poisson2d"}}
GAUSS = {"sampler": "gauss", "points": 50}
PINNED = "49a1ced2ca952a532a42ef43d2a408e04066013baf73a3d711d4cbce4fc5c106"


def shuffled(value, rng):
    if isinstance(value, dict):
        items = [(key, shuffled(item, rng)) for key, item in value.items()]
        rng.shuffle(items)
        return dict(items)
    return [shuffled(item, rng) for item in value] if isinstance(value, list) else value


def as_floats_or_integers(value, rng):
    """The same numbers written as 1 or 1.0 at random."""
    if isinstance(value, dict):
        return {key: as_floats_or_integers(item, rng) for key, item in value.items()}
    if isinstance(value, list):
        return [as_floats_or_integers(item, rng) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool) and float(value).is_integer():
        return rng.choice([int(value), float(value)])
    return value


@settings(deadline=None)  # the first look at a typed system examines it
@given(st.integers(0, 10**6), st.sampled_from(sorted(presets())))
def test_hash_depends_on_meaning_alone(seed, name):
    rng = random.Random(seed)
    config = resolve(name)
    data = json.loads(config.canonical_json())
    assert parse_config(shuffled(as_floats_or_integers(data, rng), rng)).hash == config.hash


def test_hash_ignores_written_defaults_and_the_name():
    full = json.loads(parse_config(MINIMAL).canonical_json())
    assert parse_config(full).hash == parse_config(MINIMAL).hash == parse_config(MINIMAL | {"name": "x"}).hash


def test_hash_differs_for_another_meaning():
    config = parse_config(MINIMAL)
    changed = [
        override(config, [setting])
        for setting in ("seed=1", "stages.0.iterations=101", "network.hidden=[32,33]", "device=cpu")
    ]
    assert len({config.hash, *(other.hash for other in changed)}) == 5


def test_hash_is_the_same_on_every_machine():
    # the figure itself: a change of it means that every stored run has lost its identity
    assert parse_config(MINIMAL).hash == PINNED


def test_config_imports_no_torch():
    code = "import sys, core.config, core.presets; print('torch' in sys.modules, 'mlflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"problem": {"kind": "poison"}}, ["problem.kind", "poison", "poisson2d", "burgers_profile"]),
        ({"problem": {"kind": "poisson2d", "radius": 1}}, ["problem.radius", "no such field"]),
        ({"stages": []}, ["stages", "0 entries", "at least 1"]),
        ({"stages": [{"iterations": -5}]}, ["stages.0.iterations", "-5", "greater than or equal to 1"]),
        ({"stages": [{"iteratons": 5}]}, ["stages.0.iteratons", "did you mean 'iterations'"]),
        ({"stages": [{"optimizer": {"kind": "lbfgs2"}}]}, ["stages.0.optimizer.kind", "lbfgs2", "gauss_newton"]),
        ({"stages": [{"optimizer": {"kind": "adam", "learning_rate": "x"}}]}, ["optimizer.learning_rate", "'x'"]),
        ({"stages": [{"target_residual": float("nan")}]}, ["stages.0.target_residual", "nan"]),
        ({"stages": [{"precision": "float32"}]}, ["float32", "gauss_newton", "float64"]),
        ({"stages": [{"fourier": {"sigma": [1.0, 2.0, 3.0]}}]}, ["stages.0.fourier.sigma", "3 values", "2 inputs"]),
        ({"stages": [{}, {"fourier": {"sigma": -1}}]}, ["stages.1.fourier.sigma", "-1", "measured"]),
        ({"stages": [{"fourier": {"sigma": 2}, "chebyshev": {"degrees": [4, 4]}}]}, ["stages.0", "not both"]),
        ({"stages": [{"chebyshev": {"degrees": [4, 4, 4]}}]}, ["stages.0.chebyshev.degrees", "3 numbers", "2 inputs"]),
        ({"stages": [{}, {"chebyshev": {"degrees": [9, 1]}}]}, ["stages.1.chebyshev.degrees.1", "1 is not", "to 2"]),
        ({"stages": [{"begins": "fitted"}]}, ["stages.0", "begins 'fitted'", "chebyshev", "hidden"]),
        ({"stages": [{"collocation": {**GAUSS, "shape": [2, 5, 5]}}]}, ["collocation.shape", "3 numbers", "x, y"]),
        ({"stages": [{"collocation": {**GAUSS, "shape": [6, 5]}}]}, ["6 × 5 are 30 points", "points says 50"]),
        (
            {"stages": [{"collocation": {**GAUSS, "sampler": "sobol", "shape": [10, 5]}}]},
            ["collocation", "grid or gauss", "sobol"],
        ),
        ({"device": "gpu"}, ["device", "'gpu'", "cuda:N"]),
        ({"seed": -1}, ["seed", "-1"]),
        ({"parent": "../../etc"}, ["parent"]),
    ],
)
def test_errors_name_field_value_and_what_is_allowed(change, words):
    with pytest.raises(ConfigError) as raised:
        parse_config(MINIMAL | change)
    assert len(raised.value.problems) == 1, raised.value.problems
    for word in words:
        assert word in str(raised.value)


@pytest.mark.parametrize(
    "change, line",
    [
        ({"adam": 1}, "adam: there is no such field"),
        ({"disk": {}, "memory": 2}, "disk: there is no such field; memory: there is no such field"),
        ({"stages": [{"optimizer": {"kind": "adam", "adam": 1}}]}, "stages.0.optimizer.adam: there is no such field"),
        ({"watch": [{"kind": "disk", "disk": 1}]}, "watch.0.disk: there is no such field"),
        ({"watch": {"kind": "disk"}}, "watch: {'kind': 'disk'} is not allowed; it should be a list, in brackets"),
        ({"watch": ["disk"]}, "watch.0: 'disk' is not allowed; it should be a mapping of fields"),
        ({"seed": "x"}, "seed: 'x' is not allowed; it should be a valid integer"),
    ],
)
def test_fields_that_are_called_like_a_kind_and_words_that_need_no_python(change, line):
    with pytest.raises(ConfigError) as raised:
        parse_config(MINIMAL | change)
    assert "; ".join(raised.value.problems) == line


def test_a_first_entry_is_made_by_setting_its_fields():
    made = override(parse_config(MINIMAL), ["watch.0.kind=stalled", "watch.0.minutes=5"])
    assert made.watch == (Stalled(minutes=5),)


def test_several_errors_are_all_told():
    with pytest.raises(ConfigError) as raised:
        parse_config({"problem": {"kind": "poisson2d", "radius": 1}, "seed": -1, "stages": [{"iterations": 0}]})
    assert len(raised.value.problems) == 3


@pytest.mark.parametrize("setting", ["stages.7.iterations=3", "nonsense", "stages.0.iterations=lots", "nope.deep=1"])
def test_overrides_are_checked(setting):
    with pytest.raises(ConfigError):
        override(parse_config(MINIMAL), [setting])


def test_override_reads_scientific_notation():
    assert override(parse_config(MINIMAL), ["stages.0.target_residual=1e-8"]).stages[0].target_residual == 1e-8


@pytest.mark.parametrize("text", ["a: [", "- 1\n- 2", "\x00"])
def test_broken_files_are_one_clear_error(tmp_path, text):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        resolve(str(path))
    with pytest.raises(ConfigError):
        resolve(str(tmp_path / "missing.yaml"))


def test_every_field_is_documented_for_the_form():
    def walk(model):
        for name, info in model.model_fields.items():
            yield model, name, info

    models: set[type[BaseModel]] = {RunConfig, *CATALOGUE}
    for model in models:
        assert model.__doc__
    assert {name for _, name, _ in walk(RunConfig)} >= {"problem", "network", "stages", "seed", "device"}


def test_presets_are_valid_and_say_how_long_they_take():
    assert {"poisson2d-quick", "poisson2d", "poisson3d", "burgers-profile", "burgers-viscous"} <= set(presets())
    for preset in presets().values():
        assert preset.expected_seconds > 0
        assert preset.description
    with pytest.raises(ConfigError, match="poisson2d-quick"):
        resolve("no-such-preset")


@pytest.mark.parametrize(
    "data", [{"seed": True}, {"network": {"hidden": [True, 4]}}, {"stages": [{"patience": False}]}]
)
def test_true_is_no_number(data):
    with pytest.raises(ConfigError, match=r"(True|False) is not allowed; it should be a valid integer"):
        parse_config({"problem": {"kind": "poisson2d"}, **data})


def test_a_field_that_is_true_or_false_takes_it():
    class Switched(Frozen):
        on: bool
        width: int = 1

    assert Switched(on=True).on is True
    with pytest.raises(ValidationError):
        Switched(on=True, width=True)
