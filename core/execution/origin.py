"""Where the result of a run comes from, written down by the process that trains it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch

from core.config import RunConfig
from core.errors import LabError
from core.provenance import code, environment, provenance
from core.runs import RunFolder
from core.runs.folder import parent_folder
from core.runs.path import travelled
from core.runs.windows import marched
from core.tracking.tags import PROVENANCE, WAY, WINDOWS


def record_provenance(folder: RunFolder, config: RunConfig, processes: int = 1) -> dict[str, str]:
    """Facts, uncommitted changes and installed packages: in the run's folder, for the store, and as tags.

    A run that goes on with another number of processes says all of them, the last one last: 2, then 3.

    Returns the facts. Raises OSError.
    """
    device = config.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    facts = provenance(config.seed, device, processes)
    if folder.has_checkpoint and (before := folder.facts().get("processes")):
        if before.rpartition(" ")[2] != facts["processes"]:
            facts["processes"] = f"{before}, then {facts['processes']}"
        else:
            facts["processes"] = before
    if (start := start_of(config)) is not None and start.exists():
        digest = hashlib.sha256(start.read_bytes()).hexdigest()
        facts = facts | {"parent.run": config.parent, "parent.checkpoint": start.stem, "parent.sha256": digest}
    if config.continuation is not None:
        facts = facts | {"path.parameter": config.continuation.path}
    files = folder.write_provenance(facts, code().diff, environment())
    if folder.problem_source.exists():
        digest = hashlib.sha256(folder.problem_source.read_bytes()).hexdigest()
        facts = facts | {"problem.sha256": digest}
        files.append(folder.problem_source)
    tags = {PROVENANCE + key: value for key, value in facts.items()}
    folder.outbox.put(tags=tags | {"mlflow.source.git.commit": facts["git.commit"]})
    folder.outbox.put(artifacts=[(path.name, "") for path in files])
    return facts


def record_path(folder: RunFolder) -> dict[str, str]:
    """The way that a run came from its parent's problem, as a fact that is also a tag; none for a run without one."""
    try:
        steps = folder.path_steps()
    except LabError as error:
        return {"path": str(error)}
    facts = {"path": travelled(steps)} if steps else {}
    if facts:
        folder.outbox.put(tags={WAY: facts["path"]})
    return facts


def record_windows(folder: RunFolder) -> dict[str, str]:
    """The windows of time of a run, as a fact that is also a tag; none for a run without."""
    try:
        steps = folder.windows()
    except LabError as error:
        return {"windows": str(error)}
    facts = {"windows": text} if (text := marched(steps)) else {}
    if facts:
        folder.outbox.put(tags={WINDOWS: facts["windows"]})
    return facts


def start_of(config: RunConfig) -> Path | None:
    """The parent's checkpoint that a run starts from: the best where that is asked for and kept, else the last.

    None for a run without a parent.
    """
    folder = parent_folder(config)
    if folder is None:
        return None
    best = folder.checkpoints / "best.pt"
    return best if config.parent_checkpoint == "best" and best.exists() else folder.last
