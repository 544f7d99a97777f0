"""A lab in one file, and a lab made of such a file: databases of one moment, folders of runs, datasets, artifacts.

The file is a tar archive that any program opens. Its databases are rows as JSON, the same for SQLite and PostgreSQL, so
a backup of either can be restored into either. `digests.jsonl`, its last member, has the SHA-256 of every other one;
a restore reads all of them before it writes anything.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import os
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from core import postgres
from core.errors import LabError, StoreError
from core.home import home
from core.jobs import table
from core.jobs.database import VERSION
from core.moving.artifacts import local_folder
from core.moving.sides import LAB, SCHEMA_VERSION, PostgresSide, Side, sqlite_snapshot
from core.sweeps.folder import JOURNAL, all_sweeps
from core.sweeps.study import copy_to_journal
from core.tracking import store

MANIFEST, DIGESTS = "manifest.json", "digests.jsonl"
FORMAT = 1
FOLDERS = ("runs", "data", "artifacts", "fetched", "sweeps")
"""Of the home."""
FILES = ("settings.yaml", "settings.last-good.yaml", "report-logo")
CHUNK = 1 << 20


@dataclass(frozen=True)
class Saved:
    """What a backup has."""

    runs: int
    files: int
    bytes: int
    elsewhere: int
    """Runs whose artifacts are on a server or in a bucket, and not in it."""


def backup(path: Path, *, files: bool = True) -> Saved:
    """Write a backup, whole or not at all. Raises LabError where it can't be written, StoreError.

    Args:
        path: of the archive, which must not be there; one that ends in .gz is compressed.
        files: the home's folders, too; else the databases and settings alone.
    """
    if path.exists():
        raise LabError(f"{path} is there already; a backup replaces nothing.")
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        with tarfile.open(unfinished, "w:gz" if path.suffix in (".gz", ".tgz") else "w") as archive:
            saved = _Writing(archive).all(files)
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())
        unfinished.rename(path)
    except OSError as error:
        raise LabError(f"{path} can't be written: {error.strerror or error}.") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return saved


@contextlib.contextmanager
def sides() -> Iterator[dict[str, Side]]:
    """The lab's databases at one moment: `mlflow` and `lab`. Raises StoreError."""
    lab = home().ensure()
    table.find(limit=1)  # makes the job table where there is none
    store.known_ids()
    with contextlib.ExitStack() as opened:
        if lab.database:
            connection = opened.enter_context(postgres.connected(lab.database))
            connection.execute("BEGIN")
            opened.callback(connection.execute, "COMMIT")
            found = {"lab": PostgresSide(connection, postgres.SCHEMA)}
            if connection.execute("SELECT to_regclass('public.latest_metrics')").fetchone()[0]:
                found["mlflow"] = PostgresSide(connection, "public")
            yield found
            return
        found = {"lab": opened.enter_context(sqlite_snapshot(lab.jobs_db))}
        if lab.store_file is not None:
            found["mlflow"] = opened.enter_context(sqlite_snapshot(lab.store_file))
        yield found


