"""The base of everything a run is described with."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


class Frozen(BaseModel):
    """Immutable, hashable, strict about names and finite numbers; says its limits in every error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)


class Extended(Frozen):
    """A model that got fields after configs had been hashed: unset, they are left out of its data, so hashes stand."""

    added: ClassVar[frozenset[str]] = frozenset()
    """Names of those fields; None is the default of each."""

    @model_serializer(mode="wrap")
    def _without_unset(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value is not None or name not in self.added}
