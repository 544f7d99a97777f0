"""What datasets there are: files in the data folder, and names that have versions though their file may be gone."""

from __future__ import annotations

from dataclasses import dataclass

from core.data_folder import current, locate, names_of_files
from core.datasets.ledger import Version, versions
from core.digests import Digests
from core.errors import LabError
from core.home import home


@dataclass(frozen=True)
class Dataset:
    """A dataset's file as it is now, and its recorded versions, oldest first, each once."""

    path: str
    now: Digests | None
    """None when the file was removed or can't be read."""
    changed: float | None
    """Unix time of the file's last change."""
    versions: tuple[Version, ...]
    """One for each content and what its columns stand for."""
    trouble: str = ""
    """Why `now` is None, as a sentence."""

    @property
    def removed(self) -> bool:
        """Whether there is nothing under its name any more."""
        place = home().data / self.path
        return self.now is None and not place.is_symlink() and not place.exists()

    def known(self) -> list[Digests]:
        """Its versions, newest first; the present one leads where it was never recorded."""
        recorded = list(dict.fromkeys(version.digests for version in reversed(self.versions)))
        return recorded if self.now is None or self.now in recorded else [self.now, *recorded]

    def standing(self) -> str:
        """The file beside its recorded versions, in a few words."""
        if self.now is None:
            return "removed" if self.removed else "can't be read"
        if not self.versions:
            return "not used yet"
        if self.now == self.versions[-1].digests:
            return "unchanged"
        return "an earlier version" if self.now in self.known()[1:] else "changed, not used yet"


def datasets() -> list[Dataset]:
    """Every file in the data folder and every dataset that has a recorded version, by name.

    Left out are hidden files, links that lead out of the folder or nowhere, and names that are no text.
    """
    known: dict[str, dict[tuple[str, str | None], Version]] = {}
    for version in versions():
        known.setdefault(version.path, {}).setdefault((version.digests.git_blob, version.columns), version)
    return [_dataset(name, tuple(known.get(name, {}).values())) for name in sorted({*known, *names_of_files()})]


def _dataset(name: str, seen: tuple[Version, ...]) -> Dataset:
    try:
        now = current(name)
        return Dataset(name, now, locate(name).stat().st_mtime, seen)
    except (LabError, FileNotFoundError) as error:
        return Dataset(name, None, None, seen, str(error))


def since(git_blob: str, dataset: Dataset) -> str:
    """What became of a version's file since: same, changed to another version, removed or unreadable."""
    if dataset.now is None:
        return "removed" if dataset.removed else "can't be read"
    return "same" if dataset.now.git_blob == git_blob else f"changed to {dataset.now.git_blob[:12]}"
