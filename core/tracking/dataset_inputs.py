"""Which run used which version of which dataset: an MLflow dataset input of the run."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from core.datasets import Version, columns
from core.home import home
from core.tracking import store


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
    """Make a version an input of a run in MLflow. Raises StoreError."""
    table = columns(version.path, version.digests.git_blob)
    store.log_dataset(
        run_id,
        name=version.path,
        digest=version.digests.git_blob,
        source=str(home().data / version.path),
        schema={"mlflow_colspec": [{"type": "double", "name": name} for name in table]},
        profile={"rows": len(next(iter(table.values()))), **asdict(version.digests)},
    )


def uses(limit: int = 10_000) -> list[Use]:
    """The runs that used a dataset, newest first. Raises StoreError."""
    return [
        Use(run.run_id, run.name, run.state, run.started, name, profile["git_blob"])
        for run, name, profile in store.dataset_inputs(limit)
    ]
