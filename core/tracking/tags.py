"""The tags of runs: the names that programs give them here, and which are people's own."""

from __future__ import annotations

from collections.abc import Mapping

STATE, REASON = "lab.state", "lab.reason"
"""Where the run stands, one of `core.runs.states`, and why, in one sentence."""
PROBLEM, CONFIG_HASH = "lab.problem", "lab.config_hash"
"""What only runs of this program have."""
ANNOUNCED = "lab.announced"
"""Token by which a run is found whose maker was killed (`core.jobs.announced`)."""
CHECKPOINT_STEP = "lab.checkpoint.step"
"""Iteration of the checkpoint that a next stage starts from."""
NEXT_STAGE_PARENT = "lab.next_stage_parent"
"""`true` for a run that is marked to be the parent of a next stage."""
AS_ASKED = "lab.in_force"
"""Whether the config in force `matches` the one that was asked for, or `differs`."""
REPLAY_TAG, THREADS_TAG, PROCESSES_TAG = "lab.replay_of", "lab.threads", "lab.processes"
"""Of a rerun: the run that it repeats, the threads that its process is asked to use, and how many processes, those of
its source."""
COPY_TAG, BATCH = "lab.copy_of", "lab.batch"
"""The run whose config was copied; the name of the batch that a run was submitted with."""
SWEEP, TRIAL = "lab.sweep", "lab.trial"
"""The sweep that a run is a trial of, `sweep` for the run under which they are filed; which trial of it."""
REVISION, EDITED_PARAM = "lab.revision", "lab.param."
"""Of a run whose config was changed while it waited: how often, and what begins the tags that hold the params in force,
by their keys, where MLflow's own can't be changed; an empty one says that there is none any more."""
PARENT, NOTE = "mlflow.parentRunId", "mlflow.note.content"
"""MLflow's own, and shown by its pages: the run it is filed under, and people's note."""
PROVENANCE = "provenance."
"""Begins the tags that repeat `core.provenance.provenance`."""
WAY = PROVENANCE + "path"
"""The way that a run came from its parent's problem, in words (`core.runs.path.travelled`)."""
WINDOWS = PROVENANCE + "windows"
"""The windows of time that a run went through, in words (`core.runs.windows.marched`)."""

PROGRAMS = ("mlflow.", "lab.", PROVENANCE)
"""Prefixes of the tags that programs set; the others are people's."""


def people_tags(tags: Mapping[str, str]) -> list[str]:
    """Those of a run's tags that people gave it, as key=value, without the note."""
    return [f"{key}={value}" for key, value in tags.items() if not key.startswith(PROGRAMS)]
