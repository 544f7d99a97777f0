"""Ready runs: YAML files beside this one, each with a title, a description, its expected duration and a config.

A config without stages gets those of the automatic plan, and so does a typed equation in a file of the user's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from core.config import RunConfig, parse_config
from core.config.faults import short
from core.config.reading import load_data
from core.documents import yaml_data
from core.errors import ConfigError
from core.presets.plan import plan


@dataclass(frozen=True)
class Preset:
    """A ready run and what to expect of it."""

    name: str
    title: str
    description: str
    expected_seconds: float
    """Wall time on two CPU cores, start-up of the process included."""
    data: Mapping[str, Any]
    """Its config as written."""
    relative_l2: float | None = None
    """Measured relative L2 error, of exact values or of an independent reference; None where none was measured."""

    @property
    def kind(self) -> str:
        """Of its problem."""
        return self.data["problem"]["kind"]

    @property
    def picture(self) -> Path | None:
        """Of its solution, made by `python -m docs.gallery`; None where there is none."""
        made = Path(__file__).parent / "pictures" / f"{self.name}.webp"
        return made if made.exists() else None

    @cached_property
    def config(self) -> RunConfig:
        """Read when it is asked for: typed equations take their time, and a list of presets needs none of them."""
        return _with_plan({"name": self.name, **self.data})


def _with_plan(data: Mapping[str, Any]) -> RunConfig:
    """The config that data are, with the stages of the automatic plan where it has none. Raises ConfigError."""
    config = parse_config(data)
    return config if "stages" in data else plan(config.problem, config.windows is None).of(config)


@cache
def presets() -> dict[str, Preset]:
    """All presets by name, quickest first."""
    found = []
    for path in Path(__file__).parent.glob("*.yaml"):
        data = yaml_data(path.read_text(encoding="utf-8"))
        described = (data[name] for name in ("title", "description", "expected_seconds", "config"))
        found.append(Preset(path.stem, *described, data.get("relative_l2")))
    return {preset.name: preset for preset in sorted(found, key=lambda preset: preset.expected_seconds)}


def resolve(name: str) -> RunConfig:
    """The config that a preset's name or a file's path stands for. Raises ConfigError."""
    if name in presets():
        return presets()[name].config
    path = Path(name)
    if path.suffix in (".yaml", ".yml", ".json") or os.path.exists(path):  # noqa: PTH110  # False for a name too long
        data = load_data(path)
        typed = isinstance(problem := data.get("problem"), dict) and problem.get("kind") == "equation"
        return _with_plan(data) if typed else parse_config(data)
    raise ConfigError([f"{short(name)} is neither a preset nor a file; presets: {', '.join(presets())}"])
