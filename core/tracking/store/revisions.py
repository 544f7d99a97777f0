"""A config that was changed while its run waited, told to MLflow, whose params can't be changed.

What MLflow logged first stays in its params; tags (`EDITED_PARAM`) hold what is in force where that differs, and the
artifact, the name and the other tags are replaced. Readers here see the params in
force (`core.tracking.store.records`).
"""

from __future__ import annotations

from core.names import mlflow_keys
from core.plain_text import fit_to_show
from core.runs import RunFolder
from core.runs.folder import CONFIG
from core.tracking.store.changes import names_of, params_of
from core.tracking.store.connection import client, first_line, store_errors
from core.tracking.store.importing import import_mlflow
from core.tracking.store.records import params_in_force
from core.tracking.tags import CONFIG_HASH, EDITED_PARAM, PARENT, PROBLEM, REVISION

MOST_TAGS = 100
"""What MLflow takes at once."""


def tell_config(folder: RunFolder, revision: int) -> str:
    """Have MLflow know the present config of a run's folder, unless it knows this revision of it already.

    Returns why the artifact could not be given, in one sentence; empty when all is told. May be cut off anywhere and
    done again. Raises StoreError, RunNotFoundError, and ConfigError for a config that can't be read.
    """
    lab, run_id = client(), folder.run_id
    with store_errors(run_id):
        data = lab.get_run(run_id).data
    if data.tags.get(REVISION) == str(revision):
        return ""
    reading = folder.config()
    if reading is None:
        return ""
    try:
        lab.log_artifact(run_id, str(folder.file(CONFIG)))
    except Exception as error:  # each kind of artifact store has its own
        return f"{CONFIG} was not taken: {fit_to_show(first_line(error))}."
    config = reading.config
    leaves = params_of(config)
    now = {key: leaves[name] for name, key in mlflow_keys(leaves).items()}
    before = params_in_force(data.params, data.tags)
    edited = {
        EDITED_PARAM + key: now.get(key, "") for key in before.keys() | now.keys() if now.get(key) != before.get(key)
    }
    tags = {PROBLEM: config.problem.kind, CONFIG_HASH: config.hash, "mlflow.runName": config.name or run_id[:8]}
    tags |= names_of(config) | edited
    if config.parent:
        tags[PARENT] = config.parent
    with store_errors(run_id):
        import_mlflow()
        from mlflow.entities import RunTag

        if not config.parent and data.tags.get(PARENT) and data.tags[PARENT] == before.get("parent"):
            lab.delete_tag(run_id, PARENT)
        items = [RunTag(key, value) for key, value in tags.items()]
        for start in range(0, len(items), MOST_TAGS):
            lab.log_batch(run_id, tags=items[start : start + MOST_TAGS])
        lab.set_tag(run_id, REVISION, str(revision))
    return ""
