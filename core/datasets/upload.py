"""Adding a dataset: a file is read before it is placed, and nothing is ever lost by one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.data_folder import LONGEST_NAME, bytes_of, place_of
from core.datasets.ledger import Version, added_as, record, recorded
from core.datasets.mapping import Column, guess, mapped, stored
from core.datasets.meshes import MESHES, is_mesh, mesh_of_bytes
from core.datasets.reading import table_of_bytes
from core.datasets.tables import FORMATS, instead
from core.digests import digests_of
from core.errors import LabError
from core.files import write_whole
from core.home import home
from core.locks import one_at_a_time
from core.people import RUNNER, needs

LARGEST = 50 * 2**20
"""Bytes of the largest file that can be added; `server.maxUploadSize` in .streamlit/config.toml says the same."""

TAKEN = (*FORMATS, *MESHES)
"""Endings of files that can be added: tables, then meshes."""

Outcome = Literal["added", "replaced", "already there"]


@dataclass(frozen=True)
class Added:
    """What an upload came to."""

    version: Version
    outcome: Outcome


def checked_name(name: str) -> str:
    """A dataset's name in composed Unicode. Raises LabError for paths, hidden files, control marks, other endings."""
    name = unicodedata.normalize("NFC", name.strip())
    plain = name.isprintable() and "/" not in name and not name.startswith(".")
    fits = len(name.encode("utf-8", "replace")) <= LONGEST_NAME
    if not plain or not fits or not Path(name).stem or Path(name).suffix.lower() not in TAKEN:
        raise LabError(
            f"{name[:LONGEST_NAME]!r} can't be a dataset's name: letters, digits, signs and blanks, no '/', no '.' in "
            f"front, at most {LONGEST_NAME} bytes, ending in {', '.join(FORMATS)}, or for a mesh "
            f"{', '.join(MESHES)}. {instead(name)}".strip()
        )
    return name


def check_size(name: str, size: int) -> None:
    """Raises LabError for a file that is too large to be added."""
    if size > LARGEST:
        raise LabError(
            f"{name} has {size / 2**20:.0f} MB; at most {LARGEST // 2**20} MB can be added. "
            + (
                "Make the mesh coarser, or write it compressed, as .vtu."
                if is_mesh(name)
                else "Thin its rows out, or leave columns out."
            )
        )


@needs(RUNNER)
def add(name: str, data: bytes, *, replace: bool = False, columns: Iterable[Column] | None = None) -> Added:
    """Put a file into the data folder once its content has been read; nothing is ever lost by it.

    Args:
        name: its name there, without folders.
        data: its bytes.
        replace: let it become the new version of a dataset of this name that has other bytes, or whose columns stand
            for something else; the old version is kept.
        columns: what a table's columns stand for; None takes the guess.

    Raises:
        LabError: a name, size or content that is not taken, another dataset of this name, or a full disk.
    """
    name = checked_name(name)
    check_size(name, len(data))
    found = digests_of(data)
    mapping = _mapping(name, data, found.git_blob, columns)
    with one_at_a_time(home().ensure().root / "datasets.lock"):
        place = place_of(name)
        if place.exists() and not place.is_file():
            raise LabError(f"{name!r} is the name of something that is no file. Choose another.")
        old = bytes_of(place) if place.exists() else None
        before = added_as(name, found.git_blob) if old == data else None
        same = old == data and (before is None or before.columns == mapping)
        outcome: Outcome = "added" if old is None else "already there" if same else "replaced"
        if outcome == "replaced":
            if not replace:
                other = "whose columns stand for something else" if old == data else "with other content"
                raise LabError(
                    f"There is a dataset {name!r} {other}. Replace it, which keeps the old version, or choose another "
                    "name."
                )
            if digests_of(old).git_blob not in recorded(name):
                record(name, old, "upload")
        version = record(name, data, "upload", mapping)
        if old != data:
            try:
                write_whole(place, data)
            except OSError as error:
                raise LabError(f"{name} could not be written: {error.strerror}.") from error
    return Added(version, outcome)


def _mapping(name: str, data: bytes, git_blob: str, columns: Iterable[Column] | None) -> str | None:
    """What a table's columns stand for; None of a mesh. Raises LabError: the file is neither."""
    if is_mesh(name):
        mesh_of_bytes(name, data, git_blob)
        return None
    table = table_of_bytes(name, data, git_blob)
    mapping = stored(guess(table).columns if columns is None else columns, table)
    mapped(name, table, mapping)
    return mapping