class _Writing:
    def __init__(self, archive: tarfile.TarFile):
        self._archive = archive
        self._digests: list[dict[str, str]] = []
        self._bytes = 0

    def all(self, files: bool) -> Saved:
        lab = home()
        count = elsewhere = runs = 0
        tables: dict[str, dict[str, int]] = {}
        with sides() as found:
            if "mlflow" not in found:
                raise StoreError(
                    f"MLflow's runs are behind {lab.tracking_uri}, whose database is not LAB_DATABASE: "
                    "back it up where it is."
                )
            version = [row[0] for row in found["mlflow"].rows(SCHEMA_VERSION)]
            for name, side in found.items():
                kept = LAB if name == "lab" else side.tables()
                tables[name] = {each: self._table(name, side, each) for each in kept}
            runs = tables["mlflow"]["runs"]
            at = found["mlflow"].columns("runs").index("artifact_uri")
            elsewhere = sum(local_folder(row[at] or "") is None for row in found["mlflow"].rows("runs"))
        for name in FILES:
            count += self._file(lab.root / name, f"home/{name}")
        for name in FOLDERS if files else ():
            folder = getattr(lab, name)
            for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
                if path.is_file() and not path.is_symlink():
                    count += self._file(path, f"home/{name}/{path.relative_to(folder).as_posix()}")
        if files and lab.database:
            count += self._studies()
        manifest = {
            "format": FORMAT,
            "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "home": str(lab.root),
            "artifacts": lab.artifacts.as_uri(),
            "kind": "postgresql" if lab.database else "sqlite",
            "jobs": VERSION,
            "mlflow": version,
            "tables": tables,
            "files": files,
            "elsewhere": elsewhere,
        }
        self._bytes_of(MANIFEST, json.dumps(manifest, indent=1).encode())
        lines = "".join(json.dumps(line) + "\n" for line in self._digests)
        self._bytes_of(DIGESTS, lines.encode())
        return Saved(runs, count, self._bytes, elsewhere)

    def _studies(self) -> int:
        """The studies of sweeps that the database has, as the journals from which either database goes on."""
        import tempfile

        count = 0
        for sweep in [*all_sweeps(), *all_sweeps(binned=True)]:
            with tempfile.TemporaryDirectory() as aside:
                path = Path(aside) / JOURNAL
                if not sweep.journal.exists() and copy_to_journal(sweep, path):
                    count += self._file(path, f"home/sweeps/{sweep.sweep_id}/{JOURNAL}")
        return count

    def _table(self, name: str, side: Side, table_name: str) -> int:
        """A table as JSON lines, its columns first. Its length must be known first, so it is written aside."""
        import tempfile

        count = 0
        with tempfile.TemporaryFile() as rows:
            rows.write((json.dumps(side.columns(table_name)) + "\n").encode())
            for row in side.rows(table_name):
                rows.write((json.dumps([_written(value) for value in row]) + "\n").encode())
                count += 1
            length = rows.tell()
            rows.seek(0)
            self._add(f"{name}/{table_name}.jsonl", rows, length, time.time())
        return count

    def _file(self, path: Path, name: str) -> int:
        try:
            with path.open("rb") as file:
                known = os.fstat(file.fileno())
                self._add(name, file, known.st_size, known.st_mtime)
        except FileNotFoundError:  # a run that goes on replaces its files
            return 0
        return 1

    def _bytes_of(self, name: str, content: bytes) -> None:
        self._add(name, io.BytesIO(content), len(content), time.time())

    def _add(self, name: str, file: BinaryIO, length: int, changed: float) -> None:
        """A member as long as it is now: what is added to a file meanwhile stays out, what is cut off is blanks."""
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = length, int(changed), 0o600
        reading = _Measured(file, length)
        self._archive.addfile(info, reading)
        self._digests.append({"name": name, "sha256": reading.digest.hexdigest()})
        self._bytes += length


class _Measured:
    """Reads exactly so many bytes of a file, and keeps their digest."""

    def __init__(self, file: BinaryIO, length: int):
        self._file, self._left = file, length
        self.digest = hashlib.sha256()

    def read(self, size: int = CHUNK) -> bytes:
        """The next bytes."""
        wanted = min(size, self._left)
        data = self._file.read(wanted).ljust(wanted, b"\0")
        self._left -= len(data)
        self.digest.update(data)
        return data


def _written(value: Any) -> Any:
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes | memoryview) else value


# -- back again -----------------------------------------------------------------------------------------------------


def restore(path: Path) -> Saved:
    """Make a lab of a backup, in an empty home and, where `LAB_DATABASE` names one, an empty database.

    Nothing is written before the whole archive was read and found sound. Raises LabError, StoreError.
    """
    lab = home()
    if lab.database and not lab.tracking_uri.startswith("postgresql"):
        raise LabError("Unset MLFLOW_TRACKING_URI while a backup is restored: rows are put into the database itself.")
    try:
        manifest = _sound(path)
        with sides() as found:
            _refuse_if_used(found)
            there = [row[0] for row in found["mlflow"].rows(SCHEMA_VERSION)]
        if there != manifest["mlflow"]:
            raise LabError(
                f"{path} was made with another version of MLflow (tables of {manifest['mlflow']}, here {there}): "
                "restore it with that version, then upgrade."
            )
        if manifest["jobs"] > VERSION:
            raise LabError(f"{path} was made by a newer version of this program. Update it.")
        with tarfile.open(path) as archive:
            files = _files(archive)
        with tarfile.open(path) as archive:
            _rows(archive, manifest)
    except OSError as error:
        raise LabError(f"{path} can't be restored: {error.strerror or error}.") from error
    return Saved(manifest["tables"]["mlflow"]["runs"], files, path.stat().st_size, manifest.get("elsewhere", 0))


def _sound(path: Path) -> dict[str, Any]:
    """The manifest of an archive whose every member is as it was written. Raises LabError."""
    found: dict[str, str] = {}
    manifest, digests = None, None
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if not member.isfile() or not _safe(member.name):
                    raise LabError(f"{path} is no backup of a lab: it has {member.name!r}.")
                content = archive.extractfile(member)
                if member.name in (MANIFEST, DIGESTS):
                    data = content.read()
                    found[member.name] = hashlib.sha256(data).hexdigest()
                    if member.name == MANIFEST:
                        manifest = json.loads(data)
                    else:
                        digests = [json.loads(line) for line in data.splitlines()]
                    continue
                digest = hashlib.sha256()
                while part := content.read(CHUNK):
                    digest.update(part)
                found[member.name] = digest.hexdigest()
    except (tarfile.TarError, ValueError, EOFError) as error:
        raise LabError(f"{path} is no backup of a lab, or a damaged one: {error}.") from error
    if manifest is None or digests is None:
        raise LabError(f"{path} is no whole backup of a lab: its end is missing.")
    if manifest.get("format") != FORMAT:
        raise LabError(f"{path} was made by a newer version of this program. Update it.")
    wrong = [line["name"] for line in digests if found.get(line["name"]) != line["sha256"]]
    if wrong or len(found) != len(digests) + 1:
        raise LabError(f"{path} is damaged: {', '.join(wrong[:3]) or 'its members'} are not as they were written.")
    return manifest


