"""Which fields of a config a sweep may vary: the path of each, whether it takes numbers or words, and its limits."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from core.config import UNCOUNTED, RunConfig
from core.errors import ConfigError

LEFT_OUT = ("version", "parent", "parent_checkpoint", "device", *UNCOUNTED)
"""Fields that no sweep varies, with all that is in them."""
NEAR = 3
"""Names that are offered in the place of one that there is not."""


@dataclass(frozen=True)
class Varied:
    """A field that a sweep may vary."""

    path: str
    """As `--set` writes it: stages.0.optimizer.damping."""
    kind: Literal["integer", "number", "choice"]
    value: Any
    """What it is in the config, plain data."""
    choices: tuple[str, ...] = ()
    """All values of a choice, as `--set` writes them; empty where they can't be listed."""

    @property
    def suggestion(self) -> str:
        """What a form proposes to try, as `core.sweeps.axis.read_axis` reads it."""
        if isinstance(self.value, list) and self.value and all(type(each) is int for each in self.value):
            sizes = ([each // 2 for each in self.value], self.value, [each * 2 for each in self.value])
            return ", ".join(map(str, sizes if min(self.value) > 1 else sizes[1:]))
        if self.kind == "choice":
            return ", ".join(self.choices)
        if not isinstance(self.value, int | float):
            return ""
        value = self.value
        if self.kind == "integer":
            return f"{value // 2}..{value * 2}" if value > 1 else f"{value}..{value + 9}"
        if value > 0:
            return f"{value / 10:.3g}..{value * 10:.3g} log"
        return "0..1" if value == 0 else f"{2 * value:.3g}..{-value:.3g}"


def varied_fields(config: RunConfig) -> dict[str, Varied]:
    """Path → field, of everything in a config that a sweep may vary, in the config's order."""
    return {field.path: field for field in _of_model(config, "", LEFT_OUT)}


def field_of(config: RunConfig, path: str) -> Varied:
    """A field by its path. Raises ConfigError for one that there is not, with the nearest names."""
    fields = varied_fields(config)
    if path in fields:
        return fields[path]
    if path.partition(".")[0] in LEFT_OUT or path.rpartition(".")[2] == "kind":
        raise ConfigError([f"{path}: a sweep varies what a run computes, and this field says something else of it"])
    raise ConfigError([f"{path}: there is no such field to vary{_near(path, tuple(fields))}"])


def _near(path: str, there: Sequence[str]) -> str:
    last = {name: name.rpartition(".")[2] for name in there}
    asked = path.rpartition(".")[2]
    found = difflib.get_close_matches(path[:200], there, n=NEAR)
    close = difflib.get_close_matches(asked[:80], list(dict.fromkeys(last.values())), n=1)
    found += [name for name in there if close and last[name] == close[0] and name not in found]
    return f"; did you mean {' or '.join(repr(name) for name in found[:NEAR])}?" if found else ""


def _of_model(model: BaseModel, path: str, without: Sequence[str] = ()) -> Iterator[Varied]:
    for name, info in type(model).model_fields.items():
        alias = info.alias or name
        if alias not in without and alias != "kind":
            yield from within(getattr(model, name), info, f"{path}.{alias}" if path else alias)


def within(value: Any, info: FieldInfo, path: str) -> Iterator[Varied]:
    """What can be varied of one field: itself, or what is in it.

    Args:
        value: what it holds, as the model has it or as plain data.
        info: of the model.
        path: of the field.
    """
    if isinstance(value, BaseModel):
        yield from _of_model(value, path)
    elif isinstance(value, tuple | list) and any(isinstance(each, BaseModel) for each in value):
        for index, each in enumerate(value):
            yield from _of_model(each, f"{path}.{index}")
    elif isinstance(value, dict):
        for key, each in value.items():
            if isinstance(each, int | float) and not isinstance(each, bool):
                yield Varied(f"{path}.{key}", "number", each)
    elif isinstance(value, tuple | list):
        yield Varied(path, "choice", list(value))
        kind = _number_kind(info.annotation)
        for index, each in enumerate(value):
            if kind is not None and isinstance(each, int | float):
                yield Varied(f"{path}.{index}", kind, each)
    else:
        members = _members(info.annotation)
        kind = None if bool in members or not {int, float} & set(members) else _number_kind(info.annotation)
        words = tuple(_words(members))
        if kind is not None:
            yield Varied(path, kind, value, words)
        elif words or bool in members:
            yield Varied(path, "choice", value, words or ("true", "false"))
        elif any(_entries(member) for member in members):
            yield Varied(path, "choice", value)  # a list that is not set


def _words(members: Sequence[Any]) -> Iterator[str]:
    if type(None) in members and any(get_origin(member) is Literal for member in members):
        yield "null"
    for member in members:
        if get_origin(member) is Literal:
            yield from (str(value) for value in get_args(member))


def _number_kind(annotation: Any) -> Literal["integer", "number"] | None:
    members = [inner for member in _members(annotation) for inner in (_entries(member) or [member])]
    if float in members:
        return "number"
    return "integer" if int in members else None


def _entries(member: Any) -> list[Any]:
    """The types of a tuple's entries; none of what is no tuple."""
    if get_origin(member) is not tuple:
        return []
    return [inner for entry in get_args(member) if entry is not Ellipsis for inner in _members(entry)]


def _members(annotation: Any) -> list[Any]:
    """The types of a union, without what annotations say of them."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [inner for member in get_args(annotation) for inner in _members(member)]
    return [annotation]
