"""Config files as strangers write them: one line with the place of the fault, quickly and in little memory."""

import json
import time
import tracemalloc

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import override, parse_config, read_data
from core.config.faults import text_fields
from core.documents import DEEPEST, MOST_VALUES, DocumentError, plain_data, yaml_data
from core.errors import MOST_FAULTS, ConfigError, LabError
from core.migrations import read_config
from core.presets import presets

MINIMAL = {"problem": {"kind": "poisson2d"}}


def merge_bomb(levels, width=10):
    lines = ["a0: &a0 {x: 1}"]
    for k in range(1, levels):
        lines.append(f"a{k}: &a{k} {{<<: [{', '.join([f'*a{k - 1}'] * width)}]}}")
    return "\n".join(lines)


BURDENS = {
    "merge keys": merge_bomb(9),
    "merge keys that grow": "\n".join(
        ["a0: &a0 {x: 1}"] + [f"a{k}: &a{k} {{<<: *a{k - 1}, l{k}: *a{k - 1}, r{k}: *a{k - 1}}}" for k in range(1, 40)]
    ),
    "aliases": "\n".join(["a0: &a0 [1, 1]"] + [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]" for k in range(1, 12)]),
    "aliases of a long text": "a: &a '" + "x" * 900_000 + "'\nb: [" + "*a, " * 19_000 + "1]",
    "lists in lists": "[" * 400_000,
    "lists in lists of JSON": "[" * 400_000 + "]" * 400_000,
    "mappings in mappings": '{"a":' * 100_000,
    "a block of dashes": "- " * 300_000,
    "question marks": "? " * 300_000,
    "anchors": "[&a a," * 100_000,
    "a comment": "#" + "x" * 900_000,
    "blanks": "a: " + " " * 900_000,
    "many values": "[" + "1," * 400_000 + "1]",
    "many keys": "{" + ",".join(f'"k{k}":1' for k in range(60_000)) + "}",
    "many unknown fields": json.dumps({f"field{k}": k for k in range(MOST_VALUES - 10)}),
    "a number": "seed: " + "9" * 900_000,
    "a number of JSON": '{"seed": ' + "9" * 900_000 + "}",
    "escapes": 'a: "' + "\\n" * 400_000 + '"',
    "a key": "'" + "k" * 900_000 + "': 1",
}


@pytest.mark.parametrize("burden", BURDENS)
def test_no_file_is_a_burden(burden):
    raw = BURDENS[burden].encode()
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(LabError) as raised:
            parse_config(read_data(raw, "mine.yaml"))
        took, (_, most) = time.process_time() - began, tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert took < 8, "memory is traced, which slows this five times"
    assert most < 60e6
    assert len(str(raised.value)) < 2_000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (merge_bomb(9), ["line 5, column 50", "20,000 values"]),
        ("a: &a {b: *a}", ["line 1, column 11", "stands among the values"]),
        ("a: *b", ["line 1, column 4", "*b stands for nothing"]),
        ("seed: 1\nname: x\nseed: 2", ["line 3, column 1", "'seed' stands twice, first in line 1, column 1"]),
        ("stages:\n- {iterations: 1, iterations: 2}", ["line 2, column 19", "'iterations' stands twice"]),
        ('{"seed": 1,\n "seed": 2}', ["line 2, column 2", "'seed' stands twice, first in line 1, column 2"]),
        ('{"seed": 1, "s\\u0065ed": 2}', ["line 1, column 13", "'seed' stands twice"]),
        ("a: {<<: {x: 1}, <<: {x: 2}}", ["'<<' stands twice"]),
        ("a: {<<: 5}", ["line 1, column 9", "merges mappings"]),
        ("[x]: 1", ["a key is a word"]),
        ("? {a: 1}\n: 1", ["a key is a word"]),
        ("a: 1\n---\nb: 2", ["second document"]),
        ("seed: 012", ["line 1, column 7", "012 without quotes is a number to some readers"]),
        ("seed: 1:30", ["1:30 without quotes is a number"]),
        ("seed: 0x1F", ["0x1F without quotes is a number"]),
        ("seed: 1_000", ["1_000 without quotes is a number"]),
        ("name: on", ["on without quotes is true or false"]),
        ("name: NO", ["NO without quotes is true or false"]),
        ("name: 2026-11-26", ["line 1, column 7", "without quotes is a date"]),
        ("seed: .inf", ["line 1, column 7", ".inf is no number"]),
        ("seed: .nan", [".nan is no number"]),
        ("seed: 1e400", ["1e400 is larger than any number"]),
        ('{"seed": NaN}', ["line 1, column 10", "NaN is no number"]),
        ('{"seed":\n -Infinity}', ["line 2, column 2", "-Infinity is no number"]),
        ('{"seed": 1e400}', ["1e400 is larger than any number"]),
        ('{"version": ' + "9" * 400 + "}", ["line 1, column 13", "400 digits"]),
        ("version: " + "9" * 400, ["line 1, column 10", "400 digits"]),
        ("version: " + "9" * 5000, ["5,000 digits"]),
        ("[" * (DEEPEST + 1) + "1" + "]" * (DEEPEST + 1), [f"column {DEEPEST + 1}", "nested"]),
        ("a: !!python/object/apply:os.system [ls]", ["line 1, column 4", "!!python/object/apply:os.system"]),
        ("a: !!binary aGk=", ["!!binary"]),
        ("a: !mine {b: 1}", ["!mine"]),
        ("a: !!set {b: 1}", ["!!set"]),
        ("a: \x07", ["line 1, column 4", "U+0007"]),
        ('{"name": "\\ud800"}', ["line 1, column 10", "half a character"]),
        ("a:\n\t- 1", ["line 2, column 1"]),
    ],
)
def test_faults_say_where(text, words):
    with pytest.raises(ConfigError) as raised:
        read_data(text.encode(), "mine.yaml")
    for word in ["mine.yaml", *words]:
        assert word in str(raised.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-8", 1e-8), ("1.", 1.0), (".5", 0.5), ("-1.5e+3", -1500.0), ("+7", 7), ("0", 0), ("-0.0", 0.0),
        ("true", True), ("False", False), ("~", None), ("", None), ("null", None), ("'012'", "012"), ('"on"', "on"),
        ("!!str 012", "012"), ("!!float 1e-8", 1e-8), ("!!float 1", 1.0), ("!!int 3", 3), ("! 3", "3"), ("e5", "e5"),
        ("[1, 'a', x y]", [1, "a", "x y"]), ("{a: {b: [~]}}", {"a": {"b": [None]}}), ("{1: x}", {"1": "x"}),
        ("=", "="), (".", "."), ("v1.0", "v1.0"), ("|\n  a\n  b\n", "a\nb\n"), ("1.0.0", "1.0.0"),
        ("{a: &x [1], b: *x}", {"a": [1], "b": [1]}),
        ("{a: &x {p: 1, q: 2}, b: {q: 3, <<: *x}}", {"a": {"p": 1, "q": 2}, "b": {"p": 1, "q": 3}}),
        ("{a: &x {p: 1}, b: &y {p: 2, q: 2}, c: {<<: [*x, *y]}}",
         {"a": {"p": 1}, "b": {"p": 2, "q": 2}, "c": {"p": 1, "q": 2}}),
    ],
)  # fmt: skip
def test_what_is_meant_is_read(text, value):
    found = yaml_data(text)
    assert found == value
    assert type(found) is type(value)


