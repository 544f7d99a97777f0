"""Configs of other versions: brought up to date step by step with every change named, never silently."""

import copy

import pytest

from core.config import LARGEST_FILE, parse_config, read_data
from core.errors import ConfigError
from core.migrations import STEPS, default_changed, dropped, read_config, renamed
from core.presets import resolve

OLD = {
    "version": 0,
    "problem": {"kind": "poisson2d"},
    "stages": [{"steps": 7, "momentum": 0.5}, {"steps": 9}],
    "seed": 3,
}
STEPS_FROM_0 = {
    0: (
        renamed("stages.*.steps", "stages.*.iterations"),
        dropped("stages.*.momentum", "no optimizer had a use for it"),
        default_changed("network.activation", "sine"),
        default_changed("stages.*.patience", 99),
    )
}


def test_each_step_is_done_and_named():
    before = copy.deepcopy(OLD)
    reading = read_config(OLD | {"network": {}}, steps=STEPS_FROM_0)
    assert before == OLD
    assert [stage.iterations for stage in reading.config.stages] == [7, 9]
    assert reading.config.network.activation == "sine"
    assert [stage.patience for stage in reading.config.stages] == [99, 99]
    assert reading.config.seed == 3
    assert reading.notes == (
        "made by version 0 of the config, read as version 1",
        "stages.0.steps: is called iterations now",
        "stages.1.steps: is called iterations now",
        "stages.0.momentum: is gone (no optimizer had a use for it); it was 0.5",
        "network.activation: was left out and keeps 'sine', the default of then",
        "stages.0.patience: was left out and keeps 99, the default of then",
        "stages.1.patience: was left out and keeps 99, the default of then",
    )


def test_steps_follow_each_other_up_to_the_version_wanted():
    steps = {
        0: (renamed("stages.*.steps", "stages.*.epochs"),),
        1: (renamed("stages.*.epochs", "stages.*.iterations"),),
    }
    data = OLD | {"stages": [{"steps": 7}]}
    reading = read_config(data, steps=steps, version=2)
    assert reading.config.stages[0].iterations == 7
    assert [note.split(":")[0] for note in reading.notes[1:]] == ["stages.0.steps", "stages.0.epochs"]
    from_one = read_config({"version": 1, "problem": OLD["problem"], "stages": [{"epochs": 5}]}, steps=steps, version=2)
    assert from_one.config.stages[0].iterations == 5


def test_data_without_a_version_are_the_oldest():
    data = {key: value for key, value in OLD.items() if key != "version"}
    assert read_config(data, steps=STEPS_FROM_0).config.stages[1].iterations == 9


def test_todays_config_is_read_as_it_is():
    config = parse_config({"problem": {"kind": "burgers_profile"}, "seed": 4})
    data = config.model_dump(mode="json", by_alias=True)
    reading = read_config(data, complete=True)
    assert reading.config == config
    assert reading.notes == ()
    assert STEPS == {}


def test_fields_that_are_no_longer_there_are_named_with_their_value():
    data = parse_config({"problem": {"kind": "poisson2d"}}).model_dump(mode="json", by_alias=True)
    data["problem"]["radius"] = 2
    data["stages"][0]["iteratons"] = 5
    data["stages"][0]["optimizer"]["trust"] = {"region": [1, 2]}
    data["swarm"] = "on"
    reading = read_config(data, complete=True)
    assert len(reading.notes) == 4
    notes = dict(note.split(": ", 1) for note in reading.notes)
    assert notes["problem.radius"].endswith("left out, it was 2")
    assert "did you mean 'iterations'" in notes["stages.0.iteratons"]
    assert notes["stages.0.optimizer.trust"].endswith("it was {'region': [1, 2]}")
    assert notes["swarm"].endswith("it was 'on'")
    assert reading.config == parse_config({"problem": {"kind": "poisson2d"}})
    with pytest.raises(ConfigError, match=r"problem\.radius: there is no such field"):
        parse_config(data)


def test_fields_that_were_not_there_yet_are_named_for_what_a_program_wrote():
    data = parse_config({"problem": {"kind": "poisson2d"}}).model_dump(mode="json", by_alias=True)
    del data["stages"][0]["patience"], data["lambda"]["release_after"]
    assert read_config(data, complete=True).notes == (
        "stages.0.patience: was not there yet; now 15",
        "lambda.release_after: was not there yet; now 5",
    )
    assert read_config(data).notes == ()  # a person leaves out what is to be as usual


@pytest.mark.parametrize("read", [parse_config, read_config])
def test_a_newer_config_is_refused_with_both_versions(read):
    with pytest.raises(ConfigError, match="made by version 7, this program reads up to 1; update it"):
        read({"version": 7, "problem": {"kind": "poisson2d"}, "unknown": 1})


@pytest.mark.parametrize("version", ["1", True, -1, 1.5, None, [1]])
def test_a_version_that_is_none(version):
    with pytest.raises(ConfigError, match="version"):
        read_config({"version": version, "problem": {"kind": "poisson2d"}})


def test_values_that_are_not_allowed_are_an_error_in_old_configs_too():
    with pytest.raises(ConfigError, match=r"seed: -1"):
        read_config({"version": 0, "problem": {"kind": "poisson2d"}, "seed": -1, "gone": 1})
    with pytest.raises(ConfigError, match=r"problem\.kind"):
        read_config({"version": 0, "problem": {"kind": "gone"}})


LAUGHS = "\n".join([f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9) if k else 1}]" for k in range(12)])


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"- 1\n- 2", "a list"),
        (b"", "nothing"),
        (b"just words", "a text"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "UTF-8"),
        (b"x" * (LARGEST_FILE + 1), "MB"),
        (b"a: [", "neither YAML nor JSON"),
        (b"a: 2020-13-45", "neither YAML nor JSON"),
        (b"a: !!python/object/apply:os.system [ls]", "neither YAML nor JSON"),
        (b"[" * 5000, "nested"),
        (b"a: &a [*a]", "values"),
        (LAUGHS.encode(), "values"),
    ],
)
def test_files_that_hold_no_config_are_one_clear_sentence(tmp_path, raw, words):
    with pytest.raises(ConfigError, match=words) as raised:
        read_data(raw, "mine.yaml")
    assert "mine.yaml" in str(raised.value)
    assert len(raised.value.problems) == 1
    path = tmp_path / "mine.yaml"
    path.write_bytes(raw)
    with pytest.raises(ConfigError, match=words):
        resolve(str(path))


def test_a_presets_file_gives_its_config():
    raw = b"title: T\nconfig:\n  problem: {kind: poisson2d}\n"
    assert read_data(raw, "preset.yaml") == {"problem": {"kind": "poisson2d"}}
