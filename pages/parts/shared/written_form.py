"""Fields that hold several texts, texts by name, or a domain: written in one area, a line each, or as YAML."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from core.config import Stage
from core.documents import DocumentError, yaml_data
from core.domains.regions import domain_of
from core.equations.domain_text import domain_text

LOWEST, HIGHEST, LINE = 68, 420, 24
"""Pixels of an area, and of each of its lines."""


def is_written(info: FieldInfo) -> bool:
    """Whether a field is a mapping, a domain, a list of texts of a line each, or of models that are no stages."""
    annotation = _bare(info.annotation)
    if get_origin(annotation) is dict or _is_domain(info):
        return True
    if get_origin(annotation) is not tuple:
        return False
    item = _bare(get_args(annotation)[0])
    return _is_lines(info) or (isinstance(item, type) and issubclass(item, BaseModel) and item is not Stage)


def written(value: Any, info: FieldInfo) -> str:
    """A field's value as a person writes it."""
    if not value:
        return ""
    if _is_domain(info):
        return value if isinstance(value, str) else domain_text(domain_of(value))
    if _is_lines(info) and all(isinstance(each, str) and "\n" not in each for each in value):
        return "\n".join(value)
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_one_line(each)}" for key, each in value.items())
    return "\n".join(f"- {_one_line(each)}" for each in value)


def _one_line(value: Any) -> str:
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=10_000, default_flow_style=True)
    return text.removesuffix("...\n").strip()


def data_of(text: str, info: FieldInfo) -> Any:
    """What a person wrote, as data; the text itself where it is none, so that validation says so."""
    if _is_lines(info):
        return [line.strip() for line in text.splitlines() if line.strip()]
    if _is_domain(info):
        return text.strip() or None  # what is wrong with it is said where it is read
    if not text.strip():
        if _may_be_none(info.annotation):
            return None
        return {} if get_origin(_bare(info.annotation)) is dict else []
    try:
        return yaml_data(text)
    except DocumentError:
        return text


def height(text: str) -> int:
    """Of the area that shows a text, in pixels."""
    return min(HIGHEST, max(LOWEST, LINE * (text.count("\n") + 2)))


def _is_lines(info: FieldInfo) -> bool:
    return isinstance(info.json_schema_extra, dict) and bool(info.json_schema_extra.get("lines"))


def _is_domain(info: FieldInfo) -> bool:
    return isinstance(info.json_schema_extra, dict) and bool(info.json_schema_extra.get("domain"))


def _bare(annotation: Any) -> Any:
    """Without what is said beside a type, and without None where one other type is allowed."""
    annotation = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    others = [each for each in get_args(annotation) if each is not NoneType] if _may_be_none(annotation) else []
    return _bare(others[0]) if len(others) == 1 else annotation


def _may_be_none(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, UnionType) and NoneType in get_args(annotation)
