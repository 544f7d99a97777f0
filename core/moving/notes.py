"""What was moved from this home, noted in the database that it was moved to."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from core import postgres
from core.home import home

TABLE = (
    "CREATE TABLE IF NOT EXISTS moved (source TEXT NOT NULL, what TEXT NOT NULL, digest TEXT NOT NULL, "
    "PRIMARY KEY (source, what))"
)


class Notes:
    """What was moved and what it was then, by name: a run's id, the address of a file, `jobs`.

    Args:
        connection: to the database; a note that is made inside a transaction is part of it.
    """

    def __init__(self, connection: postgres.Connection):
        self._connection, self._source = connection, str(home().root)

    def digest(self, what: str) -> str | None:
        """The digest of something as it was moved; None of what was not."""
        found = self._connection.execute(
            "SELECT digest FROM moved WHERE source = ? AND what = ?", (self._source, what)
        ).fetchone()
        return None if found is None else found[0]

    def put(self, what: str, digest: str) -> None:
        """Note that something was moved."""
        self._connection.execute(
            "INSERT INTO moved VALUES (?, ?, ?) ON CONFLICT (source, what) DO UPDATE SET digest = excluded.digest",
            (self._source, what, digest),
        )


def digest_of(content: Any) -> str:
    """The SHA-256 of what JSON can say, in hexadecimal."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
