"""Plain data from YAML or JSON, as a person or a program wrote it, without trusting its size or shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.config.faults import kind_of
from core.documents import DocumentError, plain_data
from core.errors import ConfigError

LARGEST_FILE = 1_000_000
"""Bytes; a config of twelve stages has some ten thousand."""


def read_data(raw: bytes, name: str) -> dict[str, Any]:
    """The fields in a YAML or JSON file's bytes, a preset's `config` where it is one; not yet validated.

    Raises ConfigError, with line and column where there are some, when it is too large, no text, neither YAML nor JSON,
    beyond the bounds of `core.documents`, or no mapping.
    """
    if len(raw) > LARGEST_FILE:
        raise ConfigError([f"{name} has more than {LARGEST_FILE / 1e6:.0f} MB, and a config has less"])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError([f"{name} can't be read: it is no UTF-8 text"]) from None
    try:
        data = plain_data(text)
    except DocumentError as error:
        trouble = "is neither YAML nor JSON" if error.grammar else "can't be read"
        raise ConfigError([f"{name} {trouble}: {error}"]) from None
    if isinstance(data, dict) and isinstance(data.get("config"), dict):
        data = data["config"]
    if not isinstance(data, dict):
        raise ConfigError([f"{name} holds {kind_of(data)}, and a run's config is a mapping of fields"])
    return data


def load_data(path: Path) -> dict[str, Any]:
    """The fields in a YAML or JSON file, not yet validated. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigError([f"{path} can't be read: {error.strerror or error}"]) from None
    return read_data(raw, str(path))
