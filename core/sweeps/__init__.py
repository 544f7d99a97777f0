"""Sweeps: many runs of one config whose fields are varied by a sampler, compared by one figure."""

from core.sweeps.actions import going, read, resume, start, stop, sweeps
from core.sweeps.seen import Seen

__all__ = ["Seen", "going", "read", "resume", "start", "stop", "sweeps"]
