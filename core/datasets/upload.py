"""Uploads: a file is checked before it is placed, and nothing is ever lost by one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.datasets.files import bytes_of, place_of
from core.datasets.identity import digests_of
from core.datasets.ledger import Version, record, recorded
from core.datasets.tables import FORMATS, read_table
from core.errors import LabError
from core.files import write_whole
from core.home import home
from core.locks import one_at_a_time

LARGEST = 50 * 2**20
"""Bytes of the largest file that can be uploaded; `server.maxUploadSize` in .streamlit/config.toml says the same."""

NAME = re.compile(r"\w[\w.\- ]{0,99}")


Outcome = Literal["added", "replaced", "already there"]


@dataclass(frozen=True)
class Added:
    """What an upload came to."""

    version: Version
    outcome: Outcome


def add(name: str, data: bytes, *, replace: bool = False) -> Added:
    """Put a file into the data folder once its content has been checked; nothing is ever lost by it.

    Args:
        name: its name there, without folders.
        data: its bytes.
        replace: let it become the new version of a dataset of this name that has other bytes; the old ones are kept.

    Raises:
        LabError: a name, size or content that is not taken, other bytes under this name, or a full disk.
    """
    if not NAME.fullmatch(name) or Path(name).suffix.lower() not in FORMATS:
        raise LabError(
            f"{name!r} can't be a dataset's name: letters, digits, '.', '-', '_' and blanks, "
            f"ending in {', '.join(FORMATS)}."
        )
    if len(data) > LARGEST:
        raise LabError(f"{name} has {len(data) / 2**20:.0f} MB; at most {LARGEST // 2**20} MB can be uploaded.")
    read_table(name, data)
    with one_at_a_time(home().ensure().root / "datasets.lock"):
        place = place_of(name)
        if place.exists() and not place.is_file():
            raise LabError(f"{name!r} is the name of something that is no file. Choose another.")
        old = bytes_of(place) if place.exists() else None
        outcome: Outcome = "added" if old is None else "already there" if old == data else "replaced"
        if outcome == "replaced":
            if not replace:
                raise LabError(
                    f"There is a dataset {name!r} with other content. Replace it, which keeps the old version, "
                    "or choose another name."
                )
            if digests_of(old).git_blob not in recorded(name):
                record(name, old, "upload")
        version = record(name, data, "upload")
        if outcome != "already there":
            try:
                write_whole(place, data)
            except OSError as error:
                raise LabError(f"{name} could not be written: {error.strerror}.") from error
    return Added(version, outcome)
