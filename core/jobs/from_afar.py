"""What the command line from afar asks of a lab: plain data in, plain data out, each deed put down to its token.

The dashboard's server answers with it at `/api/…` (`pages.parts.people.api`); `core.cli.remote` asks.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.errors import LabError, RunNotFoundError
from core.files import finite
from core.home import inside
from core.jobs import actions, board, many, table
from core.jobs.events import of_run
from core.jobs.job import Job
from core.jobs.stored import asked_before
from core.jobs.submission import submit
from core.people import RUNNER, Person, require
from core.runs import run_folder
from core.runs.folder import CERTIFICATE, CHECKPOINTS, CONFIG, HISTORY, MACHINE, SUMMARY

MOST = 1000
"""Runs in one answer."""
MOST_LOG = 1_000_000
"""Bytes of a log in one answer."""
FILES = (CONFIG, HISTORY, CERTIFICATE, SUMMARY, MACHINE)
"""Files of a run that are handed out, besides its checkpoints."""
KEY = re.compile(r"[0-9a-f]{32}")
OPTIONS = {
    "resume": {"checkpoint": str, "accept_hole": bool, "restore_config": bool},
    "retry": {"restore_config": bool},
    "delete": {"stop": bool},
}
"""What can be said with an action."""
SUBMIT = {"priority": int, "after": str, "after_any": bool, "from_after": bool, "held": bool, "batch": str}

_submitting = threading.Lock()


def whoami(person: Person) -> dict[str, Any]:
    """Who asks."""
    return {"name": person.name, "role": person.role, "id": person.sub}


def listed(limit: int = MOST) -> dict[str, Any]:
    """The runs as the board has them: those at work, those that wait, the newest that ended."""
    actions.queue(limit=1)  # a look
    seen = board.read()
    found = list(seen.entries.values())[: max(0, min(limit, MOST))]
    return {"runs": [_row(entry, entry.when(seen)) for entry in found]}


def one(text: str) -> dict[str, Any]:
    """One run, by the beginning of its id. Raises RunNotFoundError, LabError."""
    job = actions.status(whole_id(text))
    seen = board.read()
    entry = seen.entries.get(job.run_id) or board.entry_of(job)
    events = [
        {"time": event.time, "what": event.kind, "who": event.who, "before": event.before, "after": event.after}
        for event in of_run(job.folder)[-100:]
    ]
    return _row(entry, entry.when(seen)) | {"config_hash": job.config_hash, "events": events, "files": _files(job)}


def log(text: str, offset: int = 0) -> dict[str, Any]:
    """What a run has printed from a byte offset on, the offset to go on from, and whether nothing more will come."""
    run_id = whole_id(text)
    ended = actions.status(run_id).ended_for_good
    data, end = actions.logs(run_id, max(0, offset), MOST_LOG)
    return {"text": data.decode("utf-8", "replace"), "offset": end, "ended": ended and not data}


def file_of(text: str, name: str) -> Path:
    """A file of a run. Raises LabError for one that is not handed out or not there."""
    folder = run_folder(whole_id(text))
    given = name in FILES or re.fullmatch(rf"{CHECKPOINTS}/[A-Za-z0-9_.-]+\.pt", name)
    path = folder.found(name) if given else None
    if path is None:
        raise LabError(f"Run {folder} has no file {name!r} to hand out.")
    return inside(path.parent, path.name)


def submitted(asked: dict[str, Any]) -> dict[str, Any]:
    """Queue a run: `config`, with the options of `core.jobs.submit`; its id. Raises LabError.

    `key`, 32 hexadecimal digits, makes asking again harmless: the run that was made for it is the answer.
    """
    require(RUNNER)
    from core.config import parse_config

    key, config = asked.get("key"), asked.get("config")
    if not isinstance(key, str) or not KEY.fullmatch(key):
        raise LabError("key: 32 hexadecimal digits, made anew for each run.")
    options = _options({name: value for name, value in asked.items() if name not in ("key", "config")}, SUBMIT)
    if options.get("after") is not None:
        options["after"] = whole_id(options["after"])
    chosen = parse_config(config)
    with _submitting:
        run_id = asked_before(key)
        return {"run": run_id or submit(chosen, tags={"lab.asked": key}, **options), "made": run_id is None}


def done(text: str, action: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Do one of `core.jobs.many.ACTIONS` with a run; how it stands then. Raises LabError."""
    require(RUNNER)
    if action not in many.ACTIONS:
        raise LabError(f"There is no action {action!r}; it is {', '.join(many.ACTIONS)}.")
    run_id = whole_id(text)
    many.ACTIONS[action].do(run_id, **_options(asked, OPTIONS.get(action, {})))
    return {"run": run_id, "done": many.ACTIONS[action].done, "state": table.get(run_id).state}


def whole_id(text: str) -> str:
    """A run's id from its first characters. Raises RunNotFoundError for none, LabError for several."""
    if not re.fullmatch(r"[0-9a-f]{1,32}", text):
        raise RunNotFoundError(text)
    found = table.ids_beginning(text)
    if len(found) > 1:
        raise LabError(f"{text!r} fits {len(found)} runs; write more of the id.")
    if not found:
        raise RunNotFoundError(text)
    return found[0]


def _row(entry: board.Entry, when: str) -> dict[str, Any]:
    job = entry.job
    return finite(
        {
            "run": job.run_id,
            "name": job.name,
            "problem": job.problem,
            "state": job.state,
            "reason": job.reason,
            "priority": job.priority,
            "position": job.position,
            "submitted": job.submitted,
            "started": job.started,
            "ended": job.ended,
            "fraction": entry.fraction,
            "phase": entry.phase,
            "max_residual": entry.max_residual,
            "when": when,
        }
    )


def _files(job: Job) -> list[dict[str, Any]]:
    names = [*FILES, *(f"{CHECKPOINTS}/{path.name}" for path in sorted(job.folder.checkpoints.glob("*.pt")))]
    return [{"name": name, "bytes": path.stat().st_size} for name in names if (path := job.folder.file(name)).is_file()]


def _options(asked: dict[str, Any], known: dict[str, Callable[..., Any]]) -> dict[str, Any]:
    for name, value in asked.items():
        if name not in known:
            raise LabError(f"{name!r} is nothing that can be said here; it is {', '.join(known) or 'nothing'}.")
        wanted = known[name]
        if value is not None and (not isinstance(value, wanted) or (wanted is int and isinstance(value, bool))):
            raise LabError(f"{name}: {value!r} is not what it takes.")
    return {name: value for name, value in asked.items() if value is not None}
