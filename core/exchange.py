"""Runs' files between machines that share a database and no disk: pushed by who trains, pulled by who looks.

The run's machine pushes what its history and log have grown by, and whole files where they were replaced; another
machine pulls them into a folder of the same name, so that whatever reads a run's folder reads this one. A run that is
begun on another machine than it was launched on finds its config, its own checkpoints, its parent's and its dataset
the same way. Nobody who trains or paints waits for it: it is done on threads.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import platform
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from core import postgres
from core.errors import LabError, StoreError
from core.files import write_whole
from core.home import home
from core.runs import RunFolder, run_folder
from core.runs.folder import CONFIG, HISTORY, MACHINE

TABLES = (
    "CREATE TABLE IF NOT EXISTS parts (run_id TEXT NOT NULL, name TEXT NOT NULL, start INTEGER NOT NULL, "
    "content BYTEA NOT NULL, PRIMARY KEY (run_id, name, start))",
    "CREATE TABLE IF NOT EXISTS files (run_id TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, "
    "machine TEXT NOT NULL, changed REAL NOT NULL, PRIMARY KEY (run_id, name))",
    "CREATE INDEX IF NOT EXISTS files_changed ON files (changed)",
    "CREATE TABLE IF NOT EXISTS blobs (digest TEXT NOT NULL, start INTEGER NOT NULL, content BYTEA NOT NULL, "
    "PRIMARY KEY (digest, start))",
)
"""What a file has grown by; whole files by their digest, and who had them last; their bytes."""

GROWING = (HISTORY, "log.txt", MACHINE)
OWN = ("exit.room", "job.json", "events.jsonl", ".pull")
"""What each machine has for itself, and the table says anyway. A heartbeat is pushed: others hear of the run by it."""
DATA = "data"
"""In place of a run's id: versions of datasets, by their Git blob id."""
CHUNK = 4 << 20
EVERY_S = 0.5
"""Seconds between two looks of who pushes, and of who pulls."""
CHECKPOINTS_S = 20.0
"""Checkpoints of a run that trains are pushed at most this often, and at its end."""
DAYS_BACK_S = 7 * 86_400.0
"""What changed before is pulled when it is asked for."""
_NOW = "EXTRACT(EPOCH FROM clock_timestamp())::float8"


def wanted() -> bool:
    """Whether machines of this lab share a database and no disk."""
    return bool(home().database) and home().shared is None


def this_machine() -> str:
    """What this machine and home is called in the table: two homes of one machine are two, as they share no slots."""
    mark = hashlib.sha256(f"{_machine_id()}:{home().root}".encode()).hexdigest()[:8]
    return f"{platform.node()}:{mark}"


def machine_here() -> str | None:
    """What the job table says of runs in this machine's slots: nothing where no other machine has the table."""
    return this_machine() if home().database else None


def _machine_id() -> str:
    path = Path("/etc/machine-id")
    return path.read_text().strip() if path.exists() else ""


@contextlib.contextmanager
def _connected() -> Iterator[postgres.Connection]:
    with postgres.connected(home().database) as connection:
        yield connection


# -- pushed ---------------------------------------------------------------------------------------------------------


