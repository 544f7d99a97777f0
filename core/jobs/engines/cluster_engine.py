"""A cluster's engine as all but the courier have it: from what was seen last, without asking the cluster anything."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.home import home
from core.jobs import table
from core.jobs.detached import ensure_courier
from core.jobs.engines.contract import Cluster, Node, Seen, Slot
from core.jobs.engines.kept_view import KeptView, kept_view
from core.jobs.job import Job

if TYPE_CHECKING:
    from core.cluster_settings import ClusterSettings


class ClusterEngine:
    """An engine that a cluster is behind.

    Args:
        settings: of the lab.
    """

    def __init__(self, settings: ClusterSettings):
        self.settings = settings

    @property
    def name(self) -> str:
        """As runs ask for it."""
        return self.settings.name

    @property
    def view(self) -> KeptView | None:
        """What was last seen of it; None before the first look."""
        return kept_view(self.name)

    def cluster(self) -> Cluster:
        """Who asks it; for the courier, and for whoever has a thread that may wait."""
        return cluster_of(self.settings)

    def capacity(self) -> list[Slot]:
        """A slot for each `gpus_per_run` GPUs of a node, and for each `cpus_per_run` cores of one without GPUs.

        Before anybody has looked, one that takes what the settings say: a run may be handed over, and waits there.
        """
        view = self.view
        if view is None or not view.nodes:
            return [Slot(f"{self.name}/any/gpu0", ("auto", "cpu", "cuda"), engine=self.name)]
        at_work = [job.slot for job in table.at_engine(self.name)]
        return [
            Slot(name, kinds, name in at_work, engine=self.name)
            for name, kinds in slots_of(self.settings, (node for node in view.nodes if node.up))
        ]

    def poll(self, run_id: str) -> Seen:
        """Alive, for all that is known here: the courier decides."""
        return "alive"

    def stop(self, run_id: str, grace_s: float) -> None:
        """Nothing: the courier climbs the ladder."""

    def ensure(self) -> None:
        """See to it that there is a courier where one is needed."""
        if table.at_engine(self.name) or table.waits_for_a_cluster():
            ensure_courier()


def slots_of(settings: ClusterSettings, nodes: Iterable[Node]) -> list[tuple[str, tuple[str, ...]]]:
    """(name, kinds of device requests) of the slots that nodes have room for.

    A run for any device goes to a GPU where the cluster has one.
    """
    nodes = list(nodes)
    any_gpu = any(node.gpus >= settings.gpus_per_run for node in nodes)
    found = []
    for node in nodes:
        for k in range(node.gpus // settings.gpus_per_run):
            found.append((f"{settings.name}/{node.name}/gpu{k}", ("auto", "cuda")))
        cores = node.cpus - settings.cpus_per_run * (node.gpus // settings.gpus_per_run)
        for k in range(max(0, cores) // settings.cpus_per_run):
            found.append((f"{settings.name}/{node.name}/cpu{k}", ("cpu",) if any_gpu else ("auto", "cpu")))
    return found


def free_slot(settings: ClusterSettings, node: str, gpu: bool, jobs: Iterable[Job]) -> str:
    """A name for the place that a run has on a node: the first of its kind that no other run has."""
    taken = {job.slot for job in jobs}
    kind, number = "gpu" if gpu else "cpu", 0
    while (name := f"{settings.name}/{node}/{kind}{number}") in taken:
        number += 1
    return name


def cluster_of(settings: ClusterSettings) -> Cluster:
    """Who asks a cluster."""
    if settings.kind == "ray":
        from core.jobs.engines.ray import RayCluster  # urllib: for who asks alone

        return RayCluster(settings)
    from core.jobs.engines.slurm import SlurmCluster

    return SlurmCluster(settings)


def cluster_engines() -> list[ClusterEngine]:
    """The engines that the lab's settings name, in their order; without a settings file nothing is imported."""
    if not home().has_settings():
        return []
    from core.settings import settings

    return [ClusterEngine(each) for each in settings().engines]
