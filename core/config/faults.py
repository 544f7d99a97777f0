"""What is wrong with a config, in one clear line for each field."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import ValidationError

from core.config.network import MLP, Fourier
from core.config.optimizer import OPTIMIZERS, Adam, GaussNewton
from core.config.run import Lambda, RunConfig
from core.config.stage import Collocation, Stage, Warmup
from core.domains.regions import KINDS
from core.errors import MOST_FAULTS
from core.frozen import FieldsAtFault
from core.problems import CATALOGUE
from core.rules import RULES, Retry

NO_SUCH_FIELD = "there is no such field"
WITHHELD = "what it says"
"""In the place of a value that may be a secret."""


def field_errors(
    error: ValidationError, tags: frozenset[str] = frozenset(), secret: frozenset[str] = frozenset()
) -> list[tuple[tuple[str | int, ...], str]]:
    """(path of the field, one clear line) for each error of a RunConfig, duplicates from unions removed.

    Args:
        error: of the validation.
        tags: kinds in unions that a RunConfig does not have.
        secret: fields of which, with all that is in them, no value is shown.
    """
    seen: dict[tuple[str | int, ...], list[str]] = {}
    for item in error.errors(include_url=False):
        path = _path(item["loc"], tags)
        if item["type"] == "too_short" and any(known[: len(path)] == path for known in seen):
            continue  # pydantic also counts only the valid entries of a list in which another entry is at fault
        cause = item.get("ctx", {}).get("error")
        if isinstance(cause, FieldsAtFault):
            for below, line in cause.lines:
                seen.setdefault((*path, *below), []).append(f"{dotted((*path, *below))}: {line}")
            continue
        lines = seen.setdefault(path, [])
        line = _explain(item, path, suggest=len(seen) <= MOST_FAULTS, hidden=bool(path) and path[0] in secret)
        lines.append(line.split(" should ")[-1] if lines and " should " in line else line)
    return [(path, " or ".join(dict.fromkeys(lines))) for path, lines in seen.items()]


def text_fields(error: ValidationError) -> set[tuple[str | int, ...]]:
    """The fields of a RunConfig that take a text and were given something else."""
    wanted = [item["loc"] for item in error.errors(include_url=False) if item["type"] == "string_type"]
    return {_path(path) for path in wanted}


_TAGS = {get_args(c.model_fields["kind"].annotation)[0] for c in (*CATALOGUE, *OPTIMIZERS, *RULES)} | {"Fourier"}


def _path(place: Sequence[str | int], tags: frozenset[str] = frozenset()) -> tuple[str | int, ...]:
    """The path of a field in what was written, from pydantic's, which names the kinds of unions too.

    A kind stands behind the field that has it: the first part is a field, whatever its name, and so is what follows a
    kind.
    """
    path: list[str | int] = []
    after_kind = True
    for part in place:
        if isinstance(part, str) and part.startswith(("literal[", "constrained-", "function-", "tuple[")):
            continue
        kinds = part in _TAGS or part in tags or (part in KINDS and "domain" in path)
        after_kind = not after_kind and kinds
        if not after_kind:
            path.append(part)
    return tuple(path)


def _explain(item: dict[str, Any], path: tuple[str | int, ...], suggest: bool, hidden: bool = False) -> str:
    name = dotted(path) or "config"
    kind, context, value = item["type"], item.get("ctx", {}), item["input"]
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(path[-1])[:80], _field_names(), n=1) if suggest else []
        return f"{name}: {NO_SUCH_FIELD}" + (f"; did you mean {near[0]!r}?" if near and near[0] != path[-1] else "")
    if kind == "invalid_key":
        return f"{name}: {NO_SUCH_FIELD}; fields have names"
    if kind == "missing":
        return f"{name}: is missing"
    if kind == "union_tag_invalid":
        outside = " (a problem from a file outside needs LAB_PROBLEMS to name it)" if name == "problem" else ""
        shown = WITHHELD if hidden else short(context["tag"])
        return f"{name}.kind: {shown} is not known; allowed: {context['expected_tags']}{outside}"
    if kind == "union_tag_not_found":
        return f"{name}.kind: is missing"
    if kind == "value_error":
        text = str(context["error"])
        return f"{name}: {text}" if path else text
    if kind in ("too_short", "too_long"):
        wanted = f"at least {context.get('min_length')}" if kind == "too_short" else f"at most {context['max_length']}"
        return f"{name}: has {_counted(context, value)} entries; allowed: {wanted}"
    shown = WITHHELD if hidden else short(value)
    if path == ("device",):
        return f"{name}: {shown} is not allowed; it should be auto, cpu, cuda or cuda:N"
    return f"{name}: {shown} is not allowed; it should {_wanted(item)}"


def _counted(context: dict[str, Any], value: Any) -> int:
    """How many entries there are; pydantic counts no mapping."""
    return len(value) if context["actual_length"] is None else context["actual_length"]


def _wanted(item: dict[str, Any]) -> str:
    """What a value should be, in words that need no Python."""
    if item["type"] in ("tuple_type", "list_type"):
        return "be a list, in brackets"
    if item["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return "be a mapping of fields"
    message = item["msg"].removeprefix("Input ").removeprefix("String ").removeprefix("should ")
    return message.partition(", unable to parse")[0].partition(", got a number")[0]


def dotted(path: Sequence[str | int]) -> str:
    """The path of a field as messages write it: stages.0.iterations."""
    text = ".".join(str(part) for part in path)
    return text if len(text) <= 80 else text[:79] + "…"


def short(value: Any, length: int = 60) -> str:
    """A value as a message shows it."""
    try:
        text = value if isinstance(value, str) and length > 60 else repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return "a number of thousands of digits"
    return text if len(text) <= length else text[: length - 3] + "…"


def _field_names() -> set[str]:
    models = [RunConfig, Stage, Lambda, MLP, Fourier, GaussNewton, Adam, Warmup, Collocation, Retry, *CATALOGUE, *RULES]
    return {field.alias or name for model in models for name, field in model.model_fields.items()}


def kind_of(data: Any) -> str:
    """What plain data is, in words."""
    names = {type(None): "nothing", list: "a list", str: "a text"}
    return names.get(type(data), f"a value of type {type(data).__name__}")
