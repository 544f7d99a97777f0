"""The reference of every field of a run's config, from the models themselves: `python -m docs.config_reference`.

It writes docs/reference/config.md; a test holds the file against the models.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from core.config import RunConfig
from core.problems import Problem

TARGET = Path(__file__).with_name("reference") / "config.md"
INTRODUCTION = """# Every field of a run's config

<!-- Made by `python -m docs.config_reference` from the models in core/config and core/problems: change those. -->

A config is a mapping of these fields, as YAML or JSON. Each has a default, `problem` apart, so a config names only
what it wants otherwise. On the command line `--set stages.0.iterations=200` changes one field of a preset or file;
`stages.0` is the first stage. The form on Launch has the same fields with the same limits. What is not allowed is
refused, with the field's name, before anything runs.
"""
LIMITS = {
    annotated_types.Ge: ("ge", "≥ "),
    annotated_types.Gt: ("gt", "> "),
    annotated_types.Le: ("le", "≤ "),
    annotated_types.Lt: ("lt", "< "),
}
WORDS = {
    int: "whole number",
    float: "number",
    str: "text",
    bool: "true or false",
    dict: "mapping",
    type(None): "nothing",
}


def written() -> str:
    """The whole reference, as Markdown."""
    run, *found = _models(RunConfig, "", {})
    problems = [item for item in found if issubclass(item[1], Problem)]
    of_problem = [item for item in found if item[0].startswith("problem.")]
    rest = [item for item in found if item not in problems and item not in of_problem]
    parts = [INTRODUCTION, *map(_section, [run, *rest])]
    parts += ["## Problems\n\nThe fields of `problem`, by its `kind`.\n", *(_section(item, "###") for item in problems)]
    parts += ["## Parts of a typed problem\n", *(_section(item, "###") for item in of_problem)]
    return "\n".join(parts)


def _models(model: type[BaseModel], path: str, seen: dict) -> Iterator[tuple[str, type[BaseModel]]]:
    """(path of the first field that holds it, model) of a model and all below it, each once."""
    if model in seen:
        return
    seen[model] = path
    yield path, model
    for name, info in model.model_fields.items():
        place = f"{path}.{info.alias or name}".lstrip(".")
        for below, listed in _below(info.annotation):
            yield from _models(below, place + (".N" if listed else ""), seen)


def _below(annotation: Any, listed: bool = False) -> Iterator[tuple[type[BaseModel], bool]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, listed
    for part in get_args(annotation):
        yield from _below(part, listed or get_origin(annotation) in (tuple, list))


def _title(path: str, model: type[BaseModel]) -> str:
    if not path:
        return "A run"
    kind = model.model_fields.get("kind")
    return f"`{path}`" + (f", kind `{kind.default}`" if kind is not None and isinstance(kind.default, str) else "")


def _section(item: tuple[str, type[BaseModel]], level: str = "##") -> str:
    path, model = item
    fields = [(key, info) for key, info in model.model_fields.items() if key != "kind"]
    lines = [f"{level} {_title(path, model)}", "", _cell(_first_paragraph(model)), ""]
    if not fields:
        return "\n".join([*lines, "It has no fields of its own.", ""])
    lines += ["| field | values | default | what it is |", "|---|---|---|---|"]
    for key, info in fields:
        cells = (f"`{info.alias or key}`", _values(info), _default(info), _meaning(info))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _first_paragraph(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").strip().split("\n\n")[0].split())


def _meaning(info: FieldInfo) -> str:
    """The field's own words; of one that holds a model without words, the model's."""
    title = f"{info.title}. " if info.title and info.title.lower() not in (info.description or "").lower() else ""
    below = [model for model, _ in _below(info.annotation)]
    described = info.description or (_first_paragraph(below[0]) if len(below) == 1 else "")
    if not described and len(below) > 1:
        described = "One of the kinds below."
    return _cell(title + described)


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "**has to be given**"
    value = info.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined or value == "":
        return "empty"
    if isinstance(value, BaseModel):
        return "its own defaults"
    if isinstance(value, tuple | list):
        if not value:
            return "none"
        if isinstance(value[0], BaseModel):
            return "one, with its own defaults"
    return f"`{_data(value)}`"


def _data(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(_data, value)) + "]"
    return str(value)


def _values(info: FieldInfo) -> str:
    return _cell(_type(info.annotation, info.metadata) or "any")


def _type(annotation: Any, limits: list[Any] | tuple = ()) -> str:
    """A type in words, its limits behind it."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *own = get_args(annotation)
        return _type(inner, [*own, *limits])
    if origin in (Union, types.UnionType):
        members = [member for member in get_args(annotation) if member is not type(None)]
        if all(_is_model(member) for member in members):
            kinds = [_kind(member) for member in members]
            text = "a mapping" if len(kinds) == 1 else "a mapping, its `kind` one of " + ", ".join(kinds)
        else:
            text = " or ".join(_type(member, limits) for member in members)
        return text + (", or empty" if type(None) in get_args(annotation) else "")
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if origin in (tuple, list):
        first = get_args(annotation)[0]
        return f"list of {_type(first)}" if not _is_model(first) else "list of mappings"
    if _is_model(annotation):
        return "a mapping"
    return " ".join([WORDS.get(annotation, WORDS.get(origin, "value")), *_limits(limits)])


def _limits(limits: list[Any] | tuple) -> list[str]:
    """Each limit in signs; those of a nested `Field` too."""
    found = []
    for limit in limits:
        if isinstance(limit, FieldInfo):
            found += _limits(limit.metadata)
        elif type(limit) in LIMITS:
            name, sign = LIMITS[type(limit)]
            found.append(f"{sign}{_data(getattr(limit, name))}")
    return [", ".join(found)] if found else []


def _is_model(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _kind(model: Any) -> str:
    if get_origin(model) is Annotated:
        model = get_args(model)[0]
    kind = model.model_fields.get("kind")
    return f"`{kind.default}`" if kind is not None else f"`{model.__name__}`"


def _cell(text: str) -> str:
    """Text for a cell of a table: in one line, nothing in it a column, an emphasis or a link of its own."""
    pieces = " ".join(text.split()).replace("|", "\\|").split("`")
    for k in range(0, len(pieces), 2):
        for sign in "*_[]<":
            pieces[k] = pieces[k].replace(sign, "\\" + sign)
    return "`".join(pieces)


if __name__ == "__main__":
    TARGET.write_text(written(), encoding="utf-8")