@dataclass
class Push:
    """What of a run's folder is known to be in the database."""

    folder: RunFolder
    attempt: int | None = None
    """Whose figures they are: once another attempt has the run, nothing of this one is pushed any more."""
    _grown: dict[str, int] = field(default_factory=dict)
    _seen: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    _checkpoints_at: float = float("-inf")

    def step(self, *, everything: bool = True) -> None:
        """Push what is new. Raises StoreError, and is begun again where it was cut off.

        Args:
            everything: checkpoints, too, however short a time ago they were pushed.
        """
        with _connected() as connection:
            if self.attempt is not None and not self._still_ours(connection):
                return
            for name in GROWING:
                self._growth(connection, name)
            now = time.monotonic()
            checkpoints = everything or now - self._checkpoints_at > CHECKPOINTS_S
            if checkpoints:
                self._checkpoints_at = now
            for path in self._whole(checkpoints):
                self._replaced(connection, path)

    def _still_ours(self, connection: postgres.Connection) -> bool:
        row = connection.execute("SELECT attempt FROM jobs WHERE run_id = ?", (self.folder.run_id,)).fetchone()
        return row is None or row["attempt"] == self.attempt

    def _whole(self, checkpoints: bool) -> list[Path]:
        try:
            found = [path for path in self.folder.path.iterdir() if path.is_file()]
        except FileNotFoundError:
            return []
        found = [path for path in found if path.name not in (*GROWING, *OWN) and path.suffix not in (".tmp", ".link")]
        return found + (sorted(self.folder.checkpoints.glob("*.pt")) if checkpoints else [])

    def _growth(self, connection: postgres.Connection, name: str) -> None:
        path, run_id = self.folder.file(name), self.folder.run_id
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            return
        if name not in self._grown:
            found = "SELECT COALESCE(MAX(start + LENGTH(content)), 0) FROM parts WHERE run_id = ? AND name = ?"
            self._grown[name] = connection.execute(found, (run_id, name)).fetchone()[0]
        begun = self._grown[name]
        if size == begun:
            return
        with path.open("rb") as file:
            if size < begun:  # the run began anew
                begun = 0
            file.seek(begun)
            while content := file.read(min(CHUNK, size - begun)):
                self._add_part(connection, name, begun, content)
                begun += len(content)
                self._grown[name] = begun

    def _add_part(self, connection: postgres.Connection, name: str, start: int, content: bytes) -> None:
        run_id = self.folder.run_id
        with connection.inner.transaction():
            if start == 0:
                connection.execute("DELETE FROM parts WHERE run_id = ? AND name = ?", (run_id, name))
            connection.execute(
                "INSERT INTO parts VALUES (?, ?, ?, ?) ON CONFLICT (run_id, name, start) "
                "DO UPDATE SET content = excluded.content",
                (run_id, name, start, content),
            )
            # another beginning is another file, which whoever has the former one reads from its start
            _note(connection, run_id, name, hashlib.sha256(content).hexdigest() if start == 0 else None)

    def _replaced(self, connection: postgres.Connection, path: Path) -> None:
        name = path.relative_to(self.folder.path).as_posix()
        try:
            state = path.stat()
            mark = (state.st_mtime_ns, state.st_size, state.st_ino)
            if self._seen.get(name) == mark:
                return
            content = path.read_bytes()
        except FileNotFoundError:  # replaced at this moment
            return
        put(connection, self.folder.run_id, name, content)
        self._seen[name] = mark


def _note(connection: postgres.Connection, run_id: str, name: str, digest: str | None) -> None:
    connection.execute(
        f"INSERT INTO files VALUES (?, ?, COALESCE(?, ''), ?, {_NOW}) ON CONFLICT (run_id, name) DO UPDATE SET "
        "digest = COALESCE(?, files.digest), machine = excluded.machine, changed = excluded.changed",
        (run_id, name, digest, this_machine(), digest),
    )


def put(connection: postgres.Connection, run_id: str, name: str, content: bytes) -> None:
    """Keep a whole file in the database in place of its former one. Raises StoreError."""
    digest = hashlib.sha256(content).hexdigest()
    with connection.inner.transaction():
        former = connection.execute("SELECT digest FROM files WHERE run_id = ? AND name = ?", (run_id, name)).fetchone()
        for start in range(0, max(1, len(content)), CHUNK):
            connection.execute(
                "INSERT INTO blobs VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (digest, start, content[start : start + CHUNK]),
            )
        _note(connection, run_id, name, digest)
        if former and former[0] != digest:
            _take_away_if_unused(connection, former[0])


def _take_away_if_unused(connection: postgres.Connection, digest: str) -> None:
    connection.execute(
        "DELETE FROM blobs WHERE digest = ? AND NOT EXISTS (SELECT 1 FROM files WHERE files.digest = blobs.digest)",
        (digest,),
    )


