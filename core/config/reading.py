"""Plain data from YAML or JSON, as a person or a program wrote it, without trusting its size or shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from core.config.faults import kind_of, short
from core.errors import ConfigError

LARGEST_FILE = 1_000_000
"""Bytes; a config of twelve stages has some ten thousand."""
MOST_VALUES = 20_000
"""Values in a file, each repetition by a YAML alias counted."""


def read_data(raw: bytes, name: str) -> dict[str, Any]:
    """The fields in a YAML or JSON file's bytes, a preset's `config` where it is one; not yet validated.

    Raises ConfigError when it is too large, no text, neither YAML nor JSON, or no mapping.
    """
    if len(raw) > LARGEST_FILE:
        raise ConfigError([f"{name} has {len(raw) / 1e6:.1f} MB, and a config at most {LARGEST_FILE / 1e6:.0f}"])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError([f"{name} can't be read: it is no UTF-8 text"]) from None
    try:
        data = _plain_data(text)
    except RecursionError:
        raise ConfigError([f"{name} can't be read: it is nested too deeply"]) from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that is none
        raise ConfigError([f"{name} is neither YAML nor JSON: {short(' '.join(str(error).split()), 200)}"]) from None
    if _more_values_than(MOST_VALUES, data):
        raise ConfigError([f"{name} has more than {MOST_VALUES:,} values, and no config needs so many"])
    if isinstance(data, dict) and isinstance(data.get("config"), dict):
        data = data["config"]
    if not isinstance(data, dict):
        raise ConfigError([f"{name} holds {kind_of(data)}, and a run's config is a mapping of fields"])
    return data


def _plain_data(text: str) -> Any:
    """JSON as JSON, since YAML 1.1 takes its 1e-20 for a word; everything else as YAML."""
    try:
        return json.loads(text)
    except ValueError:
        return yaml.safe_load(text)


def _more_values_than(limit: int, data: Any) -> bool:
    """Whether data has more values than that; ends for data that contains itself, too."""
    waiting, seen = [data], 0
    while waiting:
        value = waiting.pop()
        seen += 1
        if seen > limit:
            return True
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list | set | tuple):
            waiting.extend(value)
    return False


def load_data(path: Path) -> dict[str, Any]:
    """The fields in a YAML or JSON file, not yet validated. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigError([f"{path} can't be read: {error.strerror or error}"]) from None
    return read_data(raw, str(path))
