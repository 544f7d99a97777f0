"""Sweeps: many runs of one config whose fields are varied by a sampler, compared by one figure."""

from core.sweeps.actions import going, read, resume, start, stop, sweeps
from core.sweeps.deleting import delete, going_with, restore
from core.sweeps.seen import Seen

__all__ = ["Seen", "delete", "going", "going_with", "read", "restore", "resume", "start", "stop", "sweeps"]
