"""A cluster is asked once, as somebody has just described it: before it is saved, and without keeping what it says."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from core.background import Background
from core.cluster_settings import ClusterSettings
from core.jobs.engines.cluster_engine import cluster_of, slots_of
from core.jobs.engines.contract import Node
from core.jobs.engines.states import nodes_in_words
from core.people import ADMIN, needs
from core.settings import parse


@dataclass(frozen=True)
class Tried:
    """What a cluster answered."""

    usable: bool
    """A run would find a slot there."""
    line: str
    """For people: what was found, in one line."""


@needs(ADMIN)
def begin_trial(data: dict[str, Any]) -> Background[Tried]:
    """Ask a cluster on a thread of its own; each question has the engine's own time limit.

    Args:
        data: its settings as plain data, one entry of `engines` of the lab's settings.

    Raises ConfigError where they do not validate. Why it can't be asked is the error of what is returned.
    """
    chosen = parse({"engines": [data]}).engines[0]
    trial = Background(lambda say: _asked(chosen))
    trial.ask()
    return trial


def _asked(chosen: ClusterSettings) -> Tried:
    """Raises UnreachableError or RefusedError."""
    began = time.monotonic()
    view = cluster_of(chosen).look()
    took = time.monotonic() - began
    slots = len(slots_of(chosen, (node for node in view.nodes if node.up)))
    version = f", version {view.version}" if view.version else ""
    found = f"It answers within {max(took, 0.1):.1f} s{version}: {nodes_in_words(view.nodes, slots)}."
    return Tried(bool(slots), found if slots else f"{found} {_why_none(chosen, view.nodes)}")


def _why_none(chosen: ClusterSettings, nodes: tuple[Node, ...]) -> str:
    """Why there is no slot."""
    if not nodes:
        partition = chosen.partition if chosen.kind == "slurm" else None
        return f"Is there a partition {partition}?" if partition else "Runs would wait until it has some."
    if not any(node.up for node in nodes):
        return "Runs would wait until one is up."
    cores, gpus = chosen.cpus_per_run, chosen.gpus_per_run
    return f"No node has {cores:,} core{'s' * (cores > 1)} or {gpus:,} GPU{'s' * (gpus > 1)} for a run."
