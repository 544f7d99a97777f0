"""From plain data to a RunConfig: what a person writes is checked strictly, for today's fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from core.config.faults import field_errors, kind_of, short
from core.config.reading import load_data
from core.config.run import VERSION, RunConfig
from core.errors import ConfigError


def parse_config(data: Any) -> RunConfig:
    """A RunConfig from plain data. Raises ConfigError naming each field at fault, its value and what is allowed."""
    check_version(data)
    try:
        return RunConfig.model_validate(data)
    except ValidationError as error:
        raise ConfigError([line for _, line in field_errors(error)]) from None


def check_version(data: Any, version: int = VERSION) -> int:
    """The version that plain data of a config was made by, `version` where it does not say.

    Raises ConfigError for what is no config, and for the config of a newer program, of which nothing may be guessed.
    """
    if not isinstance(data, dict):
        raise ConfigError([f"a run's config is a mapping of fields, not {kind_of(data)}"])
    made_by = data.get("version", version)
    number = isinstance(made_by, int | float) and not isinstance(made_by, bool)
    if not number or not float(made_by).is_integer() or made_by < 0:
        raise ConfigError([f"version: {short(made_by)} is not allowed; it should be {version}"])
    if made_by > version:
        raise ConfigError(
            [f"version: the config was made by version {made_by}, this program reads up to {version}; update it"]
        )
    return int(made_by)


def load_config(path: Path) -> RunConfig:
    """A RunConfig from a YAML or JSON file written for this version. Raises ConfigError."""
    return parse_config(load_data(path))


def override(config: RunConfig, settings: list[str]) -> RunConfig:
    """`config` with `path.to.field=value` settings applied, values read as YAML. Raises ConfigError."""
    data = config.model_dump(mode="json", by_alias=True)
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals or not path:
            raise ConfigError([f"--set {setting}: write it as field=value, for example stages.0.iterations=200"])
        keys = path.strip().split(".")
        place: Any = data
        for depth, key in enumerate(keys):
            last = depth == len(keys) - 1
            if isinstance(place, list):
                if not key.isdigit() or int(key) >= len(place):
                    where = ".".join(keys[:depth])
                    raise ConfigError([f"{path}: {where} has entries 0 to {len(place) - 1}, not {key!r}"])
                key = int(key)
            elif isinstance(place, dict) and not last and not isinstance(place.get(key), dict | list):
                place[key] = {}
            if last:
                place[key] = _yaml_scalar(text, path)
            else:
                place = place[key]
    return parse_config(data)


def _yaml_scalar(text: str, path: str) -> Any:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError([f"{path}: {text!r} is not a value"]) from None
    if isinstance(value, str):  # YAML 1.1 takes 1e-8 for a word
        try:
            return float(value)
        except ValueError:
            return value
    return value
