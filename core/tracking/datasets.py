"""Datasets: files in the lab's data folder, their versions, and which run used which of them.

Every version that was uploaded or used by a run is a line of `datasets.jsonl` and a copy of its bytes under
`data/.versions/BLOB`, named by its Git blob id; neither is ever changed. Which run used which is an MLflow dataset
input of the run.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from core.errors import LabError
from core.home import home, inside
from core.problems.base import DataProblem
from core.tracking.tables import FORMATS, read_table

if TYPE_CHECKING:
    import numpy as np

    from core.config import RunConfig

LARGEST = 50 * 2**20
"""Bytes of the largest file that can be uploaded; `server.maxUploadSize` in .streamlit/config.toml says the same."""

CHUNK = 2**20
SETTLED_S = 2.0
"""A file that changed less than so long ago is read again: its times may not tell the next change apart."""

LONGEST_NAME = 200
"""Bytes; file systems take 255."""

NAME = re.compile(r"\w[\w.\- ]{0,99}")
KEPT = ".versions"


@dataclass(frozen=True)
class Digests:
    """What identifies a file's bytes, all in hexadecimal."""

    size: int
    sha1: str
    sha256: str
    git_blob: str
    """As `git hash-object` prints it for the unfiltered bytes."""
    md5: str
    """As `dvc add` writes it (DVC 3)."""


@dataclass(frozen=True)
class Version:
    """The bytes that a dataset had when it was uploaded or used."""

    path: str
    """Relative to the data folder."""
    digests: Digests
    seen: float
    """Unix time."""
    why: Literal["upload", "run"]


@dataclass(frozen=True)
class Dataset:
    """A dataset's file as it is now, and its recorded versions, oldest first, each once."""

    path: str
    now: Digests | None
    """None when the file was removed or can't be read."""
    changed: float | None
    """Unix time of the file's last change."""
    versions: tuple[Version, ...]
    trouble: str = ""
    """Why `now` is None, as a sentence."""

    @property
    def removed(self) -> bool:
        """Whether there is nothing under its name any more."""
        return (
            self.now is None and not (home().data / self.path).is_symlink() and not (home().data / self.path).exists()
        )

    def known(self) -> list[Digests]:
        """Its versions, newest first; the present one leads where it was never recorded."""
        recorded = [version.digests for version in reversed(self.versions)]
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


@dataclass(frozen=True)
class Use:
    """A run and the version that it used."""

    run_id: str
    run_name: str
    state: str
    started: float
    path: str
    git_blob: str


def digests(path: Path) -> Digests:
    """All digests of a file in one pass. Raises LabError when it can't be read or changes meanwhile."""
    try:
        with path.open("rb") as file:
            info = os.fstat(file.fileno())
            if not stat.S_ISREG(info.st_mode):
                raise LabError(f"{path.name} is no file.")
            return _digests(iter(lambda: file.read(CHUNK), b""), info.st_size, path.name)
    except OSError as error:
        raise LabError(f"The dataset {path.name!r} can't be read: {error.strerror}.") from error


def digests_of(data: bytes) -> Digests:
    """All digests of bytes."""
    return _digests(iter([data]), len(data), "")


def _digests(chunks: Iterator[bytes], size: int, name: str) -> Digests:
    md5 = hashlib.md5(usedforsecurity=False)
    sha1, sha256 = hashlib.sha1(usedforsecurity=False), hashlib.sha256()
    blob = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    read = 0
    for chunk in chunks:
        read += len(chunk)
        for digest in (md5, sha1, sha256, blob):
            digest.update(chunk)
    if read != size:
        raise LabError(f"The dataset {name!r} changed while it was read. Try again once it is written.")
    return Digests(size, sha1.hexdigest(), sha256.hexdigest(), blob.hexdigest(), md5.hexdigest())


# -- files ------------------------------------------------------------------------------------------------------------


def locate(name: str) -> Path:
    """The file of a dataset, links resolved.

    Raises LabError for absolute paths, "..", hidden names, links that lead out, and what is missing or is no file.
    """
    path = _place(name)
    if not path.exists():
        raise LabError(
            f"There is no dataset {name!r} in {home().data}. Upload it, or make the sample, on the Datasets page "
            "or with `python -m core dataset`."
        )
    if not path.is_file():
        raise LabError(f"The dataset {name!r} is no file.")
    return path