@contextlib.contextmanager
def pushing(folder: RunFolder, attempt: int | None = None) -> Iterator[None]:
    """Within it a run's folder is pushed as it grows, and whole at the end; nothing where machines share a disk.

    A database that is gone for a while is tried again; at the end for half a minute, then by whoever looks after it.
    """
    if not wanted():
        yield
        return
    push, done = Push(folder, attempt), threading.Event()

    def look() -> None:
        said = ""
        while not done.wait(EVERY_S):
            try:
                push.step(everything=False)
                said = ""
            except (LabError, OSError) as error:
                if str(error) != said:
                    said = str(error)
                    print(f"its figures wait here: {said}", file=sys.stderr, flush=True)

    thread = threading.Thread(target=look, name="push", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        insist(push.step, 30.0)


def insist(do, seconds: float) -> None:
    """Do what the database may refuse for a while, again and again; said on stderr where it came to nothing."""
    end = time.monotonic() + seconds
    while True:
        try:
            do()
            return
        except (LabError, OSError) as error:
            if time.monotonic() >= end:
                print(f"not pushed: {error}", file=sys.stderr, flush=True)
                return
            time.sleep(1.0)


def publish(folder: RunFolder) -> None:
    """Push what a run that waits needs wherever it begins: its config, its parent's checkpoints, its dataset.

    Raises StoreError.
    """
    if not wanted():
        return
    Push(folder).step()
    reading = folder.config()
    if reading is None:
        return
    if reading.config.parent and (parent := run_folder(reading.config.parent)).exists:
        Push(parent).step()
    from core.datasets import read

    with _connected() as connection:
        for name, version in _used(reading.config):
            found = connection.execute("SELECT 1 FROM files WHERE run_id = ? AND name = ?", (DATA, version)).fetchone()
            if not found:
                put(connection, DATA, version, read(name, version)[0])


def _used(config) -> list[tuple[str, str]]:
    """(name, version) of the files that a run learns from, or whose mesh it is on."""
    from core.datasets import mesh_of

    problem = config.problem
    found = [(problem.dataset, problem.dataset_version)] if problem.uses_data else []
    mesh = mesh_of(problem)
    return found + ([(mesh.file, mesh.version)] if mesh else [])


# -- pulled ---------------------------------------------------------------------------------------------------------

_pulled: dict[tuple[str, str], str] = {}
"""(run's folder, name) → digest of what this process pulled; of a file that grows, of its beginning."""


def fetch_inputs(folder: RunFolder, config_hash: str) -> None:
    """Have on this machine what a run needs to begin here, or to go on.

    Raises LabError where it can't be had, StoreError where it can't be had yet.

    Args:
        folder: the run's.
        config_hash: of the config that the job table says.
    """
    if not wanted():
        return
    pull(folder)
    reading = folder.config()
    if reading is None:
        raise LabError(f"Run {folder} has no {CONFIG} in the lab's database, and was launched on another machine.")
    if config_hash and reading.config.hash != config_hash and not reading.notes:
        raise StoreError(f"The config of run {folder} was changed, and the change is not here yet.")
    if reading.config.parent:
        pull(run_folder(reading.config.parent))
    from core.data_folder import kept_copy
    from core.datasets import record

    for name, version in _used(reading.config):
        if version and not kept_copy(version).is_file():
            with _connected() as connection:
                digest = connection.execute(
                    "SELECT digest FROM files WHERE run_id = ? AND name = ?", (DATA, version)
                ).fetchone()
                if digest is None:
                    raise LabError(
                        f"Version {version[:12]} of the dataset {name!r} is in no folder here, nor in the database."
                    )
                record(name, _content(connection, digest[0]), "run")


def pull(folder: RunFolder) -> bool:
    """Bring a run's folder up to date with what was pushed of it elsewhere; whether anything was new.

    Raises StoreError, OSError.
    """
    with _connected() as connection:
        rows = connection.execute(
            "SELECT name, digest, machine FROM files WHERE run_id = ?", (folder.run_id,)
        ).fetchall()
        mine = this_machine()
        rows = [row for row in rows if row["machine"] != mine]
        if not rows:
            return False
        folder.path.mkdir(parents=True, exist_ok=True)
        with (folder.path / ".pull").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # another process does just that
                return False
            new = [_bring(connection, folder, row["name"], row["digest"]) for row in rows]
    return any(new)


def _bring(connection: postgres.Connection, folder: RunFolder, name: str, digest: str) -> bool:
    path, key = folder.file(name), (str(folder.path), name)
    if not path.resolve().is_relative_to(folder.path.resolve()):
        raise StoreError(f"A file of run {folder} would lead out of its folder: {name!r}.")
    if name in GROWING:
        same = _pulled.get(key) == digest
        size = path.stat().st_size if same and path.exists() else 0
        rows = connection.execute(
            "SELECT start, content FROM parts WHERE run_id = ? AND name = ? AND start + LENGTH(content) > ? "
            "ORDER BY start",
            (folder.run_id, name, size),
        ).fetchall()
        if not rows:
            return False
        with path.open("r+b" if same and path.exists() else "w+b") as file:
            for row in rows:
                file.seek(row["start"])
                file.write(row["content"])
        _pulled[key] = digest
        return True
    if _pulled.get(key) == digest and path.exists():
        return False
    if key not in _pulled and path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == digest:
        _pulled[key] = digest
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, _content(connection, digest))
    _pulled[key] = digest
    return True


