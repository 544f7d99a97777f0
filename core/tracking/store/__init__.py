"""The MLflow store of a lab, one door: runs are created, described, moved from state to state and read here.

mlflow is imported inside the functions: it costs about two seconds, which no page should pay before its first paint.
Where the store is an SQLite file, reading needs no mlflow at all.
"""

from core.runs.states import ENDED
from core.tracking.store.artifacts import artifact, fetch_artifact, run_config, stored_config
from core.tracking.store.changes import (
    STATUS,
    create_run,
    delete_run,
    delete_tag,
    ids_tagged,
    params_of,
    restore_run,
    set_state,
    set_tag,
)
from core.tracking.store.connection import EXPERIMENT, client, experiment_id, restore_experiment
from core.tracking.store.delivery import deliver
from core.tracking.store.metrics import metric_history, metric_names, values
from core.tracking.store.mlflow_reader import search_ids
from core.tracking.store.purge import delete_files, purge_run
from core.tracking.store.records import (
    Head,
    RunRecord,
    deleted_ids,
    experiment_is_deleted,
    get_run,
    heads,
    known_ids,
    runs,
)
from core.tracking.store.revisions import tell_config
from core.tracking.store.sqlite_reader import How

__all__ = [
    "ENDED",
    "EXPERIMENT",
    "STATUS",
    "Head",
    "How",
    "RunRecord",
    "artifact",
    "client",
    "create_run",
    "delete_files",
    "delete_run",
    "delete_tag",
    "deleted_ids",
    "deliver",
    "experiment_id",
    "experiment_is_deleted",
    "fetch_artifact",
    "get_run",
    "heads",
    "ids_tagged",
    "known_ids",
    "metric_history",
    "metric_names",
    "params_of",
    "purge_run",
    "restore_experiment",
    "restore_run",
    "run_config",
    "runs",
    "search_ids",
    "set_state",
    "set_tag",
    "stored_config",
    "tell_config",
    "values",
]
