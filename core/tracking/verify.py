"""Verify: whether a rerun repeated its source, by their whole histories, with the environments of both."""

from __future__ import annotations

import math

import numpy as np

from core.config import Difference, differences
from core.errors import LabError
from core.provenance import NAMES, shown
from core.runs import RunFolder
from core.runs.folder import HISTORY, PACKAGES
from core.runs.history import INTEGERS
from core.tracking import store
from core.tracking.store import RunRecord
from core.tracking.tags import PROVENANCE
from core.tracking.verdict import WITHIN, Column, Fact, Verdict

NOT_COMPARED = ("wall_time_s", "device_memory_mb")
"""Columns of a history that no rerun repeats."""


def verify(source: RunFolder, rerun: RunFolder) -> Verdict:
    """Compare the histories of two runs, column by column and iteration by iteration, where both have them.

    A run that was cut short is compared as far as it came. Raises LabError when one of them has no history.
    """
    if source == rerun:
        raise LabError("A run can't be verified against itself; choose its rerun.")
    histories = history_of(source), history_of(rerun)
    records = store.get_run(source.run_id), store.get_run(rerun.run_id)
    lengths = tuple(len(history["iteration"]) for history in histories)
    common = min(lengths)
    iteration = histories[0]["iteration"]
    columns, beyond = [], []
    shared = [name for name in histories[0] if name in histories[1] and name not in NOT_COMPARED]
    for name in shared:
        column, over = _column(name, *(history[name][:common] for history in histories), iteration)
        columns.append(column)
        beyond += [over] if over is not None else []
    froms = [column.from_iteration for column in columns if column.from_iteration is not None]
    largest = max((column.largest for column in columns if column.curve), default=0.0)
    shorter = records[0] if lengths[0] < lengths[1] else records[1]
    if lengths[0] != lengths[1] and shorter.state == "finished":
        beyond.append(int(iteration[common - 1]) + 1)
        froms.append(beyond[-1])
        largest = math.inf
    return Verdict(
        outcome="different" if beyond else "within tolerance" if froms else "bit-identical",
        compared=common,
        iterations=lengths,
        states=(records[0].state, records[1].state),
        largest=largest,
        from_iteration=min(froms, default=None),
        beyond_iteration=min(beyond, default=None),
        columns=tuple(columns),
        unshared=tuple(sorted({*histories[0], *histories[1]} - {*shared, *NOT_COMPARED})),
        environment=_environment(*records),
        packages=_packages(*records),
        config=differences(store.run_config(source), store.run_config(rerun)),
    )


def _column(name: str, a: np.ndarray, b: np.ndarray, iteration: np.ndarray) -> tuple[Column, int | None]:
    """How two columns (n,) compare, and the first iteration at which they differ by more than the tolerance."""
    curve = name in ("loss", "max_residual", "lambda", *INTEGERS) or name.startswith("rms_")
    unequal = ~((a == b) | (np.isnan(a) & np.isnan(b)))
    if not unequal.any():
        return Column(name, None, 0.0, curve), None
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.abs(a - b) / np.maximum(np.abs(a), np.abs(b))
    relative = np.where(unequal, np.nan_to_num(relative, nan=np.inf), 0.0)
    over = unequal if name in INTEGERS else relative > WITHIN
    found = Column(name, int(iteration[np.flatnonzero(unequal)[0]]), float(relative.max()), curve)
    return found, int(iteration[np.flatnonzero(over)[0]]) if curve and over.any() else None


def history_of(folder: RunFolder) -> dict[str, np.ndarray]:
    """A run's history from its own folder, else from the store, where a run leaves it at its end.

    Raises LabError where there is none, or it is damaged.
    """
    if not folder.history.exists():
        store.get_run(folder.run_id)
        store.fetch_artifact(folder, HISTORY)
    history = folder.whole_history()
    missing = () if history is None else [*([history.damage] if history.damage else []), *history.holes]
    if missing:  # rows would be held against others of their place
        raise LabError(f"Run {folder} can't be compared. {missing[0]}")
    if history is None or not len(history.columns.get("iteration", ())):
        raise LabError(f"Run {folder} has no history to compare: it left none here or in the store.")
    return history.columns


def _environment(source: RunRecord, rerun: RunRecord) -> tuple[Fact, ...]:
    def fact(record: RunRecord, key: str) -> str:
        unsaid = "1" if key == "processes" else "not recorded"  # there were no others before it was said
        return shown(key, record.tags.get(PROVENANCE + key, unsaid))

    return tuple(Fact(name, fact(source, key), fact(rerun, key)) for key, name in NAMES.items() if key != "seed")


def _packages(source: RunRecord, rerun: RunRecord) -> tuple[Difference, ...]:
    locks = [record.tags.get(PROVENANCE + "environment") for record in (source, rerun)]
    if locks[0] == locks[1] or None in locks:
        return ()
    first, second = (_versions(store.artifact(record.folder, PACKAGES)) for record in (source, rerun))
    names = sorted({*first, *second})
    return tuple(Difference(n, first.get(n), second.get(n)) for n in names if first.get(n) != second.get(n))


def _versions(lock: bytes | None) -> dict[str, str]:
    """Package → version in a file as `pip freeze` writes it."""
    lines = (lock or b"").decode().splitlines()
    return {name: number for name, equals, number in (line.partition("==") for line in lines) if equals}
