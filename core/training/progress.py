"""Where a run stands: the phases of it, each with a name, its own progress, and how long it may take yet."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.config import CHEAP, FIRST_ORDER, RunConfig
from core.runs import RunFolder
from core.training.sigma import most_tries

TRY = 1.0
"""Weight of a try of σ likewise."""
LAYERS = "search for layers"
WIDTHS = 2
"""Further widths of a layer that are tried once there is one."""
STEPS = 5.0
"""Weight of the path before the first stage, over the most iterations of one of its steps."""
GROWTH_TRIES = 60
"""Of features and σ, in the growth after the last stage; a few more or less."""
CLOSING = 2.0
"""Weight of each phase after the last stage likewise."""
FIGURES = ("total_iterations", "max_residual", "rms_residual", "lambda", "unknowns")
INTERVAL = 0.5
"""Least seconds between two writes."""
MEMORY = 0.7
"""Weight of the rate so far beside the newest."""


@dataclass(frozen=True)
class Phase:
    """A part of a run."""

    name: str
    stage: int | None
    """None for what comes after the last stage."""
    length: int
    """Most units of it; phases may end early."""
    weight: float
    """Of the whole phase in the run's progress."""
    unit: str = "iteration"


def phases(config: RunConfig) -> list[Phase]:
    """The phases of a run, in order."""
    found = []
    if config.continuation:
        found.append(Phase("path", 0, 100, STEPS * config.continuation.iterations, "%"))
    for k, stage in enumerate(config.stages):
        if stage.fourier and stage.fourier.sigma == "search":
            tries = most_tries(config.problem.inputs, stage.iterations)
            found.append(Phase("search for σ", k, tries, TRY * tries, "try"))
        if stage.chebyshev and stage.chebyshev.layers == "found":
            tries = 1 + 2 * len(stage.chebyshev.degrees) + WIDTHS
            found.append(Phase(LAYERS, k, tries, stage.iterations * tries / 2, "try"))
        if stage.warmup.iterations:
            found.append(Phase("warm-up", k, stage.warmup.iterations, CHEAP * stage.warmup.iterations))
        each = CHEAP if stage.optimizer.kind in FIRST_ORDER else 1.0
        found.append(Phase("main", k, stage.iterations, each * stage.iterations))
    if config.growth is not None:
        found.append(Phase("growth", None, GROWTH_TRIES, TRY * GROWTH_TRIES, "try"))
    found.append(Phase("dense grid", None, 100, CLOSING, "%"))
    if config.problem.has_lambda:
        found.append(Phase("certificate", None, 100, CLOSING, "%"))
    found.append(Phase("artifacts", None, 100, CLOSING, "%"))
    return found


class Progress:
    """Says in the run's folder where it stands, at most twice a second but at each turn.

    Args:
        folder: the run's.
        config: of the run.
        quiet: nothing is said: a run that was interrupted stays as far as it came.
    """

    def __init__(self, folder: RunFolder, config: RunConfig, quiet: bool = False):
        self._folder, self._quiet = folder, quiet
        self._phases = phases(config)
        self._stages = len(config.stages)
        self._windows = config.window_count
        self._at = 0
        self._written = 0.0
        self._looked: tuple[float, float] | None = None
        self._seconds_per_unit: float | None = None
        self.span = (0.0, 1.0)
        """The share of time, by its ends, of the window that is trained; all of it where there are no windows."""
        self.clock: Callable[[], float] | None = None
        """Seconds that the run has trained, where somebody counts them."""
        known = folder.progress() or {}
        self._wall_time_s = known.get("wall_time_s", 0.0)
        self.figures: dict[str, Any] = {name: known[name] for name in FIGURES if name in known}
        """What is said besides; what was said last, until there is something newer."""

    def enter(self, name: str, stage: int | None = None, done: float = 0) -> None:
        """Go on to a phase, of which so many units are done. Raises StopIteration for one that the run has not."""
        self._at = next(k for k, phase in enumerate(self._phases) if (phase.name, phase.stage) == (name, stage))
        self._looked = self._seconds_per_unit = None
        self.write(done)

    def follow(self, config: RunConfig) -> None:
        """Go by a config that has got more stages."""
        self._phases, self._stages = phases(config), len(config.stages)

    def share(self, done: float) -> None:
        """Say that this share of the phase is done, when that is due or it is all of it."""
        if done >= 1 or self.due():
            self.write(done * self._phases[self._at].length)

    def due(self) -> bool:
        """Whether the next write is due."""
        return time.monotonic() - self._written >= INTERVAL

    def write(self, done: float, wall_time_s: float | None = None) -> None:
        """Say that `done` units of the phase are done.

        What is left of the phase is at most what it says, since phases may end early; nothing is said of those to
        come, of which nothing is known.
        """
        if self._quiet:
            return
        now = time.monotonic()
        self._written = now
        if wall_time_s is not None or self.clock:
            self._wall_time_s = self.clock() if wall_time_s is None else wall_time_s
        phase = self._phases[self._at]
        if self._looked and done > self._looked[0]:
            newest = (now - self._looked[1]) / (done - self._looked[0])
            before = newest if self._seconds_per_unit is None else self._seconds_per_unit
            self._seconds_per_unit = MEMORY * before + (1 - MEMORY) * newest
        self._looked = (done, now)
        fraction, share = self._shares(done)
        left = None if self._seconds_per_unit is None else (phase.length - done) * self._seconds_per_unit
        self._folder.write_progress(
            {
                "phase": phase.name,
                "stage": self._stages - 1 if phase.stage is None else phase.stage,
                "stages": self._stages,
                "done": done,
                "of": phase.length,
                "unit": phase.unit,
                "fraction": fraction,
                "share": share,
                "eta_s": left,
                "wall_time_s": self._wall_time_s,
                "time": time.time(),
                **self.figures,
            }
        )

    def _shares(self, done: float) -> tuple[float, float]:
        """How much of the run is done, and how much of it the present phase is."""
        phase, windows = self._phases[self._at], self._windows
        whole = sum(each.weight * (windows if each.stage is not None else 1) for each in self._phases)
        trained = sum(each.weight for each in self._phases if each.stage is not None)
        before = sum(earlier.weight for earlier in self._phases[: self._at])
        now = before + phase.weight * min(1.0, done / phase.length)
        if phase.stage is None:
            return (now + (windows - 1) * trained) / whole, phase.weight / whole
        begin, end = self.span
        made = (begin + (end - begin) * now / trained) * windows * trained
        return made / whole, phase.weight * (end - begin) * windows / whole