def _content(connection: postgres.Connection, digest: str) -> bytes:
    rows = connection.execute("SELECT content FROM blobs WHERE digest = ? ORDER BY start", (digest,)).fetchall()
    content = b"".join(row[0] for row in rows)
    if hashlib.sha256(content).hexdigest() != digest:
        raise StoreError(f"What the database has under {digest[:12]} are other bytes than were put there.")
    return content


def heard_of(run_id: str) -> float | None:
    """Seconds since a run's machine pushed something; None where it never did. Raises StoreError."""
    with _connected() as connection:
        row = connection.execute(f"SELECT {_NOW} - MAX(changed) FROM files WHERE run_id = ?", (run_id,)).fetchone()
    return row[0]


class Pulling(threading.Thread):
    """Pulls what other machines pushed, for as long as this process lives."""

    def __init__(self) -> None:
        super().__init__(name="pull", daemon=True)
        self._since: float | None = None
        self._said = ""

    def run(self) -> None:
        """Look again and again; what goes wrong is said once, and tried again."""
        while True:
            try:
                self.look()
                self._said = ""
            except (LabError, OSError) as error:
                if str(error) != self._said:
                    self._said = str(error)
                    print(self._said, file=sys.stderr, flush=True)
            time.sleep(EVERY_S)

    def look(self) -> list[str]:
        """Pull every run that changed elsewhere since the last look; returns their ids. Raises StoreError, OSError."""
        with _connected() as connection:
            if self._since is None:
                if connection.execute("SELECT to_regclass('lab.files')").fetchone()[0] is None:
                    return []
                self._since = connection.execute(f"SELECT {_NOW}").fetchone()[0] - DAYS_BACK_S
            rows = connection.execute(
                "SELECT run_id, MAX(changed) FROM files WHERE changed > ? AND machine <> ? AND run_id <> ? "
                "GROUP BY run_id",
                (self._since, this_machine(), DATA),
            ).fetchall()
        for run_id, _ in rows:
            pull(run_folder(run_id))
        if rows:  # a moment back: who was writing at the last look may have ended later
            self._since = max(self._since, max(row[1] for row in rows) - 2.0)
        return [row[0] for row in rows]


def forget(connection: postgres.Connection, run_id: str) -> None:
    """Take away what the database has of a run that is deleted for good; in the caller's transaction."""
    digests = connection.execute("DELETE FROM files WHERE run_id = ? RETURNING digest", (run_id,)).fetchall()
    connection.execute("DELETE FROM parts WHERE run_id = ?", (run_id,))
    for (digest,) in digests:
        _take_away_if_unused(connection, digest)
