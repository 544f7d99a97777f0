"""The base of everything a run is described with."""

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

Path = tuple[str | int, ...]
"""Of a field in a model: names, and places in lists."""


class FieldsAtFault(ValueError):  # noqa: N818 - what it says, not that it is an error
    """What is wrong with several fields below a model, as found by looking at them together: (path, one line) each."""

    def __init__(self, lines: Iterable[tuple[Path, str]]):
        told: dict[Path, list[str]] = {}
        for path, line in lines:
            told.setdefault(path, []).append(line)
        self.lines = tuple((path, "; ".join(each)) for path, each in told.items())
        super().__init__("; ".join(line for _, line in self.lines))


class Frozen(BaseModel):
    """Immutable, hashable, strict about names, finite numbers and truth; says its limits in every error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _true_is_no_number(cls, data: Any) -> Any:
        """Python's True is 1, and nobody who writes `seed: true` means that."""
        if not isinstance(data, dict):
            return data
        truths = {key for name, field in cls.model_fields.items() if "bool" in str(field.annotation)
                  for key in (name, field.alias)}  # fmt: skip
        mappings = {key for name, field in cls.model_fields.items() if "dict[" in str(field.annotation)
                    for key in (name, field.alias)}  # fmt: skip
        return {key: value if key in truths else _no_number(value, key in mappings) for key, value in data.items()}


class _YesOrNo:
    """True or False where a number or a text is asked for: shown as itself, and nothing that any field takes."""

    def __init__(self, value: bool):
        self.value = value

    def __repr__(self) -> str:
        return repr(self.value)


def _no_number(value: Any, in_mapping: bool = False) -> Any:
    """The value, truths in lists marked; those in mappings too where these hold values and are no models."""
    if in_mapping and isinstance(value, dict):
        return {key: _no_number(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_no_number, value)) if type(value) in (list, tuple) else value
    return _YesOrNo(value) if isinstance(value, bool) else value


def shaped(pattern: str, wanted: str) -> AfterValidator:
    """A text that a pattern matches as a whole; the error says what it should be in words, and not what it was."""

    def check(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise ValueError(f"it should be {wanted}")
        return text

    return AfterValidator(check)


class Extended(Frozen):
    """A model that got fields after configs had been hashed: unset, they are left out of its data, so hashes stand."""

    added: ClassVar[frozenset[str]] = frozenset()
    """Names of those fields; None is the default of each."""

    @model_serializer(mode="wrap")
    def _without_unset(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value is not None or name not in self.added}
