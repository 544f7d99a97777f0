"""Clusters that a lab may hand runs to, as its settings name them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from core.frozen import Frozen, shaped

_PATH = r"/[^\x00-\x1f\x7f]*"
EngineName = Annotated[str, shaped(r"[a-z][a-z0-9-]{0,30}", "small letters, digits and hyphens, such as cluster-a")]
NodePath = Annotated[str, shaped(_PATH, "a path from the root on, such as /shared/lab")]
_WORD = r"[A-Za-z0-9_.:,/&|*-]+"
_ADDRESS = "http:// or https:// and a host, with its port behind a colon"
_SAME_PATH = {"empty": "the same as here"}


def _with_host(address: str) -> str:
    """An address whose host and port are some. Raises ValueError."""
    from urllib.parse import urlsplit  # for labs with a Ray cluster: each worker reads settings

    try:
        parts = urlsplit(address)
        known = parts.hostname and parts.port != 0  # urllib looks at a port when it is asked for
    except ValueError:
        known = False
    if not known:
        raise ValueError(f"it should be {_ADDRESS}")
    return address


class _Cluster(Frozen):
    """What engines of clusters have in common. The folders `runs` and `data` of the lab home lie on a shared path."""

    name: EngineName = Field(description="As runs ask for it: --engine NAME, and Where on Launch.")
    gpus_per_run: int = Field(
        1, ge=1, le=64, title="GPUs of each run", description="Of a run that asks for a GPU, or for any device."
    )
    cpus_per_run: int = Field(
        1, ge=1, le=1024, title="Cores of each run", description="Of every run, one that has GPUs, too."
    )
    memory_gb: Annotated[float, Field(gt=0, le=100_000)] | None = Field(
        None,
        title="Memory of each run (GB)",
        description="Of each run. Empty: the engine's own default.",
        json_schema_extra={"empty": "the engine's own"},
    )
    most: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        None,
        title="Most runs at a time",
        description="Runs that are handed over at a time; others wait in the lab's queue, where they can be moved and "
        "edited. Empty: one more than the engine has slots.",
        json_schema_extra={"empty": "its slots, and one"},
    )
    home: NodePath | None = Field(
        None,
        title="Lab home there",
        description="This lab's home as its nodes know it. Empty: the same path as here.",
        max_length=1000,
        json_schema_extra=_SAME_PATH,
    )
    program: NodePath | None = Field(
        None,
        title="Program there",
        description="This program's folder as its nodes know it. Empty: the same path as here.",
        max_length=1000,
        json_schema_extra=_SAME_PATH,
    )
    python: NodePath | None = Field(
        None,
        title="Python there",
        description="The interpreter on its nodes. Empty: the same path as here.",
        max_length=1000,
        json_schema_extra=_SAME_PATH,
    )


class RayEngine(_Cluster):
    """A Ray cluster, by the Jobs API of its dashboard."""

    kind: Literal["ray"] = "ray"
    address: Annotated[str, shaped(r"https?://[^\s\x00-\x1f\x7f@?#]+", _ADDRESS), AfterValidator(_with_host)] = Field(
        max_length=2000, description="Of Ray's dashboard, such as http://head:8265."
    )
    token_file: NodePath | None = Field(
        None,
        title="Token file",
        description="File on this machine that holds the cluster's token, mode 600. Empty: it asks for none.",
        max_length=1000,
        json_schema_extra={"empty": "no token"},
    )
    labels: Annotated[
        tuple[Annotated[str, shaped(_WORD + "=[^\\s=]+", "a label such as lab.io/site=a")], ...], Field(max_length=20)
    ] = Field(
        (),
        title="Labels of nodes",
        description="Labels that a run's node must have, a line each: lab.io/site=a.",
        json_schema_extra={"lines": True},
    )


class SlurmEngine(_Cluster):
    """A SLURM cluster, by its command line on this machine."""

    kind: Literal["slurm"] = "slurm"
    partition: Annotated[str, shaped(_WORD, "the name of a partition")] | None = Field(
        None,
        max_length=200,
        description="Its nodes are those that runs may go to. Empty: SLURM's default.",
        json_schema_extra={"empty": "SLURM's default"},
    )
    account: Annotated[str, shaped(_WORD, "the name of an account")] | None = Field(
        None,
        max_length=200,
        description="That runs are charged to. Empty: SLURM's default.",
        json_schema_extra={"empty": "SLURM's default"},
    )
    constraint: Annotated[str, shaped(_WORD, "features of nodes")] | None = Field(
        None, max_length=200, description="Features that a run's node must have, as sbatch takes them."
    )
    hours: Annotated[float, Field(gt=0, le=100_000)] | None = Field(
        None,
        title="Time limit (hours)",
        description="Time limit of a run. Empty: the partition's.",
        json_schema_extra={"empty": "the partition's"},
    )
    conf: NodePath | None = Field(
        None,
        title="slurm.conf",
        description="slurm.conf, where it is not SLURM's default.",
        max_length=1000,
        json_schema_extra={"empty": "SLURM's default"},
    )


ClusterSettings = Annotated[RayEngine | SlurmEngine, Field(discriminator="kind")]
