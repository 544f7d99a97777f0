"""Where the result of a run comes from, written down by the process that trains it."""

from __future__ import annotations

import hashlib

import torch

from core.config import RunConfig
from core.provenance import code, environment, provenance
from core.runs import RunFolder
from core.tracking import store
from core.tracking.tags import PROVENANCE


def record_provenance(folder: RunFolder, config: RunConfig) -> None:
    """Facts, uncommitted changes and installed packages: in the run's folder, in the store and as tags."""
    device = config.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    run_id, client = folder.run_id, store.client()
    facts = provenance(config.seed, device)
    for key, value in facts.items():
        client.set_tag(run_id, PROVENANCE + key, value)
    client.set_tag(run_id, "mlflow.source.git.commit", facts["git.commit"])
    files = folder.write_provenance(facts, code().diff, environment())
    if folder.problem_source.exists():
        digest = hashlib.sha256(folder.problem_source.read_bytes()).hexdigest()
        client.set_tag(run_id, PROVENANCE + "problem.sha256", digest)
        files.append(folder.problem_source)
    for path in files:
        client.log_artifact(run_id, str(path))
