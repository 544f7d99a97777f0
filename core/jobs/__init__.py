"""Jobs: runs as processes that outlive whoever started them."""

from core.jobs.actions import (
    capacity,
    deliver,
    ensure,
    logs,
    pause,
    queue,
    resume,
    retry,
    status,
    stop,
    tail,
    untold,
)
from core.jobs.batch import submit_many
from core.jobs.editing import (
    ChangedMeanwhileError,
    check_editable,
    duplicate,
    edit,
    name_of_copy,
    send,
    set_after,
    wait_of,
)
from core.jobs.engines.contract import Engine, Slot
from core.jobs.job import Job
from core.jobs.looking import keep_looking
from core.jobs.queueing import hold, move, move_before, release, remove, set_priority
from core.jobs.submission import begin_here, submit
from core.jobs.troubles import troubles
from core.jobs.waiting import waits_because

__all__ = [
    "ChangedMeanwhileError",
    "Engine",
    "Job",
    "Slot",
    "begin_here",
    "capacity",
    "check_editable",
    "deliver",
    "duplicate",
    "edit",
    "ensure",
    "hold",
    "keep_looking",
    "logs",
    "move",
    "move_before",
    "name_of_copy",
    "pause",
    "queue",
    "release",
    "remove",
    "resume",
    "retry",
    "send",
    "set_after",
    "set_priority",
    "status",
    "stop",
    "submit",
    "submit_many",
    "tail",
    "troubles",
    "untold",
    "wait_of",
    "waits_because",
]
