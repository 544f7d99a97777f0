"""`progress.json`: where a run stands, for pages and the command line to read while it trains."""

from __future__ import annotations

import time

from core.runs import RunFolder


class ProgressFile:
    """Written at most twice a second, by rename, so that a reader never sees half of it.

    Args:
        folder: the run's.
        lengths: most iterations of each stage, warm-up included.
    """

    INTERVAL = 0.5

    def __init__(self, folder: RunFolder, lengths: list[int]):
        self._folder = folder
        self._lengths = lengths
        self._last = 0.0
        self._rate: tuple[int, float, int] | None = None
        self._seconds_per_iteration = 0.0

    def due(self) -> bool:
        """Whether the next write is due."""
        return time.monotonic() - self._last >= self.INTERVAL

    def write(
        self,
        *,
        stage: int,
        done: int,
        total: int,
        wall_time_s: float,
        max_residual: float,
        rms_residual: float,
        lam: float | None,
    ) -> None:
        """Write the state after `done` iterations of `stage`; the ETA is an upper bound, since stages may end early."""
        self._last = time.monotonic()
        if self._rate and self._rate[0] == stage and done > self._rate[2]:
            newest = (wall_time_s - self._rate[1]) / (done - self._rate[2])
            previous = self._seconds_per_iteration or newest
            self._seconds_per_iteration = 0.7 * previous + 0.3 * newest
        self._rate = (stage, wall_time_s, done)
        left = self._lengths[stage] - done + sum(self._lengths[stage + 1 :])
        data = {
            "stage": stage,
            "stages": len(self._lengths),
            "iteration": done,
            "iterations": self._lengths[stage],
            "total_iterations": total,
            "fraction": (sum(self._lengths[:stage]) + done) / sum(self._lengths),
            "eta_s": left * self._seconds_per_iteration if self._seconds_per_iteration else None,
            "wall_time_s": wall_time_s,
            "max_residual": max_residual,
            "rms_residual": rms_residual,
            "lambda": lam,
            "time": time.time(),
        }
        self._folder.write_progress(data)
