"""The MLflow store, what waits for it, and what is in it of nobody."""

from __future__ import annotations

from core.doctor.finding import Finding
from core.errors import ExperimentDeletedError, LabError
from core.home import home
from core.plain_text import fit_to_show
from core.resources import size_text


def store_finding() -> Finding:
    """Whether the store answers."""
    from core.tracking import store

    try:
        store.experiment_id()
        return Finding("store", True, f"{len(store.runs(limit=1000))} runs (at most 1000 counted)")
    except LabError as error:
        return Finding("store", False, str(error), _answering_again(error))


def _answering_again(error: LabError) -> str:
    if isinstance(error, ExperimentDeletedError):
        return "`python -m core doctor --restore` brings it back, with its runs."
    path = home().store_file
    if path is None:
        address = fit_to_show(home().tracking_uri)
        return (
            f"Start the server of {address}, or unset MLFLOW_TRACKING_URI to keep runs in the lab home. Runs that are "
            "at work go on, and what they leave is delivered once it answers."
        )
    if "locked" in str(error):
        return f"Another program holds it: `fuser -v '{path}'` names it. What waits is delivered once it lets go."
    return (
        f"`mv '{path}' '{path}.damaged-1'` sets the file aside, and a new one is made. Runs stay on Watch with what is "
        "in their folders; Compare then knows only those that are made after it, so look for a backup first."
    )


def delivery() -> Finding:
    """Have the store told what it does not know of ended runs, and say what is left."""
    from core import jobs
    from core.jobs.sync import DELETED

    remedy = "See to the store, then `python -m core doctor` delivers at once; `python -m core logs RUN` has the rest."
    try:
        left = jobs.deliver()
    except LabError as error:
        return Finding("delivery", False, str(error), remedy)
    deleted = [run_id for run_id, why in left.items() if why == DELETED]
    waiting = [run_id for run_id in left if run_id not in deleted]
    words = [f"{run_id[:8]} is not yet in MLflow: {left[run_id]}" for run_id in waiting[:3]]
    if len(waiting) > 3:
        words.append(f"{len(waiting) - 3} more runs likewise.")
    if waiting:
        words.append("What they left is in their folders and is delivered once the store takes it.")
    if deleted:
        words.append(f"Deleted from MLflow, and kept in their folders: {', '.join(each[:8] for each in deleted)}.")
    detail = " ".join(words) or "MLflow has all that ended runs left"
    return Finding("delivery", not waiting, detail, remedy if waiting else "")


def orphans() -> Finding:
    """Folders and artifacts of runs that are gone."""
    from core.housekeeping import plan

    try:
        items = plan(["orphans"])
    except LabError as error:
        return Finding("left over", True, f"not known: {error}")
    if not items:
        return Finding("left over", True, "nothing of runs that are gone")
    runs = len({item.run_id for item in items})
    detail = f"{len(items)} files of {runs} runs that are gone, {size_text(sum(item.frees for item in items))}"
    return Finding("left over", True, detail, "`python -m core clean --what orphans` lists them.")