def _safe(name: str) -> bool:
    parts = PurePosixPath(name).parts
    ours = parts[:1] in (("lab",), ("mlflow",)) and len(parts) == 2
    ours = ours or (parts[:1] == ("home",) and (parts[1] in FOLDERS or (parts[1] in FILES and len(parts) == 2)))
    return ".." not in parts and not name.startswith("/") and (ours or name in (MANIFEST, DIGESTS))


def _refuse_if_used(found: dict[str, Side]) -> None:
    lab = home()
    used = next(found["mlflow"].rows("runs"), None) or next(found["lab"].rows("jobs"), None)
    if used or (lab.runs.is_dir() and any(lab.runs.iterdir())):
        raise LabError(
            f"There are runs in {lab.database or lab.root} already: a backup is restored into an empty lab. "
            "Set LAB_HOME (and LAB_DATABASE) to a new one."
        )


def _files(archive: tarfile.TarFile) -> int:
    lab, count = home(), 0
    for member in archive:
        parts = PurePosixPath(member.name).parts
        if parts[0] != "home":
            continue
        path = getattr(lab, parts[1]).joinpath(*parts[2:]) if parts[1] in FOLDERS else lab.root / parts[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file, archive.extractfile(member) as content:
            while part := content.read(CHUNK):
                file.write(part)
        os.utime(path, (member.mtime, member.mtime))
        count += 1
    return count


def _rows(archive: tarfile.TarFile, manifest: dict[str, Any]) -> None:
    """Put all rows into the empty databases, each in one transaction."""
    import sqlite3
    import tempfile

    lab = home()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as opened:
        for member in archive:
            if member.name.startswith(("lab/", "mlflow/")):
                path = Path(folder) / member.name
                path.parent.mkdir(exist_ok=True)
                with path.open("wb") as file, archive.extractfile(member) as content:
                    while part := content.read(CHUNK):
                        file.write(part)
        if lab.database:
            connection = opened.enter_context(postgres.connected(lab.database))
            targets = {"lab": PostgresSide(connection, postgres.SCHEMA), "mlflow": PostgresSide(connection, "public")}
            connections = [connection]
        else:
            from core.moving.sides import SqliteSide

            connections = []
            targets = {}
            for name, path in (("lab", lab.jobs_db), ("mlflow", lab.store_file)):
                file = sqlite3.connect(path, isolation_level=None)
                opened.callback(file.close)
                connections.append(file)
                targets[name] = SqliteSide(file, str(path))
        for connection in connections:
            connection.execute("BEGIN IMMEDIATE")
        try:
            for name, side in targets.items():
                _fill(side, Path(folder) / name, manifest)
        except BaseException:
            for connection in connections:
                connection.execute("ROLLBACK")
            raise
        for connection in connections:
            connection.execute("COMMIT")


def _fill(side: Side, folder: Path, manifest: dict[str, Any]) -> None:
    tables = [name for name in side.tables() if (folder / f"{name}.jsonl").exists()]
    for name in reversed(tables):  # what a new database has by itself: MLflow's first experiment, its version
        side.clear(name)
    for name in tables:
        with (folder / f"{name}.jsonl").open(encoding="utf-8") as lines:
            columns = json.loads(next(lines))
            kept = [k for k, column in enumerate(columns) if column in set(side.columns(name))]
            rows = ([_moved(columns[k], row[k], manifest) for k in kept] for row in map(json.loads, lines))
            side.put(name, [columns[k] for k in kept], (list(map(_read, row)) for row in rows))
    if isinstance(side, PostgresSide):
        side.set_counters()


def _moved(column: str, value: Any, manifest: dict[str, Any]) -> Any:
    """Addresses of artifacts in the home's own folder are those of the new home's."""
    if column in ("artifact_uri", "artifact_location") and isinstance(value, str):
        before = manifest["artifacts"]
        if value == before or value.startswith(f"{before}/"):
            return home().artifacts.as_uri() + value.removeprefix(before)
    return value


def _read(value: Any) -> Any:
    return base64.b64decode(value["base64"]) if isinstance(value, dict) and set(value) == {"base64"} else value