def _place(name: str) -> Path:
    """Where a dataset of this name is or would be."""
    parts = Path(name).parts
    short = len(name.encode("utf-8", "replace")) <= LONGEST_NAME
    plain = short and parts and "\0" not in name and Path(name).as_posix() == name and not Path(name).is_absolute()
    if not plain or any(part.startswith(".") for part in parts):
        raise LabError(
            f"{name!r} is no dataset's name: it is a path below {home().data}, without '..' or hidden parts."
        )
    try:
        path = inside(home().data, name)
    except (OSError, RuntimeError) as error:  # links in a circle
        raise LabError(f"The dataset {name!r} can't be found: {error}.") from error
    if path.is_relative_to((home().data / KEPT).resolve()):
        raise LabError(f"{name!r} leads to a kept version, which is never a dataset of its own.")
    return path


def current(name: str) -> Digests:
    """Digests of a dataset as it is now; a file that did not change is not read twice. Raises LabError."""
    path = locate(name)
    info = path.stat()
    if time.time() - max(info.st_mtime, info.st_ctime) < SETTLED_S:
        return digests(path)
    return _remembered(path, info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)


@lru_cache(maxsize=4096)
def _remembered(path: Path, *_: int) -> Digests:
    return digests(path)


def read(name: str, git_blob: str | None = None) -> tuple[bytes, Digests]:
    """The bytes of a version, from its kept copy or the file itself; without a version the file as it is now.

    Raises LabError when they are gone, or are not what the version's id says.
    """
    if git_blob is None:
        data = _bytes(locate(name))
        return data, digests_of(data)
    kept, gone = _kept(git_blob), ""
    place = _place(name)
    for path in (kept, place):
        if path.is_file():
            data = _bytes(path)
            found = digests_of(data)
            if found.git_blob == git_blob:
                return data, found
            gone = f"{path.relative_to(home().data.resolve())} holds other bytes"
    raise LabError(
        f"Version {git_blob[:12]} of the dataset {name!r} is gone: {gone or 'there is no such file and no kept copy'}. "
        "Put its file back, or leave the version empty to use the file as it is."
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LabError(f"The dataset {path.name!r} can't be read: {error.strerror}.") from error


def columns(name: str, git_blob: str | None = None) -> dict[str, np.ndarray]:
    """The columns (n,) of a dataset's version, or of the file as it is now. Raises LabError."""
    git_blob = git_blob or current(name).git_blob
    return _columns(home().data, name, git_blob)


@lru_cache(maxsize=4)
def _columns(folder: Path, name: str, git_blob: str) -> dict[str, np.ndarray]:
    data, _ = read(name, git_blob)
    return read_table(name, data)


# -- versions ---------------------------------------------------------------------------------------------------------


def _kept(git_blob: str) -> Path:
    if not re.fullmatch(r"[0-9a-f]{40}", git_blob):
        raise LabError(f"{git_blob!r} is no version of a dataset: it is a Git blob id, 40 hexadecimal digits.")
    return home().data.resolve() / KEPT / git_blob


def record(name: str, data: bytes, why: Literal["upload", "run"]) -> Version:
    """Keep a version's bytes and note that it was seen. Raises LabError when the disk does not take it."""
    version = Version(name, digests_of(data), time.time(), why)
    kept = _kept(version.digests.git_blob)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        if not kept.is_file() or digests(kept) != version.digests:
            _write(kept, data, 0o444)
        _append(version)
    except OSError as error:
        raise LabError(f"The dataset {name!r} could not be kept: {error.strerror}.") from error
    return version


def _append(version: Version) -> None:
    line = json.dumps({"path": version.path, **asdict(version.digests), "seen": version.seen, "why": version.why})
    with _records().open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = file.seek(0, os.SEEK_END)
        if end:
            file.seek(end - 1)
            if file.read(1) != b"\n":  # a line that a crash cut off: it stays, and stays apart
                file.write(b"\n")
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _records() -> Path:
    return home().ensure().root / "datasets.jsonl"


def versions() -> list[Version]:
    """Every time a version was uploaded or used, oldest first."""
    path = home().root / "datasets.jsonl"
    if not path.exists():
        return []
    found = []
    for line in path.read_bytes().splitlines():
        try:
            data = json.loads(line)
            known = Digests(**{field.name: data[field.name] for field in fields(Digests)})
            found.append(Version(data["path"], known, data["seen"], data["why"]))
        except (ValueError, KeyError, TypeError):
            continue  # the line a crash cut off
    return found


def datasets() -> list[Dataset]:
    """Every file in the data folder and every dataset that has a recorded version, by name.

    Left out are hidden files, links that lead out of the folder or nowhere, and names that are no text.
    """
    known: dict[str, dict[str, Version]] = {}
    for version in versions():
        known.setdefault(version.path, {}).setdefault(version.digests.git_blob, version)
    return [_dataset(name, tuple(known.get(name, {}).values())) for name in sorted({*known, *_names()})]


def _names() -> Iterator[str]:
    folder = home().data.resolve()
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in name.parts)
        text = name.as_posix().isprintable()  # undecodable bytes are not
        if text and not hidden and path.is_file() and path.resolve().is_relative_to(folder):
            yield name.as_posix()


