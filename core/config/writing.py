"""A config as YAML to keep, send and change: what differs from the defaults, in the order of its fields."""

from __future__ import annotations

from typing import Any

import yaml

from core.config.run import RunConfig


def config_yaml(config: RunConfig) -> str:
    """The text; read again, it is the same config."""
    data = config.model_dump(mode="json", by_alias=True)
    defaults = {info.alias or name: _plain(info.get_default(call_default_factory=True))
                for name, info in RunConfig.model_fields.items()}  # fmt: skip
    kept = {name: value for name, value in data.items()
            if name in ("problem", "stages") or value != defaults[name]}  # fmt: skip
    return yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=100)


def _plain(value: Any) -> Any:
    """As it stands in a config's data."""
    return value.model_dump(mode="json", by_alias=True) if hasattr(value, "model_dump") else value
