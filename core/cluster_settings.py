"""Clusters that a lab may hand runs to, as its settings name them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from core.frozen import Frozen, shaped

_PATH = r"/[^\x00-\x1f\x7f]*"
EngineName = Annotated[str, shaped(r"[a-z][a-z0-9-]{0,30}", "small letters, digits and hyphens, such as cluster-a")]
NodePath = Annotated[str, shaped(_PATH, "a path from the root on, such as /shared/lab")]
_WORD = r"[A-Za-z0-9_.:,/&|*-]+"


class _Cluster(Frozen):
    """What engines of clusters have in common. The folders `runs` and `data` of the lab home lie on a shared path."""

    name: EngineName
    gpus_per_run: int = Field(1, ge=1, le=64, description="Of a run that asks for a GPU, or for any device.")
    cpus_per_run: int = Field(1, ge=1, le=1024)
    memory_gb: Annotated[float, Field(gt=0, le=100_000)] | None = Field(
        None, description="Of each run. Empty: the engine's own default."
    )
    most: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        None,
        description="Runs that are handed over at a time; others wait in the lab's queue, where they can be moved and "
        "edited. Empty: one more than the engine has slots.",
    )
    home: NodePath | None = Field(
        None, description="This lab's home as its nodes know it. Empty: the same path as here.", max_length=1000
    )
    program: NodePath | None = Field(
        None, description="This program's folder as its nodes know it. Empty: the same path as here.", max_length=1000
    )
    python: NodePath | None = Field(
        None, description="The interpreter on its nodes. Empty: the same path as here.", max_length=1000
    )


class RayEngine(_Cluster):
    """A Ray cluster, by the Jobs API of its dashboard."""

    kind: Literal["ray"] = "ray"
    address: Annotated[str, shaped(r"https?://[^\s\x00-\x1f@]+", "an address such as http://head:8265")] = Field(
        max_length=2000, description="Of Ray's dashboard."
    )
    token_file: NodePath | None = Field(
        None, description="File on this machine that holds the cluster's token.", max_length=1000
    )
    labels: Annotated[
        tuple[Annotated[str, shaped(_WORD + "=[^\\s=]+", "a label such as lab.io/site=a")], ...], Field(max_length=20)
    ] = Field((), description="Labels that a run's node must have.")


class SlurmEngine(_Cluster):
    """A SLURM cluster, by its command line on this machine."""

    kind: Literal["slurm"] = "slurm"
    partition: Annotated[str, shaped(_WORD, "the name of a partition")] | None = Field(None, max_length=200)
    account: Annotated[str, shaped(_WORD, "the name of an account")] | None = Field(None, max_length=200)
    constraint: Annotated[str, shaped(_WORD, "features of nodes")] | None = Field(None, max_length=200)
    hours: Annotated[float, Field(gt=0, le=100_000)] | None = Field(
        None, description="Time limit of a run. Empty: the partition's."
    )
    conf: NodePath | None = Field(None, description="slurm.conf, where it is not SLURM's default.", max_length=1000)


ClusterSettings = Annotated[RayEngine | SlurmEngine, Field(discriminator="kind")]
