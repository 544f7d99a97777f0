"""Datasets: files in the lab's data folder, their versions, and what runs learn from them."""

from core.datasets.catalogue import Dataset, datasets, since
from core.datasets.files import columns, current, locate, read
from core.datasets.identity import Digests, digests, digests_of
from core.datasets.ledger import Version, added_as, record, versions
from core.datasets.mapping import NOTHING, Column, parse_column
from core.datasets.names import bare, coordinates, roles
from core.datasets.pinning import keep, pinned, samples_of
from core.datasets.preview import Preview, preview, thinned
from core.datasets.tables import FORMATS
from core.datasets.upload import LARGEST, Added, add, check_size, checked_name

__all__ = [
    "FORMATS",
    "LARGEST",
    "NOTHING",
    "Added",
    "Column",
    "Dataset",
    "Digests",
    "Preview",
    "Version",
    "add",
    "added_as",
    "bare",
    "check_size",
    "checked_name",
    "columns",
    "coordinates",
    "current",
    "datasets",
    "digests",
    "digests_of",
    "keep",
    "locate",
    "parse_column",
    "pinned",
    "preview",
    "read",
    "record",
    "roles",
    "samples_of",
    "since",
    "thinned",
    "versions",
]
