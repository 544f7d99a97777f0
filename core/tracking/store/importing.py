"""MLflow, imported by one thread at a time, with its switches set before.

Its modules import each other in circles. Two threads that begin at once, such as a courier's that tells of runs and its
other that settles what dead makers left, find each other's halves: "partially initialized module 'mlflow'", and all
that is to be told waits for the next try. So whatever imports from MLflow asks for this first.
"""

from __future__ import annotations

import importlib
import os
import threading

from core.plain_text import keep_secrets_out_of_logs

SWITCHES = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # two lines among a command's own, whenever a run on a server ends
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    # left to itself MLflow tries a server that is gone for ten minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",
    "MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT": "60",
    "PGCONNECT_TIMEOUT": "10",
}
"""Where the environment does not say otherwise."""
MODULES = ("mlflow", "mlflow.exceptions", "mlflow.entities", "mlflow.store.db.utils", "mlflow.utils.search_utils")
"""All that is imported from anywhere here."""

_one = threading.Lock()
_imported = False


def import_mlflow() -> None:
    """Import it, or wait until another thread has; what is imported from it afterwards is there."""
    global _imported
    if _imported:
        return
    with _one:
        if _imported:
            return
        for name, value in SWITCHES.items():
            os.environ.setdefault(name, value)
        keep_secrets_out_of_logs()
        for name in MODULES:
            importlib.import_module(name)
        _imported = True
