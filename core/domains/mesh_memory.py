"""Meshes that were read, kept in memory by size: a server looks at many in a day, and one may have 10⁷ cells."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from core.domains.mesh import Mesh

MOST = 2**28
"""Bytes of all that are kept; the newest one stays whatever its size."""
_kept: OrderedDict[tuple[str, str], Mesh] = OrderedDict()
_reading: dict[tuple[str, str], threading.Lock] = {}
_lock = threading.Lock()


def kept_mesh(name: str, git_blob: str, read: Callable[[], Mesh]) -> Mesh:
    """The mesh of a file's bytes; read once, also where several threads ask at a time, while there is room for it.

    Args:
        name: of the file, by whose end it is read.
        git_blob: id of its bytes.
        read: reads it; what it raises is raised here, and nothing is kept.
    """
    key = (name, git_blob)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
        own = _reading.setdefault(key, threading.Lock())
    with own:
        with _lock:
            if key in _kept:
                return _kept[key]
        try:
            mesh = read()
        finally:
            with _lock:
                _reading.pop(key, None)
        with _lock:
            _kept[key] = mesh
            while len(_kept) > 1 and sum(each.bytes for each in _kept.values()) > MOST:
                _kept.popitem(last=False)
    return mesh
