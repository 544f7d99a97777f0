"""Sweeps: many runs of one config whose fields are varied by a sampler, compared by one figure."""

from core.sweeps.actions import Seen, going, read, resume, start, stop, sweeps

__all__ = ["Seen", "going", "read", "resume", "start", "stop", "sweeps"]
