"""Ready runs: YAML files beside this one, each with a title, a description, its expected duration and a config."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.config import RunConfig, load_config, parse_config
from core.config.faults import short
from core.documents import yaml_data
from core.errors import ConfigError


@dataclass(frozen=True)
class Preset:
    """A ready run and what to expect of it."""

    name: str
    title: str
    description: str
    expected_seconds: float
    """Wall time on two CPU cores, start-up of the process included."""
    config: RunConfig


@cache
def presets() -> dict[str, Preset]:
    """All presets by name, quickest first."""
    found = []
    for path in Path(__file__).parent.glob("*.yaml"):
        data = yaml_data(path.read_text(encoding="utf-8"))
        config = parse_config({"name": path.stem, **data["config"]})
        found.append(Preset(path.stem, data["title"], data["description"], data["expected_seconds"], config))
    return {preset.name: preset for preset in sorted(found, key=lambda preset: preset.expected_seconds)}


def resolve(name: str) -> RunConfig:
    """The config that a preset's name or a file's path stands for. Raises ConfigError."""
    if name in presets():
        return presets()[name].config
    path = Path(name)
    if path.suffix in (".yaml", ".yml", ".json") or os.path.exists(path):  # noqa: PTH110  # False for a name too long
        return load_config(path)
    raise ConfigError([f"{short(name)} is neither a preset nor a file; presets: {', '.join(presets())}"])
