"""The runs that a report is about where a sweep is named: those that are filed under the run that stands for it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.runs import RunFolder
from core.tracking import store
from core.tracking.store import RunRecord
from core.tracking.tags import SWEEP

BEST = ("dense_max_residual", "max_residual")
"""Metrics by which the runs of a sweep are put in order, the first of them that a run has; the least stands first."""


def trials(top: RunRecord) -> list[RunFolder]:
    """The runs of a sweep, the best first; nothing where a run is none.

    A run stands for a sweep where this program tagged it so; of another program's where it did nothing itself and runs
    are filed under it. Runs that continue another are filed under it, too, and are no sweep.
    """
    did_nothing = not top.problem and not top.metrics
    if top.tags.get(SWEEP) != "sweep" and not did_nothing:
        return []
    found = [record for record in store.runs() if record.parent == top.run_id]
    return [record.folder for record in sorted(found, key=_rank)]


def _rank(record: RunRecord) -> tuple[float, float]:
    known = [record.metrics[name] for name in BEST if math.isfinite(record.metrics.get(name, math.nan))]
    return known[0] if known else math.inf, record.started


def meant(folders: Sequence[RunFolder]) -> tuple[list[RunFolder], str]:
    """The runs that are meant by those named, each once, and the name of the sweep where one is named and nothing else.

    A sweep without runs stays what it is.
    """
    listed = {record.run_id: record for record in store.runs()}
    found: list[RunFolder] = []
    sweeps = []
    for folder in dict.fromkeys(folders):
        top = listed.get(folder.run_id)
        under = [] if top is None else trials(top)
        sweeps += [top.name] if under else []
        found += under or [folder]
    return list(dict.fromkeys(found)), sweeps[0] if len(sweeps) == len(set(folders)) == 1 else ""
