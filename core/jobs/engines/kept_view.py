"""What was last seen of a cluster, in a small file of the lab home: pages and commands read it and ask no cluster."""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.files import read_object, write_whole
from core.home import home
from core.jobs.engines.contract import Node, View

NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
KEPT_S = 10.0
"""A view that has not changed is written again after so many seconds, so that it says when the cluster was seen."""


@dataclass(frozen=True)
class KeptView:
    """A cluster as it was seen."""

    looked: float
    """Unix time of the last look."""
    trouble: str = ""
    """Why it could not be asked, in one line."""
    since: float | None = None
    """Unix time since which it could not."""
    nodes: tuple[Node, ...] = ()
    """As they were when it last answered."""
    version: str = ""


def kept_view(engine: str) -> KeptView | None:
    """What was last seen of an engine; None where nobody has looked yet, or the file is damaged."""
    data = read_object(_file(engine))
    if data is None:
        return None
    try:
        nodes = tuple(Node(**node) for node in data.pop("nodes"))
        return KeptView(**data, nodes=nodes)
    except (TypeError, KeyError):
        return None


def keep(engine: str, view: View | None, trouble: str = "") -> None:
    """Keep what was seen of an engine, or why it could not be asked. Raises OSError."""
    now, before = time.time(), kept_view(engine)
    if view is not None:
        new = KeptView(now, "", None, view.nodes, view.version)
    else:
        known = before or KeptView(now)
        new = KeptView(now, trouble, known.since or now, known.nodes, known.version)
    if before is None or _same(before) != _same(new) or now - before.looked >= KEPT_S:
        home().engines.mkdir(exist_ok=True)
        write_whole(_file(engine), json.dumps(asdict(new)))


def _same(view: KeptView) -> dict[str, Any]:
    return asdict(view) | {"looked": None}


def _file(engine: str) -> Path:
    if not NAME.fullmatch(engine):
        raise ValueError(f"{engine!r} is no name of an engine")
    return home().engines / f"{engine}.json"