def test_an_alias_is_a_copy():
    data = yaml_data("{a: &x [1], b: *x}")
    data["a"].append(2)
    assert data["b"] == [1]


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs", "Cc"])), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(PLAIN)
def test_json_comes_back_as_it_was_written(data):
    assert plain_data(json.dumps(data)) == data
    assert plain_data(json.dumps(data, ensure_ascii=False)) == data


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(st.characters(categories=["L", "N"]), min_size=1), PLAIN, max_size=4))
def test_yaml_of_another_writer_comes_back_or_says_why_not(data):
    try:
        found = yaml_data(yaml.safe_dump(data, allow_unicode=True))
    except DocumentError as error:
        assert "line " in str(error)
    else:
        assert same(found, data)


def same(found, written):
    """Equal, but for `1e5` without quotes, which is a number here and in YAML 1.2, and was a text to its writer."""
    if isinstance(written, dict | list) and type(found) is type(written) and len(found) == len(written):
        keys = written if isinstance(written, dict) else range(len(written))
        return all(same(found[key], written[key]) for key in keys)
    return found == written or (isinstance(found, float) and isinstance(written, str) and float(written) == found)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text("{}[]:,-&*<>!?|'\"#%@ \nab01.", max_size=60).map(str.encode))
def test_any_bytes_are_data_or_one_sentence(raw):
    try:
        read_config(read_data(raw, "mine.yaml"))
    except LabError as error:
        assert "\n" not in str(error)


