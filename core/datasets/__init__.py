"""Datasets: files in the lab's data folder, their versions, and what runs learn from them."""

from core.datasets.files import columns, current, locate, read
from core.datasets.identity import Digests, digests, digests_of
from core.datasets.pinned import keep, pinned, samples_of
from core.datasets.upload import LARGEST, Added, add
from core.datasets.versioning import Dataset, Version, datasets, record, since, versions

__all__ = [
    "LARGEST",
    "Added",
    "Dataset",
    "Digests",
    "Version",
    "add",
    "columns",
    "current",
    "datasets",
    "digests",
    "digests_of",
    "keep",
    "locate",
    "pinned",
    "read",
    "record",
    "samples_of",
    "since",
    "versions",
]
