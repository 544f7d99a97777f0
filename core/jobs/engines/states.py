"""How the lab's clusters are, for pages and commands: what was seen of them last, and how many runs they have."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.errors import LabError
from core.jobs import table
from core.jobs.engines.cluster_engine import ClusterEngine, cluster_engines, cluster_of, slots_of
from core.jobs.engines.contract import Node, RefusedError, UnreachableError
from core.jobs.engines.kept_view import KeptView, keep, kept_view
from core.jobs.engines.verdicts import SILENT_S
from core.jobs.job import Job
from core.plain_text import printable, shortened
from core.runs.states import ACTIVE


@dataclass(frozen=True)
class EngineState:
    """One engine, as it was seen last."""

    name: str
    kind: str
    where: str
    """Its address, or whose commands ask it."""
    view: KeptView | None
    slots: int
    at_work: int
    """Runs of this lab whose processes have begun there."""
    pending: int
    """Runs of this lab that it has and that have not begun."""
    waiting: int
    """Runs in the lab's queue that ask for it."""

    @property
    def line(self) -> str:
        """How it is, in a sentence."""
        if self.view is None:
            return "nobody has looked yet"
        if self.view.trouble:
            return self.view.trouble
        return nodes_in_words(self.view.nodes, self.slots)


def nodes_in_words(nodes: Sequence[Node], slots: int) -> str:
    """How much there is: nodes that are up and that are not, GPUs of those that are, slots."""
    up = sum(node.up for node in nodes)
    down = len(nodes) - up
    words = f"{up} node{'s' * (up != 1)}{f', {down} more that can not be used' * bool(down)}"
    gpus = sum(node.gpus for node in nodes if node.up)
    return f"{words}, {gpus} GPU{'s' * (gpus != 1)}, {slots} slot{'s' * (slots != 1)}"


def engine_states() -> list[EngineState]:
    """The engines of the settings, in their order. Raises StoreError when the job table can't be read."""
    engines = cluster_engines()
    if not engines:
        return []
    active, waiting = table.find(ACTIVE, -1), table.find(("queued",), -1)
    found = []
    for engine in engines:
        own = [job for job in active if job.engine == engine.name]
        view = engine.view
        found.append(
            EngineState(
                engine.name,
                engine.settings.kind,
                _where(engine),
                view,
                len(slots_of(engine.settings, (node for node in view.nodes if node.up))) if view else 0,
                sum(not job.engine_word for job in own),
                sum(bool(job.engine_word) for job in own),
                sum(job.asked_engine == engine.name for job in waiting),
            )
        )
    return found


def _where(engine: ClusterEngine) -> str:
    settings = engine.settings
    if settings.kind == "ray":
        return settings.address
    return f"SLURM's commands{f', partition {settings.partition}' if settings.partition else ''}"


def look_at(names: Iterable[str] = ()) -> list[EngineState]:
    """Ask engines now, which takes seconds, and keep what they say; all of the settings without names.

    For commands, and for threads that nobody waits for. Raises LabError for a name that is none, and where nothing can
    be kept.
    """
    engines = {engine.name: engine for engine in cluster_engines()}
    for name in names:
        if name not in engines:
            there = ", ".join(engines) or "none"
            raise LabError(f"There is no engine {shortened(printable(name))!r} in the settings; there are {there}.")
    for engine in engines.values():
        if names and engine.name not in names:
            continue
        try:
            view, trouble = cluster_of(engine.settings).look(), ""
        except (UnreachableError, RefusedError) as error:
            view, trouble = None, str(error)
        try:
            keep(engine.name, view, trouble)
        except OSError as error:
            raise LabError(f"What was seen of {engine.name} can't be kept: {error.strerror}.") from error
    return [state for state in engine_states() if not names or state.name in names]


def engine_troubles() -> list[str]:
    """A line for each engine that can't be asked, or that has runs and is in no settings any more."""
    names = {engine.name for engine in cluster_engines()}
    lines = [
        f"Engine {name} has {count} run{'s' * (count > 1)} and is in the settings no more, so nobody looks after them. "
        "Put it back until they have ended."
        for name, count in table.clusters_at_work().items()
        if name not in names
    ]
    for name in sorted(names):
        view = kept_view(name)
        if view is not None and view.trouble and view.since is not None:
            since = time.strftime("%H:%M UTC", time.gmtime(view.since))
            lines.append(f"Engine {name}, since {since}: {view.trouble} {_meanwhile(name)}")
    return lines


def _meanwhile(name: str) -> str:
    """What its runs do while nobody can ask it: a node may have died with its head, which their heartbeats tell."""
    own = [job for job in table.at_engine(name) if not job.engine_word]
    silent = [job for job in own if time.time() - _sign_of_life(job) > SILENT_S]
    if not silent:
        return "Its runs go on; others wait."
    return (
        f"{len(silent)} of its {len(own)} run{'s' * (len(own) > 1)} gave no sign of life for the last {SILENT_S:g} s: "
        "they may be lost, which is known once it answers. Others wait."
    )


def _sign_of_life(job: Job) -> float:
    """Unix time of it by the node's clock; an attempt that has written none yet began just now, for all we know."""
    beat = job.folder.heartbeat()
    return beat["time"] if beat is not None and beat["attempt"] == job.attempt else job.started or time.time()
