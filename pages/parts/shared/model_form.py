"""A form made from a model itself: every field of it becomes a widget, with the model's own words as help."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from core.config import Stage
from pages.parts.shared.text import LONGEST, LONGEST_MESSAGE, Markdown, described, plain, visible
from pages.parts.shared.written_form import data_of, height, is_written, written

Path = tuple[str | int, ...]
Beside = Callable[[FieldInfo, Any, Path], None]

ADVANCED = {
    "minimum_damping",
    "final_learning_rate_ratio",
    "enough",
    "patience",
    "checkpoint_every",
    "precision",
    "resample_every",
    "dataset_version",
    "dataset_columns",
    "data_weight",
    "guard",
    "dampings",
    "adaptive",
    "gradient_scale",
    "processes",
    "scale",
    "focus",
    "focus_width",
    "begins",
    "step",
    "relax",
    "epsilon",
    "first_step",
    "smallest_step",
    "home",
    "program",
    "python",
    "conf",
    "account",
    "constraint",
}
"""Fields that most runs leave alone; they are folded away."""

HIDDEN = {"kind", "version", "parent", "name"}


def fields_form(
    model: type[BaseModel],
    names: tuple[str, ...],
    data: dict[str, Any],
    errors: dict[Path, str],
    key: str,
    without: frozenset[str] = frozenset(),
    beside: Beside | None = None,
) -> dict[str, Any]:
    """Widgets for some fields of `model`, filled from `data`; returns what they hold, unvalidated.

    Args:
        model: a pydantic model.
        names: which of its fields, by the names they have in `data`.
        data: plain values to start from (`model_dump(mode="json", by_alias=True)`).
        errors: messages by field path from the last validation, shown beside their fields.
        key: prefix of the widgets' keys; a new prefix starts the form afresh.
        without: fields of models within these that are not shown and stay as they are.
        beside: draws something below each field that is one widget: it is given the field, what it holds, its path.
    """
    fields = {info.alias or name: (name, info) for name, info in model.model_fields.items()}
    return _Form(errors, key, without, beside).fields([fields[name] for name in names], data, ())


class _Form:
    def __init__(
        self, errors: dict[Path, str], key: str, without: frozenset[str] = frozenset(), beside: Beside | None = None
    ):
        self.errors = errors
        self.beside = beside
        self.key = key
        self.hidden = HIDDEN | without

    def model(self, model: type[BaseModel], data: dict[str, Any], path: Path) -> dict[str, Any]:
        kept = {name: data[name] for name in self.hidden & model.model_fields.keys() if name in data}
        shown = [(name, info) for name, info in model.model_fields.items() if name not in self.hidden]
        return kept | self.fields(shown, data, path)

    def fields(self, plain: list[tuple[str, FieldInfo]], data: dict[str, Any], path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        scalars = [item for item in plain if _is_scalar(item[1]) and item[0] not in ADVANCED]
        advanced = [item for item in plain if _is_scalar(item[1]) and item[0] in ADVANCED]
        nested = [item for item in plain if not _is_scalar(item[1])]
        if scalars:
            columns = st.columns(2 if len(scalars) > 1 else 1, gap="small")
            for index, (name, info) in enumerate(scalars):
                with columns[index % len(columns)]:
                    alias = info.alias or name
                    result[alias] = self.scalar(info, data.get(alias), (*path, alias))
        for name, info in nested:
            alias = info.alias or name
            result[alias] = self.nested(info, data.get(alias), (*path, alias))
        if advanced:
            with st.expander("More", expanded=any((*path, name) in self.errors for name, _ in advanced)):
                columns = st.columns(2, gap="small")
                for index, (name, info) in enumerate(advanced):
                    with columns[index % 2]:
                        result[name] = self.scalar(info, data.get(name), (*path, name))
        return result

    def nested(self, info: FieldInfo, value: Any, path: Path) -> Any:
        models = _models(info.annotation)
        label = _label(info, path)
        if is_written(info):
            return self.written(info, value, path)
        if _is_model_tuple(info.annotation):
            return self.stages(value or [], path)
        with st.container(border=True):
            if len(models) > 1:
                kinds = {_kind(model): model for model in models}
                current = (value or {}).get("kind")
                titles = {
                    kind: visible(getattr(model, "title", kind.replace("_", " ")), LONGEST)
                    for kind, model in kinds.items()
                }
                chosen = st.selectbox(
                    label,
                    list(kinds),
                    index=list(kinds).index(current) if current in kinds else 0,
                    format_func=titles.get,
                    key=self._key((*path, "kind")),
                )
                model = kinds[chosen]
                data = value if chosen == current else _defaults(model)
                return self.model(model, data, path) | {"kind": chosen}
            model = models[0]
            if type(None) in _members(info.annotation):
                on = st.toggle(label, value is not None, key=self._key((*path, "on")), help=_first_line(model))
                if not on:
                    return None
            else:
                st.markdown(f"**{label}**", help=_first_line(model))
            data = value or _defaults(model)
            return self.model(model, data, path)

    def written(self, info: FieldInfo, value: Any, path: Path) -> Any:
        before = written(value, info)
        text = st.text_area(
            _label(info, path), before, key=self._key(path), help=described(info.description), height=height(before)
        )
        for place in self.errors:
            if place[: len(path)] == path:
                self._error(place)
        return data_of(text, info)

    def stages(self, value: list[dict[str, Any]], path: Path) -> list[dict[str, Any]]:
        tabs = st.tabs([f"Stage {index + 1}" for index in range(len(value))])
        result = []
        for index, (tab, data) in enumerate(zip(tabs, value, strict=True)):
            with tab:
                self._error((*path, index))
                result.append(self.model(Stage, data, (*path, index)))
        return result

    def scalar(self, info: FieldInfo, value: Any, path: Path) -> Any:
        kind, label, key = _scalar_kind(info.annotation), _label(info, path), self._key(path)
        help_text = described(info.description)
        choices = _choices(info.annotation)
        if choices and kind is None:
            if type(None) in _members(info.annotation):
                choices = [None, *choices]
            index = choices.index(value) if value in choices else 0
            result = st.selectbox(
                label, choices, index=index, format_func=lambda c: c or "none", key=key, help=help_text
            )
        elif kind is bool:
            result = st.checkbox(label, bool(value), key=key, help=help_text)
        elif kind is int and type(None) not in _members(info.annotation):
            result = st.number_input(label, value=int(value or 0), step=1, key=key, help=help_text)
        else:
            text = st.text_input(label, _as_text(value), key=key, help=help_text, placeholder=_placeholder(info))
            result = _from_text(text, info.annotation)
        self._error(path)
        if self.beside is not None:
            self.beside(info, result, path)
        return result

    def _error(self, path: Path) -> None:
        if path in self.errors:
            st.markdown(f":red[{plain(self.errors[path], LONGEST_MESSAGE)}]")

    def _key(self, path: Path) -> str:
        return f"{self.key}.{'.'.join(str(part) for part in path)}"


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _members(annotation: Any) -> list[Any]:
    annotation = _bare(annotation)
    if get_origin(annotation) in (Union, types.UnionType):
        return [member for item in get_args(annotation) for member in _members(item)]
    return [annotation]


def _models(annotation: Any) -> list[type[BaseModel]]:
    return [m for m in _members(annotation) if isinstance(m, type) and issubclass(m, BaseModel)]


def _is_model_tuple(annotation: Any) -> bool:
    annotation = _bare(annotation)
    return get_origin(annotation) is tuple and bool(_models(get_args(annotation)[0]))


def _is_scalar(info: FieldInfo) -> bool:
    written = is_written(info)
    return not (written or _models(info.annotation) or _is_model_tuple(info.annotation))


def _choices(annotation: Any) -> list[Any]:
    return [value for member in _members(annotation) if get_origin(member) is Literal for value in get_args(member)]


def _scalar_kind(annotation: Any) -> type | None:
    """The type a scalar field holds; None for a plain choice."""
    for member in _members(annotation):
        if get_origin(member) is tuple:
            return tuple
        if member in (bool, int, float, str):
            return member
    return None


def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    """Its fields as data, without those that have no default: their widgets are empty, and validation asks for them."""
    return model.model_construct().model_dump(mode="json", by_alias=True)


def _kind(model: type[BaseModel]) -> str:
    return model.model_fields["kind"].default


def _label(info: FieldInfo, path: Path) -> Markdown:
    return plain(info.title or str(path[-1]).replace("_", " ").capitalize(), LONGEST)


def _placeholder(info: FieldInfo) -> str:
    """What an empty field stands for."""
    if type(None) not in _members(info.annotation):
        return ""
    return info.json_schema_extra["empty"] if isinstance(info.json_schema_extra, dict) else "none"


def _first_line(model: type[BaseModel]) -> Markdown | None:
    return described((model.__doc__ or "").strip().partition("\n")[0])


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def _from_text(text: str, annotation: Any) -> Any:
    """What a text stands for, left as text where it stands for nothing, so that validation can say so."""
    text, kind = text.strip(), _scalar_kind(annotation)
    if not text and type(None) in _members(annotation):
        return None
    if kind is tuple:
        return [_number(part.strip()) for part in text.split(",") if part.strip()]
    if kind in (int, float):
        one_or_more = any(get_origin(member) is tuple for member in _members(annotation))
        return [_number(part.strip()) for part in text.split(",")] if one_or_more and "," in text else _number(text)
    return text


def _number(text: str) -> Any:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
