"""Datasets: files in the lab's data folder, their versions, and what runs learn from them."""

from core.datasets.catalogue import Dataset, datasets, since
from core.datasets.files import columns, current, locate, read
from core.datasets.identity import Digests, digests, digests_of
from core.datasets.ledger import Version, record, versions
from core.datasets.pinning import keep, pinned, samples_of
from core.datasets.upload import LARGEST, Added, add

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
