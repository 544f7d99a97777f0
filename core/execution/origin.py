"""Where the result of a run comes from, written down by the process that trains it."""

from __future__ import annotations

import hashlib

import torch

from core.config import RunConfig
from core.provenance import code, environment, provenance
from core.runs import RunFolder
from core.tracking.tags import PROVENANCE


def record_provenance(folder: RunFolder, config: RunConfig) -> dict[str, str]:
    """Facts, uncommitted changes and installed packages: in the run's folder, for the store, and as tags.

    Returns the facts. Raises OSError.
    """
    device = config.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    facts = provenance(config.seed, device)
    files = folder.write_provenance(facts, code().diff, environment())
    if folder.problem_source.exists():
        digest = hashlib.sha256(folder.problem_source.read_bytes()).hexdigest()
        facts = facts | {"problem.sha256": digest}
        files.append(folder.problem_source)
    tags = {PROVENANCE + key: value for key, value in facts.items()}
    folder.outbox.put(tags=tags | {"mlflow.source.git.commit": facts["git.commit"]})
    folder.outbox.put(artifacts=[(path.name, "") for path in files])
    return facts
