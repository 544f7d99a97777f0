"""A clean-up carried out: exactly the listed files, each if it is still what was listed and nobody needs it by now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from core.errors import LabError
from core.home import home
from core.housekeeping import tree
from core.housekeeping.known import gone, row, rows
from core.housekeeping.plan import Item, of_run
from core.jobs import events, retention, sweep_bin
from core.jobs.database import transaction
from core.people import ADMIN, needs
from core.resources import size_text
from core.runs import run_folder
from core.runs.checkpoint_file import look
from core.runs.states import ENDED

BIN = "bin"
BOOKKEEPING = ("job.json", "events.jsonl", "outbox/")


@dataclass
class Outcome:
    """What became of a plan."""

    deleted: int = 0
    """Files."""
    freed: int = 0
    """Bytes."""
    left: list[tuple[str, str]] = field(default_factory=list)
    """(place, why) of each file that was listed and is not deleted."""

    def __str__(self) -> str:
        """In one line."""
        said = f"{self.deleted:,} {'file' if self.deleted == 1 else 'files'} deleted, {size_text(self.freed)} freed"
        return said + (f"; {len(self.left):,} left: {self.left[0][1]}" if self.left else "")


@needs(ADMIN)
def carry_out(items: Iterable[Item], said: Callable[[float], None] = lambda share: None) -> Outcome:
    """Delete the files of a plan. Links are never followed, and nothing outside of the lab home is touched.

    A file that changed since it was listed is left, and so are those of a run that is at work by now, or for which
    the reason to delete them holds no longer.

    Args:
        items: of `plan`.
        said: is told which share is done.
    """
    items, outcome, root = list(items), Outcome(), home().root
    _empty_bin([item for item in items if item.kind == BIN], outcome)
    items = [item for item in items if item.kind != BIN]
    refused: dict[tuple[str, str | None], str] = {}
    emptied = set()
    gone_now = _gone_now() if any(item.kind == "orphans" for item in items) else set()
    for k, item in enumerate(items):
        key = item.kind, item.run_id
        if key not in refused:
            refused[key] = _refusal(item)
        why = refused[key]
        if item.kind == "orphans" and not why:
            folder = "/".join(item.place.split("/")[:2])
            why = "" if folder in gone_now else "its run is known again, or its folder has just changed"
        why = why or tree.delete(root, item.file)
        if why:
            outcome.left.append((item.place, why))
        else:
            outcome.deleted += 1
            outcome.freed += item.frees
            emptied.add("/".join(item.place.split("/")[:2]) if item.kind in ("orphans", "fetched") else "")
        said((k + 1) / len(items))
    for place in sorted(emptied - {""}):
        tree.prune(root, place)
        if place.startswith("sweeps/"):
            sweep_bin.remove_traces(place[-32:])
    _note_thinned(items, outcome)
    return outcome


def _empty_bin(items: list[Item], outcome: Outcome) -> None:
    """Delete the runs of the bin whose files are still those that were listed."""
    runs: dict[str, list[Item]] = {}
    for item in items:
        runs.setdefault(item.run_id or "", []).append(item)
    same = [run for run, listed in runs.items() if _lasting(item.file for item in listed) == _lasting(of_run(run))]
    why = dict.fromkeys(runs.keys() - set(same), "its run's files have changed since they were listed")
    if same:
        try:
            emptied = retention.delete_for_good(same)
        except LabError as error:
            why |= dict.fromkeys(same, str(error))
        else:
            why |= emptied.kept
    for run, listed in runs.items():
        if run in why:
            outcome.left += [(item.place, why[run]) for item in listed]
        else:
            outcome.deleted += len(listed)
            outcome.freed += sum(item.frees for item in listed)


def _lasting(files: Iterable[tree.Found]) -> set[tree.Found]:
    """A run's files without those that change when MLflow is told of it."""
    return {file for file in files if not any(f"/{name}" in file.place for name in BOOKKEEPING)}


def _note_thinned(items: list[Item], outcome: Outcome) -> None:
    """An event for each run that lost checkpoints: somebody may ask for them."""
    left = {place for place, _ in outcome.left}
    thinned = {item.run_id for item in items if item.kind == "checkpoints" and item.place not in left}
    with suppress(LabError), transaction() as connection:
        for run_id in thinned & rows().keys():
            events.record(connection, run_id, "thinned", why="a clean-up deleted the checkpoints of its stages")


def _gone_now() -> set[str]:
    try:
        return set(gone(rows()))
    except LabError:
        return set()


def _refusal(item: Item) -> str:
    """Why no file of this kind and run is to be deleted any more; empty where they may go."""
    if item.run_id is None:
        return ""
    try:
        now = row(item.run_id)
        if now is not None and now.active:
            return "its run is at work by now"
        if item.kind == "checkpoints":
            if now is None or now.state not in ENDED:
                return "its run is to go on by now"
            look(run_folder(item.run_id).last)  # of damaged ones, that of a stage may be the way back
        if item.kind == "samples" and not run_folder(item.run_id).has_checkpoint:
            return "its checkpoint is gone, so it can't be sampled again"
    except LabError as error:
        return str(error)
    return ""
