"""Files below the lab home: found without following links, and deleted only while they are what was found."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Found:
    """A file, or a link, which counts as itself and never as what it leads to."""

    place: str
    """Below the home, `runs/…/log.txt`."""
    size: int
    changed: int
    """Modification time in ns."""
    inode: int
    device: int
    links: int
    """Names that the same file has."""

    @property
    def same(self) -> tuple[int, int]:
        """What files with the same content under another name have in common."""
        return self.device, self.inode


def files(root: Path, place: str = "") -> Iterator[Found]:
    """All files below a folder of the home, or the one at this place; nothing where a link stands there or in the way.

    What can't be read is left out.
    """
    if not place:
        yield from _below(root, "")
        return
    try:
        with _folder(root, place) as (parent, name):
            found = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except OSError:
        return
    if stat.S_ISDIR(found.st_mode):
        yield from _below(root, place)
    elif not stat.S_ISLNK(found.st_mode):
        yield _found(place, found)


def _below(root: Path, place: str) -> Iterator[Found]:
    left = [place]
    while left:
        folder = left.pop()
        try:
            entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            inner = f"{folder}/{entry.name}" if folder else entry.name
            try:
                if entry.is_dir(follow_symlinks=False):
                    left.append(inner)
                else:
                    yield _found(inner, entry.stat(follow_symlinks=False))
            except OSError:
                continue  # it was deleted meanwhile


def _found(place: str, found: os.stat_result) -> Found:
    return Found(place, found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev, found.st_nlink)


def delete(root: Path, expected: Found) -> str:
    """Delete a file if it is still the one that was found; otherwise why it was left, in words."""
    try:
        with _folder(root, expected.place) as (parent, name):
            now = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if (now.st_size, now.st_mtime_ns, now.st_ino) != (expected.size, expected.changed, expected.inode):
                return "it has changed since it was listed"
            if stat.S_ISDIR(now.st_mode):
                return "it is a folder"
            os.unlink(name, dir_fd=parent)  # of this very folder, whatever its path leads to by now
    except FileNotFoundError:
        return "it is gone already"
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return ""


def prune(root: Path, place: str) -> None:
    """Delete a folder of the home and those in it, as far as they are empty."""
    folders = [place]
    for folder in folders:  # it grows: those in a folder come after it
        with contextlib.suppress(OSError):
            inner = [entry.name for entry in os.scandir(root / folder) if entry.is_dir(follow_symlinks=False)]
            folders += [f"{folder}/{name}" for name in inner]
    for folder in reversed(folders):
        with contextlib.suppress(OSError), _folder(root, folder) as (parent, name):
            os.rmdir(name, dir_fd=parent)  # as above


@contextmanager
def _folder(root: Path, place: str) -> Iterator[tuple[int, str]]:
    """The open folder that a place is in, and its name there. Raises OSError where a link stands in the way."""
    parts = PurePosixPath(place).parts
    if not parts or ".." in parts or place.startswith("/"):
        raise OSError(f"{place} is no place in the lab home")
    *folders, name = parts
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for folder in folders:
            inner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
            os.close(handle)
            handle = inner
        yield handle, name
    finally:
        os.close(handle)
