"""Jobs: runs as processes that outlive whoever started them."""

from core.jobs.actions import (
    begin_here,
    capacity,
    deliver,
    ensure,
    keep_looking,
    logs,
    pause,
    queue,
    resume,
    retry,
    status,
    stop,
    submit,
    tail,
    untold,
)
from core.jobs.engine import Engine, Slot
from core.jobs.job import Job

__all__ = [
    "Engine",
    "Job",
    "Slot",
    "begin_here",
    "capacity",
    "deliver",
    "ensure",
    "keep_looking",
    "logs",
    "pause",
    "queue",
    "resume",
    "retry",
    "status",
    "stop",
    "submit",
    "tail",
    "untold",
]
