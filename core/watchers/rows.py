"""Rows of a history as rules look at them: which of them may be compared with which.

A loss is compared within a segment alone. One begins where the loss has another scale: with a stage or a phase, with
points that are drawn anew, with each λ of a funnel, and with each row of a path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.config import FIRST_ORDER
from core.runs.history import PATH, WARMUP


@dataclass(frozen=True)
class Rows:
    """A part of a history, each array (n,)."""

    iteration: np.ndarray
    stage: np.ndarray
    wall_time_s: np.ndarray
    """Seconds of training."""
    loss: np.ndarray
    lam: np.ndarray
    """λ; NaN where there is none."""
    starts: np.ndarray
    """Whether a segment begins with the row."""
    own: np.ndarray
    """Whether the present attempt wrote it, and not an earlier one."""
    coarse: np.ndarray
    """Whether the trainer may have been computing in less than float64, where it mends what is not finite itself."""

    def __len__(self) -> int:
        return len(self.iteration)

    def from_own(self) -> Rows | None:
        """The rows of the present attempt alone, the first of which begins a segment; None where there are none."""
        if self.own.all():
            return self
        first = int(np.argmax(self.own))
        if not self.own[first]:
            return None
        return Rows(**{name: getattr(self, name)[first:] for name in Rows.__dataclass_fields__})


class Segments:
    """Marks where segments begin, part after part of one history.

    Args:
        config: of the run, as it was written.
        on_cpu: it trains on a CPU, where nobody computes in less than float64 unless the config says so.
    """

    def __init__(self, config: Mapping[str, Any], on_cpu: bool = False):
        stages = [stage if isinstance(stage, dict) else {} for stage in config.get("stages") or []]
        # one more, for a stage that the config does not have
        self._redraws = np.array([*(_whole(_part(stage, "collocation").get("resample_every")) for stage in stages), 0])
        self._coarse = np.array([*(_coarse(stage, on_cpu) for stage in stages), (False, False)])
        self._funnel = _part(config, "lambda").get("mode") == "funnel"
        self._last = (np.nan, np.nan, np.nan)  # stage, phase, λ of the last row
        self._base = 0.0  # iterations before the present phase

    def rows(self, columns: Mapping[str, np.ndarray], own: np.ndarray) -> Rows:
        """The next part of the history, as `core.runs.history_stream` reads it; own (n,): the present attempt's."""
        n = len(own)
        values = {
            name: np.asarray(columns.get(name, np.full(n, np.nan)), dtype=float)
            for name in ("iteration", "stage", "phase", "wall_time_s", "loss", "lambda")
        }
        iteration, stage, phase, lam = (values[name] for name in ("iteration", "stage", "phase", "lambda"))
        turns = _differs(stage, self._last[0]) | _differs(phase, self._last[1])
        starts = turns | (phase == PATH)  # each step of a path has another problem
        if self._funnel:
            starts |= _differs(lam, self._last[2]) & (stage == 0)
        place = np.maximum.accumulate(np.where(turns, np.arange(n), -1))
        base = np.where(place >= 0, iteration[np.maximum(place, 0)] - 1, self._base)
        at = np.where((stage >= 0) & (stage < len(self._redraws) - 1), stage, -1).astype(int)
        every, before = self._redraws[at], iteration - base - 1  # iterations of the phase before this one
        starts |= (every > 0) & (before > 0) & (np.mod(before, np.maximum(every, 1)) == 0)
        coarse = self._coarse[at, np.where(phase == WARMUP, 0, 1)]
        if n:
            self._last, self._base = (stage[-1], phase[-1], lam[-1]), float(base[-1])
        return Rows(iteration, stage, values["wall_time_s"], values["loss"], lam, starts, own, coarse)


def _part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _whole(value: Any) -> int:
    return value if type(value) is int and value < 2**53 else 0


def _coarse(stage: Mapping[str, Any], on_cpu: bool) -> tuple[bool, bool]:
    """Whether a stage's warm-up and its main phase may compute in less than float64."""
    full = ("float64", "auto") if on_cpu else ("float64",)
    first_order = _part(stage, "optimizer").get("kind") in (*FIRST_ORDER, "auto")
    warmup = _part(stage, "warmup").get("precision", "auto")
    return warmup not in full, first_order and stage.get("precision", "auto") not in full


def _differs(values: np.ndarray, before: float) -> np.ndarray:
    """Whether each value (n,) is another than the one before it."""
    earlier = np.concatenate([[before], values])[:-1]
    return (values != earlier) & ~(np.isnan(values) & np.isnan(earlier))
