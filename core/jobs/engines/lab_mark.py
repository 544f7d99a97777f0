"""The mark by which a cluster's jobs are told to be this lab's: two labs may have the same run, copied."""

from __future__ import annotations

import contextlib
import hashlib
import uuid

from core.home import home

FILE = "lab-id"


def lab_mark() -> str:
    """Sixteen hexadecimal digits that this home alone has: of an id of its own, and of where it lies.

    A home that was copied has the id and lies elsewhere. Raises OSError.
    """
    root, folder = home().root, home().engines
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    if not path.exists():
        mine = folder / f".{uuid.uuid4().hex}"
        mine.write_text(uuid.uuid4().hex, encoding="ascii")
        with contextlib.suppress(FileExistsError):  # another process was first: its id counts
            path.hardlink_to(mine)
        mine.unlink()
    own = path.read_text(encoding="ascii").strip()
    return hashlib.sha256(f"{own} {root}".encode()).hexdigest()[:16]
