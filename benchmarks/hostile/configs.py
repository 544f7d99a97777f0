"""Configs as people, programs and vandals write them: refused in words, or in force as they were written."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from benchmarks.hostile.material import TEXTS, VALUES, bombs, damaged, nested
from benchmarks.hostile.tried import Fault, Input
from core.config import RunConfig, override, parse_config, read_data
from core.migrations import read_config
from core.presets import presets, resolve

SUITE = "configs"
DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
SCALARS = (
    *("010", "1_000", "0x10", "0b11", "0o17", "1:30", "yes", "off", "1e-3", "1e3", "+5", "5.", ".5", "1,5", "08"),
    *("1e400", "-0", "2026-01-01", "12:30:45", "=", "<<", "~", "null", "Null", "0.1.2", "1e5.0", "٣", "½", "1d-3"),
    *("1__0", "_1", "0x_1", "1e", "e1", "NaN", ".nan", ".inf", "-.INF", "'5'", '"5"', "!!int 5", "!!str 5"),
)
"""Plain scalars of which YAML 1.1, YAML 1.2, JSON and Python think differently."""


PATHS = (
    *("network.hidden.0.x", "network.hidden.-1", "network.hidden.99", "network.hidden.1e3", "network.hidden.0.0.0"),
    *("stages", "stages.0", "stages.0.", "stages.00", "stages.0x0", "stages.\u0661", "..", ".", "lambda.mode.x"),
    *("problem", "problem.kind.0", "seed.x", "a.b.c.d.e", "x" * 10_000, "a." * 5000),
)
"""Paths of fields that there are not, or that are no fields."""


def inputs() -> Iterator[Input]:
    """All inputs of this suite."""
    for label, text in bombs():
        yield Input(SUITE, label, lambda text=text: reading(text.encode()), seconds=5, megabytes=200)
        yield Input(SUITE, f"foreign: {label}", lambda text=text: foreign(text.encode()), seconds=5, megabytes=200)
        value = text.strip() if "\n" not in text.strip() else "{" + text[:50] + "}"
        if len(value) < 100_000:
            yield Input(SUITE, f"--set: {label}", lambda value=value: setting(f"seed={value}"), seconds=5)
    names = list(presets())
    for name in names:
        config = resolve(name)
        for k, path in enumerate(sorted(config.flat())):
            for value in VALUES[(k + len(name)) % 3 :: 3]:
                label = f"{name}: {path} = {str(value)[:30]!r}"
                yield Input(SUITE, label, lambda c=config, p=path, v=value: replaced(c, p, v), seconds=5)
        for k, path in enumerate(sorted(config.flat())[len(name) % 4 :: 4]):
            text = TEXTS[(11 * k + len(name)) % len(TEXTS)]
            yield Input(SUITE, f"{name} --set {path}={text[:30]!r}", lambda c=config, s=f"{path}={text}": setting(s, c))
    for path in ("seed", "stages.0.iterations", "stages.0.warmup.learning_rate", "network.hidden.0", "name"):
        for text in SCALARS:
            yield Input(SUITE, f"scalar {path}: {text}", lambda p=path, t=text: scalar(p, t, written(p, t)))
            yield Input(SUITE, f"scalar --set {path}={text}", lambda p=path, t=text: scalar(p, t, typed(p, t)))
    for text in TEXTS:
        yield Input(SUITE, f"name {text[:30]!r}", lambda text=text: named(text))
        yield Input(SUITE, f"--set name={text[:30]!r}", lambda text=text: set_name(text))
        yield Input(SUITE, f"field {text[:30]!r}", lambda text=text: with_field(text))
        yield Input(SUITE, f"--set {text[:30]!r}", lambda text=text: setting(text))
        yield Input(SUITE, f"kind {text[:30]!r}", lambda text=text: with_kind(text))
    for path in PATHS:
        for value in ("1", "x", "[]", "{}", "", "null", "[1, 2]", "{a: 1}"):
            yield Input(SUITE, f"--set {path[:40]}={value}", lambda s=f"{path}={value}": setting(s))
    text = yaml.safe_dump(resolve("poisson2d").model_dump(mode="json", by_alias=True))
    for label, data in damaged(text.encode(), seed=1, times=150):
        yield Input(SUITE, f"YAML {label}", lambda data=data: reading(data), seconds=5)
    text = resolve("burgers-profile").canonical_json()
    for label, data in damaged(text.encode(), seed=2, times=150):
        yield Input(SUITE, f"JSON {label}", lambda data=data: foreign(data), seconds=5)
    for kind in ("list", "mapping"):
        yield Input(SUITE, f"config nested, {kind}", lambda kind=kind: foreign(nested(50_000, kind).encode()))


def in_force(config: RunConfig) -> Fault:
    """Whether a config that was taken is the same after it went through its file."""
    again = parse_config(json.loads(config.canonical_json()))
    if again.hash != config.hash or again != config:
        return "wrong value: the config is another one after it was written and read"
    for path, value in config.flat().items():
        if isinstance(value, float) and not math.isfinite(value):
            return f"wrong value: {path} is {value}"
    return None


def written(path: str, text: str) -> RunConfig:
    """A config that holds a scalar as it stands in a YAML file."""
    data = resolve("poisson2d-quick").model_dump(mode="json", by_alias=True)
    _placed(data, path, "PLACE")
    return parse_config(read_data(yaml.safe_dump(data).replace("PLACE", text).encode(), "offered.yaml"))


def typed(path: str, text: str) -> RunConfig:
    """A config that got a scalar by `--set`."""
    return override(resolve("poisson2d-quick"), [f"{path}={text}"])


def scalar(path: str, text: str, taken: RunConfig) -> Fault:
    """A scalar that was taken is the number that it is in decimal notation, or the text that it is."""
    kept: Any = taken.model_dump(mode="json", by_alias=True)
    for key in path.split("."):
        kept = kept[int(key) if key.isdigit() else key]
    plain = text.removeprefix("!!int ").removeprefix("!!str ").strip("'\"")
    if isinstance(kept, str):
        good = kept in (plain, text) or (kept == "" and text in ("~", "null", "Null", "="))
    else:
        good = bool(DECIMAL.fullmatch(plain)) and float(plain) == kept
    return in_force(taken) or (None if good else f"wrong value: {text} became {kept!r}")


def reading(raw: bytes) -> Fault:
    """A file that a person offers."""
    return in_force(parse_config(read_data(raw, "offered.yaml")))


def foreign(raw: bytes) -> Fault:
    """The config.json of another program's or an older version's run."""
    return in_force(read_config(read_data(raw, "config.json"), complete=True).config)


def same(given: Any, kept: Any) -> bool:
    """Whether a value in force is the one that was given, lists as tuples, whole floats as integers."""
    if isinstance(given, bool) or isinstance(kept, bool):
        return given is kept
    if isinstance(given, int | float) and isinstance(kept, int | float):
        return given == kept
    if isinstance(given, str) and isinstance(kept, int | float):  # YAML 1.1 takes 1e-3 for a text
        return bool(DECIMAL.fullmatch(given)) and float(given) == kept
    if isinstance(given, list | tuple) and isinstance(kept, list | tuple):
        return len(given) == len(kept) and all(same(a, b) for a, b in zip(given, kept, strict=True))
    if isinstance(given, dict) and isinstance(kept, dict):
        return all(key in kept and same(value, kept[key]) for key, value in given.items())
    return type(given) is type(kept) and given == kept


def _placed(data: Any, path: str, value: Any) -> Callable[[Any], Any]:
    """Set the leaf of plain data at a path; returns what finds it again."""
    keys: list[str | int] = [int(key) if key.isdigit() else key for key in path.split(".")]
    place = data
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value

    def look(other: Any) -> Any:
        for key in keys[:-1]:
            other = other[key]
        return other.get(keys[-1]) if isinstance(other, dict) else other[keys[-1]]

    return look


def replaced(config: RunConfig, path: str, value: Any) -> Fault:
    """One field of a preset with another value, from data."""
    data = config.model_dump(mode="json", by_alias=True)
    look = _placed(data, path, value)
    taken = parse_config(data)
    kept = look(taken.model_dump(mode="json", by_alias=True))
    return in_force(taken) or (None if same(value, kept) else f"wrong value: {path} was {value!r} and is {kept!r}")


def setting(text: str, config: RunConfig | None = None) -> Fault:
    """A `--set`."""
    return in_force(override(config or resolve("poisson2d-quick"), [text]))


def set_name(text: str) -> Fault:
    """A name by `--set`: what is typed is the name."""
    taken = override(resolve("poisson2d-quick"), [f"name={text}"])
    allowed = {text, text.strip(), text.strip().strip("'\"")}
    if text in ("null", "~", ""):
        allowed.add("")
    return in_force(taken) or (None if taken.name in allowed else f"wrong value: {text!r} became {taken.name!r}")


def named(text: str) -> Fault:
    """A name in data."""
    taken = parse_config({"problem": {"kind": "poisson2d"}, "name": text})
    if taken.name not in (text, text.strip()):
        return f"wrong value: {text!r} became {taken.name!r}"
    return in_force(taken)


def with_field(text: str) -> Fault:
    """A field that no config has."""
    parse_config({"problem": {"kind": "poisson2d", text: 1}, text: text})
    return "wrong value: a field that is none was taken"


def with_kind(text: str) -> Fault:
    """A problem that there is not."""
    parse_config({"problem": {"kind": text}})
    return "wrong value: a problem that is none was taken"
