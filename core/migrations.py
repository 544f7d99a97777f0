"""Configs of older programs, read by this one: brought to today's version step by step, every change named.

What a person writes is checked strictly by `core.config.parse_config`. What an older program wrote is read here: a
field that is no longer there is left out and named with the value it had, a field that was not there yet is filled in
and named with its default. A config of a newer program is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from core.config import NO_SUCH_FIELD, VERSION, RunConfig, check_version, field_errors
from core.config.faults import short
from core.errors import ConfigError
from core.plain_text import has_control, printable

Change = Callable[[dict[str, Any]], list[str]]
"""Changes config data in place and returns one line for each thing it changed."""

MOST_NOTES = 100
"""Lines about one config; a file with more is no older version of anything."""

STEPS: dict[int, Sequence[Change]] = {}
"""Version → what brings its configs to the next one. The fields of version 1 are the first, so there is none yet."""


@dataclass(frozen=True)
class Reading:
    """A config as this program reads it."""

    config: RunConfig
    notes: tuple[str, ...] = ()
    """One line for each thing that is not as it was written."""


def read_config(
    data: Any, *, complete: bool = False, steps: Mapping[int, Sequence[Change]] | None = None, version: int = VERSION
) -> Reading:
    """The config in plain data of this version or an older one.

    Args:
        data: plain data; left as it is. Data without a version are taken for the oldest.
        complete: it was written by a program, with all fields, so that a missing one did not exist then.
        steps: version → changes to the next one.
        version: the version to reach.

    Raises:
        ConfigError: no config, one of a newer program, or values that are not allowed today.
    """
    made_by = check_version(data, version)
    said = "version" in data
    data = copy.deepcopy(data)
    notes = []
    for since in range(made_by if said else 0, version):
        for change in (STEPS if steps is None else steps).get(since, ()):
            notes += change(data)
    if said and made_by < version:
        notes.insert(0, f"made by version {made_by} of the config, read as version {version}")
    data["version"] = VERSION
    name = data.get("name")
    if complete and isinstance(name, str) and has_control(name):  # a program that allowed it wrote it
        data["name"] = printable(name)[:120]
        notes.append(f"name: had characters that are none to read; they are written out: {data['name']}")
    while True:
        try:
            config = RunConfig.model_validate(data)
            break
        except ValidationError as error:
            faults = field_errors(error)
            removed = [_remove(data, path, line, notes) for path, line in faults if NO_SUCH_FIELD in line]
            if not any(removed):
                raise ConfigError([line for _, line in faults]) from None
    if complete:
        notes += _filled_in(data, config)
    more = len(notes) - MOST_NOTES
    return Reading(config, tuple(notes) if more <= 0 else (*notes[:MOST_NOTES], f"and {more:,} more changes"))


def _remove(data: Any, path: tuple[str | int, ...], line: str, notes: list[str]) -> bool:
    """Take an unknown field out, with a note of what it was; False when it is not where the error says."""
    place = data
    for key in path[:-1]:
        try:
            place = place[key]
        except (KeyError, IndexError, TypeError):
            return False
    if not isinstance(place, dict) or path[-1] not in place:
        return False
    notes.append(f"{line}; left out, it was {short(place.pop(path[-1]))}")
    return True


def _filled_in(data: dict[str, Any], config: RunConfig) -> Iterator[str]:
    """A note for each field that complete data did not have."""

    def walk(written: Any, whole: Any, path: str) -> Iterator[str]:
        if isinstance(whole, dict) and isinstance(written, dict):
            for key, value in whole.items():
                where = f"{path}.{key}" if path else key
                if key in written:
                    yield from walk(written[key], value, where)
                elif value is not None:
                    yield f"{where}: was not there yet; now {value!r}"
        elif isinstance(whole, list) and isinstance(written, list):
            for index, (a, b) in enumerate(zip(written, whole, strict=False)):
                yield from walk(a, b, f"{path}.{index}")

    return walk(data, config.model_dump(mode="json", by_alias=True), "")


def renamed(before: str, after: str) -> Change:
    """A field that has another name now; `*` in a path stands for every entry of a list: `stages.*.iterations`.

    Only the last part may differ.
    """
    name = after.rpartition(".")[2]

    def change(data: dict[str, Any]) -> list[str]:
        notes = []
        for place, key, path in _places(data, before):
            place[name] = place.pop(key)
            notes.append(f"{path}: is called {name} now")
        return notes

    return change


def dropped(path: str, why: str) -> Change:
    """A field that is gone, and why."""

    def change(data: dict[str, Any]) -> list[str]:
        return [f"{where}: is gone ({why}); it was {place.pop(key)!r}" for place, key, where in _places(data, path)]

    return change


def default_changed(path: str, before: Any) -> Change:
    """A field whose default is another one now: where it was left out, it keeps meaning what it meant."""

    def change(data: dict[str, Any]) -> list[str]:
        notes = []
        for place, key, where in _places(data, path, missing=True):
            if key not in place:
                place[key] = copy.deepcopy(before)
                notes.append(f"{where}: was left out and keeps {before!r}, the default of then")
        return notes

    return change


def _places(data: Any, pattern: str, missing: bool = False) -> list[tuple[dict[str, Any], str, str]]:
    """(mapping, key, path) for each field that a pattern fits, also for one that its mapping lacks if `missing`."""
    found = [(data, "")]
    *parents, last = pattern.split(".")
    for part in parents:
        deeper = []
        for place, path in found:
            if part == "*" and isinstance(place, list):
                deeper += [(item, f"{path}.{index}") for index, item in enumerate(place)]
            elif isinstance(place, dict) and part in place:
                deeper.append((place[part], f"{path}.{part}" if path else part))
        found = deeper
    return [
        (place, last, f"{path}.{last}" if path else last)
        for place, path in found
        if isinstance(place, dict) and (missing or last in place)
    ]
