"""The base of everything a run is described with."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Immutable, hashable, strict about names and finite numbers; says its limits in every error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)
