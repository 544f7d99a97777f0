"""From plain data to a RunConfig: what a person writes is checked strictly, for today's fields."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from core.config.faults import dotted, field_errors, kind_of, short, text_fields
from core.config.run import VERSION, RunConfig
from core.documents import DocumentError, yaml_data
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
    number = isinstance(made_by, int) or (isinstance(made_by, float) and made_by.is_integer())
    if not number or isinstance(made_by, bool) or made_by < 0:
        raise ConfigError([f"version: {short(made_by)} is not allowed; it should be {version}"])
    if made_by > version:
        raise ConfigError(
            [f"version: the config was made by version {short(made_by)}, this program reads up to {version}; update it"]
        )
    return int(made_by)


def override(config: RunConfig, settings: list[str]) -> RunConfig:
    """`config` with `path.to.field=value` settings applied, values read as YAML. Raises ConfigError.

    Where a field takes texts alone, a value that YAML takes for something else is the text as it was written.
    """
    data = config.model_dump(mode="json", by_alias=True)
    written: dict[tuple[str | int, ...], str] = {}
    unread: dict[tuple[str | int, ...], DocumentError] = {}
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals or not path.strip():
            raise ConfigError([f"--set {short(setting)}: write it as field=value, for example stages.0.iterations=200"])
        place, keys = _place(data, path.strip().split("."))
        written[keys] = text
        try:
            value = yaml_data(text)
            # without quotes a text is all that was written; YAML would fold its lines and end it at " #"
            plain = isinstance(value, str) and text.strip()[:1] not in ("'", '"', "!", "|", ">", "&")
            place[keys[-1]] = text.strip() if plain else value
            unread.pop(keys, None)
        except DocumentError as error:
            place[keys[-1]] = Ellipsis  # no field takes it
            unread[keys] = error
    for keys in _text_fields(data) & written.keys():
        place, _ = _place(data, [str(key) for key in keys])
        place[keys[-1]] = written[keys]
        unread.pop(keys, None)
    if unread:
        raise ConfigError(
            [f"{dotted(keys)}: {short(written[keys])} is not a value: {error.words}" for keys, error in unread.items()]
        )
    return parse_config(data)


def _place(data: dict[str, Any], parts: list[str]) -> tuple[Any, tuple[str | int, ...]]:
    """The list or mapping in which the last part of a path stands, and the path; what is not there is made."""
    place: Any = data
    keys: list[str | int] = []
    for depth, part in enumerate(parts):
        if isinstance(place, list):
            if not (part.isascii() and part.isdigit() and len(part) < 10 and int(part) < len(place)):
                there = f"entries 0 to {len(place) - 1}" if place else "no entries"
                raise ConfigError([f"{dotted(parts)}: {dotted(keys)} has {there}, not {short(part)}"])
            keys.append(int(part))
        elif isinstance(place, dict):
            keys.append(part)
        else:
            raise ConfigError([f"{dotted(parts)}: {dotted(keys)} is a value and has no field {short(part)}"])
        if depth < len(parts) - 1:
            if isinstance(place, dict) and (place.get(part) is None or place.get(part) is Ellipsis):
                place[part] = [{}] if parts[depth + 1] == "0" else {}
            place = place[keys[-1]]
    return place, tuple(keys)


def _text_fields(data: dict[str, Any]) -> set[tuple[str | int, ...]]:
    """The fields that take texts alone and have something else."""
    try:
        RunConfig.model_validate(data)
    except ValidationError as error:
        return text_fields(error)
    return set()
