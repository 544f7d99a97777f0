"""Files that runs learn from."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import LabError

if TYPE_CHECKING:
    from core.datasets import Added


def list_datasets() -> None:
    """Datasets, their versions, and how many runs used each."""
    from core.datasets import datasets, since
    from core.tracking.dataset_inputs import uses

    listed = datasets()
    if not listed:
        print("No datasets yet. Make the sample: python -m core dataset sample")
    counts = Counter((use.path, use.git_blob) for use in uses())
    for item in listed:
        size = f"{item.now.size} bytes, {item.now.git_blob}" if item.now else item.trouble
        print(f"{item.path:<24} {size}")
        for version in item.versions:
            blob = version.digests.git_blob
            print(f"    {blob}  used by {counts[item.path, blob]} runs, {since(blob, item)}")


def add_dataset(
    file: Annotated[Path, typer.Argument(metavar="FILE.{csv,npy,npz}")],
    replace: Annotated[bool, typer.Option("--replace", help="As the new version; the old one is kept.")] = False,
) -> None:
    """Check a file and put it into the data folder."""
    from core.datasets import LARGEST, add

    try:
        if file.stat().st_size > LARGEST:
            raise LabError(f"{file} is larger than {LARGEST // 2**20} MB. Copy it to the data folder yourself.")
        added = add(file.name, file.read_bytes(), replace=replace)
    except OSError as error:
        raise LabError(f"{file} can't be read: {error.strerror}.") from None
    _print(added)


def sample_dataset() -> None:
    """Make the sample dataset, which the preset burgers-inverse learns from."""
    from core.datasets import add
    from core.problems.burgers_inverse import SAMPLE, sample_csv

    _print(add(SAMPLE, sample_csv()))


def _print(added: Added) -> None:
    print(f"{added.version.path}  {added.version.digests.git_blob}  {added.outcome}")
