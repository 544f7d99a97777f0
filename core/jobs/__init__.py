"""Jobs: runs as processes that outlive whoever started them."""

from core.jobs.actions import (
    begin_here,
    capacity,
    ensure,
    logs,
    pause,
    queue,
    resume,
    retry,
    status,
    stop,
    submit,
    tail,
)
from core.jobs.engine import Engine, Slot
from core.jobs.job import Job

__all__ = [
    "Engine",
    "Job",
    "Slot",
    "begin_here",
    "capacity",
    "ensure",
    "logs",
    "pause",
    "queue",
    "resume",
    "retry",
    "status",
    "stop",
    "submit",
    "tail",
]
