"""What a clean-up would delete: a list of files, each as it was found."""

from __future__ import annotations

import fnmatch
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from core.errors import LabError
from core.home import RUN_ID, home
from core.housekeeping.known import Row, gone, rows
from core.housekeeping.tree import Found, files
from core.jobs import sweep_bin
from core.runs import RunFolder, run_folder
from core.runs.folder import CHECKPOINTS
from core.runs.states import ENDED
from core.tracking import store

OLD_S = 7 * 86_400.0
"""Seconds after which a traceback is old."""


@dataclass(frozen=True)
class Item:
    """One file that would be deleted."""

    kind: str
    """Key of `KINDS`."""
    file: Found
    frees: int
    """Bytes that are free once it is deleted; 0 where the same file stays under another name."""
    run_id: str | None
    """The run it belongs to."""

    @property
    def place(self) -> str:
        """Where it is, below the lab home."""
        return self.file.place


Lister = Callable[[dict[str, Row]], Iterator[tuple[Found, str | None]]]


@dataclass(frozen=True)
class Kind:
    """A choice of the clean-up."""

    title: str
    about: str
    """What is deleted, and what is lost with it."""
    list: Lister


def plan(kinds: Iterable[str]) -> list[Item]:
    """The files that a clean-up of these kinds would delete; nothing is changed.

    Raises LabError for a kind that there is not, and where it can't be known for sure what may go.
    """
    known = rows()
    found: list[tuple[str, Found, str | None]] = []
    for kind in dict.fromkeys(kinds):
        if kind not in KINDS:
            raise LabError(f"There is nothing called {kind!r} to clean up; allowed: {', '.join(KINDS)}.")
        found += [(kind, file, run_id) for file, run_id in KINDS[kind].list(known)]
    first = {file.place: (kind, file, run_id) for kind, file, run_id in reversed(found)}  # a file goes once
    listed = [first[place] for place in dict.fromkeys(file.place for _, file, _ in found)]
    names = Counter(file.same for _, file, _ in listed)
    items, counted = [], set()
    for kind, file, run_id in listed:
        last = names[file.same] >= file.links and file.same not in counted
        counted.add(file.same)
        items.append(Item(kind, file, file.size if last else 0, run_id))
    return items


def _tracebacks(known: dict[str, Row]) -> Iterator[tuple[Found, str | None]]:
    before = (time.time() - OLD_S) * 1e9
    return ((file, None) for file in files(home().root, "tracebacks") if file.changed < before)


def _fetched(known: dict[str, Row]) -> Iterator[tuple[Found, str | None]]:
    found = list(files(home().root, "fetched"))
    if not found:
        return
    stored = {head.run_id for head in store.heads()}  # without it nobody knows whether they can be fetched again
    for file in found:
        run_id = file.place.split("/")[1]
        if run_id in stored and not (run_id in known and known[run_id].binned):
            yield file, run_id


def _of_folders(known: dict[str, Row], may: Callable[[Row, RunFolder], bool]) -> Iterator[RunFolder]:
    for run_id, row in known.items():
        folder = run_folder(run_id) if RUN_ID.fullmatch(run_id) else None
        if folder is not None and not row.active and not row.binned and may(row, folder):
            yield folder


def _samples(known: dict[str, Row]) -> Iterator[tuple[Found, str | None]]:
    for folder in _of_folders(known, lambda row, folder: folder.has_checkpoint):
        for file in files(home().root, f"runs/{folder.run_id}/{folder.samples.name}"):
            yield file, folder.run_id


def _checkpoints(known: dict[str, Row]) -> Iterator[tuple[Found, str | None]]:
    copies = [f"artifacts/{{}}/artifacts/{CHECKPOINTS}"] if home().store_file == home().mlflow_db else []
    for folder in _of_folders(known, lambda row, folder: row.state in ENDED and folder.has_checkpoint):
        for place in (f"runs/{{}}/{CHECKPOINTS}", *copies):
            for file in files(home().root, place.format(folder.run_id)):
                if fnmatch.fnmatch(file.place.rpartition("/")[2], "stage-*.pt"):
                    yield file, folder.run_id


def _damaged(known: dict[str, Row]) -> Iterator[tuple[Found, str | None]]:
    root = home().root
    for path in sorted(root.glob("*.damaged-*")):
        yield from ((file, None) for file in files(root, path.name))
    for folder in _of_folders(known, lambda row, folder: True):
        for below in ("", f"/{folder.checkpoints.name}"):
            place = f"runs/{folder.run_id}{below}"
            for path in sorted((root / place).glob("*.damaged-*")):
                yield from ((file, folder.run_id) for file in files(root, f"{place}/{path.name}"))


def _orphans(known: dict[str, Row]) -> Iterator[tuple[Found, str | None]]:
    for place in gone(known):
        yield from ((file, place[-32:]) for file in files(home().root, place))


def _bin(known: dict[str, Row]) -> Iterator[tuple[Found, str | None]]:
    for run_id, row in known.items():
        if row.binned and RUN_ID.fullmatch(run_id):
            yield from ((file, run_id) for file in of_run(run_id))
    for sweep in sweep_bin.content():
        yield from ((file, sweep.sweep_id) for file in of_run(sweep.sweep_id))


def of_run(run_id: str) -> Iterator[Found]:
    """All files in the lab home of one run, or of one sweep, those that MLflow keeps there too."""
    for folder in ("runs", "artifacts", "fetched", "sweeps"):
        yield from files(home().root, f"{folder}/{run_id}")


KINDS: dict[str, Kind] = {
    "tracebacks": Kind(
        "Old tracebacks", "What defects of the program left, older than seven days. Nothing needs them.", _tracebacks
    ),
    "fetched": Kind(
        "Fetched copies", "Copies of files in the MLflow store. They are fetched again when they are needed.", _fetched
    ),
    "samples": Kind(
        "Sampled solutions", "Grids for the 3D view and exports. They are sampled again from the checkpoint.", _samples
    ),
    "checkpoints": Kind(
        "Checkpoints of stages",
        "Of runs that have ended, MLflow's copies too; the last and the best one stay. What is lost is a way back "
        "where the last one is damaged, and the solution of each single stage.",
        _checkpoints,
    ),
    "damaged": Kind(
        "Damaged files, set aside",
        "What `resume` and `doctor` kept when they went on without it. It can't be rescued afterwards.",
        _damaged,
    ),
    "orphans": Kind(
        "Left over from runs and sweeps that are gone",
        "Folders and artifacts whose run is neither in the job table nor in MLflow, not among the deleted ones either, "
        "and folders of sweeps that MLflow has no more or that were never whole. They hold all that is left of it.",
        _orphans,
    ),
    "bin": Kind(
        "The bin",
        "Deleted runs and sweeps with all their files and their entries in MLflow, before the time that the settings "
        "give them. They can't be restored after that.",
        _bin,
    ),
}
"""All choices, in the order in which they are offered."""
