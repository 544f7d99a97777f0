"""Datasets: files in the lab's data folder, their versions, and what runs learn from them."""

from core.data_folder import current, locate, read
from core.datasets.catalogue import Dataset, datasets, since
from core.datasets.files import columns
from core.datasets.ledger import Version, added_as, record, versions
from core.datasets.mapping import NOTHING, Column, parse_column
from core.datasets.meshes import MESHES, described, is_mesh, mesh, mesh_of_bytes
from core.datasets.names import bare, coordinates, roles
from core.datasets.pinning import keep, mesh_of, pinned, samples_of
from core.datasets.preview import Preview, preview, thinned
from core.datasets.tables import FORMATS
from core.datasets.upload import LARGEST, TAKEN, Added, add, check_size, checked_name
from core.digests import Digests, digests, digests_of

__all__ = [
    "FORMATS",
    "LARGEST",
    "MESHES",
    "NOTHING",
    "TAKEN",
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
    "described",
    "digests",
    "digests_of",
    "is_mesh",
    "keep",
    "locate",
    "mesh",
    "mesh_of",
    "mesh_of_bytes",
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