def _dataset(name: str, seen: tuple[Version, ...]) -> Dataset:
    try:
        now = current(name)
        return Dataset(name, now, locate(name).stat().st_mtime, seen)
    except (LabError, FileNotFoundError) as error:
        return Dataset(name, None, None, seen, str(error))


# -- upload -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Added:
    """What an upload came to."""

    version: Version
    outcome: Literal["added", "replaced", "already there"]


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
    with _one_upload_at_a_time():
        place = _place(name)
        if place.exists() and not place.is_file():
            raise LabError(f"{name!r} is the name of something that is no file. Choose another.")
        outcome: Literal["added", "replaced", "already there"] = "added"
        if place.exists():
            old = _bytes(place)
            outcome = "already there" if old == data else "replaced"
            if outcome == "replaced" and not replace:
                raise LabError(
                    f"There is a dataset {name!r} with other content. Replace it, which keeps the old version, "
                    "or choose another name."
                )
            if outcome == "replaced" and digests_of(old).git_blob not in _recorded(name):
                record(name, old, "upload")
        version = record(name, data, "upload")
        if outcome != "already there":
            try:
                _write(place, data, 0o644)
            except OSError as error:
                raise LabError(f"{name} could not be written: {error.strerror}.") from error
    return Added(version, outcome)


def _recorded(name: str) -> set[str]:
    return {version.digests.git_blob for version in versions() if version.path == name}


@contextmanager
def _one_upload_at_a_time() -> Iterator[None]:
    with (home().ensure().root / "datasets.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(path: Path, data: bytes, mode: int) -> None:
    """Temporary name, fsync, rename: a reader sees the old file or the new one, never half of one."""
    handle, temporary = tempfile.mkstemp(prefix=".upload-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


# -- runs -------------------------------------------------------------------------------------------------------------


def pinned(config: RunConfig) -> RunConfig:
    """`config` with the version of its dataset filled in: the file's present one where none was asked for.

    Raises LabError when the dataset or the version can't be had, or is not what the problem needs.
    """
    problem = config.problem
    if not isinstance(problem, DataProblem):
        return config
    wanted = problem.dataset_version
    if wanted is None:
        wanted = current(problem.dataset).git_blob
    # a config from another lab is welcome when the file here is the same
    elif wanted not in _recorded(problem.dataset) and current(problem.dataset).git_blob != wanted:
        raise LabError(
            f"{wanted[:12]} is no version of the dataset {problem.dataset!r} in this lab. "
            "Leave the version empty to use the file as it is."
        )
    problem = problem.model_copy(update={"dataset_version": wanted})
    problem.samples()
    return config.model_copy(update={"problem": problem})


def keep(config: RunConfig) -> Version | None:
    """Keep and note the version that a run with a pinned config is about to use; None for one without a dataset."""
    problem = config.problem
    if not isinstance(problem, DataProblem):
        return None
    data, _ = read(problem.dataset, problem.dataset_version)
    return record(problem.dataset, data, "run")


def log_input(run_id: str, version: Version) -> None:
    """Make a version an input of a run in MLflow. Raises StoreError."""
    from core.tracking import store

    table = columns(version.path, version.digests.git_blob)
    store.log_dataset(
        run_id,
        name=version.path,
        digest=version.digests.git_blob,
        source=str(home().data / version.path),
        schema={"mlflow_colspec": [{"type": "double", "name": name} for name in table]},
        profile={"rows": len(next(iter(table.values()))), **asdict(version.digests)},
    )


def uses(limit: int = 10_000) -> list[Use]:
    """The runs that used a dataset, newest first. Raises StoreError."""
    from core.tracking import store

    return [
        Use(run.run_id, run.name, run.state, run.started, name, profile["git_blob"])
        for run, name, profile in store.dataset_inputs(limit)
    ]


def since(git_blob: str, dataset: Dataset) -> str:
    """What became of a version's file since: same, changed to another version, removed or unreadable."""
    if dataset.now is None:
        return "removed" if dataset.removed else "can't be read"
    return "same" if dataset.now.git_blob == git_blob else f"changed to {dataset.now.git_blob[:12]}"
