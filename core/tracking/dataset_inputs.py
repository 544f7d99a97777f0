"""Which run used which version of which dataset: an MLflow dataset input of the run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from core.datasets import Version, columns, is_mesh, mesh
from core.home import home
from core.tracking.store.connection import client, store_errors
from core.tracking.store.importing import import_mlflow
from core.tracking.store.mlflow_reader import row_of, search_runs
from core.tracking.store.records import RunRecord, record_of
from core.tracking.tags import REVISION

CONTEXT = "lab-dataset"
"""MLflow's context of the inputs written here; other programs' inputs have others."""

LONGEST_DIGEST = 36
"""Characters that MLflow takes; the profile has the whole id."""


@dataclass(frozen=True)
class Use:
    """A run and the version that it used."""

    run_id: str
    run_name: str
    state: str
    started: float
    path: str
    git_blob: str


def log_input(run_id: str, version: Version) -> None:
    """Make a version an input of a run in MLflow. Raises RunNotFoundError, StoreError."""
    blob = version.digests.git_blob
    source = {"uri": str(home().data / version.path)}
    if is_mesh(version.path):
        schema, profile = {}, {"facets": len(mesh(version.path, blob).facets)}
    else:
        table = columns(version.path, blob, version.columns)
        schema = {"mlflow_colspec": [{"type": "double", "name": name} for name in table]}
        profile = {"rows": len(next(iter(table.values())))}
    profile |= asdict(version.digests)
    profile |= {"columns": version.columns} if version.columns else {}
    lab = client()
    with store_errors(run_id):
        import_mlflow()
        from mlflow.entities import Dataset, DatasetInput, InputTag

        texts = (json.dumps(part) for part in (source, schema, profile))
        used = Dataset(version.path, blob[:LONGEST_DIGEST], "local", *texts)
        lab.log_inputs(run_id, [DatasetInput(used, [InputTag("mlflow.data.context", CONTEXT)])])


def uses(limit: int = 10_000) -> list[Use]:
    """The runs that used a dataset, newest first. Raises StoreError."""
    with store_errors():
        found = search_runs(f"dataset.context = '{CONTEXT}'", limit)
    result = []
    for run, experiment in found:
        record = record_of(row_of(run, experiment))
        for item in run.inputs.dataset_inputs:
            blob = _blob_of(item.dataset.profile)
            ours = blob and any(tag.value == CONTEXT for tag in item.tags)
            if ours and _in_force(record, item.dataset.name, blob):
                result.append(Use(record.run_id, record.name, record.state, record.started, item.dataset.name, blob))
    return result


def _in_force(record: RunRecord, path: str, blob: str) -> bool:
    """Whether a run uses an input that was logged for it; one whose config was changed while it waited has others."""
    if REVISION not in record.tags:
        return True
    named = (("problem.dataset", "problem.dataset_version"), ("problem.domain.file", "problem.domain.version"))
    return any((record.params.get(file), record.params.get(version)) == (path, blob) for file, version in named)


def _blob_of(profile: str | None) -> str | None:
    """The version that an input's profile names; None for one that `log_input` did not write."""
    try:
        found = json.loads(profile or "{}")
    except ValueError:
        return None
    blob = found.get("git_blob") if isinstance(found, dict) else None
    return blob if isinstance(blob, str) else None
