"""Sweeps: many runs of one config whose fields are varied by a sampler, compared by one figure."""

from core.sweeps.actions import read, resume, start, stop, sweeps

__all__ = ["read", "resume", "start", "stop", "sweeps"]
