"""What a dataset's file holds, as the version that is asked for."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.data_folder import current, read
from core.datasets.mapping import mapped
from core.datasets.reading import table_of_bytes
from core.home import home

if TYPE_CHECKING:
    import numpy as np

    from core.datasets.tables import Table


def columns(name: str, git_blob: str | None = None, mapping: str | None = None) -> dict[str, np.ndarray]:
    """The columns (n,) of a dataset's version, or of the file as it is now, by what a mapping calls them.

    Raises LabError.
    """
    git_blob = git_blob or current(name).git_blob
    return _columns(home().data, name, git_blob, mapping)


@lru_cache(maxsize=4)
def _columns(folder: Path, name: str, git_blob: str, mapping: str | None) -> dict[str, np.ndarray]:
    return mapped(name, table(name, git_blob), mapping)[0]


def table(name: str, git_blob: str | None = None) -> Table:
    """A dataset's version, or the file as it is now, as it was found. Raises LabError."""
    data, found = read(name, git_blob)
    return table_of_bytes(name, data, found.git_blob)
