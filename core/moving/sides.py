"""A database of a lab, SQLite's file or PostgreSQL, as plain tables: what is in it, and rows put into it.

Two sets of tables: MLflow's, and the job table's (`LAB`). Values are such as JSON has, and bytes; truth is True or
False on both sides.
"""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from core import postgres
from core.errors import StoreError
from core.tracking.store.sqlite_reader import LARGEST

LAB = ("jobs", "events", "fired", "notices", "followed")
"""Tables of the job table's file, in the order in which they are filled."""
SCHEMA_VERSION = "alembic_version"
"""MLflow's table that says which of its versions made the others."""
CHUNK = 2_000


class Side(Protocol):
    """One database. Every method raises StoreError where it can't be used."""

    def tables(self) -> list[str]:
        """Names of its tables, in an order in which they can be filled: what others refer to comes first."""

    def columns(self, table: str) -> list[str]:
        """Names of a table's columns."""

    def rows(self, table: str, where: str = "", values: Sequence[Any] = ()) -> Iterator[tuple]:
        """Rows of a table, each a value for each of its columns."""

    def put(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Add rows; returns how many. Inside the caller's transaction."""

    def clear(self, table: str) -> None:
        """Take all rows of a table away. Inside the caller's transaction."""


class SqliteSide:
    """An SQLite file.

    Args:
        connection: to it.
        name: of the file, for messages.
    """

    def __init__(self, connection: sqlite3.Connection, name: str):
        self.connection, self._name = connection, name
        connection.row_factory = None

    def tables(self) -> list[str]:
        """Names of its tables; foreign keys are not looked at here, so any order will do."""
        found = self._all("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        return sorted(name for (name,) in found)

    def columns(self, table: str) -> list[str]:
        """Names of a table's columns."""
        return [row[1] for row in self._all(f'PRAGMA table_info("{table}")')]

    def rows(self, table: str, where: str = "", values: Sequence[Any] = ()) -> Iterator[tuple]:
        """Rows of a table, truth as True and False."""
        kinds = [row[2].upper() for row in self._all(f'PRAGMA table_info("{table}")')]
        truths = [k for k, kind in enumerate(kinds) if kind == "BOOLEAN"]
        names = ", ".join(f'"{name}"' for name in self.columns(table))
        try:
            for row in self.connection.execute(f'SELECT {names} FROM "{table}" {where}', tuple(values)):
                if truths:
                    changed = list(row)
                    for k in truths:
                        changed[k] = None if row[k] is None else bool(row[k])
                    row = tuple(changed)
                yield row
        except sqlite3.Error as error:
            raise StoreError(f"{self._name} can't be read: {error}.") from error

    def put(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Add rows."""
        names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
        try:
            return max(
                0, self.connection.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows).rowcount
            )
        except sqlite3.Error as error:
            raise StoreError(f"{table} of {self._name} can't be written: {error}.") from error

    def clear(self, table: str) -> None:
        """Take all rows of a table away."""
        self._all(f'DELETE FROM "{table}"')

    def _all(self, sql: str) -> list[tuple]:
        try:
            return self.connection.execute(sql).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"{self._name} can't be read: {error}.") from error


class PostgresSide:
    """One schema of a PostgreSQL database.

    Args:
        connection: to it.
        schema: `public` for MLflow's tables, `lab` for the job table's.
    """

    def __init__(self, connection: postgres.Connection, schema: str):
        self.connection, self._schema = connection, schema
        self._columns: dict[str, list[str]] = {}

    def tables(self) -> list[str]:
        """Names of its tables, those that foreign keys refer to before those that have them."""
        found = self.connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND table_type = 'BASE TABLE'",
            (self._schema,),
        ).fetchall()
        needs: dict[str, set[str]] = {name: set() for (name,) in sorted(map(tuple, found))}
        keys = self.connection.execute(
            "SELECT a.relname, b.relname FROM pg_constraint c JOIN pg_class a ON a.oid = c.conrelid "
            "JOIN pg_class b ON b.oid = c.confrelid JOIN pg_namespace n ON n.oid = a.relnamespace "
            "WHERE c.contype = 'f' AND n.nspname = ? AND a.oid <> b.oid",
            (self._schema,),
        )
        for table, other in keys.fetchall():
            needs[table].add(other)
        ordered: list[str] = []
        while needs:
            free = [name for name, others in needs.items() if not others - set(ordered)] or [min(needs)]
            ordered += free
            needs = {name: others for name, others in needs.items() if name not in free}
        return ordered

    def columns(self, table: str) -> list[str]:
        """Names of a table's columns, without those that follow from others."""
        if table not in self._columns:
            found = self.connection.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = ? AND table_name = ? "
                "AND is_generated = 'NEVER' ORDER BY ordinal_position",
                (self._schema, table),
            )
            self._columns[table] = [name for (name,) in found.fetchall()]
        return self._columns[table]

    def rows(self, table: str, where: str = "", values: Sequence[Any] = ()) -> Iterator[tuple]:
        """Rows of a table, times as text; many of them come in parts."""
        names = ", ".join(f'"{name}"' for name in self.columns(table))
        sql = f'SELECT {names} FROM {self._schema}."{table}" {where}'
        if values:
            yield from (tuple(map(_plain, row)) for row in self.connection.execute(sql, values).fetchall())
            return
        # on the server: ten thousand runs have millions of rows
        with self.connection.inner.cursor("whole_table", withhold=not self.connection.in_transaction) as cursor:
            cursor.itersize = CHUNK
            for row in cursor.execute(postgres.for_postgres(sql)):
                yield tuple(map(_plain, row))

    def put(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Add rows, with whatever number the server would have given them."""
        names = ", ".join(f'"{name}"' for name in columns)
        count = 0
        with self.connection.inner.cursor() as cursor:
            truths = self._truths(table, columns)
            with cursor.copy(f'COPY {self._schema}."{table}" ({names}) FROM STDIN') as copy:
                for row in rows:
                    copy.write_row([_for_server(value, k in truths) for k, value in enumerate(row)])
                    count += 1
        return count

    def clear(self, table: str) -> None:
        """Take all rows of a table away."""
        self.connection.execute(f'DELETE FROM {self._schema}."{table}"')

    def _truths(self, table: str, columns: Sequence[str]) -> set[int]:
        found = self.connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = ? AND table_name = ? "
            "AND data_type = 'boolean'",
            (self._schema, table),
        )
        named = {name for (name,) in found.fetchall()}
        return {k for k, name in enumerate(columns) if name in named}

    def set_counters(self) -> None:
        """Have numbers that the server gives begin after the largest that is there."""
        found = self.connection.execute(
            "SELECT table_name, column_name, pg_get_serial_sequence(quote_ident(table_schema) || '.' || "
            "quote_ident(table_name), column_name) FROM information_schema.columns WHERE table_schema = ?",
            (self._schema,),
        )
        for table, column, sequence in found.fetchall():
            if sequence:
                self.connection.execute(
                    f'SELECT setval(?::regclass, GREATEST(1, (SELECT COALESCE(MAX("{column}"), 0) '
                    f'FROM {self._schema}."{table}")), (SELECT COUNT(*) > 0 FROM {self._schema}."{table}"))',
                    (sequence,),
                )


def _plain(value: Any) -> Any:
    return value.isoformat(" ") if isinstance(value, datetime.datetime | datetime.date) else value


def _for_server(value: Any, truth: bool) -> Any:
    if truth:
        return None if value is None else bool(value)
    if isinstance(value, str):
        return value.replace("\0", "\\x00")
    return value


def same(a: Sequence[Any], b: Sequence[Any]) -> bool:
    """Whether two rows say the same, one read from either side."""
    return all(_same(x, y) for x, y in zip(a, b, strict=True))


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, str) and isinstance(b, str):
        return a.replace("\0", "\\x00") == b.replace("\0", "\\x00")
    if isinstance(a, float) and isinstance(b, float) and abs(a) >= LARGEST:  # what MLflow keeps for an infinity
        return (a > 0) == (b > 0) and abs(b) >= LARGEST
    return a == b


@contextmanager
def sqlite_snapshot(path: Path) -> Iterator[SqliteSide]:
    """A file as it is at one moment, only to be read. Raises StoreError where it is none."""
    if not path.exists():
        raise StoreError(f"There is no {path}.")
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=20, isolation_level=None)
    try:
        connection.execute("BEGIN")
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()  # the moment: a snapshot begins at a read
        yield SqliteSide(connection, str(path))
    except sqlite3.Error as error:
        raise StoreError(f"{path} can't be read: {error}.") from error
    finally:
        connection.close()


@contextmanager
def transaction(connection: postgres.Connection) -> Iterator[None]:
    """One transaction of a database server: all that is done in it, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
