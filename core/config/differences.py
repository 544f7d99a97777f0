"""In which fields plain data of two configs differ."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


def flatten(value: Any, path: str = "") -> dict[str, Any]:
    """Every leaf of plain data by its path; lists of plain values are leaves."""
    if isinstance(value, dict):
        items = ((f"{path}.{key}" if path else key, item) for key, item in value.items())
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        items = ((f"{path}.{index}", item) for index, item in enumerate(value))
    else:
        return {path: value}
    return {leaf: item for key, inner in items for leaf, item in flatten(inner, key).items()}


@dataclass(frozen=True)
class Difference:
    """One field in which two configs differ; None where a side does not have it."""

    field: str
    before: Any
    after: Any


def differing(before: dict[str, Any], after: dict[str, Any]) -> tuple[Difference, ...]:
    """The leaves in which plain data of two configs differ, by path, names left out."""
    first, second = flatten(before), flatten(after)
    return tuple(
        Difference(path, first.get(path), second.get(path))
        for path in dict.fromkeys([*first, *second])
        if path != "name" and first.get(path) != second.get(path)
    )


def field_words(path: str) -> str:
    """A field's path in words that wrap in a narrow column: stages.0.target_residual → stage 1 · target residual."""
    path = re.sub(r"^stages\.([0-9]{1,4})\.", lambda match: f"stage {int(match[1]) + 1} · ", path)
    return path.replace(".", " · ").replace("_", " ")