WORDS = (
    "network",
    "hidden",
    "stages",
    "0",
    "1",
    "x",
    "optimizer",
    "kind",
    "name",
    "seed",
    "problem",
    "lambda",
    "version",
)
PATHS = st.lists(st.sampled_from(WORDS) | st.text(max_size=5), min_size=1, max_size=5).map(".".join)
ODD = (
    "1",
    "-1",
    "0",
    "1e400",
    "9" * 400,
    "9" * 5000,
    "[]",
    "{}",
    "[[1]]",
    "on",
    "012",
    "*a",
    "&a [*a]",
    "<<: 1",
    "null",
)
BAD = (
    "{<<: {}}",
    "!!python/none",
    "'",
    '"',
    "\x00",
    "\x1b[31m",
    "\u202e",
    "nan",
    ".nan",
    "true",
    "x" * 100_000,
    "\udcff",
)
VALUES = st.sampled_from(ODD + BAD) | st.text(max_size=20)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(PATHS, VALUES).map("=".join), min_size=1, max_size=3))
def test_any_setting_is_a_config_or_one_sentence(given_settings):
    base = parse_config(MINIMAL)
    try:
        config = override(base, given_settings)
    except LabError as error:
        assert len(str(error)) < 2_000
    else:
        assert parse_config(json.loads(config.canonical_json())) == config


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("network.hidden.0.x=1", "network.hidden.0 is a value and has no field 'x'"),
        ("name.x=1", "name is a value and has no field 'x'"),
        ("stages.٣=1", "entries 0 to 0"),
        ("seed=012", "to some readers"),
        ("seed=1_000", "to some readers"),
        ("seed=" + "9" * 400, "400 digits"),
        ("version=" + "9" * 400, "400 digits"),
        ("stages.0.iterations=[1", "is not a value"),
        ("x" * 100_000 + "=1", "no such field"),
    ],
)
def test_settings_that_go_nowhere_are_named(setting, words):
    with pytest.raises(ConfigError) as raised:
        override(parse_config(MINIMAL), [setting])
    assert words in str(raised.value)
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize(
    "name", ["012", "on", "12", "1e3", "null", "2026-11-26", "[x", "{", "x: y", "*a", "~", "run #3", "\ufeffx"]
)
def test_a_name_set_is_the_text_that_was_written(name):
    assert override(parse_config(MINIMAL), [f"name={name}"]).name == name


@pytest.mark.parametrize("version", [10**400, -(10**400), 1e300, 10**5000], ids=["400", "-400", "1e300", "5000"])
def test_a_version_of_very_many_digits(version):
    with pytest.raises(ConfigError, match="version"):
        parse_config(MINIMAL | {"version": version})


@pytest.mark.parametrize("name", ["a\nb", "\x1b[31mred", "a\u202eb", "\x00", "a\u2028b", "\x9b", "\u2066x"])
def test_control_characters_in_a_name_are_refused_and_kept_from_old_runs(name):
    with pytest.raises(ConfigError, match="none to read"):
        parse_config(MINIMAL | {"name": name})
    reading = read_config(MINIMAL | {"version": 1, "name": name}, complete=True)
    assert "\\" in reading.config.name
    assert reading.notes[0].startswith("name: had characters")


def test_many_faults_are_a_few_lines():
    with pytest.raises(ConfigError) as raised:
        parse_config(MINIMAL | {f"field{k}": "x" * 1000 for k in range(5000)})
    assert len(raised.value.problems) == MOST_FAULTS + 1
    assert raised.value.problems[-1] == f"and {5000 - MOST_FAULTS:,} more faults"
    assert len(read_config(MINIMAL | {f"field{k}": k for k in range(5000)}).notes) < 150


def test_the_presets_are_what_any_reader_of_yaml_makes_of_them():
    from pathlib import Path

    import core.presets

    files = [*Path(core.presets.__file__).parent.glob("*.yaml")]
    assert len(files) == len(presets())
    for path in files:
        assert yaml_data(path.read_text("utf-8")) == yaml.safe_load(path.read_text("utf-8"))


def test_a_field_that_takes_texts_alone_is_known():
    from pydantic import ValidationError

    from core.config import RunConfig

    with pytest.raises(ValidationError) as raised:
        RunConfig.model_validate({"problem": {"kind": "burgers_inverse", "dataset": 5}, "name": 3, "seed": "x"})
    assert text_fields(raised.value) == {("problem", "dataset"), ("name",)}
